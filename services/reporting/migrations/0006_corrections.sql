-- +goose Up
-- A claim that was taken back: it counts as one until that day.
ALTER TABLE claims ADD COLUMN withdrawn_date date;

CREATE OR REPLACE VIEW finance_claims WITH (security_barrier) AS
SELECT c.tenant_id, c.claim_id, c.account_id, c.patient_id, c.patient_control_number, c.payer_id, p.name AS payer_name, c.payer_sequence,
       c.location_id, o.name AS location_name, c.service_date, c.created_date, c.status,
       (c.charge_amount / 100.0)::numeric(18, 2) AS charge_amount, (c.paid_amount / 100.0)::numeric(18, 2) AS paid_amount,
       (c.open_denials / 100.0)::numeric(18, 2) AS denied_amount,
       c.first_scrub_clean, c.first_submitted_date, c.submitted_date, c.first_answer_accepted, c.first_adjudicated_date, c.first_denied, c.adjudicated_date,
       c.withdrawn_date
FROM claims c
LEFT JOIN payers p ON p.tenant_id = c.tenant_id AND p.payer_id = c.payer_id
LEFT JOIN locations o ON o.tenant_id = c.tenant_id AND o.location_id = c.location_id
WHERE c.tenant_id IN (SELECT t.tenant_id FROM finance_tenants t WHERE t.role_name = session_user);
COMMENT ON COLUMN finance_claims.charge_amount IS 'As it is billed now, US dollars.';
COMMENT ON COLUMN finance_claims.withdrawn_date IS 'Day it was taken back, and nothing more is asked by it; null: it was not.';
COMMENT ON COLUMN finance_ledger.event_type IS 'What happened: ChargePosted, ChargeCorrected, ChargeVoided, InsurancePaymentPosted, ContractualAdjusted, ResponsibilityTransferred, PostingReversed, PatientPaymentAllocated, ...';
COMMENT ON COLUMN finance_ar_aging.charge_amount IS 'What is charged for the visit now, US dollars.';
