-- +goose Up
-- The denials of a claim that was taken back end with it.
UPDATE claims SET open_denials = 0 WHERE withdrawn_date IS NOT NULL AND open_denials <> 0;
CREATE OR REPLACE VIEW finance_denials WITH (security_barrier) AS
SELECT d.tenant_id, d.claim_id, c.account_id, d.line_id, d.remittance_id, d.payer_id, p.name AS payer_name, d.location_id, o.name AS location_name,
       d.service_code, d.service_date, d.denied_date, d.group_code, d.carc, array_to_string(d.rarc, ' ') AS rarc,
       (d.denied_amount / 100.0)::numeric(18, 2) AS denied_amount, d.origin, d.default_action, d.overturned_date,
       coalesce(c.first_remittance_id = d.remittance_id, false) AS at_first_decision,
       d.label, c.withdrawn_date
FROM denials d
LEFT JOIN claims c ON c.tenant_id = d.tenant_id AND c.claim_id = d.claim_id
LEFT JOIN payers p ON p.tenant_id = d.tenant_id AND p.payer_id = d.payer_id
LEFT JOIN locations o ON o.tenant_id = d.tenant_id AND o.location_id = d.location_id
WHERE d.tenant_id IN (SELECT t.tenant_id FROM finance_tenants t WHERE t.role_name = session_user);
COMMENT ON COLUMN finance_denials.overturned_date IS 'Day a later decision took its place; null: none has. It is open where withdrawn_date is null too.';
COMMENT ON COLUMN finance_denials.withdrawn_date IS 'Day its claim was taken back, with which it ends; null: it was not.';
COMMENT ON COLUMN finance_claims.denied_amount IS 'Denied and not recovered, US dollars; 0 of a claim that was taken back.';
