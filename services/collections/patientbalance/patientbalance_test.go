package patientbalance

import (
	"strings"
	"testing"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
)

func told(account string, amount, balance int64, cause string) *pb.PatientBalanceChanged {
	return &pb.PatientBalanceChanged{PatientId: "pat_1", AccountId: account, Amount: amount, BalanceAmount: balance, ServiceDate: "2026-03-02", CauseEventId: cause, ChangedDate: "2026-03-20"}
}

func TestBalance(t *testing.T) {
	type events = []es.Event
	estest.Run(t, Stream, Note, []estest.Case[*pb.PatientBalanceChanged]{
		{Name: "the plan leaves a copay", When: told("a1", 2000, 0, "c1"), Then: events{told("a1", 2000, 2000, "c1")}},
		{Name: "accounts add up", Given: events{told("a1", 2000, 2000, "c1")}, When: told("a2", 500, 0, "c2"), Then: events{told("a2", 500, 2500, "c2")}},
		{Name: "told again, nothing new", Given: events{told("a1", 2000, 2000, "c1")}, When: told("a1", 2000, 0, "c1")},
	})
	issued := &pb.StatementIssued{StatementId: "stm_1", PatientId: "pat_1", StatementDate: "2026-03-27", DueDate: "2026-04-17", BalanceAmount: 2000}
	ask := func(day string) *pb.StatementRequested {
		return &pb.StatementRequested{StatementId: "stm_2", PatientId: "pat_1", RequestedDate: day}
	}
	estest.Run(t, Stream, Request, []estest.Case[*pb.StatementRequested]{
		{Name: "who owes gets a statement", Given: events{told("a1", 2000, 2000, "c1")}, When: ask("2026-03-27"), Then: events{ask("2026-03-27")}},
		{Name: "who owes nothing gets none", Given: events{told("a1", 2000, 2000, "c1"), told("a1", -2000, 0, "c2")}, When: ask("2026-03-27")},
		{Name: "nothing new and not due yet: none", Given: events{told("a1", 2000, 2000, "c1"), issued}, When: ask("2026-04-17")},
		{Name: "past due: another", Given: events{told("a1", 2000, 2000, "c1"), issued}, When: ask("2026-04-26"), Then: events{ask("2026-04-26")}},
		{Name: "something new: another", Given: events{told("a1", 2000, 2000, "c1"), issued, told("a2", 100, 2100, "c2")}, When: ask("2026-04-01"), Then: events{ask("2026-04-01")}},
	})
	issue := func(facts Facts) func(State, *pb.IssueStatementRequest) ([]es.Event, error) {
		return func(s State, c *pb.IssueStatementRequest) ([]es.Event, error) { return Issue(s, c, "stm_2", facts) }
	}
	now := &pb.IssueStatementRequest{PatientId: "pat_1", StatementDate: "2026-03-27"}
	estest.Run(t, Stream, issue(Facts{Patient: true}), []estest.Case[*pb.IssueStatementRequest]{
		{Name: "nothing owed, nothing to say", When: now, Refused: "collections.something_owed"},
		{Name: "one a day", Given: events{told("a1", 2000, 2000, "c1"), issued}, When: now, Refused: "collections.one_statement_a_day"},
	})
	estest.Run(t, Stream, issue(Facts{}), []estest.Case[*pb.IssueStatementRequest]{
		{Name: "nobody we know", When: now, Refused: "collections.patient_exists"},
	})
}

