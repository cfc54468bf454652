package workitem

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// CoveredMirror has the authorization whose units a visit holds or has used, by appointment_id and by encounter_id; empty: none any more.
var CoveredMirror = es.Mirror[string]{
	Name: "collections.covered",
	Keys: func(r es.Recorded) []string {
		switch e := r.Event.(type) {
		case *authorizationv1.UnitsReserved:
			return []string{e.AppointmentId}
		case *authorizationv1.UnitsReleased:
			return []string{e.AppointmentId}
		case *authorizationv1.UnitsConsumed:
			return []string{e.EncounterId}
		}
		return nil
	},
	Evolve: func(by string, event es.Event) string {
		switch e := event.(type) {
		case *authorizationv1.UnitsReserved:
			return e.AuthorizationId
		case *authorizationv1.UnitsConsumed:
			return e.AuthorizationId
		case *authorizationv1.UnitsReleased:
			if e.AuthorizationId == by {
				return ""
			}
		}
		return by
	},
}

// AppointmentMirror has the appointment of a coded visit, by encounter_id.
var AppointmentMirror = es.Mirror[string]{
	Name: "collections.appointment",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*codingv1.CodingCompleted); ok && e.AppointmentId != "" {
			return []string{e.EncounterId}
		}
		return nil
	},
	Evolve: func(_ string, event es.Event) string { return event.(*codingv1.CodingCompleted).AppointmentId },
}

// VoidMirror says whether the last version of a claim is a void, by claim_id: then its payer is asked to take its decision back.
var VoidMirror = es.Mirror[bool]{
	Name: "collections.void",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*claimsv1.CorrectedClaimPrepared); ok {
			return []string{e.ClaimId}
		}
		return nil
	},
	Evolve: func(_ bool, event es.Event) bool {
		return event.(*claimsv1.CorrectedClaimPrepared).Content.GetFrequencyCode() == claimsv1.FrequencyCode_FREQUENCY_CODE_VOID
	},
}

// React opens an item for what somebody must do and resolves it when what it waited for has happened.
func React(r es.Recorded, look es.Look) ([]es.Command, error) {
	out := slices.Concat(lateCoverage(r, look), lateNow(r.Event, look), denial(r, look))
	item := opens(r)
	switch e := r.Event.(type) {
	case *authorizationv1.UnitsRefused: // another authorization may have said yes before this one's no was heard
		by, _ := es.Find(look, CoveredMirror, e.EncounterId+e.AppointmentId)
		if by != "" && by != e.AuthorizationId {
			item = nil
		}
	case *claimsv1.ClaimAdjudicated: // whose taking back somebody asked for
		if void, _ := es.Find(look, VoidMirror, e.ClaimId); void {
			item = nil
		}
	case *postingv1.ChargeVoided:
		if appointment, there := es.Find(look, AppointmentMirror, e.EncounterId); there {
			id := ID("authorization", appointment)
			out = append(out, es.Do(Stream, id, Settle, &pb.WorkItemResolved{WorkItemId: id, Outcome: "voided"}))
		}
	}
	if item != nil {
		item.OpenedDate = r.OccurredOn
		out = append(out, es.Do(Stream, ID(item.Kind, item.Subject), Raise, item))
	}
	for _, d := range resolves(r.Event) {
		id := ID(d.kind, d.subject)
		out = append(out, es.Do(Stream, id, Settle, &pb.WorkItemResolved{WorkItemId: id, Outcome: d.outcome}))
	}
	return out, nil
}

