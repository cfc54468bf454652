package patientledger

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
	"github.com/evenkeel/evenkeel/pkg/money"
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

func closed(account, cause string) *pb.PatientAccountSettled {
	return &pb.PatientAccountSettled{PatientId: "pat_1", AccountId: account, CauseEventId: cause}
}

func released(payment, account string, amount int64) *pb.PatientFundsReleased {
	return &pb.PatientFundsReleased{PatientId: "pat_1", PatientPaymentId: payment, AccountId: account, Amount: amount}
}

// Money named for an account waits for it and for nobody else, until nobody is asked for anything there: then it pays the patient's other visits, oldest first.
func TestWhatASettledAccountLeaves(t *testing.T) {
	type events = []es.Event
	overpaid := events{asks("a2", "2026-02-01", 30, "c1"), asks("a1", "2026-01-01", 10, "c2"), asks("a3", "2026-03-01", 20, "c3"), pays("p1", "a3", 50, "c4"), assigned("p1", "a3", 20)}
	estest.Run(t, Stream, NoteSettled, []estest.Case[*pb.PatientAccountSettled]{
		{
			Name: "what a settled account leaves pays the oldest service", Given: overpaid, When: closed("a3", "c5"),
			Then: events{closed("a3", "c5"), released("p1", "a3", 30), assigned("p1", "a1", 10), assigned("p1", "a2", 20)},
		},
		{Name: "another account's money is not touched", Given: overpaid, When: closed("a1", "c5"), Then: events{closed("a1", "c5")}},
		{Name: "told again, nothing new", Given: append(overpaid[:len(overpaid):len(overpaid)], closed("a1", "c5")), When: closed("a1", "c5")},
	})
	estest.Run(t, Stream, NoteFunds, []estest.Case[*pb.PatientFundsNoted]{
		{
			Name: "money named for an account that is settled is free at once", Given: events{closed("a1", "c1"), asks("a2", "2026-02-01", 30, "c2")}, When: pays("p1", "a1", 50, "c3"),
			Then: events{pays("p1", "a1", 50, "c3"), released("p1", "a1", 50), assigned("p1", "a2", 30)},
		},
		{
			Name: "for one whose payer is asked again it waits", Given: events{closed("a1", "c1"), asks("a1", "2026-01-01", 0, "c2"), asks("a2", "2026-02-01", 30, "c3")}, When: pays("p1", "a1", 50, "c4"),
			Then: events{pays("p1", "a1", 50, "c4")},
		},
	})
	estest.Run(t, Stream, NoteAccount, []estest.Case[*pb.PatientAccountNoted]{
		{Name: "that a payer is asked again is noted where the account was settled", Given: events{closed("a1", "c1")}, When: asks("a1", "2026-01-01", 0, "c2"), Then: events{asks("a1", "2026-01-01", 0, "c2")}},
		{Name: "and nowhere else", Given: events{asks("a1", "2026-01-01", 10, "c1")}, When: asks("a1", "2026-01-01", 0, "c2")},
		{
			Name: "the day of service counts, however late it is told", Given: events{closed("a1", "c1"), asks("a1", "2026-03-01", 10, "c2"), asks("a2", "2026-02-01", 10, "c3"), pays("p1", "", 5, "c4"), assigned("p1", "a2", 5)},
			When: asks("a2", "2026-02-01", 1, "c5"), Then: events{asks("a2", "2026-02-01", 1, "c5")},
		},
	})
}

