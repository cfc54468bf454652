package claim

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// decidedBefore is the reason of a claim that was closed because its payer had decided already.
const decidedBefore = "the payer decided before the move, in the other billing system"

// DecidedBefore closes a claim whose payer has decided in the other billing system, as a later file tells. What is in no file yet is not sent; what the payer has it answers, and its answer
// is posted like any.
func DecidedBefore(s State, _ *codingv1.VisitPayersTold) ([]es.Event, error) {
	if s.Created == nil || s.Closed || s.EverDecided || s.InFlight && s.Files[s.Sent] != "" {
		return nil, nil
	}
	var events []es.Event
	if s.InFlight {
		events = append(events, recalled(s))
	}
	return append(events, &pb.ClaimClosed{ClaimId: s.Created.ClaimId, Reason: decidedBefore}), nil
}

// recalled takes the version that waits to be sent back.
func recalled(s State) *pb.SubmissionRecalled {
	return &pb.SubmissionRecalled{
		ClaimId: s.Created.ClaimId, PatientId: s.Created.PatientId, ClaimVersion: s.Sent, ReceiverId: s.Content.ReceiverId, EdiPayerId: s.Content.EdiPayerId,
	}
}

// byPriorNumber is how the exchange says that a payer answers to the claim of the other billing system.
const byPriorNumber = "prior_claim_number"

// answeredBefore takes back what the payer needs no more, since it has decided the claim of the other billing system: what waits to be sent or is held. What has gone out it answers too,
// and what it pays twice is a credit.
func answeredBefore(s State) []es.Event {
	switch {
	case s.InFlight && s.Files[s.Sent] == "":
		return []es.Event{recalled(s)}
	case s.Held != nil && s.Sent == 0:
		return []es.Event{&pb.ClaimReleased{ClaimId: s.Created.ClaimId, Reason: "the payer has decided the claim that the other billing system sent: nothing is sent"}}
	}
	return nil
}
