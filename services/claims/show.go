package claims

import (
	"cmp"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/services/claims/claim"
)

// show is a claim as the API shows it.
func show(summary *pb.ClaimSummary, history []es.Recorded) *pb.Claim {
	out := &pb.Claim{Summary: summary}
	var s claim.State
	for _, h := range history {
		s = claim.Evolve(s, h.Event)
		what, source := told(h.Event)
		out.Timeline = append(out.Timeline, &pb.TimelineEntry{
			EventId: h.ID.String(), Type: h.Type(), RecordedAt: timestamppb.New(h.RecordedAt), Actor: h.Actor, Version: int32(h.Version), What: what, Source: source,
		})
	}
	if s.Created == nil {
		return out
	}
	out.CoverageId, out.OrganizationId, out.RenderingClinicianId = s.Created.CoverageId, s.Created.OrganizationId, s.Created.RenderingClinicianId
	c := s.Content
	out.PayerName, out.PlaceOfService, out.AuthorizationNumber, out.Relationship = c.PayerName, c.PlaceOfService, c.AuthorizationNumber, c.Relationship
	out.BillingProvider, out.RenderingProvider, out.SupervisingProvider, out.ServiceLocation = c.BillingProvider, c.RenderingProvider, c.SupervisingProvider, c.ServiceLocation
	out.Person = c.Person
	for _, l := range c.Lines {
		out.Lines = append(out.Lines, &pb.ClaimLine{
			LineId: l.LineId, ServiceCode: l.ServiceCode, Modifiers: l.Modifiers, UnitsThousandths: l.UnitsThousandths, Charge: money.Of(l.ChargeAmount),
			PlaceOfService: cmp.Or(l.PlaceOfService, c.PlaceOfService), DiagnosisPointers: l.DiagnosisPointers,
			ServiceDate: cmp.Or(l.ServiceDate, c.ServiceDate), AuthorizationNumber: cmp.Or(l.AuthorizationNumber, c.AuthorizationNumber),
		})
	}
	for _, p := range c.PriorPayers {
		out.EarlierPayers = append(out.EarlierPayers, &pb.EarlierPayer{
			PayerId: p.PayerId, PayerSequence: p.PayerSequence, PayerName: p.PayerName, Paid: money.Of(p.PaidAmount),
			PatientResponsibility: money.Of(p.PatientResponsibilityAmount), AdjudicationDate: p.AdjudicationDate,
		})
	}
	out.Edits, out.RulePack, out.HoldReasons = s.Scrubbed.GetEdits(), s.Scrubbed.GetRulePack(), s.Held.GetReasons()
	for _, d := range s.Denials {
		out.OpenDenials = append(out.OpenDenials, &pb.OpenDenial{
			LineId: d.LineId, ServiceCode: d.ServiceCode, GroupCode: d.GroupCode, Carc: d.Carc, Rarc: d.Rarc, Denied: money.Of(d.DeniedAmount), Origin: d.Origin,
			Label: d.Label, DefaultAction: d.DefaultAction, AppealDueDate: d.AppealDueDate, RemittanceId: d.RemittanceId,
		})
	}
	return out
}