// What is given back is what is held, to the cent: not what an account has, nor what was given back.
func TestRefund(t *testing.T) {
	paid := &pb.PatientPaymentReceived{PatientPaymentId: "p1", PatientId: "pat_1", Amount: 50, Method: "check"}
	decide := func(paid *pb.PatientPaymentReceived) func(State, *pb.RefundPatientPaymentRequest) ([]es.Event, error) {
		return func(s State, c *pb.RefundPatientPaymentRequest) ([]es.Event, error) {
			return Refund(s, c, "rfd_1", paid)
		}
	}
	ask := func(amount int64) *pb.RefundPatientPaymentRequest {
		return &pb.RefundPatientPaymentRequest{PatientPaymentId: "p1", Amount: money.Of(amount), Reason: "moved away", Today: "2026-03-04"}
	}
	back := func(amount int64) *pb.PatientPaymentRefunded {
		return &pb.PatientPaymentRefunded{
			RefundId: "rfd_1", PatientPaymentId: "p1", PatientId: "pat_1", Amount: amount, Method: "check", Reason: "moved away", RefundedDate: "2026-03-04", Legs: []*typev1.Leg{
				{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_PATIENT, Amount: amount}, {Account: typev1.LedgerAccount_LEDGER_ACCOUNT_BANK, Amount: -amount},
			},
		}
	}
	type events = []es.Event
	held := events{asks("a1", "2026-01-01", 20, "c1"), pays("p1", "", 50, "c2"), assigned("p1", "a1", 20)}
	named := events{asks("a1", "2026-01-01", 20, "c1"), pays("p1", "a9", 50, "c2")}
	wrong := &pb.RefundPatientPaymentRequest{PatientPaymentId: "p1", Amount: &typev1.Money{AmountMinor: -1}, Method: "beads", RefundedDate: "2026-03-05", Today: "2026-03-04"}
	estest.Run(t, Stream, decide(paid), []estest.Case[*pb.RefundPatientPaymentRequest]{
		{Name: "what is on no account goes back", Given: held, When: ask(30), Then: events{back(30)}},
		{Name: "a cent more is a visit's", Given: held, When: ask(31), Refused: "posting.refund_of_what_is_held"},
		{Name: "it goes back once", Given: append(held[:len(held):len(held)], back(30)), When: ask(1), Refused: "posting.refund_of_what_is_held"},
		{Name: "what waits for one account may be asked back", Given: named, When: ask(50), Then: events{back(50)}},
		{Name: "all problems are said at once", Given: held, When: wrong, Refused: "posting.money_positive posting.currency posting.payment_method posting.not_in_the_future"},
	})
	estest.Run(t, Stream, decide(nil), []estest.Case[*pb.RefundPatientPaymentRequest]{{Name: "nobody paid it", When: ask(30), Refused: "posting.patient_payment_exists"}})
	estest.Run(t, Stream, NoteAccount, []estest.Case[*pb.PatientAccountNoted]{
		{Name: "what was given back pays nothing", Given: append(held[:len(held):len(held)], back(25)), When: asks("a2", "2026-02-01", 30, "c9"), Then: events{asks("a2", "2026-02-01", 30, "c9"), assigned("p1", "a2", 5)}},
	})
}

