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
