// Package partner is the stream of one receiver of our files: what waits to be sent to it, and the numbers of what was sent.
//
// Claims wait until their batch is due or full, questions about eligibility go at once. Every file is one interchange with one group and one set, so one counter gives
// ISA13, GS06, ST02 and BHT03 without gaps (TestNumbersHaveNoGaps). The same state and the same instant give the same bytes (TestTheSameStateGivesTheSameBytes). A claim that
// can't be written does not keep the others back: it is rejected with the rules it breaks (TestABrokenClaimDoesNotStopTheOthers).
package partner

import (
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is what waits, and the last number.
type State struct {
	Waiting  []*pb.ClaimQueued
	Sent     int              // files so far: the last control number
	Versions map[string]int32 // by claim_id: the last version that was queued
	Asked    map[string]bool  // by eligibility_check_id
}

// Stream is the partner's stream.
var Stream = es.Stream[State]{Kind: "partner", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	if s.Versions == nil {
		s.Versions, s.Asked = map[string]int32{}, map[string]bool{}
	}
	switch e := event.(type) {
	case *pb.ClaimQueued:
		s.Versions[e.ClaimId] = e.ClaimVersion
		s.Waiting = slices.DeleteFunc(s.Waiting, func(w *pb.ClaimQueued) bool { return w.ClaimId == e.ClaimId }) // overtaken before it went
		s.Waiting = append(s.Waiting, e)
	case *pb.ClaimRecalled:
		s.Waiting = without(s.Waiting, e.ClaimId, e.ClaimVersion)
	case *pb.InquiryQueued:
		s.Asked[e.Request.GetEligibilityCheckId()] = true
	case *pb.InterchangeSent:
		s.Sent++
		for _, c := range e.Claims {
			s.Waiting = without(s.Waiting, c.ClaimId, c.ClaimVersion)
		}
	case *pb.SetAcknowledged: // could not be written
		s.Waiting = without(s.Waiting, e.ClaimId, e.ClaimVersion)
	}
	return s
}

func without(waiting []*pb.ClaimQueued, claimID string, version int32) []*pb.ClaimQueued {
	return slices.DeleteFunc(waiting, func(w *pb.ClaimQueued) bool { return w.ClaimId == claimID && w.ClaimVersion == version })
}