// opens is the item that an event asks for; nil: none.
func opens(r es.Recorded) *pb.WorkItemOpened {
	switch e := r.Event.(type) {
	case *claimsv1.ClaimHeld:
		return &pb.WorkItemOpened{
			Kind: "claim_held", Subject: e.ClaimId, Title: "Claim held", Detail: because(e.Reasons), AtRiskAmount: e.ChargeAmount,
			PatientId: e.PatientId, ClaimId: e.ClaimId, PayerId: e.PayerId, DueDate: e.TimelyFilingDueDate,
		}
	case *claimsv1.ClaimRejected:
		return &pb.WorkItemOpened{
			Kind: "rejection", Subject: e.ClaimId, Title: "Claim rejected", Detail: level(e.Level) + " says " + strings.Join(e.StatusCodes, ", "), AtRiskAmount: e.ChargeAmount,
			PatientId: e.PatientId, ClaimId: e.ClaimId, PayerId: e.PayerId,
		}
	case *claimsv1.ClaimOverdue:
		return &pb.WorkItemOpened{
			Kind: "overdue", Subject: e.ClaimId + " " + e.WaitingFor, Title: "No " + e.WaitingFor + " yet", Detail: "submitted on " + e.SubmittedDate, AtRiskAmount: e.ChargeAmount,
			PatientId: e.PatientId, ClaimId: e.ClaimId, PayerId: e.PayerId,
		}
	case *claimsv1.TimelyFilingWarningRaised:
		return &pb.WorkItemOpened{
			Kind: "timely_filing", Subject: e.ClaimId, Title: "Filing limit comes near", Detail: fmt.Sprintf("%d days left, until %s", e.DaysLeft, e.TimelyFilingDueDate),
			AtRiskAmount: e.ChargeAmount, PatientId: e.PatientId, ClaimId: e.ClaimId, PayerId: e.PayerId, DueDate: e.TimelyFilingDueDate,
		}
	case *claimsv1.CoverageChangeDetected:
		return coverageChange(e)
	case *claimsv1.ClaimAdjudicated:
		if !e.Reversal || e.DecisionStands {
			return nil
		}
		open := ""
		if e.OpenAmount > 0 {
			open = "; " + money.Format(e.OpenAmount) + " is open with it"
		}
		if e.PaidAmount == 0 { // a denial: no money goes back
			return &pb.WorkItemOpened{
				Kind: "takeback", Subject: e.ClaimId, Title: "Decision taken back", Detail: "the payer took its decision back, which paid nothing, and has not decided anew" + open,
				AtRiskAmount: e.OpenAmount, PatientId: e.PatientId, ClaimId: e.ClaimId, PayerId: e.PayerId, RemittanceId: e.RemittanceId,
			}
		}
		return &pb.WorkItemOpened{
			Kind: "takeback", Subject: e.ClaimId, Title: "Payment taken back", Detail: fmt.Sprintf("the payer took %s back and has not decided anew%s", money.Format(size(e.PaidAmount)), open),
			AtRiskAmount: max(e.OpenAmount, size(e.PaidAmount)), PatientId: e.PatientId, ClaimId: e.ClaimId, PayerId: e.PayerId, RemittanceId: e.RemittanceId,
		}
	case *claimsv1.ClaimVoidRefused:
		codes := or(strings.Join(e.AdjustmentCodes, ", "), "no code")
		return &pb.WorkItemOpened{
			Kind: "void_refused", Subject: e.ClaimId, Title: "Void refused: " + codes,
			Detail: fmt.Sprintf("the payer does not take its decision %s back, and says %s: the charge stands, with what it paid (%s) and what it left to others",
				or(e.PayerClaimControlNumber, "without a number"), codes, money.Format(e.PaidAmount)),
			AtRiskAmount: size(e.PaidAmount), PatientId: e.PatientId, ClaimId: e.ClaimId, PayerId: e.PayerId, RemittanceId: e.RemittanceId,
		}
	case *codingv1.CoderQueryRaised:
		return &pb.WorkItemOpened{Kind: "coder_query", Subject: e.EncounterId, Title: "Coder must decide", Detail: because(e.Reasons), PatientId: e.PatientId, EncounterId: e.EncounterId}
	case *codingv1.ImportHeld:
		item := &pb.WorkItemOpened{
			Kind: "possible_duplicate", Subject: e.ImportId, Title: "Imported claim held: possible duplicate", Detail: because(e.Reasons), AtRiskAmount: size(e.ChargeAmount),
			PatientId: e.PatientId, EncounterId: e.EncounterId, InterchangeId: e.Source.GetInterchangeId(),
		}
		if e.VisitChargeAmount > 0 {
			item.AccountId = e.EncounterId
		} else {
			item.Title, item.DefaultAction = "Imported claim held", "correct what the reasons name where the claim comes from, and bring it in again"
		}
		return item
	case *intakev1.VisitHeld:
		return &pb.WorkItemOpened{
			Kind: "visit_held", Subject: e.AppointmentId, Title: "Visit held", Detail: because(e.Reasons), PatientId: e.PatientId, AppointmentId: e.AppointmentId, DueDate: e.ServiceDate,
		}
	case *authorizationv1.AuthorizationRequirementDetermined:
		if !e.Required || e.AuthorizationId != "" {
			return nil
		}
		return &pb.WorkItemOpened{
			Kind: "authorization", Subject: e.AppointmentId, Title: "Authorization missing", Detail: "code " + e.ServiceCode + ": " + e.Basis,
			PatientId: e.PatientId, AppointmentId: e.AppointmentId, PayerId: e.PayerId, DueDate: e.ServiceDate,
		}
	case *authorizationv1.UnitsRefused:
		return &pb.WorkItemOpened{
			Kind: "authorization", Subject: e.AppointmentId + e.EncounterId, Title: "Authorization does not cover the visit", Detail: because(e.Reasons),
			PatientId: e.PatientId, AppointmentId: e.AppointmentId, EncounterId: e.EncounterId, AuthorizationId: e.AuthorizationId,
		}
	case *exchangev1.InterchangeRefused:
		return &pb.WorkItemOpened{Kind: "refused_file", Subject: e.InterchangeId, Title: "File refused", Detail: e.Reason, InterchangeId: e.InterchangeId}
	}
	return opensOfPosting(r.Event)
}

