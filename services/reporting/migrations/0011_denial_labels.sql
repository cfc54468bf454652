-- +goose Up
-- What a reason code is called; rows of before get it by a rebuild.
ALTER TABLE denials ADD COLUMN label text NOT NULL DEFAULT '';
CREATE OR REPLACE VIEW finance_denials WITH (security_barrier) AS
SELECT d.tenant_id, d.claim_id, c.account_id, d.line_id, d.remittance_id, d.payer_id, p.name AS payer_name, d.location_id, o.name AS location_name,
       d.service_code, d.service_date, d.denied_date, d.group_code, d.carc, array_to_string(d.rarc, ' ') AS rarc,
       (d.denied_amount / 100.0)::numeric(18, 2) AS denied_amount, d.origin, d.default_action, d.overturned_date,
       coalesce(c.first_remittance_id = d.remittance_id, false) AS at_first_decision,
       d.label
FROM denials d
LEFT JOIN claims c ON c.tenant_id = d.tenant_id AND c.claim_id = d.claim_id
LEFT JOIN payers p ON p.tenant_id = d.tenant_id AND p.payer_id = d.payer_id
LEFT JOIN locations o ON o.tenant_id = d.tenant_id AND o.location_id = d.location_id
WHERE d.tenant_id IN (SELECT t.tenant_id FROM finance_tenants t WHERE t.role_name = session_user);
COMMENT ON COLUMN finance_denials.label IS 'Our own short words for the reason code; empty: it is not in our table.';
