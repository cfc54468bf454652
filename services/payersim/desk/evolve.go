// Package desk is the stream of one payer's front door: what it took in, what it decided, what it owes and is owed.
//
// Take reads a file and answers: a 271 to a 270; a 999 and a 277CA to an 837P, whose claims are decided at once and paid in the weekly run of a later week. Run pays what is due:
// one balanced 835 for each payer and payee, and the deposit of its amount (TestEachRemittanceBalancesAndIsDeposited). A payment is never less than nothing: what a payer takes
// back beyond it is carried forward and kept from the next ones. The desk reads nothing but the bytes it gets and its plans; the same files at the same instants give the same
// bytes (TestTheSameFilesGiveTheSameBytes).
package desk

import (
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/payersim/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is the desk's books.
type State struct {
	Taken     map[string]bool             // by interchange_id
	Responses int                         // files written: the last control number
	Numbers   int                         // claims numbered
	Payments  int                         // 835s paid: the last trace number
	LastRun   string                      // day of the last payment run
	Used      map[string]int64            // deductible used, by member_hash
	Seen      map[string]bool             // claim_hash of originals that were decided
	Lost      map[string]bool             // claim_hash of originals that were never answered
	Claims    map[string]*pb.ClaimDecided // by the payer's number
	Reversed  map[string]bool             // numbers whose decision was taken back
	Pending   []*pb.ClaimDecided          // not in a payment run yet
	Forward   map[string]int64            // what a payee owes, by payer and payee
}

// Decisions.
const (
	paid      = "paid"
	shortPaid = "short_paid"
	denied    = "denied"
	silent    = "silent"
	reversed  = "reversed"
)

// Stream is the desk's stream.
var Stream = es.Stream[State]{Kind: "desk", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	if s.Taken == nil {
		s.Taken, s.Used, s.Seen, s.Lost = map[string]bool{}, map[string]int64{}, map[string]bool{}, map[string]bool{}
		s.Claims, s.Reversed, s.Forward = map[string]*pb.ClaimDecided{}, map[string]bool{}, map[string]int64{}
	}
	switch e := event.(type) {
	case *pb.FileTaken:
		s.Taken[e.InterchangeId] = true
	case *pb.ResponseIssued:
		s.Responses++
	case *pb.ClaimDecided:
		s = decided(s, e)
	case *pb.PaymentRunMade:
		s.Pending = slices.DeleteFunc(slices.Clone(s.Pending), func(d *pb.ClaimDecided) bool { return d.PayOnDate <= e.RunDate })
		s.Payments += len(e.Payments)
		s.LastRun = max(s.LastRun, e.RunDate)
		for _, p := range e.Payments {
			s.Forward[account(p.EdiPayerId, p.PayeeNpi)] = p.ForwardAmount
		}
	}
	return s
}

func decided(s State, e *pb.ClaimDecided) State {
	s.Used[e.MemberHash] += e.DeductibleUsedAmount
	if e.Decision == reversed {
		s.Reversed[e.PayerClaimControlNumber] = true
		s.Pending = append(s.Pending, e)
		return s
	}
	s.Numbers++
	if e.Decision == silent {
		s.Lost[e.ClaimHash] = s.Lost[e.ClaimHash] || e.Original
		return s
	}
	if e.Original {
		s.Seen[e.ClaimHash] = true
	}
	s.Claims[e.PayerClaimControlNumber] = e
	s.Pending = append(s.Pending, e)
	return s
}

func account(payer, payee string) string { return payer + "/" + payee }
