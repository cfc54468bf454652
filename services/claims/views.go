package claims

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// Project keeps claims and open_denials, in the transaction that appends the event.
func Project(r es.Recorded) []es.Statement {
	set := func(columns string, args ...any) es.Statement {
		return es.SQL(`UPDATE claims SET version = $3, `+columns+` WHERE tenant_id = $1 AND claim_id = $2`, append([]any{r.Tenant, r.StreamID, r.Version}, args...)...)
	}
	switch e := r.Event.(type) {
	case *pb.ClaimCreated:
		c := e.Content
		return []es.Statement{es.SQL(`INSERT INTO claims (tenant_id, claim_id, version, patient_control_number, encounter_id, account_id, patient_id, payer_id, payer_sequence,
				location_id, service_date, charge_amount, frequency_code, timely_filing_due_date, imported)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::date, $12, $13, nullif($14, '')::text::date, $15)`,
			r.Tenant, r.StreamID, r.Version, c.PatientControlNumber, e.EncounterId, e.AccountId, e.PatientId, c.PayerId, int32(c.PayerSequence),
			e.LocationId, c.ServiceDate, c.ChargeAmount, int32(c.FrequencyCode), e.TimelyFilingDueDate, e.Imported)}
	case *pb.ClaimHeld:
		return []es.Statement{set(`work = 'held'`)}
	case *pb.ClaimReleased, *pb.ClaimReopened:
		return []es.Statement{set(`work = 'open'`)}
	case *pb.CorrectedClaimPrepared:
		return []es.Statement{set(`work = 'open', transport = 'not_sent', submitted_date = NULL, claim_version = $4, frequency_code = $5, charge_amount = $6`,
			e.ClaimVersion, int32(e.Content.GetFrequencyCode()), e.Content.GetChargeAmount())}
	case *pb.SubmissionRequested:
		return []es.Statement{set(`work = 'open', transport = 'requested'`)}
	case *pb.SubmissionWithdrawn:
		return []es.Statement{set(`transport = 'not_sent'`)}
	case *pb.CrossoverDetected:
		return []es.Statement{set(`work = 'open', transport = 'accepted', submitted_date = $4::text::date`, e.CrossoverDate)}
	case *pb.ClaimSubmitted:
		// An answer may have been faster than the news that the file went out.
		return []es.Statement{set(`transport = CASE WHEN transport = 'requested' AND claim_version = $4 THEN 'submitted' ELSE transport END,
			submitted_date = CASE WHEN claim_version = $4 THEN $5::text::date ELSE submitted_date END`, e.ClaimVersion, e.SubmittedDate)}
	case *pb.ClaimAcknowledged:
		to := "accepted"
		if e.Level == pb.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_SYNTAX {
			to = "acknowledged"
		}
		return []es.Statement{set(`transport = CASE WHEN transport IN ('accepted', 'rejected') OR claim_version <> $5 THEN transport ELSE $4 END,
			payer_claim_control_number = CASE WHEN $6 = '' OR adjudication NOT IN ('none', 'reversed') AND payer_claim_control_number <> '' THEN payer_claim_control_number ELSE $6 END`, to, e.ClaimVersion, e.PayerClaimControlNumber)}
	case *pb.ClaimRejected:
		return []es.Statement{set(`transport = 'rejected'`)}
	case *pb.ClaimStatusReported:
		if e.Finding == pb.ClaimFinding_CLAIM_FINDING_ON_FILE {
			return []es.Statement{set(`transport = CASE WHEN transport = 'rejected' THEN transport ELSE 'accepted' END, payer_claim_control_number = $4`, e.PayerClaimControlNumber)}
		}
		return []es.Statement{set(`transport = CASE WHEN transport = 'rejected' THEN transport ELSE 'submitted' END,
			payer_claim_control_number = CASE WHEN transport = 'rejected' OR adjudication = 'none' AND frequency_code = $4 THEN '' ELSE payer_claim_control_number END`,
			int32(pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL))}
	case *pb.ClaimAdjudicated:
		to := "nothing_paid"
		switch {
		case e.DecisionStands, e.Duplicate, e.VoidRefused:
			return []es.Statement{set(`paid_amount = paid_amount + $4`, e.PaidAmount)}
		case e.Reversal:
			to = "reversed"
		case e.PaidAmount > 0:
			to = "paid"
		}
		return []es.Statement{set(`adjudication = CASE WHEN $4 <> 'reversed' AND EXISTS (SELECT FROM open_denials d WHERE d.tenant_id = $1 AND d.claim_id = $2) THEN 'denied' ELSE $4 END,
			transport = CASE WHEN NOT $8 AND transport IN ('requested', 'submitted', 'acknowledged', 'rejected') THEN 'accepted' ELSE transport END,
			paid_amount = paid_amount + $5, patient_responsibility_amount = CASE WHEN $4 = 'reversed' THEN 0 ELSE $6 END, payer_claim_control_number = CASE WHEN $4 = 'reversed' THEN payer_claim_control_number ELSE coalesce(nullif($7, ''), payer_claim_control_number) END`,
			to, e.PaidAmount, e.PatientResponsibilityAmount, e.PayerClaimControlNumber, e.AwaitedVersion > 0)}
	case *pb.LineDenied:
		return []es.Statement{
			es.SQL(`DELETE FROM open_denials WHERE tenant_id = $1 AND claim_id = $2 AND line_id = $3 AND remittance_id <> $4`, r.Tenant, r.StreamID, e.LineId, e.RemittanceId),
			es.SQL(`INSERT INTO open_denials (tenant_id, claim_id, line_id, group_code, carc, denied_amount, remittance_id) VALUES ($1, $2, $3, $4, $5, $6, $7)
				ON CONFLICT (tenant_id, claim_id, line_id, group_code, carc) DO UPDATE SET denied_amount = excluded.denied_amount`,
				r.Tenant, r.StreamID, e.LineId, e.GroupCode, e.Carc, e.DeniedAmount, e.RemittanceId),
			denied(r),
		}
	case *pb.DenialOverturned:
		return []es.Statement{
			es.SQL(`DELETE FROM open_denials WHERE tenant_id = $1 AND claim_id = $2 AND line_id = $3 AND group_code = $4 AND carc = $5`,
				r.Tenant, r.StreamID, e.LineId, e.GroupCode, e.Carc),
			denied(r),
		}
	case *pb.ClaimClosed:
		if e.Withdrawn { // its denials end with it
			return []es.Statement{
				es.SQL(`DELETE FROM open_denials WHERE tenant_id = $1 AND claim_id = $2`, r.Tenant, r.StreamID),
				denied(r), set(`work = 'closed'`),
			}
		}
		return []es.Statement{set(`work = 'closed'`)}
	case *pb.ClaimScrubbed, *pb.SubmissionRecalled, *pb.ClaimOverdue, *pb.TimelyFilingWarningRaised, *pb.SecondaryClaimPrepared, *pb.ClaimDisputeLessened, *pb.ClaimVoidRefused, *pb.CoverageChangeDetected, *pb.CoverageChangeCleared:
		return []es.Statement{es.SQL(`UPDATE claims SET version = $3 WHERE tenant_id = $1 AND claim_id = $2`, r.Tenant, r.StreamID, r.Version)}
	}
	return nil
}

// denied keeps the sum of the open denials, and whether there is one.
func denied(r es.Recorded) es.Statement {
	return es.SQL(`UPDATE claims c SET version = $3, denied_amount = d.amount, adjudication = CASE
			WHEN d.amount > 0 THEN 'denied'
			WHEN c.adjudication = 'denied' AND c.paid_amount > 0 THEN 'paid'
			WHEN c.adjudication = 'denied' THEN 'nothing_paid'
			ELSE c.adjudication END
		FROM (SELECT coalesce(sum(denied_amount), 0) AS amount FROM open_denials WHERE tenant_id = $1 AND claim_id = $2) d
		WHERE c.tenant_id = $1 AND c.claim_id = $2`, r.Tenant, r.StreamID, r.Version)
}
