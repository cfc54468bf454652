package settlement

import (
	"time"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// Reassociated: money and its remittance come within seven days of each other, which are five business days on whichever day one begins. Source: CAQH CORE 370, the EFT & ERA
// re-association rule, in force for all plans since 2014-01-01: a plan sends both within three business days of each other, and one that is not there after four is late. The day
// more is ours, for the bank; a bank's holiday may make it one less. Checked 2026-11-24.
var Reassociated = refuse.Rule{ID: "posting.reassociated", Version: 1, Owner: "posting"}

// reassociationDays are the calendar days of the rule.
const reassociationDays = 7

// Timers wait for the other side, from the day on which the first one came or, where the payer says that it pays later, from that day.
func Timers(r es.Recorded) []es.TimerOp {
	switch e := r.Event.(type) {
	case *pb.RemittanceAdvised:
		if !funds(e) {
			return nil
		}
		from := r.RecordedAt
		if date.Valid(e.EffectiveDate) && date.Time(e.EffectiveDate).After(from) {
			from = date.Time(e.EffectiveDate)
		}
		return []es.TimerOp{depositDue(r.StreamID, e.RemittanceId, from)}
	case *pb.DepositWithdrawn:
		out := []es.TimerOp{es.CancelTimer(key(e.DepositId))}
		for _, id := range e.DifferingRemittanceIds {
			out = append(out, depositDue(r.StreamID, id, r.RecordedAt))
		}
		if e.RemittanceId != "" {
			out = append(out, depositDue(r.StreamID, e.RemittanceId, r.RecordedAt))
		}
		return out
	case *pb.DepositAdvised:
		return []es.TimerOp{es.SetTimer(es.Timer{
			Key: key(e.DepositId), Kind: Stream.Kind, StreamID: r.StreamID, DueAt: r.RecordedAt.AddDate(0, 0, reassociationDays),
			Body: &pb.RemittanceDue{SettlementId: r.StreamID, DepositId: e.DepositId},
		})}
	case *pb.RemittanceMatched:
		out := []es.TimerOp{es.CancelTimer(key(e.RemittanceId)), es.CancelTimer(key(e.DepositId))}
		for _, id := range e.DifferingRemittanceIds {
			out = append(out, depositDue(r.StreamID, id, r.RecordedAt))
		}
		return out
	}
	return nil
}

func depositDue(settlementID, remittanceID string, from time.Time) es.TimerOp {
	return es.SetTimer(es.Timer{
		Key: key(remittanceID), Kind: Stream.Kind, StreamID: settlementID, DueAt: from.AddDate(0, 0, reassociationDays),
		Body: &pb.DepositDue{SettlementId: settlementID, RemittanceId: remittanceID},
	})
}

func key(id string) string { return "posting.reassociation/" + id }

// OnTimer asks for the side that did not come.
func OnTimer(t es.Timer) []es.Command {
	switch b := t.Body.(type) {
	case *pb.DepositDue:
		return []es.Command{es.Do(Stream, b.SettlementId, Unfunded, b)}
	case *pb.RemittanceDue:
		return []es.Command{es.Do(Stream, b.SettlementId, Unmatched, b)}
	}
	return nil
}

// Unfunded tells, once, that the bank has not shown a remittance's money. Where the bank shows another amount somebody has that work already.
func Unfunded(s State, c *pb.DepositDue) ([]es.Event, error) {
	for _, r := range s.Remittances {
		if r.RemittanceId == c.RemittanceId && s.Matched[c.RemittanceId] == nil && !s.Told[c.RemittanceId] {
			return []es.Event{&pb.RemittanceUnfunded{
				SettlementId: c.SettlementId, RemittanceId: r.RemittanceId, PayerId: r.PayerId, TraceNumber: r.TraceNumber, Amount: r.Amount, EffectiveDate: r.EffectiveDate,
				WaitedDays: reassociationDays, RuleId: Reassociated.ID,
			}}, nil
		}
	}
	return nil, nil
}

// Unmatched tells, once, that no remittance has said what a deposit pays. Where one of another amount came somebody has that work already.
func Unmatched(s State, c *pb.RemittanceDue) ([]es.Event, error) {
	for _, d := range s.Deposits {
		if d.DepositId == c.DepositId && waits(s, d) && !s.Told[c.DepositId] {
			return []es.Event{&pb.DepositUnmatched{
				SettlementId: c.SettlementId, DepositId: d.DepositId, PayerId: d.PayerId, TraceNumber: d.TraceNumber, Amount: d.Amount, DepositDate: d.DepositDate,
				WaitedDays: reassociationDays, RuleId: Reassociated.ID,
			}}, nil
		}
	}
	return nil, nil
}