// coverageChange says what becomes of a claim whose coverage was not what it seemed: who has it, what is at risk, what to do.
func coverageChange(e *claimsv1.CoverageChangeDetected) *pb.WorkItemOpened {
	item := &pb.WorkItemOpened{
		Kind: "coverage_change", Subject: e.ClaimId, Title: "Coverage ended before the service", Detail: fmt.Sprintf("coverage %s is not in force on %s, its last day is %s", e.CoverageId, e.ServiceDate, or(e.ThruDate, "open")),
		AtRiskAmount: e.AtRiskAmount, PatientId: e.PatientId, ClaimId: e.ClaimId, EncounterId: e.EncounterId, PayerId: e.PayerId,
		DefaultAction: "find who covered that day and add that coverage; then ",
	}
	if e.Change == claimsv1.CoverageChange_COVERAGE_CHANGE_EARLIER_PAYER {
		item.Title, item.Detail = "Another payer comes first", fmt.Sprintf("coverage %s of payer %s comes before coverage %s on %s", e.OtherCoverageId, e.OtherPayerId, e.CoverageId, e.ServiceDate)
		item.DefaultAction = "check the order of payers; then "
	}
	switch {
	case e.PaidAmount > 0:
		item.Detail += "; the payer paid " + money.Format(e.PaidAmount) + " and may take it back"
		item.DefaultAction += "void the claim, and bill the visit anew to the right payer inside its filing limit"
	case e.Sent:
		item.Detail += "; the payer has the claim"
		item.DefaultAction += "void the claim when the payer has answered, and bill the visit anew to the right payer inside its filing limit"
	default:
		item.Detail += "; the claim is held"
		item.DefaultAction += "withdraw the claim, and bill the visit anew to the right payer"
	}
	return item
}