// told is an event in one line, and the bytes it comes from.
func told(event proto.Message) (string, *typev1.Source) {
	switch e := event.(type) {
	case *pb.ClaimCreated:
		return fmt.Sprintf("made for %s, payer number %d", money.Format(e.Content.GetChargeAmount()), e.Content.GetPayerSequence()), nil
	case *pb.ClaimScrubbed:
		if e.Clean {
			return fmt.Sprintf("version %d scrubbed: clean, %d warnings", e.ClaimVersion, len(e.Edits)), nil
		}
		return fmt.Sprintf("version %d scrubbed: %d edits failed", e.ClaimVersion, len(e.Edits)), nil
	case *pb.ClaimHeld:
		return fmt.Sprintf("held for %d reasons", len(e.Reasons)), nil
	case *pb.ClaimReleased:
		return "released: " + e.Reason, nil
	case *pb.SubmissionRequested:
		return fmt.Sprintf("version %d waits for the next file", e.ClaimVersion), nil
	case *pb.SubmissionRecalled:
		if e.AwaitsAnswer {
			return fmt.Sprintf("version %d is asked back from the next file: %s", e.ClaimVersion, e.Reason), nil
		}
		return fmt.Sprintf("version %d is not to go out", e.ClaimVersion), nil
	case *pb.SubmissionWithdrawn:
		return fmt.Sprintf("version %d was taken out before its file went", e.ClaimVersion), nil
	case *pb.CrossoverDetected:
		return fmt.Sprintf("sent on by the payer before this one, told on %s: nothing is sent by us", e.CrossoverDate), nil
	case *pb.ClaimSubmitted:
		return fmt.Sprintf("version %d sent on %s", e.ClaimVersion, e.SubmittedDate), e.Source
	case *pb.ClaimAcknowledged:
		return fmt.Sprintf("version %d accepted by %s", e.ClaimVersion, who(e.Level)), e.Source
	case *pb.ClaimRejected:
		return fmt.Sprintf("version %d rejected by %s: %v", e.ClaimVersion, who(e.Level), e.StatusCodes), e.Source
	case *pb.ClaimOverdue:
		return "overdue: no " + e.WaitingFor, nil
	case *pb.ClaimStatusReported:
		if e.Finding == pb.ClaimFinding_CLAIM_FINDING_ON_FILE {
			return fmt.Sprintf("the payer has version %d as %s: %s", e.ClaimVersion, e.PayerClaimControlNumber, e.Reason), nil
		}
		return fmt.Sprintf("the payer has no version %d: %s", e.ClaimVersion, e.Reason), nil
	case *pb.CoverageChangeDetected:
		if e.Change == pb.CoverageChange_COVERAGE_CHANGE_RETRO_TERMINATION {
			return fmt.Sprintf("its coverage is not in force on %s: %s at risk", e.ServiceDate, money.Format(e.AtRiskAmount)), nil
		}
		return fmt.Sprintf("payer %s comes before it on %s: %s at risk", e.OtherPayerId, e.ServiceDate, money.Format(e.AtRiskAmount)), nil
	case *pb.CoverageChangeCleared:
		return "its coverage is as it was when it was made", nil
	case *pb.TimelyFilingWarningRaised:
		return fmt.Sprintf("filing limit %s in %d days", e.TimelyFilingDueDate, e.DaysLeft), nil
	case *pb.ClaimAdjudicated:
		if e.DecisionStands {
			return fmt.Sprintf("an earlier decision taken back: %s; the later one stands", money.Format(e.PaidAmount)), e.Source
		}
		if e.Reversal {
			return fmt.Sprintf("decision taken back: %s", money.Format(e.PaidAmount)), e.Source
		}
		said := fmt.Sprintf("decided on %s: paid %s, patient %s", e.AdjudicationDate, money.Format(e.PaidAmount), money.Format(e.PatientResponsibilityAmount))
		if e.DisputedAmount > 0 {
			said += ", in dispute " + money.Format(e.DisputedAmount)
		}
		if e.VoidRefused {
			return fmt.Sprintf("answered on %s: the void is refused, and what it decided stands", e.AdjudicationDate), e.Source
		}
		if e.Duplicate {
			said += "; refused as a copy of what it has decided, which stands"
		}
		return said, e.Source
	case *pb.ClaimVoidRefused:
		return fmt.Sprintf("void refused (%s): %s paid stay with us", cmp.Or(strings.Join(e.AdjustmentCodes, ", "), "no code"), money.Format(e.PaidAmount)), nil
	case *pb.ClaimDisputeLessened:
		return fmt.Sprintf("a loss was accepted: %s stay in dispute", money.Format(e.DisputedAmount)), nil
	case *pb.LineDenied:
		return fmt.Sprintf("%s denied with %s-%s: %s", cmp.Or(e.ServiceCode, "claim"), e.GroupCode, e.Carc, money.Format(e.DeniedAmount)), nil
	case *pb.DenialOverturned:
		if e.TakenBack {
			return fmt.Sprintf("denial %s-%s ended with the decision that was taken back", e.GroupCode, e.Carc), nil
		}
		return fmt.Sprintf("denial %s-%s given up: %s recovered", e.GroupCode, e.Carc, money.Format(e.RecoveredAmount)), nil
	case *pb.CorrectedClaimPrepared:
		return fmt.Sprintf("version %d prepared (frequency %d): %s", e.ClaimVersion, e.Content.GetFrequencyCode(), e.Reason), nil
	case *pb.SecondaryClaimPrepared:
		return fmt.Sprintf("payer number %d is billed next", e.PayerSequence), nil
	case *pb.ClaimClosed:
		return "closed: " + e.Reason, nil
	case *pb.ClaimReopened:
		return "reopened: " + e.Reason, nil
	}
	return "", nil
}

func who(l pb.AcknowledgmentLevel) string {
	switch l {
	case pb.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_SYNTAX:
		return "the syntax check"
	case pb.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_CLEARINGHOUSE:
		return "the clearinghouse"
	default:
		return "the payer"
	}
}
