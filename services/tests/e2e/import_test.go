package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/services/demo"
)

// samples are files that others wrote; their README names the sources and licences.
var samples = filepath.Join("..", "..", "..", "pkg", "x12", "testdata", "samples")

type money struct {
	AmountMinor string `json:"amount_minor"`
}

func (m money) cents(t *testing.T) int64 {
	t.Helper()
	n, err := strconv.ParseInt(m.AmountMinor, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// advance moves the sandbox clock on by days and waits until everything that follows has happened.
func advance(t *testing.T, p platform, days int) {
	t.Helper()
	var clock struct{ Now time.Time }
	get(t, p, "/v1/sandbox/clock", &clock)
	for range days {
		clock.Now = clock.Now.Add(24 * time.Hour)
		body, err := json.Marshal(map[string]any{"to": clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequest(http.MethodPost, p.URL+"/v1/sandbox/clock:advance", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+p.Key)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", clock.Now.Format(time.RFC3339))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("the clock does not move: %s", answer.Status)
		}
		var quiet struct {
			Quiet bool
			Busy  []string
		}
		get(t, p, "/v1/sandbox/quiet?wait=30s", &quiet)
		if !quiet.Quiet {
			t.Fatalf("not quiet: %v", quiet.Busy)
		}
	}
}

// A group moves here from another billing system: every file that others wrote is read, and every claim in it goes the whole way or says why it does not.
func TestFilesThatOthersWrote(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole platform; not with -short")
	}
	p := onOneMachine(t)
	claimFiles, err := filepath.Glob(filepath.Join(samples, "837", "*"))
	if err != nil {
		t.Fatal(err)
	}
	moneyFiles, err := filepath.Glob(filepath.Join(samples, "835", "*"))
	if err != nil {
		t.Fatal(err)
	}
	files := append(claimFiles, moneyFiles...)
	if len(claimFiles) < 20 || len(moneyFiles) < 7 {
		t.Fatalf("only %d and %d samples are there", len(claimFiles), len(moneyFiles))
	}
	var out bytes.Buffer
	options := demo.Options{BaseURL: p.URL, APIKey: p.Key, Out: &out}
	if err := demo.Import(t.Context(), options, files...); err != nil {
		t.Logf("import says: %v", err) // a file was refused: it is named below
	}
	if !strings.Contains(out.String(), "837D") {
		t.Errorf("the dental file is not refused by its name:\n%s", out.String())
	}
	before := books(t, p)
	out.Reset()
	_ = demo.Import(t.Context(), options, files...)
	if n := strings.Count(out.String(), "nothing changed"); n < len(files)-1 || books(t, p) != before {
		t.Errorf("importing again is said to change nothing for %d of %d files:\n%s", n, len(files), out.String())
	}

	advance(t, p, 30)
	settled(t, p)
	claims(t, p)
	remittances(t, p)
}

// claims: closed with nothing open, or held or denied with a reason.
func claims(t *testing.T, p platform) {
	t.Helper()
	var list struct {
		Claims []struct {
			ClaimID      string `json:"claim_id"`
			AccountID    string `json:"account_id"`
			Status       string
			ChargeAmount money `json:"charge_amount"`
			OpenAmount   money `json:"open_amount"`
			PaidAmount   money `json:"paid_amount"`
		}
	}
	get(t, p, "/v1/reports/claims?page_size=500", &list)
	by := map[string]int{}
	for _, c := range list.Claims {
		by[c.Status]++
		switch c.Status {
		case "closed":
			if c.OpenAmount.cents(t) != 0 || c.PaidAmount.cents(t) == 0 {
				t.Errorf("claim %s is closed with %s open and %s paid", c.ClaimID, c.OpenAmount.AmountMinor, c.PaidAmount.AmountMinor)
			}
		case "held":
			var claim struct {
				Edits []struct {
					Blocking bool
					Reason   struct{ Message string }
				}
			}
			get(t, p, "/v1/claims/"+c.ClaimID, &claim)
			said := false
			for _, e := range claim.Edits {
				said = said || e.Blocking && e.Reason.Message != ""
			}
			if !said {
				t.Errorf("claim %s is held and does not say why", c.ClaimID)
			}
		default:
			t.Errorf("claim %s is %s after thirty days", c.ClaimID, c.Status)
		}
	}
	t.Logf("imported claims: %v", by)
	if by["closed"] < 17 {
		t.Errorf("only %d claims went the whole way", by["closed"])
	}
}

// remittances: money in = money on the ledger + money held, each one.
func remittances(t *testing.T, p platform) {
	t.Helper()
	var list struct {
		Remittances []struct {
			RemittanceID string `json:"remittance_id"`
			Status       string
			Payment      money
		}
	}
	get(t, p, "/v1/remittances?page_size=500", &list)
	by := map[string]int{}
	for _, r := range list.Remittances {
		by[r.Status]++
		var legs struct {
			Legs []struct {
				LedgerAccount string `json:"ledger_account"`
				Amount        money
			}
		}
		get(t, p, "/v1/reports/legs?page_size=500&remittance_id="+r.RemittanceID, &legs)
		cash := int64(0)
		for _, l := range legs.Legs {
			if l.LedgerAccount == "LEDGER_ACCOUNT_CASH_CLEARING" {
				cash += l.Amount.cents(t)
			}
		}
		want := r.Payment.cents(t)
		if strings.Contains(r.Status, "QUARANTINED") {
			want = 0
		}
		if cash != want {
			t.Errorf("remittance %s (%s): %d cents came in, %d are on the ledger", r.RemittanceID, r.Status, r.Payment.cents(t), cash)
		}
	}
	t.Log("remittances: ", fmt.Sprint(by))
}
