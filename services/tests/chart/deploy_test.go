package chart_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// check is what chartcheck says of a file below the root.
func check[T any](t *testing.T, what, path string) T {
	t.Helper()
	out, problems := run(t, "chartcheck", what, filepath.Join(root, path))
	if problems != "" {
		t.Fatal(problems)
	}
	return parsed[T](t, out)
}

func TestTheComposeFileRunsEveryTarget(t *testing.T) {
	cmd := readCommands(t)
	file := check[doc](t, "compose", "deploy/compose.yaml")
	services, _ := file["services"].(doc)
	var serving []string
	for name, s := range services {
		for _, p := range list(s, "ports") {
			if text(p, "host_ip") != "127.0.0.1" {
				t.Errorf("%s: the port %s is open to the network", name, text(p, "published"))
			}
		}
		if !strings.HasPrefix(text(s, "image"), "evenkeel:") {
			if image := text(s, "image"); !regexp.MustCompile(`:[0-9]`).MatchString(image) {
				t.Errorf("%s: the image %s has no version", name, image)
			}
			continue
		}
		var args []string
		for _, a := range list(s, "command") {
			args = append(args, fmt.Sprint(a))
		}
		env := map[string]string{}
		set, _ := at(s, "environment").(doc)
		for k, v := range set {
			env[k] = fmt.Sprint(v)
		}
		for _, p := range cmd.problems(args, env) {
			t.Errorf("%s: %s", name, p)
		}
		if text(s, "read_only") != "true" || text(s, "cap_drop") != "[ALL]" || text(s, "user") != "65532:65532" {
			t.Errorf("%s: runs with more rights than it needs", name)
		}
		if args[0] == "serve" {
			serving = append(serving, name)
			if !slices.Contains(args, "--target="+name) {
				t.Errorf("%s: runs %v", name, args)
			}
			for _, need := range []string{"migrate", "kafka"} {
				if at(s, "depends_on", need) == nil {
					t.Errorf("%s: does not wait for %s", name, need)
				}
			}
		}
	}
	slices.Sort(serving)
	slices.Sort(cmd.targets)
	if !slices.Equal(serving, cmd.targets) {
		t.Errorf("compose runs %v, the targets are %v", serving, cmd.targets)
	}

	collector := check[doc](t, "yaml", "deploy/otel-collector.yaml")
	var scraped []string
	for _, a := range list(collector, "receivers", "prometheus", "config", "scrape_configs", 0, "static_configs", 0, "targets") {
		scraped = append(scraped, strings.TrimSuffix(fmt.Sprint(a), ":9091"))
	}
	slices.Sort(scraped)
	if !slices.Equal(scraped, serving) {
		t.Errorf("the collector reads the metrics of %v, compose runs %v", scraped, serving)
	}
	pipelines, _ := at(collector, "service", "pipelines").(doc)
	for name, p := range pipelines {
		for _, part := range []string{"receivers", "processors", "exporters"} {
			for _, c := range list(p, part) {
				if have, _ := collector[part].(doc); !slices.Contains(slices.Collect(maps.Keys(have)), fmt.Sprint(c)) {
					t.Errorf("the collector's pipeline %s uses %s %v, which is not set up", name, part, c)
				}
			}
		}
	}
}

func TestTheImageIsTheBinaryAndNothingElse(t *testing.T) {
	file := read(t, "deploy/Containerfile")
	for _, m := range regexp.MustCompile(`\./(\w+)`).FindAllStringSubmatch(read(t, "go.work"), -1) {
		if !strings.Contains(file, "COPY "+m[1]+" "+m[1]+"\n") {
			t.Errorf("the module %s is not copied into the build", m[1])
		}
		if !strings.Contains(read(t, "deploy/Containerfile.dockerignore"), "!"+m[1]+"\n") {
			t.Errorf("the module %s is kept out of the build", m[1])
		}
	}
	_, last, ok := strings.Cut(file, "\nFROM scratch\n")
	if !ok || !regexp.MustCompile(`(?m)^USER [1-9][0-9]*:[1-9][0-9]*$`).MatchString(last) || !strings.Contains(last, `ENTRYPOINT ["/evenkeel"]`) {
		t.Error("the image must be made from scratch, with a user by a number that is not 0, and start /evenkeel")
	}
	for _, need := range []string{"CGO_ENABLED=0", "-tags timetzdata", "-trimpath"} {
		if !strings.Contains(file, need) {
			t.Errorf("the build lacks %s", need)
		}
	}
}

func TestTheSystemdUnitsStartWhatIsThere(t *testing.T) {
	cmd := readCommands(t)
	for _, unit := range []string{"evenkeel", "evenkeel-migrate"} {
		file := read(t, "deploy/systemd/"+unit+".service")
		start := regexp.MustCompile(`(?m)^ExecStart=/usr/bin/evenkeel (.+)$`).FindStringSubmatch(file)
		if start == nil {
			t.Fatalf("%s starts nothing", unit)
		}
		if strings.Contains(start[1], "--") {
			t.Errorf("%s: a flag wins over the file of variables that an operator edits: %s", unit, start[1])
		}
		env := map[string]string{}
		for _, name := range regexp.MustCompile(`EVENKEEL_[A-Z_]+`).FindAllString(file, -1) {
			env[name] = ""
		}
		for _, p := range cmd.problems(strings.Fields(start[1]), env) {
			t.Errorf("%s: %s", unit, p)
		}
	}
}

