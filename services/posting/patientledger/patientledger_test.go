package patientledger

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
	"github.com/evenkeel/evenkeel/services/posting/account"
)

func asks(account, day string, amount int64, cause string) *pb.PatientAccountNoted {
	return &pb.PatientAccountNoted{PatientId: "pat_1", AccountId: account, ServiceDate: day, Amount: amount, CauseEventId: cause}
}

func pays(payment, account string, amount int64, cause string) *pb.PatientFundsNoted {
	return &pb.PatientFundsNoted{PatientId: "pat_1", PatientPaymentId: payment, AccountId: account, Amount: amount, CauseEventId: cause}
}

func assigned(payment, account string, amount int64) *pb.PatientPaymentAssigned {
	return &pb.PatientPaymentAssigned{PatientId: "pat_1", PatientPaymentId: payment, AccountId: account, Amount: amount}
}

func TestAssign(t *testing.T) {
	type events = []es.Event
	estest.Run(t, Stream, NoteFunds, []estest.Case[*pb.PatientFundsNoted]{
		{Name: "money that nobody asks for waits", When: pays("p1", "", 50, "c1"), Then: events{pays("p1", "", 50, "c1")}},
		{
			Name: "the oldest service is paid first", Given: events{asks("a2", "2026-02-01", 30, "c1"), asks("a1", "2026-01-01", 30, "c2")}, When: pays("p1", "", 50, "c3"),
			Then: events{pays("p1", "", 50, "c3"), assigned("p1", "a1", 30), assigned("p1", "a2", 20)},
		},
		{
			Name: "money for one account is for that account alone", Given: events{asks("a1", "2026-01-01", 30, "c1"), asks("a2", "2026-02-01", 30, "c2")}, When: pays("p1", "a2", 50, "c3"),
			Then: events{pays("p1", "a2", 50, "c3"), assigned("p1", "a2", 30)},
		},
		{Name: "told again, nothing new", Given: events{pays("p1", "", 50, "c1")}, When: pays("p1", "", 50, "c1")},
	})
	estest.Run(t, Stream, NoteAccount, []estest.Case[*pb.PatientAccountNoted]{
		{
			Name: "a copay collected at the visit pays when the plan has said what is owed", Given: events{pays("p1", "", 50, "c1")}, When: asks("a1", "2026-01-01", 20, "c2"),
			Then: events{asks("a1", "2026-01-01", 20, "c2"), assigned("p1", "a1", 20)},
		},
		{
			Name: "money named for the account goes before money for any", Given: events{pays("p1", "", 50, "c1"), pays("p2", "a1", 15, "c2")}, When: asks("a1", "2026-01-01", 20, "c3"),
			Then: events{asks("a1", "2026-01-01", 20, "c3"), assigned("p2", "a1", 15), assigned("p1", "a1", 5)},
		},
	})
}

// The ledger and the accounts talk through a lossless but slow line. However their words cross, no payment is promised beyond what came in, no account keeps more
// than the patient owes, and when all is said nothing is both owed and held.
func TestNoCentIsPromisedTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := []string{"a1", "a2"}
		accounts := map[string]account.State{}
		owed := map[string]int64{}
		lines := map[string][]es.Recorded{} // by stream: in order
		var ledger State
		paid := map[string]int64{}
		n := 0
		record := func(stream string, events []es.Event) {
			for _, e := range events {
				n++
				lines[stream] = append(lines[stream], es.Recorded{Event: e, ID: es.DeriveUUID(fmt.Sprint(n))})
			}
		}
		onAccount := func(id string, events []es.Event, err error) {
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				accounts[id] = account.Evolve(accounts[id], e)
			}
			record(id, events)
		}
		deliver := func() bool {
			var ready []string
			for _, s := range []string{"a1", "a2", "ledger", "payments"} {
				if len(lines[s]) > 0 {
					ready = append(ready, s)
				}
			}
			if len(ready) == 0 {
				return false
			}
			s := rapid.SampledFrom(ready).Draw(t, "line")
			r := lines[s][0]
			lines[s] = lines[s][1:]
			for _, react := range []es.React{React, account.React} {
				commands, err := react(r, es.Known{})
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range commands {
					if c.Kind == "account" {
						events, err := c.Decide(accounts[c.ID])
						onAccount(c.ID, events, err)
						continue
					}
					events, err := c.Decide(ledger)
					if err != nil {
						t.Fatal(err)
					}
					for _, e := range events {
						ledger = Evolve(ledger, e)
					}
					record("ledger", events)
				}
			}
			for _, p := range ledger.Payments {
				if p.Left < 0 {
					t.Fatalf("%s was promised %d cents it does not have", p.ID, -p.Left)
				}
			}
			return true
		}
		for step := range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				id := fmt.Sprint("p", step)
				paid[id] = rapid.Int64Range(1, 500).Draw(t, "payment")
				record("payments", []es.Event{&pb.PatientPaymentReceived{PatientPaymentId: id, PatientId: "pat_1", Amount: paid[id], AccountId: rapid.SampledFrom([]string{"", "a1"}).Draw(t, "for")}})
			case 1: // the plan leaves something to the patient, or takes it back
				id := rapid.SampledFrom(ids).Draw(t, "account")
				amount := rapid.Int64Range(-owed[id], 300).Draw(t, "share")
				owed[id] += amount
				e := &pb.ResponsibilityTransferred{
					AccountId: id, PatientId: "pat_1", ServiceDate: "2026-01-0" + id[1:], RemittanceId: fmt.Sprint(step), Amount: amount,
					Legs: []*typev1.Leg{{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT, Amount: amount}, {Account: typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE, Amount: -amount, PayerId: "pay_1"}},
				}
				onAccount(id, []es.Event{e}, nil)
				events, err := account.Take(accounts[id], &pb.PatientPaymentAssigned{PatientId: "pat_1", AccountId: id, PatientPaymentId: "none"})
				for _, e := range events {
					if a, ok := e.(*pb.PatientPaymentAllocated); ok && a.Amount != 0 {
						onAccount(id, []es.Event{e}, err)
					}
				}
			default:
				deliver()
			}
		}
		for i := 0; deliver(); i++ {
			if i > 2000 {
				t.Fatalf("they never come to an end: %v, %v", lines, ledger)
			}
		}
		var held, open, anyMoney int64
		for _, id := range ids {
			at := account.Owed(accounts[id].Open, account.Payer{})
			if at < 0 {
				t.Fatalf("%s keeps %d cents too much", id, -at)
			}
			open += at
			for _, a := range accounts[id].Allocated {
				held += a.Amount
			}
		}
		var in int64
		for _, amount := range paid {
			in += amount
		}
		var left int64
		for _, p := range ledger.Payments {
			left += p.Left
			if p.AccountID == "" {
				anyMoney += p.Left
			}
		}
		if in != held+left {
			t.Fatalf("%d came in, %d is on accounts, %d is left", in, held, left)
		}
		if open > 0 && anyMoney > 0 {
			t.Fatalf("%d is owed and %d lies idle", open, anyMoney)
		}
	})
}