func opensOfPosting(event es.Event) *pb.WorkItemOpened {
	switch e := event.(type) {
	case *postingv1.RemittanceQuarantined:
		detail := append([]string{}, e.Reasons...)
		for _, x := range e.Residuals {
			detail = append(detail, fmt.Sprintf("%s of %s is off by %s", x.Equation, x.Subject, money.Format(x.ResidualAmount)))
		}
		return &pb.WorkItemOpened{
			Kind: "quarantined_remittance", Subject: e.RemittanceId, Title: "Remittance quarantined", Detail: strings.Join(detail, "; "), AtRiskAmount: size(e.PaymentAmount),
			RemittanceId: e.RemittanceId, PayerId: e.PayerId,
		}
	case *postingv1.UnappliedRecorded:
		return &pb.WorkItemOpened{
			Kind: "unapplied", Subject: fmt.Sprintf("%s %d", e.RemittanceId, e.ClaimOrdinal), Title: "Payment for an unknown claim",
			Detail: fmt.Sprintf("claim %d of the remittance, %s: %s", e.ClaimOrdinal, money.Format(e.Amount), e.Reason), AtRiskAmount: size(e.Amount),
			RemittanceId: e.RemittanceId, PayerId: e.PayerId,
		}
	case *postingv1.ProviderAdjustmentRecorded:
		if !heldOf(e.Legs) {
			return nil
		}
		verb := "took"
		if e.Amount < 0 {
			verb = "gave"
		}
		return &pb.WorkItemOpened{
			Kind: "provider_adjustment", Subject: fmt.Sprintf("%s %d", e.RemittanceId, e.Ordinal), Title: "Payer's own adjustment: " + e.ReasonCode,
			Detail: fmt.Sprintf("the payer %s %s for no claim, reason %s (%s), reference %s: held until somebody says what it was", verb, money.Format(size(e.Amount)),
				e.ReasonCode, or(e.Reason, "not known here"), or(e.Reference, "none")),
			AtRiskAmount: size(e.Amount), RemittanceId: e.RemittanceId, PayerId: e.PayerId,
		}
	case *postingv1.ClaimPaymentUnmatched:
		title, action := "Takeback without a payment", ""
		if e.PaidAmount > 0 || e.PaidAmount == 0 && e.RemittanceClaim.GetStatusCode() != "22" { // which takes back what paid nothing
			title = "Payment of a payer that the visit does not have"
			action = "find out with the payer whose payment it is"
		}
		return &pb.WorkItemOpened{
			DefaultAction: action,
			Kind:          "unmatched_payment", Subject: fmt.Sprintf("%s %d", e.RemittanceId, e.ClaimOrdinal), Title: title,
			Detail: fmt.Sprintf("claim %d of the remittance, %s: %s", e.ClaimOrdinal, money.Format(e.PaidAmount), e.Reason), AtRiskAmount: size(e.PaidAmount),
			PatientId: e.PatientId, ClaimId: e.ClaimId, AccountId: e.AccountId, RemittanceId: e.RemittanceId, PayerId: e.PayerId,
		}
	case *postingv1.DepositDiffered:
		return &pb.WorkItemOpened{
			Kind: "deposit", Subject: e.RemittanceId + " " + e.DepositId, Title: "Bank and payer differ",
			Detail:       fmt.Sprintf("the payer says %s, the bank %s", money.Format(e.RemittanceAmount), money.Format(e.DepositAmount)),
			AtRiskAmount: size(e.RemittanceAmount - e.DepositAmount), RemittanceId: e.RemittanceId, DepositId: e.DepositId, PayerId: e.PayerId,
		}
	case *postingv1.RemittanceUnfunded:
		return &pb.WorkItemOpened{
			Kind: "unfunded_remittance", Subject: e.RemittanceId, Title: "Remittance without its money",
			Detail:       fmt.Sprintf("the payer says that it paid %s on %s as %s, and after %d days the bank has not shown it (%s)", money.Format(e.Amount), or(e.EffectiveDate, "a day not told"), e.TraceNumber, e.WaitedDays, e.RuleId),
			AtRiskAmount: e.Amount, RemittanceId: e.RemittanceId, PayerId: e.PayerId,
		}
	case *postingv1.DepositUnmatched:
		return &pb.WorkItemOpened{
			Kind: "unmatched_deposit", Subject: e.DepositId, Title: "Deposit without its remittance",
			Detail:       fmt.Sprintf("the bank shows %s of %s as %s, and after %d days no remittance says what it pays (%s)", money.Format(e.Amount), or(e.DepositDate, "a day not told"), e.TraceNumber, e.WaitedDays, e.RuleId),
			AtRiskAmount: e.Amount, DepositId: e.DepositId, PayerId: e.PayerId,
		}
	case *postingv1.DepositLeftOver:
		return &pb.WorkItemOpened{
			Kind: "unmatched_deposit", Subject: e.DepositId, Title: "Deposit without its remittance",
			Detail: fmt.Sprintf("the bank shows %s of %s as %s; another deposit paid that remittance, and none says what this one pays", money.Format(e.Amount),
				or(e.DepositDate, "a day not told"), e.TraceNumber),
			AtRiskAmount: e.Amount, DepositId: e.DepositId, PayerId: e.PayerId,
		}
	case *postingv1.CreditBalanceDetected:
		return &pb.WorkItemOpened{
			Kind: "credit_balance", Subject: e.AccountId + " " + e.PayerId + " " + e.PayerSequence.String(), Title: "Payer paid too much",
			Detail: money.Format(e.CreditAmount) + " more than it owes on the account", AtRiskAmount: e.CreditAmount, PatientId: e.PatientId, AccountId: e.AccountId, PayerId: e.PayerId,
		}
	case *postingv1.BalanceMoved:
		if e.LeftAmount <= 0 {
			return nil
		}
		return &pb.WorkItemOpened{
			Kind: "withdrawn", Subject: e.ClaimId, Title: "Claim withdrawn, rest open", Detail: "a payer comes after it, and nobody has asked that one: " + e.Reason,
			AtRiskAmount: e.LeftAmount, PatientId: e.PatientId, ClaimId: e.ClaimId, AccountId: e.AccountId, PayerId: e.PayerId,
		}
	case *postingv1.PriorDenialRecorded:
		return &pb.WorkItemOpened{
			Kind: "prior_denial", Subject: e.AccountId + " " + e.PayerSequence.String() + " " + e.LineId + " " + e.GroupCode + "-" + e.Carc, Title: "Denied before the move: " + e.GroupCode + "-" + e.Carc,
			Detail:       fmt.Sprintf("%s of the visit of %s refused in the other billing system", money.Format(e.Amount), e.ServiceDate),
			AtRiskAmount: e.Amount, PatientId: e.PatientId, AccountId: e.AccountId, PayerId: e.PayerId,
		}
	case *postingv1.PriorAdjudicationHeld:
		return &pb.WorkItemOpened{
			Kind: "prior_decision", Subject: e.AccountId + " " + e.PayerId + " " + e.PayerSequence.String(), Title: "Payer decided in both systems",
			Detail:       fmt.Sprintf("an imported file says that it paid %s before the move, and %s: nothing of it is booked", money.Format(e.PaidAmount), e.Reason),
			AtRiskAmount: e.PaidAmount, PatientId: e.PatientId, AccountId: e.AccountId, PayerId: e.PayerId, InterchangeId: e.Source.GetInterchangeId(),
		}
	case *postingv1.LaterPaymentQuestioned:
		return &pb.WorkItemOpened{
			Kind: "later_payment", Subject: e.AccountId + " " + e.PayerId + " " + e.PayerSequence.String(), Title: "Paid on a decision that was taken back",
			Detail: fmt.Sprintf("the %s payer %s paid %s on a decision that the %s payer %s has taken back", ordinal(e.PayerSequence), e.PayerId, money.Format(e.PaidAmount),
				ordinal(e.EarlierPayerSequence), e.EarlierPayerId),
			AtRiskAmount: e.PaidAmount, PatientId: e.PatientId, ClaimId: e.ClaimId, AccountId: e.AccountId, RemittanceId: e.RemittanceId, PayerId: e.PayerId,
		}
	case *postingv1.UnderpaymentDetected:
		return &pb.WorkItemOpened{
			Kind: "underpayment", Subject: e.ClaimId + " " + e.LineId + " " + e.RemittanceId, Title: "Paid below contract",
			Detail:       fmt.Sprintf("allowed %s, the contract says %s", money.Format(e.AllowedAmount), money.Format(e.ExpectedAmount)),
			AtRiskAmount: cmp.Or(e.DisputedAmount, e.ExpectedAmount-e.AllowedAmount), PatientId: e.PatientId, ClaimId: e.ClaimId, AccountId: e.AccountId, RemittanceId: e.RemittanceId, PayerId: e.PayerId,
		}
	case *postingv1.BalanceBillingHeld:
		return &pb.WorkItemOpened{
			Kind: "balance_billing", Subject: e.ClaimId + " " + e.LineId + " " + e.RemittanceId, Title: "Given to the patient against the contract: " + e.GroupCode + "-" + e.Carc,
			Detail:       fmt.Sprintf("%s stay open with the payer (%s)", money.Format(e.DisputedAmount), e.RuleId),
			AtRiskAmount: e.DisputedAmount, PatientId: e.PatientId, ClaimId: e.ClaimId, AccountId: e.AccountId, RemittanceId: e.RemittanceId, PayerId: e.PayerId,
		}
	}
	return nil
}