// rule is an alert as chartcheck prints it.
type rule struct {
	Name, Expr          string
	Metrics             []string
	Labels, Annotations map[string]string
}

// Metrics of libraries, and of Prometheus itself; ours are read from the source.
var foreign = []string{
	"up", "process_start_time_seconds", "process_resident_memory_bytes", "http_server_request_duration_seconds", "rpc_server_call_duration_seconds",
}

// ourMetrics are the names of the instruments in the source, as Prometheus shows them.
func ourMetrics(t *testing.T) []string {
	t.Helper()
	own := regexp.MustCompile(`"(evenkeel_[a-z_]+)", "?m?`)
	instrument := regexp.MustCompile(`(Int64|Float64)(Observable)?(Counter|Histogram|Gauge)\("([a-z_.]+)"`)
	var names []string
	for _, folder := range []string{"pkg", "services"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(source), `"go.opentelemetry.io/otel`) {
				return err
			}
			for _, m := range own.FindAllStringSubmatch(string(source), -1) {
				names = append(names, m[1])
			}
			for _, m := range instrument.FindAllStringSubmatch(string(source), -1) {
				name := strings.ReplaceAll(m[4], ".", "_")
				switch {
				case strings.HasPrefix(name, "evenkeel_"):
				case m[3] == "Counter":
					name += "_total"
				case m[3] == "Histogram":
					name += "_seconds"
				}
				names = append(names, name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) < 15 {
		t.Fatalf("only %v were found: the test looks in the wrong place", names)
	}
	return names
}

var series = regexp.MustCompile(`_(bucket|count|sum)$`)

func TestAlertsReadMetricsThatExist(t *testing.T) {
	known := append(ourMetrics(t), foreign...)
	for _, r := range check[[]rule](t, "rules", "deploy/alerts.yaml") {
		for _, m := range r.Metrics {
			if !slices.Contains(known, m) && !slices.Contains(known, series.ReplaceAllString(m, "")) {
				t.Errorf("%s reads %s, which nothing measures", r.Name, m)
			}
		}
		if s := r.Labels["severity"]; s != "page" && s != "ticket" {
			t.Errorf("%s: severity is %q, not page or ticket", r.Name, s)
		}
		if r.Annotations["summary"] == "" {
			t.Errorf("%s: has no summary", r.Name)
		}
	}
}

func TestTheDashboardReadsMetricsThatExist(t *testing.T) {
	known := append(ourMetrics(t), foreign...)
	board := parsed[doc](t, []byte(read(t, "deploy/dashboard.json")))
	type record struct {
		Record string `json:"record"`
		Expr   string `json:"expr"`
	}
	var records []record
	for i, p := range list(board, "panels") {
		for j, q := range list(p, "targets") {
			records = append(records, record{fmt.Sprintf("panel:%d:%d", i, j), text(q, "expr")})
		}
	}
	if len(records) < 10 {
		t.Fatalf("only %d queries were found", len(records))
	}
	body, err := json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "panels", "rules": records}}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	out, problems := run(t, "chartcheck", "rules", path)
	if problems != "" {
		t.Fatal(problems)
	}
	for _, r := range parsed[[]rule](t, out) {
		for _, m := range r.Metrics {
			if !slices.Contains(known, m) && !slices.Contains(known, series.ReplaceAllString(m, "")) {
				t.Errorf("%s reads %s, which nothing measures", r.Expr, m)
			}
		}
	}
}

// What a compose file or a rule must not get past chartcheck with.
func TestChartcheckRefusesSpoiltFiles(t *testing.T) {
	for _, c := range []struct{ what, path, old, new, says string }{
		{"compose", "deploy/compose.yaml", "healthcheck:", "healthchecks:", "healthchecks"},
		{"compose", "deploy/compose.yaml", "  secret:\n  postgresql:\n  kafka:\n", "  postgresql:\n  kafka:\n", "secret"},
		{"compose", "deploy/compose.yaml", "migrate: {condition", "migration: {condition", "migration"},
		{"rules", "deploy/alerts.yaml", "max by (service)", "max by service", "parse error"},
		{"rules", "deploy/alerts.yaml", "        for: 2m", "        after: 2m", "after"},
		{"yaml", "deploy/otel-collector.yaml", "exporters:\n  #", "receivers:\n  #", "already"},
	} {
		t.Run(c.what+" "+c.says, func(t *testing.T) {
			file := read(t, c.path)
			spoilt := strings.ReplaceAll(file, c.old, c.new)
			if spoilt == file {
				t.Fatalf("the fault was not planted: %q is not there", c.old)
			}
			path := filepath.Join(t.TempDir(), "spoilt.yaml")
			if err := os.WriteFile(path, []byte(spoilt), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, problems := run(t, "chartcheck", c.what, path); !strings.Contains(problems, c.says) {
				t.Errorf("%q is not in what it says: %q", c.says, problems)
			}
		})
	}
}
