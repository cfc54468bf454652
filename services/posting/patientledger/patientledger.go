// Package patientledger is the stream of one patient: what the accounts ask for, what came in, and which money is for which account.
//
// It is the one place where a patient's money is divided, so no cent is promised twice, whatever comes in at once (TestNoCentIsPromisedTwice). Money named for an account is for
// that account until it is settled; other money goes to the oldest service first; what nobody asks for waits, or is given back. The account takes what is assigned and gives
// back what is not owed any more; that comes back here as new money.
package patientledger

import (
	"cmp"
	"maps"
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// Account is what an account asks for that nothing is assigned to yet; below 0 while it still has to give back.
type Account struct {
	ID, ServiceDate string
	Open            int64
	Settled         bool // asks nobody for anything
}

// Payment is what is left of a payment.
type Payment struct {
	ID, AccountID string // AccountID: named for that account; empty: for any
	Left          int64
	Assigned      map[string]int64 // to accounts, less what they gave back
	Refunded      int64
	Reversed      bool
}

// State is both sides, in the order in which they were first told.
type State struct {
	Accounts []Account
	Payments []Payment
	Noted    map[string]bool // causes
}

// Stream is the ledger's stream; its id is the patient's.
var Stream = es.Stream[State]{Kind: "patient_ledger", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	if s.Noted == nil {
		s.Noted = map[string]bool{}
	}
	switch e := event.(type) {
	case *pb.PatientAccountNoted:
		s.Noted[e.CauseEventId] = true
		a := s.account(e.AccountId, e.ServiceDate)
		a.Open, a.Settled = a.Open+e.Amount, false
	case *pb.PatientAccountSettled:
		s.Noted[e.CauseEventId] = true
		s.account(e.AccountId, "").Settled = true
	case *pb.PatientFundsReleased:
		s.payment(e.PatientPaymentId, "").AccountID = ""
	case *pb.PatientPaymentRefunded:
		p := s.payment(e.PatientPaymentId, "")
		p.Left, p.Refunded = p.Left-e.Amount, p.Refunded+e.Amount
	case *pb.PatientPaymentReversed:
		p := s.payment(e.PatientPaymentId, "")
		p.Left, p.Reversed = p.Left-e.Amount, true
	case *pb.PatientFundsNoted:
		s.Noted[e.CauseEventId] = true
		p := s.payment(e.PatientPaymentId, e.AccountId)
		p.Left += e.Amount
		if e.ReturnedByAccountId != "" {
			p.assign(e.ReturnedByAccountId, -e.Amount)
			a := s.account(e.ReturnedByAccountId, "")
			a.Open += e.Amount
			a.Settled = a.Settled && a.Open <= 0 // a bounced check is owed again
		}
	case *pb.PatientPaymentAssigned:
		p := s.payment(e.PatientPaymentId, "")
		p.Left -= e.Amount
		p.assign(e.AccountId, e.Amount)
		s.account(e.AccountId, "").Open -= e.Amount
	}
	return s
}

func (s *State) account(id, serviceDate string) *Account {
	for i := range s.Accounts {
		if s.Accounts[i].ID == id {
			s.Accounts[i].ServiceDate = cmp.Or(s.Accounts[i].ServiceDate, serviceDate)
			return &s.Accounts[i]
		}
	}
	s.Accounts = append(s.Accounts, Account{ID: id, ServiceDate: serviceDate})
	return &s.Accounts[len(s.Accounts)-1]
}

func (s *State) payment(id, accountID string) *Payment {
	for i := range s.Payments {
		if s.Payments[i].ID == id {
			return &s.Payments[i]
		}
	}
	s.Payments = append(s.Payments, Payment{ID: id, AccountID: accountID})
	return &s.Payments[len(s.Payments)-1]
}

func (p *Payment) assign(accountID string, amount int64) {
	if p.Assigned = maps.Clone(p.Assigned); p.Assigned == nil {
		p.Assigned = map[string]int64{}
	}
	p.Assigned[accountID] += amount
}

// NoteAccount notes what an account asks for, or no longer asks for, once per cause, and assigns what there is. That others are asked again is worth a note only where the
// account was settled.
func NoteAccount(s State, c *pb.PatientAccountNoted) ([]es.Event, error) {
	if s.Noted[c.CauseEventId] || c.Amount == 0 && !settled(s, c.AccountId) {
		return nil, nil
	}
	return assign(s, c.PatientId, c), nil
}

// NoteSettled notes that an account is settled, once, and lets what was named for it pay others.
func NoteSettled(s State, c *pb.PatientAccountSettled) ([]es.Event, error) {
	if s.Noted[c.CauseEventId] || settled(s, c.AccountId) {
		return nil, nil
	}
	return assign(s, c.PatientId, c), nil
}

func settled(s State, accountID string) bool {
	return slices.ContainsFunc(s.Accounts, func(a Account) bool { return a.ID == accountID && a.Settled })
}

// NoteFunds notes money that came in or came back, once per cause, and assigns it.
func NoteFunds(s State, c *pb.PatientFundsNoted) ([]es.Event, error) {
	if s.Noted[c.CauseEventId] {
		return nil, nil
	}
	return assign(s, c.PatientId, c), nil
}

func assign(s State, patientID string, noted es.Event) []es.Event {
	after := Evolve(State{Accounts: slices.Clone(s.Accounts), Payments: slices.Clone(s.Payments)}, noted)
	out := []es.Event{noted}
	for i, p := range after.Payments {
		if p.AccountID != "" && p.Left > 0 && settled(after, p.AccountID) {
			out = append(out, &pb.PatientFundsReleased{PatientId: patientID, PatientPaymentId: p.ID, AccountId: p.AccountID, Amount: p.Left})
			after.Payments[i].AccountID = ""
		}
	}
	oldest := slices.Clone(after.Accounts)
	slices.SortStableFunc(oldest, func(a, b Account) int {
		return cmp.Or(cmp.Compare(a.ServiceDate, b.ServiceDate), cmp.Compare(a.ID, b.ID))
	})
	// Money named for an account first, so that an unnamed payment does not take its place.
	for _, named := range []bool{true, false} {
		for _, p := range after.Payments {
			left := p.Left
			for i := range oldest {
				a := &oldest[i]
				amount := min(left, a.Open)
				if amount <= 0 || named != (p.AccountID != "") || named && p.AccountID != a.ID {
					continue
				}
				out = append(out, &pb.PatientPaymentAssigned{PatientId: patientID, PatientPaymentId: p.ID, AccountId: a.ID, Amount: amount})
				left -= amount
				a.Open -= amount
			}
		}
	}
	return out
}

// reopens says whether an event that asks nothing of the patient may still make a settled account ask others.
func reopens(event es.Event) bool {
	switch event.(type) {
	case *pb.PostingReversed, *pb.ChargeCorrected:
		return true
	}
	return false
}

// React tells the ledger what accounts ask of the patient and which money came in or back.
func React(r es.Recorded, _ es.Look) ([]es.Command, error) {
	switch e := r.Event.(type) {
	case *pb.PatientPaymentReceived:
		return []es.Command{es.Do(Stream, e.PatientId, NoteFunds, &pb.PatientFundsNoted{
			PatientId: e.PatientId, PatientPaymentId: e.PatientPaymentId, AccountId: e.AccountId, Amount: e.Amount, CauseEventId: r.ID.String(),
		})}, nil
	case *pb.PatientPaymentAllocated:
		if e.Amount > 0 { // assigned here
			return nil, nil
		}
		return []es.Command{es.Do(Stream, e.PatientId, NoteFunds, &pb.PatientFundsNoted{
			PatientId: e.PatientId, PatientPaymentId: e.PatientPaymentId, Amount: -e.Amount, ReturnedByAccountId: e.AccountId, CauseEventId: r.ID.String(),
		})}, nil
	case *pb.AccountSettled:
		return []es.Command{es.Do(Stream, e.PatientId, NoteSettled, &pb.PatientAccountSettled{PatientId: e.PatientId, AccountId: e.AccountId, CauseEventId: r.ID.String()})}, nil
	case interface {
		GetAccountId() string
		GetPatientId() string
		GetServiceDate() string
		GetLegs() []*typev1.Leg
	}: // every other event of an account that moves money
		var amount int64
		for _, l := range e.GetLegs() {
			if l.Account == typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT {
				amount += l.Amount
			}
		}
		if amount == 0 && !reopens(r.Event) {
			return nil, nil
		}
		return []es.Command{es.Do(Stream, e.GetPatientId(), NoteAccount, &pb.PatientAccountNoted{
			PatientId: e.GetPatientId(), AccountId: e.GetAccountId(), ServiceDate: e.GetServiceDate(), Amount: amount, CauseEventId: r.ID.String(),
		})}, nil
	}
	return nil, nil
}
