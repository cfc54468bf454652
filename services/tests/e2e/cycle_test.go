// Package e2e runs the whole platform as its users do: real processes, PostgreSQL, Kafka, REST.
//
// The cycle test runs one group's weeks three ways and compares the books to the cent: all in one process on embedded parts; each service its own process and database role against
// PostgreSQL and Apache Kafka; and the latter with kill -9 of each service and of the broker once in mid-cycle, and one service stopped for longer than its session. The Kafka ways run when EVENKEEL_KAFKA=real, as make test sets it.
package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/pkg/kafkapubsub"
	"github.com/evenkeel/evenkeel/pkg/kafkatest"
	"github.com/evenkeel/evenkeel/services/demo"
)

// The group of the cycle test: small enough for a minute, large enough for every path.
const (
	cycleSeed     = 7
	cycleWeeks    = 3
	cyclePatients = 12
)

// live is a group's weeks on a platform; the books at the end.
func live(ctx context.Context, t *testing.T, p platform) string {
	t.Helper()
	began := time.Now()
	if _, err := demo.Run(ctx, demo.Options{BaseURL: p.URL, APIKey: p.Key, Seed: cycleSeed, Weeks: cycleWeeks, Patients: cyclePatients, Out: io.Discard}); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d weeks of %d patients took %s", cycleWeeks, cyclePatients, time.Since(began).Round(time.Millisecond))
	return books(t, p)
}

// books are the balance of every ledger account and the table by payer, as text.
func books(t *testing.T, p platform) string {
	t.Helper()
	out := ""
	for _, path := range []string{"/v1/reports/ledger", "/v1/reports/payers"} {
		var v map[string]any
		get(t, p, path, &v)
		// Money that is given back and assigned again, since two facts came in another order, adds legs and changes no balance.
		delete(v, "freshness")
		delete(v, "legs")
		if balances, ok := v["balances"].([]any); ok {
			for _, b := range balances {
				delete(b.(map[string]any), "debit_amount")
				delete(b.(map[string]any), "credit_amount")
			}
		}
		text, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		out += path + " " + string(text) + "\n"
	}
	return out
}

func get(t *testing.T, p platform, path string, into any) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, p.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.Key)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s %s", path, answer.Status, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
}

// settled: nothing waits, nothing is dead, everything was handled.
func settled(t *testing.T, p platform) {
	t.Helper()
	var status struct {
		Services []struct {
			Service       string
			ParkedDead    string `json:"parked_dead"`
			ParkedWaiting string `json:"parked_waiting"`
		}
	}
	get(t, p, "/v1/platform/status", &status)
	for _, s := range status.Services {
		if s.ParkedDead != "0" || s.ParkedWaiting != "0" {
			t.Errorf("%s has %s dead and %s waiting events", s.Service, s.ParkedDead, s.ParkedWaiting)
		}
	}
	var payers struct {
		EqualsLedger bool `json:"equals_ledger"`
	}
	get(t, p, "/v1/reports/payers", &payers)
	if !payers.EqualsLedger {
		t.Error("the table by payer does not equal the ledger")
	}
}

func TestTheCycleThreeWays(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole platform; not with -short")
	}
	ctx := t.Context()
	var want string
	t.Run("one process on embedded parts", func(t *testing.T) {
		p := onOneMachine(t)
		want = live(ctx, t, p)
		settled(t, p)
	})
	if want == "" {
		t.Fatal("the first way failed: there is nothing to compare with")
	}
	same := func(t *testing.T, got string) {
		t.Helper()
		if got != want {
			t.Errorf("the books differ from those of one process:\n%s\nwant\n%s", got, want)
		}
	}
	t.Run("each service its own process on Apache Kafka", func(t *testing.T) {
		c := onACluster(t, realKafka(t))
		same(t, live(ctx, t, c.platform))
		settled(t, c.platform)
	})
	t.Run("the same with kill -9 of each service and of the broker, and one service paused past its session", func(t *testing.T) {
		c := onACluster(t, realKafka(t))
		crash := kafkatest.CrashReal(t)
		ended := make(chan struct{})
		killed := make(chan []string, 1)
		between := func() bool {
			select {
			case <-ended:
				return false
			case <-time.After(700 * time.Millisecond): // so that the cycle goes on between two kills
				return true
			}
		}
		go func() {
			done := c.killEach(ctx, t, between)
			if between() {
				if out, err := exec.CommandContext(ctx, crash[0], crash[1:]...).CombinedOutput(); err != nil {
					t.Errorf("kill -9 of the broker: %v\n%s", err, out)
				}
				done = append(done, "broker")
			}
			if between() {
				c.children["claims"].pause(t, kafkapubsub.DefaultSession+3*time.Second)
				done = append(done, "paused")
			}
			killed <- done
		}()
		got := live(ctx, t, c.platform)
		close(ended)
		if k := <-killed; len(k) < len(targets)+2 {
			t.Errorf("only %v were disturbed before the cycle ended", k)
		}
		for _, name := range targets {
			await(t, c.ops[name], c.children[name])
		}
		same(t, got)
		settled(t, c.platform)
	})
	if os.Getenv("EVENKEEL_E2E_PRINT") != "" {
		fmt.Println(want)
	}
}
