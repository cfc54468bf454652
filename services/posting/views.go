package posting

import (
	"cmp"
	"encoding/json"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// Project keeps the ledger and the tables beside it, in the transaction that appends the event.
func Project(r es.Recorded) []es.Statement {
	out := rows(r)
	if e, ok := r.Event.(interface{ GetLegs() []*typev1.Leg }); ok && len(e.GetLegs()) > 0 {
		out = append(out, ledger(r, e.GetLegs()))
	}
	if r.Kind == "account" {
		out = append(out, balance(r))
	}
	return out
}

// ledger inserts all legs of an event in one statement, which the table checks to sum to 0.
func ledger(r es.Recorded, legs []*typev1.Leg) es.Statement {
	var accounts, sequences []int32
	var payers, lines []string
	var amounts []int64
	for _, l := range legs {
		accounts, sequences = append(accounts, int32(l.Account)), append(sequences, int32(l.PayerSequence))
		payers, lines, amounts = append(payers, l.PayerId), append(lines, l.LineId), append(amounts, l.Amount)
	}
	var accountID, patientID, remittanceID string
	sources := make([]*string, len(legs)) // null: no file
	var source *typev1.Source
	if e, ok := r.Event.(interface{ GetAccountId() string }); ok && r.Kind == "account" {
		accountID = e.GetAccountId()
	}
	if e, ok := r.Event.(interface{ GetPatientId() string }); ok {
		patientID = e.GetPatientId()
	}
	if e, ok := r.Event.(interface{ GetRemittanceId() string }); ok {
		remittanceID = e.GetRemittanceId()
	}
	if e, ok := r.Event.(interface{ GetSource() *typev1.Source }); ok && e.GetSource() != nil {
		source = e.GetSource()
	}
	for i, l := range legs {
		if from := cmp.Or(l.Source, source); from != nil {
			told := text(from)
			sources[i] = &told
		}
	}
	return es.SQL(`INSERT INTO ledger_legs (tenant_id, event_id, leg, position, event_type, occurred_on, ledger_account, payer_id, payer_sequence, line_id, amount,
			account_id, patient_id, remittance_id, source)
		SELECT $1::uuid, $2::uuid, l.leg, $3::bigint, $4::text, $5::text::date, l.ledger_account, l.payer_id, l.payer_sequence, l.line_id, l.amount,
			$6::text, $7::text, $8::text, l.source::jsonb
		FROM unnest($9::integer[], $10::text[], $11::integer[], $12::text[], $13::bigint[], $14::text[])
			WITH ORDINALITY AS l (ledger_account, payer_id, payer_sequence, line_id, amount, source, leg)`,
		r.Tenant, r.ID, r.Position, r.Type(), r.OccurredOn, accountID, patientID, remittanceID, accounts, payers, sequences, lines, amounts, sources)
}

// balance moves an account's receivables by the event's legs. Its charge was inserted before.
func balance(r es.Recorded) es.Statement {
	var insurance, patient int64
	moved := false
	if e, ok := r.Event.(interface{ GetLegs() []*typev1.Leg }); ok {
		for _, l := range e.GetLegs() {
			switch l.Account {
			case typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE:
				insurance, moved = insurance+l.Amount, true
			case typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT:
				patient, moved = patient+l.Amount, true
			}
		}
	}
	_, settled := r.Event.(*pb.AccountSettled)
	return es.SQL(`UPDATE accounts SET insurance_amount = insurance_amount + $3, patient_amount = patient_amount + $4, version = $5, settled = settled AND NOT $6 OR $7
		WHERE tenant_id = $1 AND account_id = $2`, r.Tenant, r.StreamID, insurance, patient, r.Version, moved, settled)
}

func rows(r es.Recorded) []es.Statement {
	one := func(sql string, args ...any) []es.Statement { return []es.Statement{es.SQL(sql, args...)} }
	switch e := r.Event.(type) {
	case *pb.ChargePosted:
		return one(`INSERT INTO accounts (tenant_id, account_id, patient_id, location_id, rendering_clinician_id, service_date, charge_amount, version)
			VALUES ($1, $2, $3, $4, $5, $6::text::date, $7, $8)`,
			r.Tenant, e.AccountId, e.PatientId, e.LocationId, e.RenderingClinicianId, e.ServiceDate, e.ChargeAmount, r.Version)
	case *pb.ChargeCorrected:
		return one(`UPDATE accounts SET charge_amount = $3 WHERE tenant_id = $1 AND account_id = $2`, r.Tenant, e.AccountId, e.ChargeAmount)
	case *pb.ChargeVoided:
		return one(`UPDATE accounts SET charge_amount = charge_amount - $3 WHERE tenant_id = $1 AND account_id = $2`, r.Tenant, e.AccountId, e.ChargeAmount)
	case *pb.ClaimPaymentUnmatched:
		return one(`UPDATE remittances SET unapplied_amount = unapplied_amount + $3 WHERE tenant_id = $1 AND remittance_id = $2`, r.Tenant, e.RemittanceId, e.PaidAmount)
	case *pb.ClaimPaymentFound:
		return one(`UPDATE remittances SET unapplied_amount = unapplied_amount - $3 WHERE tenant_id = $1 AND remittance_id = $2`, r.Tenant, e.RemittanceId, e.PaidAmount)
	case *pb.PatientPaymentReceived:
		return one(`INSERT INTO patient_payments (tenant_id, patient_payment_id, patient_id, amount, method, reference, received_date, account_id)
			VALUES ($1, $2, $3, $4, $5, $6, $7::text::date, $8)`,
			r.Tenant, e.PatientPaymentId, e.PatientId, e.Amount, e.Method, e.Reference, e.ReceivedDate, e.AccountId)
	case *pb.PatientPaymentAllocated:
		return one(`UPDATE patient_payments SET allocated_amount = allocated_amount + $3 WHERE tenant_id = $1 AND patient_payment_id = $2`,
			r.Tenant, e.PatientPaymentId, e.Amount)
	case *pb.PatientPaymentRefunded:
		return one(`UPDATE patient_payments SET refunded_amount = refunded_amount + $3 WHERE tenant_id = $1 AND patient_payment_id = $2`, r.Tenant, e.PatientPaymentId, e.Amount)
	case *pb.PatientPaymentReversed:
		return one(`UPDATE patient_payments SET reversed_date = $3::text::date WHERE tenant_id = $1 AND patient_payment_id = $2`, r.Tenant, e.PatientPaymentId, e.ReversedDate)
	case *pb.DepositReceived:
		return one(`INSERT INTO deposits (tenant_id, deposit_id, payer_id, payer_identifier, trace_number, amount, deposit_date)
			VALUES ($1, $2, $3, $4, $5, $6, $7::text::date)`, r.Tenant, e.DepositId, e.PayerId, e.PayerIdentifier, e.TraceNumber, e.Amount, e.DepositDate)
	case *pb.RemittanceAdvised:
		return one(`INSERT INTO remittances (tenant_id, remittance_id, position, payer_id, payer_identifier, trace_number, payment_amount, effective_date)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, r.Tenant, e.RemittanceId, r.Position, e.PayerId, e.PayerIdentifier, e.TraceNumber, e.Amount, e.EffectiveDate)
	case *pb.RemittanceReceived:
		return one(`UPDATE remittances SET interchange_id = $3, payer_name = $4, claims = $5 WHERE tenant_id = $1 AND remittance_id = $2`,
			r.Tenant, e.RemittanceId, e.InterchangeId, e.PayerName, e.Claims)
	case *pb.RemittanceBalanced:
		return one(`UPDATE remittances SET status = 'balanced' WHERE tenant_id = $1 AND remittance_id = $2`, r.Tenant, e.RemittanceId)
	case *pb.RemittanceQuarantined:
		residuals := e.Residuals
		if residuals == nil {
			residuals = []*exchangev1.Residual{}
		}
		reasons := e.Reasons
		if reasons == nil {
			reasons = []string{}
		}
		return one(`UPDATE remittances SET status = 'quarantined', residuals = $3::text::jsonb, reasons = $4::text::jsonb WHERE tenant_id = $1 AND remittance_id = $2`,
			r.Tenant, e.RemittanceId, text(residuals), text(reasons))
	case *pb.UnappliedRecorded:
		return one(`UPDATE remittances SET unapplied_amount = unapplied_amount + $3 WHERE tenant_id = $1 AND remittance_id = $2`, r.Tenant, e.RemittanceId, e.Amount)
	case *pb.UnappliedAssigned:
		return one(`UPDATE remittances SET unapplied_amount = unapplied_amount - $3 WHERE tenant_id = $1 AND remittance_id = $2`, r.Tenant, e.RemittanceId, e.Amount)
	case *pb.ProviderAdjustmentRecorded:
		return one(`UPDATE remittances SET provider_adjustment_amount = provider_adjustment_amount + $3 WHERE tenant_id = $1 AND remittance_id = $2`,
			r.Tenant, e.RemittanceId, e.Amount)
	case *pb.RemittanceMatched:
		return []es.Statement{
			es.SQL(`UPDATE remittances SET deposit_id = $3, differing_deposit_id = '' WHERE tenant_id = $1 AND remittance_id = $2`, r.Tenant, e.RemittanceId, e.DepositId),
			es.SQL(`UPDATE deposits SET status = 'matched', remittance_id = $3, payer_id = coalesce(nullif($4, ''), payer_id) WHERE tenant_id = $1 AND deposit_id = $2`,
				r.Tenant, e.DepositId, e.RemittanceId, e.PayerId),
			es.SQL(`UPDATE remittances SET differing_deposit_id = '' WHERE tenant_id = $1 AND remittance_id = ANY($2::text[]) AND differing_deposit_id = $3`,
				r.Tenant, e.DifferingRemittanceIds, e.DepositId),
		}
	case *pb.DepositLeftOver:
		return one(`UPDATE deposits SET status = 'open', remittance_id = '' WHERE tenant_id = $1 AND deposit_id = $2`, r.Tenant, e.DepositId)
	case *pb.DepositReversed:
		return one(`UPDATE deposits SET status = 'reversed' WHERE tenant_id = $1 AND deposit_id = $2`, r.Tenant, e.DepositId)
	case *pb.DepositWithdrawn:
		return []es.Statement{
			es.SQL(`UPDATE remittances SET deposit_id = CASE WHEN deposit_id = $3 THEN '' ELSE deposit_id END, differing_deposit_id = CASE WHEN differing_deposit_id = $3 THEN '' ELSE differing_deposit_id END
				WHERE tenant_id = $1 AND (remittance_id = $2 OR remittance_id = ANY($4::text[]))`, r.Tenant, e.RemittanceId, e.DepositId, e.DifferingRemittanceIds),
			es.SQL(`UPDATE deposits SET status = 'reversed', remittance_id = '' WHERE tenant_id = $1 AND deposit_id = $2`, r.Tenant, e.DepositId), // what was matched late, too
		}
	case *pb.DepositDiffered:
		return []es.Statement{
			es.SQL(`UPDATE remittances SET differing_deposit_id = $3 WHERE tenant_id = $1 AND remittance_id = $2`, r.Tenant, e.RemittanceId, e.DepositId),
			es.SQL(`UPDATE deposits SET status = 'differs', remittance_id = $3 WHERE tenant_id = $1 AND deposit_id = $2`, r.Tenant, e.DepositId, e.RemittanceId),
		}
	}
	return nil
}

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain messages always marshal
	}
	return string(raw)
}