func TestTheRhythmOfStatements(t *testing.T) {
	due := func(e es.Event) string {
		ops := Timers(es.Recorded{Event: e})
		switch {
		case len(ops) == 0:
			return ""
		case ops[0].Set == nil:
			return "none"
		}
		return date.Of(ops[0].Set.DueAt, nil)
	}
	for _, c := range []struct {
		name  string
		event es.Event
		want  string
	}{
		{"a week after a balance appears", told("a1", 2000, 2000, "c1"), "2026-03-27"},
		{"more of it changes nothing", told("a1", 100, 2100, "c1"), ""},
		{"none once it is paid", told("a1", -2000, 0, "c1"), "none"},
		{"a month after one that held money made needless", &pb.StatementWithheld{PatientId: "pat_1", StatementDate: "2026-03-27"}, "2026-04-26"},
		{"a month after a statement", &pb.StatementIssued{PatientId: "pat_1", StatementDate: "2026-03-27"}, "2026-04-26"},
	} {
		if got := due(c.event); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	commands := OnTimer(es.Timer{Body: &pb.StatementDue{PatientId: "pat_1"}, DueAt: date.Time("2026-03-27")})
	if len(commands) != 1 || commands[0].ID != "pat_1" {
		t.Fatalf("the timer asks for %v", commands)
	}
}

// What the patient has paid and is on no account yet is told and taken off what is asked; where it covers all, nothing is asked, and the clock runs on.
func TestHeldMoneyIsNotAskedFor(t *testing.T) {
	type events = []es.Event
	owed := events{told("a1", 2000, 2000, "c1")}
	asked := func(held int64) Requested {
		return Requested{StatementID: "stm_1", PatientID: "pat_1", Day: "2026-03-27", Facts: Facts{Patient: true, Held: held}}
	}
	issued := func(held int64) *pb.StatementIssued {
		return &pb.StatementIssued{StatementId: "stm_1", PatientId: "pat_1", StatementDate: "2026-03-27", DueDate: "2026-04-17", BalanceAmount: 2000, HeldAmount: held, Lines: []*pb.StatementLine{{
			AccountId: "a1", ServiceDate: "2026-03-02", BalanceAmount: 2000, Explanation: Story{}.Line(Account{ID: "a1", ServiceDate: "2026-03-02", Amount: 2000}).Explanation,
		}}}
	}
	none := &pb.StatementWithheld{StatementId: "stm_1", PatientId: "pat_1", StatementDate: "2026-03-27", BalanceAmount: 2000, HeldAmount: 2000}
	estest.Run(t, Stream, IssueRequested, []estest.Case[Requested]{
		{Name: "what is held is told", Given: owed, When: asked(500), Then: events{issued(500)}},
		{Name: "what covers all asks for nothing", Given: owed, When: asked(2000), Then: events{none}},
		{Name: "said once", Given: append(owed[:1:1], none), When: asked(2000)},
	})
	if got := ToPay(issued(500)); got != 1500 {
		t.Errorf("it asks for %d", got)
	}
	issue := func(s State, c *pb.IssueStatementRequest) ([]es.Event, error) {
		return Issue(s, c, "stm_1", asked(2500).Facts)
	}
	estest.Run(t, Stream, issue, []estest.Case[*pb.IssueStatementRequest]{
		{Name: "nobody asks twice by hand either", Given: owed, When: &pb.IssueStatementRequest{PatientId: "pat_1", StatementDate: "2026-03-27"}, Refused: "collections.beyond_what_is_held"},
	})
}

func patientLeg(amount int64) []*typev1.Leg {
	return []*typev1.Leg{
		{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT, Amount: amount},
		{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE, Amount: -amount, PayerId: "pay_1"},
	}
}

// What posting says of an account becomes a sentence, and the statement's lines sum to what is owed.
func TestStatement(t *testing.T) {
	insurance := func(account typev1.LedgerAccount, amount int64) []*typev1.Leg {
		return []*typev1.Leg{{Account: account, Amount: amount}, {Account: typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE, Amount: -amount, PayerId: "pay_1"}}
	}
	paid := []es.Event{
		&postingv1.ChargePosted{AccountId: "a1", PatientId: "pat_1", ServiceDate: "2026-03-02", Legs: []*typev1.Leg{
			{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE, Amount: 15000, PayerId: "pay_1"}, {Account: typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS, Amount: -15000},
		}},
		&postingv1.InsurancePaymentPosted{AccountId: "a1", Legs: insurance(typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, 9000)},
		&postingv1.ContractualAdjusted{AccountId: "a1", Legs: insurance(typev1.LedgerAccount_LEDGER_ACCOUNT_CONTRACTUAL, 4000)},
		&postingv1.ResponsibilityTransferred{AccountId: "a1", PatientId: "pat_1", ServiceDate: "2026-03-02", RemittanceId: "rem_1", ClaimOrdinal: 1, Carc: "3", Amount: 2000, Legs: patientLeg(2000)},
		&postingv1.PatientPaymentAllocated{AccountId: "a1", PatientId: "pat_1", ServiceDate: "2026-03-02", Amount: 500, Legs: []*typev1.Leg{
			{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT, Amount: -500}, {Account: typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_PATIENT, Amount: 500},
		}},
	}
	known := es.Known{"collections.account": {"a1": paid}, "collections.accounts_of_patient": {"pat_1": paid[:1]}, "collections.patient": {"pat_1": {
		&intakev1.PatientRegistered{PatientId: "pat_1", Name: &typev1.PersonName{First: "Ann", Last: "Doe"}},
	}}}
	var s State
	for i, e := range append(paid, &pb.StatementRequested{StatementId: "stm_1", PatientId: "pat_1", RequestedDate: "2026-03-27"}) {
		commands, err := React(es.Recorded{Event: e, ID: es.DeriveUUID(string(rune('a' + i))), OccurredOn: "2026-03-20"}, known)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range commands {
			events, err := c.Decide(s)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				s = Evolve(s, e)
			}
		}
	}
	if s.Last == nil || s.Last.BalanceAmount != 1500 || s.Last.PatientName.GetLast() != "Doe" || s.Last.DueDate != "2026-04-17" {
		t.Fatalf("issued %v", s.Last)
	}
	var sum int64
	for _, l := range s.Last.Lines {
		sum += l.BalanceAmount
	}
	want := "Session of 2 March 2026: charged $150.00, plan paid $90.00, plan discount $40.00, your copay $20.00, you paid $5.00. Open: $15.00 with you."
	if sum != s.Last.BalanceAmount || s.Last.Lines[0].Explanation != want {
		t.Fatalf("lines sum to %d and say %q", sum, s.Last.Lines[0].Explanation)
	}
	reversed, _ := es.Find(es.Known{"collections.account": {"a1": append(paid[:len(paid):len(paid)], &postingv1.PostingReversed{
		AccountId: "a1", ReversedRemittanceId: "rem_1", ReversedClaimOrdinal: 1, Legs: patientLeg(-2000),
	})}}, StoryMirror, "a1")
	if line := reversed.Line(Account{ID: "a1"}); line.CopayAmount != 0 || strings.Contains(line.Explanation, "copay") {
		t.Fatalf("after the plan took it back: %q", line.Explanation)
	}
}
