package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/services/demo"
)

// The bank shows the money, then the payer's file comes and is off by a dollar, then the corrected one: through bytes, the corrected one is booked, has the money, and nobody is asked
// about the first any more. What is held of a file is printed as held.
func TestAMendedFileIsPosted(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole platform; not with -short")
	}
	p := onOneMachine(t)
	good, err := os.ReadFile(filepath.Join(samples, "835", "managed-care.835"))
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Replace(good, []byte("*800.00*450.00*"), []byte("*800.00*451.00*"), 1)
	if bytes.Equal(good, bad) {
		t.Fatal("the sample has no such claim")
	}
	record(t, p, "/v1/deposits", `{"trace_number": "7170066655", "amount": {"amount_minor": "94500", "currency": "USD"}, "deposit_date": "2026-01-05"}`)
	held, err := os.ReadFile(filepath.Join(samples, "835", "medicare-part-a.835"))
	if err != nil {
		t.Fatal(err)
	}
	record(t, p, "/v1/deposits", `{"trace_number": "12345", "amount": {"amount_minor": "15000000", "currency": "USD"}, "deposit_date": "2026-01-05"}`)
	for _, f := range []struct {
		name, says string
		bytes      []byte
	}{
		{"bad.835", "$945.00 in = $0.00 on the ledger + $945.00 held: quarantined", bad},
		{"good.835", "$945.00 in = $0.00 on the ledger + $945.00 held: $945.00 for claims that are not known here", good},
		{"held.835", "$150,000.00 in = $0.00 on the ledger + $150,000.00 held: $149,998.73 for claims that are not known here, or of a payer that their visit does not have, $1.27 of the payer's own adjustments", held},
	} {
		path := filepath.Join(t.TempDir(), f.name)
		if err := os.WriteFile(path, f.bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := demo.Import(t.Context(), demo.Options{BaseURL: p.URL, APIKey: p.Key, Out: &out}, path); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		if !strings.Contains(out.String(), f.says) {
			t.Errorf("it is not said: %s\n%s", f.says, out.String())
		}
	}
	advance(t, p, 1)
	settled(t, p)
	var remittances struct {
		Remittances []struct {
			Status    string
			DepositID string `json:"deposit_id"`
		}
	}
	get(t, p, "/v1/remittances?page_size=500", &remittances)
	for _, r := range remittances.Remittances {
		if booked := r.Status == "REMITTANCE_STATUS_BALANCED"; booked != (r.DepositID != "") {
			t.Errorf("booked and with its money are not the same: %v", r)
		}
	}
	var work struct {
		WorkItems []struct{ Kind, State, Outcome, Detail string } `json:"work_items"`
	}
	get(t, p, "/v1/work-items?page_size=500", &work)
	items := map[string]string{}
	for _, w := range work.WorkItems {
		items[w.Kind] = w.State + ": " + w.Outcome + w.Detail
	}
	for kind, want := range map[string]string{
		"quarantined_remittance": "WORK_ITEM_STATE_RESOLVED: a mended file came",
		"provider_adjustment":    "WORK_ITEM_STATE_OPEN: the payer gave $1.27 for no claim, reason CV (share of capital costs), reference CP",
	} {
		if !strings.HasPrefix(items[kind], want) {
			t.Errorf("%s is %q, want %q", kind, items[kind], want)
		}
	}
}

// record makes what a body says.
func record(t *testing.T, p platform, path, body string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, p.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.Key)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", fmt.Sprintf("%x", sha256.Sum256([]byte(path+body))))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusCreated {
		said, _ := io.ReadAll(answer.Body)
		t.Fatalf("%s: %s: %s", path, answer.Status, said)
	}
}
