package reporting_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/services/reporting"
)

func (b *books) db() *pgxpool.Pool { return b.p.Runtime("reporting").DB }

func (b *books) verify() reporting.Books {
	b.Helper()
	found, err := reporting.Verify(b.Context(), b.db())
	if err != nil {
		b.Fatal(err)
	}
	return found
}

// busy is the practice with some of everything that is booked.
func busy(t *testing.T) *books {
	b := practice(t)
	b.charge("two", "pay_2", "loc_1", today, 200_00)
	b.pay("two", "pay_2", "rem_1", 120_00, 50_00, 30_00)
	b.publish("posting", "deposit/dep_1", &postingv1.DepositReceived{DepositId: "dep_1", PayerId: "pay_2", TraceNumber: "T1", Amount: 120_00, DepositDate: today, Legs: []*typev1.Leg{leg(bank, 120_00, ""), leg(cash, -120_00, "pay_2")}})
	b.publish("posting", "settlement/set_1", &postingv1.RemittanceMatched{RemittanceId: "rem_1", DepositId: "dep_1", TraceNumber: "T1", Amount: 120_00})
	return b
}

func TestTheLedgerBalances(t *testing.T) {
	b := busy(t)
	b.caughtUp()
	found := b.verify()
	if len(found.Findings) != 0 || found.Events != b.events || found.Legs != 28 {
		t.Fatalf("%+v, of %d events", found, b.events)
	}
	t.Run("an event whose legs do not sum to 0 is refused, and parked for a person", func(t *testing.T) {
		hosttest.Publish(t, b.p, "posting", "account/wrong", &postingv1.ChargePosted{AccountId: "wrong", ServiceDate: today, Legs: []*typev1.Leg{leg(arPatient, 100, ""), leg(revenue, -99, "")}})
		hosttest.Until(t, "it is parked", func() error {
			var why string
			return b.db().QueryRow(t.Context(), `SELECT error FROM parked WHERE state = 'dead'`).Scan(&why)
		})
		if found := b.verify(); len(found.Findings) != 0 || found.Events != b.events {
			t.Fatalf("%+v", found)
		}
	})
}

func TestBalancesAreTheSumOfTheLegs(t *testing.T) {
	b := busy(t)
	b.caughtUp()
	for _, c := range []struct{ name, spoil, want string }{
		{"a balance that was changed by hand", `UPDATE balances SET amount = amount + 1 WHERE account_id = 'two' AND ledger_account = 'ar_patient'`, "1 balances are not the sum of their legs"},
		{"a claim that was changed by hand", `UPDATE claims SET paid_amount = 1 WHERE claim_id = 'clm_two'`, "claims has as many rows as the events make"},
		{"a deposit that was lost", `DELETE FROM deposits`, "deposits has 0 rows, the events make 1"},
		{"a leg that was lost", `DELETE FROM ledger_legs WHERE account_id = 'two' AND ledger_account = 'contractual'`, "all legs sum to -5000 cents"},
	} {
		t.Run(c.name+" is found", func(t *testing.T) {
			if _, err := b.db().Exec(t.Context(), c.spoil); err != nil {
				t.Fatal(err)
			}
			if found := b.verify(); !strings.Contains(strings.Join(found.Findings, "\n"), c.want) {
				t.Fatalf("%q, want %q", found.Findings, c.want)
			}
		})
	}
}

// The gauges that must be 0: cheap questions, which notice less than Verify does.
func TestTheGaugesOfTheBooks(t *testing.T) {
	b := busy(t)
	b.caughtUp()
	off := func() map[string]int64 {
		t.Helper()
		found := map[string]int64{}
		for _, i := range reporting.New().Invariants {
			var n int64
			if err := b.db().QueryRow(t.Context(), i.SQL).Scan(&n); err != nil {
				t.Fatal(i.Name, err)
			}
			found[i.Name] = n
		}
		return found
	}
	for _, c := range []struct {
		name, spoil    string
		legs, balances int64
	}{
		{"all is well", `SELECT`, 0, 0},
		{"a balance was changed by hand", `UPDATE balances SET amount = amount + 1 WHERE account_id = 'two' AND ledger_account = 'ar_patient'`, 0, 1},
		{"a leg is lost", `DELETE FROM ledger_legs WHERE account_id = 'two' AND ledger_account = 'contractual'`, 5000, 5001},
	} {
		if _, err := b.db().Exec(t.Context(), c.spoil); err != nil {
			t.Fatal(err)
		}
		if got := off(); len(got) != 2 || got["legs_sum_to_0"] != c.legs || got["balances_sum_legs"] != c.balances {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