// A bounced check is taken back whole: what is on accounts is named, and nothing of it pays anybody any more.
func TestReverse(t *testing.T) {
	paid := &pb.PatientPaymentReceived{PatientPaymentId: "p1", PatientId: "pat_1", Amount: 50, Method: "check", Legs: []*typev1.Leg{
		{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_BANK, Amount: 50}, {Account: typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_PATIENT, Amount: -50},
	}}
	decide := func(paid *pb.PatientPaymentReceived) func(State, *pb.ReversePatientPaymentRequest) ([]es.Event, error) {
		return func(s State, c *pb.ReversePatientPaymentRequest) ([]es.Event, error) { return Reverse(s, c, paid) }
	}
	bounced := func(shares ...*pb.PatientPaymentShare) *pb.PatientPaymentReversed {
		return &pb.PatientPaymentReversed{PatientPaymentId: "p1", PatientId: "pat_1", Amount: 50, Reason: "bounced", ReversedDate: "2026-03-04", Shares: shares, Legs: []*typev1.Leg{
			{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_BANK, Amount: -50}, {Account: typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_PATIENT, Amount: 50},
		}}
	}
	c := &pb.ReversePatientPaymentRequest{PatientPaymentId: "p1", Reason: "bounced", Today: "2026-03-04"}
	share := &pb.PatientPaymentShare{AccountId: "a1", Amount: 20}
	comes := func(payment string, amount int64, by, cause string) *pb.PatientFundsNoted {
		return &pb.PatientFundsNoted{PatientId: "pat_1", PatientPaymentId: payment, Amount: amount, ReturnedByAccountId: by, CauseEventId: cause}
	}
	type events = []es.Event
	held := events{asks("a1", "2026-01-01", 20, "c1"), pays("p1", "", 50, "c2"), assigned("p1", "a1", 20)}
	estest.Run(t, Stream, decide(paid), []estest.Case[*pb.ReversePatientPaymentRequest]{
		{Name: "what is held and what an account has", Given: held, When: c, Then: events{bounced(share)}},
		{Name: "what an account has given back is not asked of it", Given: append(held[:len(held):len(held)], comes("p1", 20, "a1", "c3")), When: c, Then: events{bounced()}},
		{Name: "before the ledger has heard of it", When: c, Then: events{bounced()}},
		{Name: "once", Given: append(held[:len(held):len(held)], bounced(share)), When: c, Refused: "posting.patient_payment_stands"},
		{Name: "not where a part was given back", Given: append(held[:len(held):len(held)], &pb.PatientPaymentRefunded{PatientPaymentId: "p1", Amount: 1}), When: c, Refused: "posting.nothing_given_back"},
	})
	estest.Run(t, Stream, decide(nil), []estest.Case[*pb.ReversePatientPaymentRequest]{{Name: "nobody paid it", When: c, Refused: "posting.patient_payment_exists"}})
	estest.Run(t, Stream, NoteFunds, []estest.Case[*pb.PatientFundsNoted]{
		{Name: "the ledger hears of it after it bounced", Given: events{asks("a1", "2026-01-01", 20, "c1"), bounced()}, When: pays("p1", "", 50, "c2"), Then: events{pays("p1", "", 50, "c2")}},
		{
			Name: "what the account gives back is asked again, and other money pays it", Given: append(held[:len(held):len(held)], bounced(share), pays("p2", "", 15, "c3")),
			When: comes("p1", 20, "a1", "c4"), Then: events{comes("p1", 20, "a1", "c4"), assigned("p2", "a1", 15)},
		},
		{
			Name: "an account that was settled asks again, and money named for it pays it", Given: append(held[:len(held):len(held)], closed("a1", "c5"), bounced(share), comes("p1", 20, "a1", "c4")),
			When: pays("p2", "a1", 15, "c6"), Then: events{pays("p2", "a1", 15, "c6"), assigned("p2", "a1", 15)},
		},
	})
	estest.Run(t, Stream, NoteAccount, []estest.Case[*pb.PatientAccountNoted]{
		{Name: "a bounced check pays nothing", Given: append(held[:len(held):len(held)], bounced(share)), When: asks("a2", "2026-02-01", 30, "c9"), Then: events{asks("a2", "2026-02-01", 30, "c9")}},
	})
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
			Name: "money for one account is for that account", Given: events{asks("a1", "2026-01-01", 30, "c1"), asks("a2", "2026-02-01", 30, "c2")}, When: pays("p1", "a2", 50, "c3"),
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
		var refunded, bounced int64
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
				if p.Left < 0 && !p.Reversed { // what accounts have of a bounced check comes back
					t.Fatalf("%s was promised %d cents it does not have", p.ID, -p.Left)
				}
			}
			return true
		}
		for step := range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch rapid.IntRange(0, 6).Draw(t, "kind") {
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
					Legs: []*typev1.Leg{{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT, Amount: amount}, {Account: typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS, Amount: -amount}},
				}
				onAccount(id, []es.Event{e}, nil)
				events, err := account.Take(accounts[id], &pb.PatientPaymentAssigned{PatientId: "pat_1", AccountId: id, PatientPaymentId: "none"})
				for _, e := range events {
					if a, ok := e.(*pb.PatientPaymentAllocated); !ok || a.Amount != 0 {
						onAccount(id, []es.Event{e}, err)
					}
				}
			case 2: // somebody asks for money back
				id, amount := fmt.Sprint("p", rapid.IntRange(0, step).Draw(t, "of")), rapid.Int64Range(1, 500).Draw(t, "back")
				events, err := Refund(ledger, &pb.RefundPatientPaymentRequest{PatientPaymentId: id, Amount: money.Of(amount), Reason: "r", Today: "2026-03-04"}, "rfd_1",
					&pb.PatientPaymentReceived{PatientPaymentId: id, PatientId: "pat_1", Method: "card"})
				if err != nil {
					continue // more than is held
				}
				refunded += amount
				ledger = Evolve(ledger, events[0])
				record("ledger", events)
			case 3: // a check bounces
				id := fmt.Sprint("p", rapid.IntRange(0, step).Draw(t, "of"))
				if paid[id] == 0 {
					continue
				}
				events, err := Reverse(ledger, &pb.ReversePatientPaymentRequest{PatientPaymentId: id, Reason: "bounced", Today: "2026-03-04"},
					&pb.PatientPaymentReceived{PatientPaymentId: id, PatientId: "pat_1", Amount: paid[id]})
				if err != nil {
					continue // it did before, or a part was given back
				}
				bounced += paid[id]
				ledger = Evolve(ledger, events[0])
				record("ledger", events)
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
			if p.Reversed && p.Left != 0 {
				t.Fatalf("%d of the bounced %s is still somewhere", p.Left, p.ID)
			}
			if p.AccountID == "" {
				anyMoney += p.Left
			} else if p.Left > 0 && accounts[p.AccountID].Settled {
				t.Fatalf("%d waits for %s, which is settled", p.Left, p.AccountID)
			}
		}
		if in != held+left+refunded+bounced {
			t.Fatalf("%d came in, %d is on accounts, %d is left, %d was given back, %d bounced", in, held, left, refunded, bounced)
		}
		if open > 0 && anyMoney > 0 {
			t.Fatalf("%d is owed and %d lies idle", open, anyMoney)
		}
	})
}
