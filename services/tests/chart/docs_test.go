package chart_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

const page = "docs/operations.md"

// anchor of a heading, as the site that runbook_url names makes it.
func anchor(heading string) string {
	return strings.ReplaceAll(regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

func TestEveryAlertHasItsRunbook(t *testing.T) {
	sections := map[string]string{} // anchor → text
	for _, s := range regexp.MustCompile(`(?m)^#{2,3} `).Split(read(t, page), -1) {
		heading, body, _ := strings.Cut(s, "\n")
		sections[anchor(heading)] = body
	}
	alerts := check[[]rule](t, "rules", "deploy/alerts.yaml")
	if len(alerts) < 10 {
		t.Fatalf("only %d alerts were found", len(alerts))
	}
	for _, r := range alerts {
		file, at, _ := strings.Cut(r.Annotations["runbook_url"], "#")
		body, ok := sections[at]
		if !ok || !strings.HasSuffix(file, "/"+page) || at != anchor(r.Name) {
			t.Errorf("%s: its runbook_url %q leads to no section of %s", r.Name, r.Annotations["runbook_url"], page)
			continue
		}
		for _, part := range []string{"*" + r.Labels["severity"] + "*", "**Meaning.**", "**Impact.**", "**Diagnosis.**", "**Mitigation.**", "**Verification.**"} {
			if !strings.Contains(body, part) {
				t.Errorf("%s: its runbook lacks %s", r.Name, part)
			}
		}
	}
	for _, m := range regexp.MustCompile(`\]\(#([a-z-]+)\)`).FindAllStringSubmatch(read(t, page), -1) {
		if _, ok := sections[m[1]]; !ok {
			t.Errorf("%s links to #%s, which is not there", page, m[1])
		}
	}
}

func TestThePageNamesEveryMetricAndNoOther(t *testing.T) {
	body := read(t, page)
	known := append(ourMetrics(t), foreign...)
	for _, m := range known {
		if m != "up" && !strings.Contains(body, "`"+m+"`") {
			t.Errorf("%s does not name %s", page, m)
		}
	}
	for _, m := range regexp.MustCompile(`\b(?:evenkeel_(?:log|append|relay|replay|consumer|timer)|messaging|rpc_server|http_server|process)_[a-z_]+`).FindAllString(body, -1) {
		if !slices.Contains(known, m) && !slices.Contains(known, series.ReplaceAllString(m, "")) {
			t.Errorf("%s names %s, which nothing measures", page, m)
		}
	}
}

func TestThePageNamesCommandsAndFlagsThatExist(t *testing.T) {
	cmd := readCommands(t)
	body := read(t, page)
	used := regexp.MustCompile("(?:`|/)evenkeel ([a-z]+)((?: [^`\n]*)?)").FindAllStringSubmatch(body, -1)
	if len(used) < 15 {
		t.Fatalf("only %d commands were found", len(used))
	}
	for _, m := range used {
		if !slices.Contains(cmd.words, m[1]) {
			t.Errorf("%s: there is no command evenkeel %s", page, m[1])
		}
		for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(m[2], -1) {
			if !slices.Contains(cmd.every, flag) {
				t.Errorf("%s: evenkeel %s has no %s", page, m[1], flag)
			}
		}
	}
	for _, word := range []string{"status", "events", "dlq", "verify", "rebuild", "key", "user"} {
		if !strings.Contains(body, "`evenkeel "+word) {
			t.Errorf("%s does not say what evenkeel %s does", page, word)
		}
	}
}
