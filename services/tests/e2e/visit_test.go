package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/coding/encounter"
	"github.com/evenkeel/evenkeel/services/exchange/interchange"
	"github.com/evenkeel/evenkeel/services/posting/account"
)

func claimFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(samples, "837", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// imported are the claims of a file.
func imported(t *testing.T, data []byte) []*exchangev1.ClaimImported {
	t.Helper()
	events, err := interchange.Receive(interchange.State{}, interchange.Incoming{Data: data, Channel: "api", Today: "2026-03-02"})
	if err != nil {
		t.Fatal(err)
	}
	kept, ok := events[len(events)-1].(*exchangev1.InterchangeReceived)
	if !ok {
		t.Fatalf("refused: %v", events)
	}
	facts, err := interchange.Interpret(kept, data, es.Known{})
	if err != nil {
		t.Fatal(err)
	}
	var out []*exchangev1.ClaimImported
	for _, f := range facts {
		out = append(out, f.(*exchangev1.ClaimImported))
	}
	return out
}

// visits are the encounters and accounts that imported claims lead to, told one after the other.
type visits struct {
	encounters map[string]encounter.State
	accounts   map[string]account.State
	ledger     map[typev1.LedgerAccount]int64
	charges    int
	held       []*codingv1.ImportHeld
}

func (v *visits) tell(t *testing.T, claims ...*exchangev1.ClaimImported) {
	t.Helper()
	for _, c := range claims {
		events, err := encounter.Import(v.encounters[c.EncounterId], c)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			v.encounters[c.EncounterId] = encounter.Evolve(v.encounters[c.EncounterId], e)
			var booked []es.Event
			switch e := e.(type) {
			case *codingv1.CodingCompleted:
				booked, err = account.Charge(v.accounts[c.EncounterId], account.Coded{Visit: e})
			case *codingv1.VisitPayersTold:
				booked, err = account.Tell(v.accounts[c.EncounterId], e)
			case *codingv1.ImportHeld:
				v.held = append(v.held, e)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range booked {
				v.accounts[c.EncounterId] = account.Evolve(v.accounts[c.EncounterId], b)
				if _, ok := b.(*postingv1.ChargePosted); ok {
					v.charges++
				}
				if b, ok := b.(interface{ GetLegs() []*typev1.Leg }); ok {
					for _, l := range b.GetLegs() {
						v.ledger[l.Account] += l.Amount
					}
				}
			}
		}
	}
}

func newVisits() *visits {
	return &visits{encounters: map[string]encounter.State{}, accounts: map[string]account.State{}, ledger: map[typev1.LedgerAccount]int64{}}
}

// orders are all orders of n things.
func orders(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var out [][]int
	for _, rest := range orders(n - 1) {
		for at := range n {
			o := append(append(append([]int{}, rest[:at]...), n-1), rest[at:]...)
			out = append(out, o)
		}
	}
	return out
}

// One visit goes from payer to payer in the files A, B and C, each of which may come twice, in another envelope: whatever order they come in, it is charged once and the same is open.
func TestOneVisitWhateverOrderItsFilesComeIn(t *testing.T) {
	var files [][]*exchangev1.ClaimImported
	for _, letter := range []string{"A", "B", "C"} {
		data := claimFile(t, "demo.cob.example3."+letter+".837")
		files = append(files, imported(t, data), imported(t, bytes.ReplaceAll(data, []byte("000000907"), []byte("000000908"))))
	}
	const conversion, contractual = typev1.LedgerAccount_LEDGER_ACCOUNT_CONVERSION, typev1.LedgerAccount_LEDGER_ACCOUNT_CONTRACTUAL
	secondary := account.Payer{ID: interchange.PayerID("567890"), Sequence: typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY}
	for _, order := range orders(len(files)) {
		v := newVisits()
		for _, n := range order {
			v.tell(t, files[n]...)
		}
		id := files[0][0].EncounterId
		if v.charges != 1 || v.ledger[typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS] != -79_04 || len(v.held) > 0 {
			t.Fatalf("%v: %d charges, ledger %v, held %v", order, v.charges, v.ledger, v.held)
		}
		if v.ledger[conversion] != 39_15 || v.ledger[contractual] != 3_00 || account.Owed(v.accounts[id].Open, secondary) != 36_89 || v.ledger[typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE] != 36_89 {
			t.Fatalf("%v: ledger %v, %d open with the second payer", order, v.ledger, account.Owed(v.accounts[id].Open, secondary))
		}
	}
}

// The same visit with the same charges under other codes: which codes are right nobody knows. It is charged once, and the other claim is held.
func TestAClaimThatSaysTheVisitDifferentlyIsHeld(t *testing.T) {
	a, b := imported(t, claimFile(t, "demo.drug.example10.2.837")), imported(t, claimFile(t, "demo.drug.example10.3.837"))
	for name, order := range map[string][][]*exchangev1.ClaimImported{"as sent": {a, b}, "the other way": {b, a}} {
		v := newVisits()
		for _, claims := range order {
			v.tell(t, claims...)
		}
		if v.charges != 1 || v.ledger[typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS] != -2232_93 || len(v.held) != 1 {
			t.Errorf("%s: %d charges, ledger %v, held %v", name, v.charges, v.ledger, v.held)
		}
	}
}

// All samples together: no two visits become one by accident, and no visit becomes two.
func TestTheVisitsOfTheSamples(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(samples, "837", "*"))
	if err != nil {
		t.Fatal(err)
	}
	v, claims := newVisits(), 0
	for _, name := range names {
		if filepath.Base(name) == "example_5010_837d-sample.txt" { // dental
			continue
		}
		all := imported(t, claimFile(t, filepath.Base(name)))
		claims += len(all)
		v.tell(t, all...)
	}
	// B and C of example 3 are the visit of A, drug 10.3 is held against 10.2, example 6 is example 4 (secondary) byte for byte, and one claim of the long sample is there twice.
	if got := fmt.Sprintf("%d claims, %d visits, %d held", claims, v.charges, len(v.held)); got != "26 claims, 21 visits, 1 held" {
		t.Error(got)
		for _, h := range v.held {
			t.Log(h)
		}
	}
}
