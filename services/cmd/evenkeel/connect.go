package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/pkg/datadir"
	"github.com/evenkeel/evenkeel/pkg/eventlog/pglog"
	"github.com/evenkeel/evenkeel/pkg/host"
)

// whereabouts is what `run` leaves in the data folder for the other commands: where it is and how to get in. Mode 0600.
type whereabouts struct {
	PID         int      `json:"pid"`
	AdminURL    string   `json:"admin_url"`
	DatabaseURL string   `json:"database_url"`
	Brokers     []string `json:"kafka_brokers"`
	Console     string   `json:"console"`
	APIKey      string   `json:"api_key"`
	Email       string   `json:"email"`
	Password    string   `json:"password"`
}

const whereaboutsFile = "platform.json"

func (w whereabouts) write(dir string) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // a URL can be copied out of it as it stands
	e.SetIndent("", "  ")
	if err := e.Encode(w); err != nil {
		return fmt.Errorf("note where the platform is: %w", err)
	}
	path := filepath.Join(dir, whereaboutsFile)
	if err := os.WriteFile(path+".new", text.Bytes(), 0o600); err != nil {
		return fmt.Errorf("note where the platform is: %w", err)
	}
	return os.Rename(path+".new", path)
}

// nowhere is a folder in which no platform has run.
type nowhere struct{ dir string }

func (n nowhere) Error() string {
	return "no platform has run in " + n.dir + ": start it with `make run`"
}

func readWhereabouts(dir string) (w whereabouts, err error) {
	if dir == "" {
		if dir, err = datadir.Default(); err != nil {
			return w, err
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, whereaboutsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return w, nowhere{dir}
	}
	if err != nil {
		return w, fmt.Errorf("find the platform: %w", err)
	}
	if err := json.Unmarshal(text, &w); err != nil {
		return w, fmt.Errorf("find the platform: %s: %w", filepath.Join(dir, whereaboutsFile), err)
	}
	return w, nil
}

// running is where the platform of a data folder is; that it has stopped is an error, for whoever has its ports now is somebody else. instead says what can be named where none has run.
func running(dir, instead string) (w whereabouts, err error) {
	if dir == "" {
		if dir, err = datadir.Default(); err != nil {
			return w, err
		}
	}
	switch w, err = readWhereabouts(dir); {
	case errors.As(err, new(nowhere)):
		return w, fmt.Errorf("%w, or name %s", err, instead)
	case err != nil:
		return w, err
	}
	switch pid, up := datadir.Running(dir); {
	case !up:
		return w, fmt.Errorf("the platform in %s is stopped: start it with `make run`", dir)
	case pid != w.PID:
		return w, fmt.Errorf("the platform in %s is starting (pid %d): ask again in a moment", dir, pid)
	}
	return w, nil
}

// contactWithin is how long a platform has to answer at all.
const contactWithin = 5 * time.Second

// contact asks whether somebody answers at a URL, before anything else is asked there, and says so while it waits.
func contact(ctx context.Context, at string) error {
	if u, err := url.Parse(at); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("--url=%s is no address of a platform: want http://host:port", at)
	}
	ctx, cancel := context.WithTimeout(ctx, contactWithin)
	defer cancel()
	waiting := time.AfterFunc(300*time.Millisecond, func() {
		fmt.Fprintf(os.Stderr, "Trying %s, for %d seconds at most.\n", at, contactWithin/time.Second)
	})
	defer waiting.Stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(at, "/")+"/openapi.json", nil)
	if err != nil {
		return fmt.Errorf("--url=%s: %w", at, err)
	}
	answer, err := http.DefaultClient.Do(r)
	var failed *url.Error
	switch {
	case err == nil:
		defer answer.Body.Close()
		return recognized(at, answer)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the platform does not answer at %s within %d seconds: is the address right, and may this machine reach it?", at, contactWithin/time.Second)
	case errors.As(err, &failed):
		err = failed.Err
	}
	return fmt.Errorf("the platform does not answer at %s: %w", at, err)
}

// recognized says whether what answered is the REST API of a platform: other programs answer over HTTP, too, and Evenkeel's own probes.
func recognized(at string, answer *http.Response) error {
	var document struct{ OpenAPI string }
	if err := json.NewDecoder(answer.Body).Decode(&document); answer.StatusCode != http.StatusOK || err != nil || document.OpenAPI == "" {
		return fmt.Errorf("what answers at %s is not the REST API of Evenkeel (%s): name the address where the gateway serves it, --http-addr of `evenkeel serve`", at, answer.Status)
	}
	return nil
}

// database is how an operator's command reaches the logs: the server that is named, or the one of the platform that runs on this machine.
type database struct {
	DatabaseURL string `help:"PostgreSQL of the services: postgres://host:port/name; without a user each service's own role signs in. Default: the running platform of this machine." env:"EVENKEEL_DATABASE_URL"`
	SecretFile  string `help:"File with the master secret (64 hexadecimal digits)." env:"EVENKEEL_SECRET_FILE"`
	DataDir     string `help:"Data folder of a running platform." env:"EVENKEEL_DATA_DIR"`
}

func (d database) resolve() (database string, secret host.Secret, err error) {
	if d.DatabaseURL != "" {
		if d.SecretFile == "" {
			return "", nil, errors.New("--database-url needs --secret-file, the master secret that the services run with")
		}
		secret, err = host.ReadSecret(d.SecretFile)
		return d.DatabaseURL, secret, err
	}
	w, err := running(d.DataDir, "the server with --database-url")
	if err != nil {
		return "", nil, err
	}
	dir := d.DataDir
	if dir == "" {
		if dir, err = datadir.Default(); err != nil {
			return "", nil, err
		}
	}
	secret, err = host.ReadSecret(filepath.Join(dir, "secret"))
	return w.DatabaseURL, secret, err
}

// open opens one service's log.
func (d database) open(ctx context.Context, service string) (*pglog.Log, host.Secret, error) {
	var names []string
	for _, s := range append(all(), newGateway(gatewayOptions{})) {
		names = append(names, s.Name)
	}
	if !slices.Contains(names, service) {
		return nil, nil, fmt.Errorf("there is no service %q: want one of %s", service, strings.Join(names, ", "))
	}
	base, secret, err := d.resolve()
	if err != nil {
		return nil, nil, err
	}
	u, err := host.RoleURL(base, secret, service)
	if err != nil {
		return nil, nil, err
	}
	log, err := pglog.Open(ctx, u, pglog.Options{Service: service, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, nil, fmt.Errorf("the log of %s can't be reached (is the platform running?): %w", service, err)
	}
	return log, secret, nil
}

// base is a URL without a query, for people.
func base(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "?"
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}