// heldOf says whether an entry leaves money of a payer to be explained.
func heldOf(legs []*typev1.Leg) bool {
	return slices.ContainsFunc(legs, func(l *typev1.Leg) bool { return l.Account == typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_INSURANCE })
}

type done struct{ kind, subject, outcome string }

// resolves says which items an event has done away with.
func resolves(event es.Event) []done {
	switch e := event.(type) {
	case *claimsv1.ClaimReleased:
		return []done{{"claim_held", e.ClaimId, "released"}}
	case *claimsv1.CorrectedClaimPrepared:
		return []done{{"rejection", e.ClaimId, "corrected"}}
	case *claimsv1.CrossoverDetected:
		return []done{{"claim_held", e.ClaimId, "sent on by the payer before"}, {"rejection", e.ClaimId, "sent on by the payer before"}, {"timely_filing", e.ClaimId, "sent on by the payer before"}}
	case *claimsv1.ClaimSubmitted:
		out := []done{{"claim_held", e.ClaimId, "submitted"}, {"rejection", e.ClaimId, "submitted"}, {"timely_filing", e.ClaimId, "submitted"}}
		if e.ClaimVersion > 1 { // whatever was overdue or refused of the version before
			out = append(out, done{"overdue", e.ClaimId + " acknowledgment", "sent again"}, done{"overdue", e.ClaimId + " remittance", "sent again"}, done{"void_refused", e.ClaimId, "sent again"})
		}
		return out
	case *claimsv1.ClaimStatusReported:
		outcome := "the payer has it"
		if e.Finding == claimsv1.ClaimFinding_CLAIM_FINDING_NOT_ON_FILE {
			outcome = "the payer does not have it"
		}
		return []done{{"overdue", e.ClaimId + " acknowledgment", outcome}, {"overdue", e.ClaimId + " remittance", outcome}}
	case *claimsv1.CoverageChangeCleared:
		return []done{{"coverage_change", e.ClaimId, "covered"}}
	case *claimsv1.ClaimAcknowledged:
		return []done{{"overdue", e.ClaimId + " acknowledgment", "acknowledged"}}
	case *claimsv1.ClaimAdjudicated:
		var out []done
		if e.AwaitedVersion == 0 {
			out = append(out, done{"overdue", e.ClaimId + " acknowledgment", "adjudicated"}, done{"overdue", e.ClaimId + " remittance", "adjudicated"})
		}
		if !e.Reversal {
			out = append(out, done{"takeback", e.ClaimId, "decided anew"})
		}
		return out
	case *claimsv1.ClaimClosed:
		if !e.Withdrawn { // decided: here, or before the move while it was held here
			return []done{{"claim_held", e.ClaimId, "closed"}, {"rejection", e.ClaimId, "closed"}, {"timely_filing", e.ClaimId, "closed"}}
		}
		return []done{
			{"claim_held", e.ClaimId, "withdrawn"}, {"rejection", e.ClaimId, "withdrawn"}, {"timely_filing", e.ClaimId, "withdrawn"}, {"takeback", e.ClaimId, "withdrawn"},
			{"coverage_change", e.ClaimId, "withdrawn"}, {"void_refused", e.ClaimId, "withdrawn"},
			{"overdue", e.ClaimId + " acknowledgment", "withdrawn"}, {"overdue", e.ClaimId + " remittance", "withdrawn"},
		}
	case *codingv1.CoderQueryAnswered:
		return []done{{"coder_query", e.EncounterId, "answered"}}
	case *codingv1.CodingCompleted:
		return []done{{"coder_query", e.EncounterId, "coded"}}
	case *intakev1.VisitCleared:
		return []done{{"visit_held", e.AppointmentId, "cleared"}}
	case *intakev1.AppointmentCheckedIn:
		return []done{{"visit_held", e.AppointmentId, "the visit took place"}}
	case *intakev1.AppointmentCancelled:
		return []done{{"visit_held", e.AppointmentId, "cancelled"}, {"authorization", e.AppointmentId, "cancelled"}}
	case *intakev1.AppointmentNoShowed:
		return []done{{"visit_held", e.AppointmentId, "the patient did not come"}, {"authorization", e.AppointmentId, "the patient did not come"}}
	case *postingv1.ChargeVoided:
		return []done{{"authorization", e.EncounterId, "voided"}}
	case *authorizationv1.UnitsReserved:
		return []done{{"authorization", e.AppointmentId, "covered"}}
	case *authorizationv1.UnitsConsumed:
		return []done{{"authorization", e.AppointmentId, "covered"}, {"authorization", e.EncounterId, "covered"}}
	case *authorizationv1.AuthorizationRequirementDetermined: // one that opens none
		return []done{{"authorization", e.AppointmentId, "covered"}}
	case *postingv1.LaterPaymentAnswered:
		return []done{{"later_payment", e.AccountId + " " + e.PayerId + " " + e.PayerSequence.String(), e.Reason}}
	case *postingv1.CreditBalanceCleared:
		return []done{{"credit_balance", e.AccountId + " " + e.PayerId + " " + e.PayerSequence.String(), "cleared"}}
	case *postingv1.PostingReversed:
		var out []done
		lines := map[string]bool{}
		for _, l := range e.Legs {
			if !lines[l.LineId] {
				lines[l.LineId] = true
				out = append(out, done{"underpayment", e.ClaimId + " " + l.LineId + " " + e.ReversedRemittanceId, "taken back"})
			}
		}
		return out
	case *postingv1.UnderpaymentAccepted:
		return []done{{disputed(e.RuleId), e.ClaimId + " " + e.LineId + " " + e.RemittanceId, "the loss was accepted"}}
	case *postingv1.UnderpaymentRecovered:
		if e.RemainingAmount > 0 {
			return nil
		}
		return []done{{disputed(e.RuleId), e.ClaimId + " " + e.LineId + " " + e.RemittanceId, "paid"}}
	case *postingv1.UnderpaymentLapsed:
		if e.RemainingAmount > 0 {
			return nil
		}
		return []done{{disputed(e.RuleId), e.ClaimId + " " + e.LineId + " " + e.RemittanceId, "not asked any more"}}
	case *postingv1.RemittanceBalanced:
		return []done{{"quarantined_remittance", e.RemittanceId, "balanced"}}
	case *postingv1.UnappliedAssigned:
		return []done{{"unapplied", fmt.Sprintf("%s %d", e.RemittanceId, e.ClaimOrdinal), "assigned to its claim"}}
	case *postingv1.ClaimPaymentFound:
		return []done{{"unmatched_payment", fmt.Sprintf("%s %d", e.RemittanceId, e.ClaimOrdinal), or(e.Reason, "assigned to its claim")}}
	case *postingv1.RemittanceMended:
		return []done{{"quarantined_remittance", e.RemittanceId, "a mended file came"}}
	case *postingv1.DepositLeftOver: // which is work of its own
		return []done{{"deposit", e.RemittanceId + " " + e.DepositId, "another deposit paid it"}}
	case *postingv1.DepositWithdrawn:
		out := []done{{"unmatched_deposit", e.DepositId, "the deposit was reversed"}}
		for _, id := range e.DifferingRemittanceIds {
			out = append(out, done{"deposit", id + " " + e.DepositId, "the deposit was reversed"})
		}
		return out
	case *postingv1.RemittanceMatched:
		out := []done{{"deposit", e.RemittanceId + " " + e.DepositId, "matched"}, {"unfunded_remittance", e.RemittanceId, "matched"}, {"unmatched_deposit", e.DepositId, "matched"}}
		for _, id := range e.DifferingRemittanceIds {
			out = append(out, done{"deposit", id + " " + e.DepositId, "it paid another remittance"})
		}
		return out
	case *postingv1.DepositDiffered: // which is work of its own
		return []done{{"unfunded_remittance", e.RemittanceId, "another amount came"}, {"unmatched_deposit", e.DepositId, "another amount came"}}
	}
	return nil
}

// size of an amount: as much is at risk whether a payer pays it or takes it back.
func size(amount int64) int64 { return max(amount, -amount) }

func because(reasons []*problemv1.Reason) string {
	said := make([]string, len(reasons))
	for i, r := range reasons {
		said[i] = r.Message + " (" + r.RuleId + ")"
	}
	return strings.Join(said, "; ")
}

func level(l claimsv1.AcknowledgmentLevel) string {
	switch l {
	case claimsv1.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_SYNTAX:
		return "the receiver's syntax check"
	case claimsv1.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_CLEARINGHOUSE:
		return "the clearinghouse"
	case claimsv1.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_PAYER:
		return "the payer"
	}
	return "the receiver"
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// disputed is the kind of item about a rule of posting that a payer broke.
func disputed(rule string) string {
	if rule == "posting.no_balance_billing" {
		return "balance_billing"
	}
	return "underpayment"
}

func ordinal(s typev1.PayerSequence) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "PAYER_SEQUENCE_"))
}
