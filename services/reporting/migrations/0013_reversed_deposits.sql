-- +goose Up
-- Deposits that were recorded by mistake, or that the bank took back.
ALTER TABLE deposits ADD COLUMN reversed_date date;
CREATE OR REPLACE VIEW finance_deposits WITH (security_barrier) AS
SELECT d.tenant_id, d.deposit_id, d.deposit_date, d.booked_date, d.payer_id, p.name AS payer_name, d.payer_identifier, d.trace_number,
       (d.amount / 100.0)::numeric(18, 2) AS amount, nullif(d.remittance_id, '') AS remittance_id, d.matched_date,
       (r.payment_amount / 100.0)::numeric(18, 2) AS remittance_amount, r.state AS remittance_state, d.reversed_date
FROM deposits d
LEFT JOIN payers p ON p.tenant_id = d.tenant_id AND p.payer_id = d.payer_id
LEFT JOIN remittances r ON r.tenant_id = d.tenant_id AND r.remittance_id = d.remittance_id
WHERE d.tenant_id IN (SELECT t.tenant_id FROM finance_tenants t WHERE t.role_name = session_user);
COMMENT ON COLUMN finance_deposits.payer_id IS 'Who paid: as the bank or, where it named none, the matched remittance says; empty: not known.';
COMMENT ON COLUMN finance_deposits.reversed_date IS 'Day on which it was taken back, as recorded by mistake or by the bank; null: it stands.';
