package claim

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// How long is waited, in days. Source: our own choices, 2026-11-24: 277CAs come within two business days, clean claims are decided within 30 days by
// most prompt-pay laws, and two weeks are enough to mend a claim before its limit.
const (
	acknowledgmentDays = 5
	remittanceDays     = 30
	warningDays        = 14
)

// What is waited for.
const (
	waitAcknowledgment = "acknowledgment"
	waitRemittance     = "remittance"
)

// Timers are the clocks that an event of a claim sets and stops.
func Timers(r es.Recorded) []es.TimerOp {
	key := func(kind string) string { return "claims." + kind + "/" + r.StreamID }
	set := func(kind string, days int, body es.Event) es.TimerOp {
		return es.SetTimer(es.Timer{Key: key(kind), Kind: Stream.Kind, StreamID: r.StreamID, DueAt: r.RecordedAt.AddDate(0, 0, days), Body: body})
	}
	stop := func(kinds ...string) []es.TimerOp {
		var ops []es.TimerOp
		for _, k := range kinds {
			ops = append(ops, es.CancelTimer(key(k)))
		}
		return ops
	}
	switch e := r.Event.(type) {
	case *pb.ClaimCreated:
		if !date.Valid(e.TimelyFilingDueDate) || !r.RecordedAt.Before(date.Time(e.TimelyFilingDueDate)) {
			return nil // no limit, or it has passed, which the scrub says
		}
		return []es.TimerOp{es.SetTimer(es.Timer{
			Key: key("timely_filing"), Kind: Stream.Kind, StreamID: r.StreamID, DueAt: date.Time(date.Add(e.TimelyFilingDueDate, -warningDays)), Body: &pb.TimelyFilingDue{ClaimId: e.ClaimId},
		})}
	case *pb.ClaimSubmitted:
		return []es.TimerOp{
			set(waitAcknowledgment, acknowledgmentDays, &pb.AcknowledgmentDue{ClaimId: e.ClaimId, ClaimVersion: e.ClaimVersion}),
			set(waitRemittance, remittanceDays, &pb.RemittanceDue{ClaimId: e.ClaimId, ClaimVersion: e.ClaimVersion}),
		}
	case *pb.CrossoverDetected:
		return []es.TimerOp{set("remittance", remittanceDays, &pb.RemittanceDue{ClaimId: e.ClaimId, ClaimVersion: e.ClaimVersion})}
	case *pb.ClaimAcknowledged:
		if e.Level == pb.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_SYNTAX {
			return nil
		}
		return stop(waitAcknowledgment)
	case *pb.ClaimStatusReported:
		ops := stop(waitAcknowledgment)
		if e.Finding == pb.ClaimFinding_CLAIM_FINDING_ON_FILE {
			ops = append(ops, set(waitRemittance, remittanceDays, &pb.RemittanceDue{ClaimId: e.ClaimId, ClaimVersion: e.ClaimVersion}))
		}
		return ops
	case *pb.ClaimRejected:
		return stop(waitAcknowledgment, waitRemittance)
	case *pb.ClaimAdjudicated:
		if e.AwaitedVersion > 0 {
			return stop("timely_filing")
		}
		return stop(waitAcknowledgment, waitRemittance, "timely_filing")
	case *pb.ClaimClosed:
		return stop(waitAcknowledgment, waitRemittance, "timely_filing")
	}
	return nil
}

// OnTimer turns a clock that is due into what is decided then.
func OnTimer(t es.Timer) []es.Command {
	switch b := t.Body.(type) {
	case *pb.AcknowledgmentDue:
		return []es.Command{es.Do(Stream, b.ClaimId, Waited, Wait{For: waitAcknowledgment, Version: b.ClaimVersion})}
	case *pb.RemittanceDue:
		return []es.Command{es.Do(Stream, b.ClaimId, Waited, Wait{For: waitRemittance, Version: b.ClaimVersion})}
	case *pb.TimelyFilingDue:
		return []es.Command{es.Do(Stream, b.ClaimId, LimitNears, Day(date.Of(t.DueAt, nil)))}
	}
	return nil
}

// Wait is something that should have come by now.
type Wait struct {
	For     string // acknowledgment, remittance
	Version int32
}

// Waited tells that an answer is overdue, once a version, if it has not come.
func Waited(s State, w Wait) ([]es.Event, error) {
	came := w.For == waitAcknowledgment && s.Accepted
	if s.Created == nil || !s.InFlight || s.Sent != w.Version || came || s.Overdue[overdue(w.For, w.Version)] {
		return nil, nil
	}
	return []es.Event{&pb.ClaimOverdue{
		ClaimId: s.Created.ClaimId, PatientId: s.Created.PatientId, PayerId: s.Content.PayerId, WaitingFor: w.For,
		ChargeAmount: s.Content.ChargeAmount, SubmittedDate: s.Files[w.Version],
	}}, nil
}

// Day is a business date.
type Day string

// LimitNears warns once that the filing limit comes and nobody has taken the claim in.
func LimitNears(s State, today Day) ([]es.Event, error) {
	if s.Created == nil || s.Warned || s.Accepted || s.EverDecided || s.Closed {
		return nil, nil
	}
	due := s.Created.TimelyFilingDueDate
	return []es.Event{&pb.TimelyFilingWarningRaised{
		ClaimId: s.Created.ClaimId, PatientId: s.Created.PatientId, PayerId: s.Content.PayerId, TimelyFilingDueDate: due,
		DaysLeft: int32(date.Days(string(today), due)), ChargeAmount: s.Content.ChargeAmount,
	}}, nil
}
