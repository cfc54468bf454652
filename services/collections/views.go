package collections

import (
	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// Project keeps work_items, what they said on which days, and statements, in the transaction that appends the event.
func Project(r es.Recorded) []es.Statement {
	out := project(r)
	switch r.Event.(type) {
	case *pb.WorkItemOpened, *pb.WorkItemRestated, *pb.WorkItemAssigned, *pb.WorkItemResolved:
		out = append(out, es.SQL(`SELECT keep_work_item($1, $2, $3::text::date)`, r.Tenant, r.StreamID, r.OccurredOn))
	}
	return out
}

func project(r es.Recorded) []es.Statement {
	switch e := r.Event.(type) {
	case *pb.WorkItemOpened:
		return []es.Statement{es.SQL(`INSERT INTO work_items (tenant_id, work_item_id, kind, subject, title, detail, owner, opened_date, due_date, at_risk_amount,
				default_action, patient_id, claim_id, account_id, encounter_id, appointment_id, remittance_id, deposit_id, interchange_id, payer_id, authorization_id, version)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::date, $9::text::date, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
			ON CONFLICT (tenant_id, work_item_id) DO UPDATE SET title = excluded.title, detail = excluded.detail, owner = excluded.owner, assignee = '', state = 'open',
				opened_date = excluded.opened_date, due_date = excluded.due_date, at_risk_amount = excluded.at_risk_amount, default_action = excluded.default_action,
				outcome = '', note = '', automatic = false, remittance_id = excluded.remittance_id, version = excluded.version`,
			r.Tenant, e.WorkItemId, e.Kind, e.Subject, e.Title, e.Detail, e.Owner, e.OpenedDate, e.DueDate, e.AtRiskAmount, e.DefaultAction, e.PatientId, e.ClaimId,
			e.AccountId, e.EncounterId, e.AppointmentId, e.RemittanceId, e.DepositId, e.InterchangeId, e.PayerId, e.AuthorizationId, r.Version)}
	case *pb.WorkItemRestated:
		return []es.Statement{es.SQL(`UPDATE work_items SET title = $3, detail = $4, at_risk_amount = $5, default_action = $6, version = $7 WHERE tenant_id = $1 AND work_item_id = $2`,
			r.Tenant, e.WorkItemId, e.Title, e.Detail, e.AtRiskAmount, e.DefaultAction, r.Version)}
	case *pb.WorkItemAssigned:
		return []es.Statement{es.SQL(`UPDATE work_items SET assignee = $3, version = $4 WHERE tenant_id = $1 AND work_item_id = $2`, r.Tenant, e.WorkItemId, e.Assignee, r.Version)}
	case *pb.WorkItemResolved:
		return []es.Statement{es.SQL(`UPDATE work_items SET state = 'resolved', outcome = $3, note = $4, automatic = $5, version = $6 WHERE tenant_id = $1 AND work_item_id = $2`,
			r.Tenant, e.WorkItemId, e.Outcome, e.Note, e.Automatic, r.Version)}
	case *pb.StatementIssued:
		return []es.Statement{es.SQL(`INSERT INTO statements (tenant_id, statement_id, patient_id, statement_date, due_date, balance_amount, held_amount)
			VALUES ($1, $2, $3, $4::text::date, $5::text::date, $6, $7)`, r.Tenant, e.StatementId, e.PatientId, e.StatementDate, e.DueDate, e.BalanceAmount, e.HeldAmount)}
	}
	return nil
}

// ProjectClaims keeps claim_numbers, from the events of claims: work items are about claims, and people call those by their numbers.
func ProjectClaims(r es.Recorded) []es.Statement {
	e, ok := r.Event.(*claimsv1.ClaimCreated)
	if !ok {
		return nil
	}
	return []es.Statement{es.SQL(`INSERT INTO claim_numbers (tenant_id, claim_id, patient_control_number) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		r.Tenant, e.ClaimId, e.GetContent().GetPatientControlNumber())}
}
