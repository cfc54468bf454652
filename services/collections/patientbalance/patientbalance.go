// Package patientbalance is the stream of what one patient owes, by account, as posting told it, and of the statements that ask for it.
//
// A statement is written a week after a balance appears and then every 30 days while something is owed; each has a line for every account with a balance, which says in a sentence how
// it came about. The balance is the sum of the changes, each noted once (TestBalance). Money that is held for the patient is told and never asked for again
// (TestHeldMoneyIsNotAskedFor).
package patientbalance

import (
	"cmp"
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// Days of the statement's rhythm. Source: our own choice; common practice of practices.
const (
	firstAfter = 7  // a balance appears → first statement
	nextAfter  = 30 // statement → next one
	dueAfter   = 21 // statement → payment
)

var (
	// PatientExists: the patient is one of this tenant's. Source: our own choice.
	PatientExists = refuse.Rule{ID: "collections.patient_exists", Version: 1, Owner: "intake", NotFound: true}
	// SomethingOwed: a statement asks for money. Source: our own choice.
	SomethingOwed = refuse.Rule{ID: "collections.something_owed", Version: 1, Owner: "collections"}
	// BeyondWhatIsHeld: a statement asks for more than what the patient has paid already and is on no account yet. Source: our own choice; nobody pays twice.
	BeyondWhatIsHeld = refuse.Rule{ID: "collections.beyond_what_is_held", Version: 1, Owner: "collections"}
	// OneStatementADay: a second statement of a day says nothing new. Source: our own choice.
	OneStatementADay = refuse.Rule{ID: "collections.one_statement_a_day", Version: 1, Owner: "collections"}
)

// Account is what the patient owes on one account.
type Account struct {
	ID, ServiceDate string
	Amount          int64
}

// State is the balance.
type State struct {
	Accounts []Account // in the order in which they were told
	Balance  int64
	Noted    map[string]bool // causes
	Changed  bool            // since the last statement
	Last     *pb.StatementIssued
	Withheld *pb.StatementWithheld // the last one that was due and asked for nothing
}

// Stream is the balance's stream; its id is the patient's.
var Stream = es.Stream[State]{Kind: "patient_balance", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	if s.Noted == nil {
		s.Noted = map[string]bool{}
	}
	switch e := event.(type) {
	case *pb.PatientBalanceChanged:
		s.Noted[e.CauseEventId], s.Changed, s.Balance = true, true, e.BalanceAmount
		i := slices.IndexFunc(s.Accounts, func(a Account) bool { return a.ID == e.AccountId })
		if i < 0 {
			i, s.Accounts = len(s.Accounts), append(s.Accounts, Account{ID: e.AccountId, ServiceDate: e.ServiceDate})
		}
		s.Accounts[i].Amount += e.Amount
	case *pb.StatementIssued:
		s.Last, s.Changed = e, false
	case *pb.StatementWithheld:
		s.Withheld = e
	}
	return s
}

// Owing are the accounts with a balance, oldest service first.
func Owing(s State) []Account {
	var out []Account
	for _, a := range s.Accounts {
		if a.Amount != 0 {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b Account) int {
		return cmp.Or(cmp.Compare(a.ServiceDate, b.ServiceDate), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Note adds a change, once per cause.
func Note(s State, c *pb.PatientBalanceChanged) ([]es.Event, error) {
	if s.Noted[c.CauseEventId] {
		return nil, nil
	}
	return []es.Event{&pb.PatientBalanceChanged{
		PatientId: c.PatientId, AccountId: c.AccountId, Amount: c.Amount, BalanceAmount: s.Balance + c.Amount, ServiceDate: c.ServiceDate,
		Cause: c.Cause, CauseEventId: c.CauseEventId, ChangedDate: c.ChangedDate,
	}}, nil
}

// Request asks for a statement when something is owed that the patient has not been told of, or that is past due.
func Request(s State, c *pb.StatementRequested) ([]es.Event, error) {
	if s.Balance <= 0 || !s.Changed && s.Last != nil && c.RequestedDate <= s.Last.DueDate {
		return nil, nil
	}
	return []es.Event{c}, nil
}

// Facts are what a statement says beside the balance.
type Facts struct {
	Patient  bool
	Name     *typev1.PersonName
	Address  *typev1.Address
	Accounts map[string]Story // by account_id
	Sender   Sender
	Held     int64 // of the patient's money, on no account yet
}

// Sender is who asks for the money.
type Sender struct {
	Name    string
	Address *typev1.Address
	Phone   string
}

// Write is the statement of a day. Nothing is refused here: it is written when there is something to say.
func Write(s State, id, patientID, day string, facts Facts) *pb.StatementIssued {
	out := &pb.StatementIssued{
		StatementId: id, PatientId: patientID, StatementDate: day, DueDate: date.Add(day, dueAfter), PatientName: facts.Name, PatientAddress: facts.Address,
		OrganizationName: facts.Sender.Name, OrganizationAddress: facts.Sender.Address, OrganizationPhone: facts.Sender.Phone,
		HeldAmount: facts.Held,
	}
	for _, a := range Owing(s) {
		out.BalanceAmount += a.Amount
		out.Lines = append(out.Lines, facts.Accounts[a.ID].Line(a))
	}
	return out
}

// ToPay is what a statement asks for: the balance less what is held.
func ToPay(s *pb.StatementIssued) int64 { return max(s.BalanceAmount-s.HeldAmount, 0) }

// IssueRequested writes the statement that the timer asked for, once; where held money covers all that is owed it says why there is none.
func IssueRequested(s State, c Requested) ([]es.Event, error) {
	if s.Balance <= 0 || s.Last != nil && (s.Last.StatementId == c.StatementID || s.Last.StatementDate == c.Day) || s.Withheld.GetStatementId() == c.StatementID {
		return nil, nil
	}
	if c.Facts.Held >= s.Balance {
		return []es.Event{&pb.StatementWithheld{
			StatementId: c.StatementID, PatientId: c.PatientID, StatementDate: c.Day, BalanceAmount: s.Balance, HeldAmount: c.Facts.Held,
		}}, nil
	}
	return []es.Event{Write(s, c.StatementID, c.PatientID, c.Day, c.Facts)}, nil
}

// Requested is a statement that is to be written.
type Requested struct {
	StatementID, PatientID, Day string
	Facts                       Facts
}

// Issue writes a statement now, because somebody asks for it.
func Issue(s State, c *pb.IssueStatementRequest, id string, facts Facts) ([]es.Event, error) {
	var no refuse.List
	no.If(!facts.Patient, PatientExists, "patient_id", "there is no patient %s", c.PatientId)
	no.If(facts.Patient && s.Balance <= 0, SomethingOwed, "patient_id", "patient %s owes nothing", c.PatientId)
	no.If(facts.Patient && s.Balance > 0 && facts.Held >= s.Balance, BeyondWhatIsHeld, "patient_id",
		"%s are owed and %s are held for the patient: there is nothing to ask for", money.Format(s.Balance), money.Format(facts.Held))
	no.If(s.Last != nil && s.Last.StatementDate == c.StatementDate, OneStatementADay, "", "statement %s of today says it already", s.Last.GetStatementId())
	if err := no.Err(); err != nil {
		return nil, err
	}
	return []es.Event{Write(s, id, c.PatientId, c.StatementDate, facts)}, nil
}

// Timers set the next statement: a week after something is owed, a month after each statement, none when nothing is.
func Timers(r es.Recorded) []es.TimerOp {
	set := func(patientID, day string) []es.TimerOp {
		return []es.TimerOp{es.SetTimer(es.Timer{
			Key: "statement:" + patientID, Kind: Stream.Kind, StreamID: patientID, DueAt: date.Time(day), Body: &pb.StatementDue{PatientId: patientID},
		})}
	}
	switch e := r.Event.(type) {
	case *pb.PatientBalanceChanged:
		switch before := e.BalanceAmount - e.Amount; {
		case e.BalanceAmount <= 0:
			return []es.TimerOp{es.CancelTimer("statement:" + e.PatientId)}
		case before <= 0:
			return set(e.PatientId, date.Add(e.ChangedDate, firstAfter))
		}
	case *pb.StatementIssued:
		return set(e.PatientId, date.Add(e.StatementDate, nextAfter))
	case *pb.StatementWithheld:
		return set(e.PatientId, date.Add(e.StatementDate, nextAfter))
	}
	return nil
}

// OnTimer asks for the statement that is due.
func OnTimer(t es.Timer) []es.Command {
	e, ok := t.Body.(*pb.StatementDue)
	if !ok {
		return nil
	}
	day := date.Of(t.DueAt, nil)
	return []es.Command{es.Do(Stream, e.PatientId, Request, &pb.StatementRequested{
		StatementId: es.Derive("stm", e.PatientId, day), PatientId: e.PatientId, RequestedDate: day,
	})}
}

// moved is what an event changes of what the patient owes.
func moved(legs []*typev1.Leg) int64 {
	var sum int64
	for _, l := range legs {
		if l.Account == typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT {
			sum += l.Amount
		}
	}
	return sum
}

// cause says in our words why a balance changed.
func cause(event es.Event) string {
	switch e := event.(type) {
	case *postingv1.ChargePosted:
		return "charge without a payer"
	case *postingv1.BalanceMoved:
		return "left by a plan that is asked no more"
	case *postingv1.ChargeVoided, *postingv1.BalanceReturned:
		return "charge taken back"
	case *postingv1.PriorAdjudicationPosted:
		return "left by an earlier payer"
	case *postingv1.ResponsibilityTransferred:
		return "ResponsibilityTransferred " + e.GroupCode + "-" + e.Carc
	case *postingv1.PostingReversed:
		return "payment of the plan taken back"
	case *postingv1.PatientPaymentAllocated:
		return "patient payment"
	}
	return string(event.ProtoReflect().Descriptor().Name())
}
