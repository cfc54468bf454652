package partner

import (
	"strings"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// React queues claims, takes back those that are not to go out, and sends questions.
func React(r es.Recorded, _ es.Look) ([]es.Command, error) {
	switch e := r.Event.(type) {
	case *claimsv1.SubmissionRequested:
		to := receiver(e.Content.GetReceiverId(), e.Content.GetEdiPayerId())
		return []es.Command{es.Do(Stream, to, Queue, Submission{ReceiverID: to, Claim: e, At: r.RecordedAt})}, nil
	case *claimsv1.SubmissionRecalled:
		to := receiver(e.ReceiverId, e.EdiPayerId)
		return []es.Command{es.Do(Stream, to, Recall, Recalled{ReceiverID: to, Claim: e})}, nil
	case *intakev1.EligibilityRequested:
		to := receiver(e.ReceiverId, e.EdiPayerId)
		return []es.Command{es.Do(Stream, to, Ask, Question{ReceiverID: to, Request: e, At: r.RecordedAt})}, nil
	}
	return nil, nil
}

// receiver is who gets the file; a payer without one gets it itself.
func receiver(id, edi string) string {
	if id = strings.TrimSpace(id); id != "" {
		return id
	}
	edi = strings.TrimSpace(edi)
	if edi == "" {
		return "UNKNOWN"
	}
	return edi[:min(len(edi), 15)]
}

// Timers: a batch goes some time after its first claim came.
func Timers(r es.Recorded) []es.TimerOp {
	key := "exchange.batch/" + r.StreamID
	switch e := r.Event.(type) {
	case *pb.ClaimQueued:
		if !e.First {
			return nil
		}
		return []es.TimerOp{es.SetTimer(es.Timer{Key: key, Kind: Stream.Kind, StreamID: r.StreamID, DueAt: r.RecordedAt.Add(wait), Body: &pb.BatchDue{ReceiverId: r.StreamID}})}
	case *pb.InterchangeSent:
		if len(e.Claims) == 0 {
			return nil
		}
		return []es.TimerOp{es.CancelTimer(key)}
	}
	return nil
}

// OnTimer sends a batch that is due.
func OnTimer(t es.Timer) []es.Command {
	if b, ok := t.Body.(*pb.BatchDue); ok {
		return []es.Command{es.Do(Stream, b.ReceiverId, Send, Due{ReceiverID: b.ReceiverId, At: t.DueAt})}
	}
	return nil
}
