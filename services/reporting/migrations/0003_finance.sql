-- +goose Up
-- What finance reads with SQL: five views, without PHI, each showing a signed-in role the rows of its own tenants. docs/finance.md is their manual.
CREATE TABLE finance_tenants (
    role_name text NOT NULL,                -- of the user who signs in, not of a group
    tenant_id uuid NOT NULL,
    PRIMARY KEY (role_name, tenant_id)
);
COMMENT ON TABLE finance_tenants IS 'Which role sees which tenant in the finance views. Only an administrator writes it; a role without a row sees nothing.';

-- The rows of this and every view below are those of the tenants of session_user: SET ROLE changes nothing about it.
CREATE VIEW finance_ledger WITH (security_barrier) AS
SELECT l.tenant_id, l.position, l.event_id, l.leg, l.event_type, l.occurred_on, l.recorded_at, l.ledger_account,
       (l.amount / 100.0)::numeric(18, 2) AS amount,
       l.account_id, l.line_id, l.claim_id, l.payer_id, p.name AS payer_name, l.payer_sequence, l.remittance_id, l.carc,
       a.location_id, o.name AS location_name, a.clinician_id, c.name AS clinician_name, a.service_date,
       l.interchange_id, l.source_offset, l.source_length, l.source_segment, l.source_sha256
FROM ledger_legs l
LEFT JOIN accounts a ON a.tenant_id = l.tenant_id AND a.account_id = l.account_id
LEFT JOIN payers p ON p.tenant_id = l.tenant_id AND p.payer_id = l.payer_id
LEFT JOIN locations o ON o.tenant_id = a.tenant_id AND o.location_id = a.location_id
LEFT JOIN clinicians c ON c.tenant_id = a.tenant_id AND c.clinician_id = a.clinician_id
WHERE l.tenant_id IN (SELECT t.tenant_id FROM finance_tenants t WHERE t.role_name = session_user);
COMMENT ON VIEW finance_ledger IS 'The sub-ledger: one row a leg of every event that moved money. The legs of an event sum to 0. Rows are added and never changed.';
COMMENT ON COLUMN finance_ledger.tenant_id IS 'Whose books.';
COMMENT ON COLUMN finance_ledger.position IS 'Of the event in the log: the order in which things were written down.';
COMMENT ON COLUMN finance_ledger.event_id IS 'The event that moved the money.';
COMMENT ON COLUMN finance_ledger.leg IS 'Number of the leg in its event, from 0.';
COMMENT ON COLUMN finance_ledger.event_type IS 'What happened: ChargePosted, InsurancePaymentPosted, ContractualAdjusted, ResponsibilityTransferred, PostingReversed, PatientPaymentAllocated, ...';
COMMENT ON COLUMN finance_ledger.occurred_on IS 'Business date. The books as of a day are the rows up to it.';
COMMENT ON COLUMN finance_ledger.recorded_at IS 'When it was written down.';
COMMENT ON COLUMN finance_ledger.ledger_account IS 'ar_insurance, ar_patient, cash_clearing, bank, revenue_gross, contractual, writeoff_denial, writeoff_baddebt, charity, unapplied_insurance, unapplied_patient, credit_refundable, payer_forward, interest.';
COMMENT ON COLUMN finance_ledger.amount IS 'US dollars; debits are positive.';
COMMENT ON COLUMN finance_ledger.account_id IS 'The charges of one visit; empty where the money belongs to none.';
COMMENT ON COLUMN finance_ledger.line_id IS 'The service line; empty: the account as a whole.';
COMMENT ON COLUMN finance_ledger.claim_id IS 'The claim it was posted for; empty: none.';
COMMENT ON COLUMN finance_ledger.payer_id IS 'Who owes, paid or took off; empty: nobody or the patient.';
COMMENT ON COLUMN finance_ledger.payer_name IS 'Its name today.';
COMMENT ON COLUMN finance_ledger.payer_sequence IS '1 primary, 2 secondary, 3 tertiary; 0 none.';
COMMENT ON COLUMN finance_ledger.remittance_id IS 'The remittance that caused it; empty: none.';
COMMENT ON COLUMN finance_ledger.carc IS 'Claim adjustment reason code; empty: none.';
COMMENT ON COLUMN finance_ledger.location_id IS 'Where the service took place; null where there is no account.';
COMMENT ON COLUMN finance_ledger.location_name IS 'Its name today.';
COMMENT ON COLUMN finance_ledger.clinician_id IS 'Who rendered the service.';
COMMENT ON COLUMN finance_ledger.clinician_name IS 'Her or his name today.';
COMMENT ON COLUMN finance_ledger.service_date IS 'Day of the service.';
COMMENT ON COLUMN finance_ledger.interchange_id IS 'The file that caused it; empty: none.';
COMMENT ON COLUMN finance_ledger.source_offset IS 'Its first byte in that file.';
COMMENT ON COLUMN finance_ledger.source_length IS 'How many bytes.';
COMMENT ON COLUMN finance_ledger.source_segment IS 'The X12 segment: CLP, SVC, CAS, PLB, ...';
COMMENT ON COLUMN finance_ledger.source_sha256 IS 'Hash of the file.';

CREATE VIEW finance_ar_aging WITH (security_barrier) AS
SELECT b.tenant_id, b.account_id, a.patient_id, b.ledger_account,
       CASE b.ledger_account WHEN 'ar_patient' THEN 'patient' ELSE b.payer_id END AS payer_id,
       CASE b.ledger_account WHEN 'ar_patient' THEN 'Patients' ELSE p.name END AS payer_name,
       b.payer_sequence, a.location_id, o.name AS location_name, a.clinician_id, a.service_date, a.bill_date,
       f.today - a.service_date AS days,
       CASE WHEN f.today - a.service_date <= 30 THEN '0-30' WHEN f.today - a.service_date <= 60 THEN '31-60'
            WHEN f.today - a.service_date <= 90 THEN '61-90' WHEN f.today - a.service_date <= 120 THEN '91-120' ELSE '121+' END AS bucket,
       (a.charge_amount / 100.0)::numeric(18, 2) AS charge_amount,
       (b.amount / 100.0)::numeric(18, 2) AS balance_amount
FROM balances b
-- Today is the business day of the last event: a sandbox has a clock of its own.
JOIN (SELECT tenant_id, (recorded_at AT TIME ZONE 'UTC')::date AS today FROM freshness) f ON f.tenant_id = b.tenant_id
JOIN accounts a ON a.tenant_id = b.tenant_id AND a.account_id = b.account_id
LEFT JOIN payers p ON p.tenant_id = b.tenant_id AND p.payer_id = b.payer_id
LEFT JOIN locations o ON o.tenant_id = a.tenant_id AND o.location_id = a.location_id
WHERE b.amount <> 0 AND b.ledger_account IN ('ar_insurance', 'ar_patient')
  AND b.tenant_id IN (SELECT t.tenant_id FROM finance_tenants t WHERE t.role_name = session_user);
COMMENT ON VIEW finance_ar_aging IS 'What is owed now, one row an account and debtor, with its age in days on the business day of the last event. As of an earlier day: sum finance_ledger up to it.';
COMMENT ON COLUMN finance_ar_aging.tenant_id IS 'Whose books.';
COMMENT ON COLUMN finance_ar_aging.account_id IS 'The charges of one visit.';
COMMENT ON COLUMN finance_ar_aging.patient_id IS 'An id; no view names a person.';
COMMENT ON COLUMN finance_ar_aging.ledger_account IS 'ar_insurance or ar_patient.';
COMMENT ON COLUMN finance_ar_aging.payer_id IS 'Who owes; patient for what patients owe.';
COMMENT ON COLUMN finance_ar_aging.payer_name IS 'Its name today.';
COMMENT ON COLUMN finance_ar_aging.payer_sequence IS '1 primary, 2 secondary, 3 tertiary; 0 the patient.';
COMMENT ON COLUMN finance_ar_aging.location_id IS 'Where the service took place.';
COMMENT ON COLUMN finance_ar_aging.location_name IS 'Its name today.';
COMMENT ON COLUMN finance_ar_aging.clinician_id IS 'Who rendered the service.';
COMMENT ON COLUMN finance_ar_aging.service_date IS 'Day of the service.';
COMMENT ON COLUMN finance_ar_aging.bill_date IS 'The first day a claim of it went out; null: not yet.';
COMMENT ON COLUMN finance_ar_aging.days IS 'Days from the service to today, which is the business day of the last event.';
COMMENT ON COLUMN finance_ar_aging.bucket IS '0-30, 31-60, 61-90, 91-120, 121+.';
COMMENT ON COLUMN finance_ar_aging.charge_amount IS 'What was charged for the visit, US dollars.';
COMMENT ON COLUMN finance_ar_aging.balance_amount IS 'What this debtor owes of it, US dollars; negative: we owe.';

CREATE VIEW finance_claims WITH (security_barrier) AS
SELECT c.tenant_id, c.claim_id, c.account_id, c.patient_id, c.patient_control_number, c.payer_id, p.name AS payer_name, c.payer_sequence,
       c.location_id, o.name AS location_name, c.service_date, c.created_date, c.status,
       (c.charge_amount / 100.0)::numeric(18, 2) AS charge_amount, (c.paid_amount / 100.0)::numeric(18, 2) AS paid_amount,
       (c.open_denials / 100.0)::numeric(18, 2) AS denied_amount,
       c.first_scrub_clean, c.first_submitted_date, c.submitted_date, c.first_answer_accepted, c.first_adjudicated_date, c.first_denied, c.adjudicated_date
FROM claims c
LEFT JOIN payers p ON p.tenant_id = c.tenant_id AND p.payer_id = c.payer_id
LEFT JOIN locations o ON o.tenant_id = c.tenant_id AND o.location_id = c.location_id
WHERE c.tenant_id IN (SELECT t.tenant_id FROM finance_tenants t WHERE t.role_name = session_user);
COMMENT ON VIEW finance_claims IS 'Claims as they are now: one row a claim, which is one payer''s for one visit.';
COMMENT ON COLUMN finance_claims.tenant_id IS 'Whose books.';
COMMENT ON COLUMN finance_claims.claim_id IS 'The claim, with all its versions.';
COMMENT ON COLUMN finance_claims.account_id IS 'The charges of the visit.';
COMMENT ON COLUMN finance_claims.patient_id IS 'An id; no view names a person.';
COMMENT ON COLUMN finance_claims.patient_control_number IS 'Our number on the claim, CLM01.';
COMMENT ON COLUMN finance_claims.payer_id IS 'Who is asked.';
COMMENT ON COLUMN finance_claims.payer_name IS 'Its name today.';
COMMENT ON COLUMN finance_claims.payer_sequence IS '1 primary, 2 secondary, 3 tertiary.';
COMMENT ON COLUMN finance_claims.location_id IS 'Where the service took place.';
COMMENT ON COLUMN finance_claims.location_name IS 'Its name today.';
COMMENT ON COLUMN finance_claims.service_date IS 'Day of the service.';
COMMENT ON COLUMN finance_claims.created_date IS 'Day the claim was made.';
COMMENT ON COLUMN finance_claims.status IS 'held, ready, submitted, accepted, rejected, adjudicated, denied, reversed, closed.';
COMMENT ON COLUMN finance_claims.charge_amount IS 'US dollars.';
COMMENT ON COLUMN finance_claims.paid_amount IS 'What its payer has paid, less what it took back, US dollars.';
COMMENT ON COLUMN finance_claims.denied_amount IS 'Denied and not recovered, US dollars.';
COMMENT ON COLUMN finance_claims.first_scrub_clean IS 'Whether it passed every edit at the first scrub; null: not scrubbed.';
COMMENT ON COLUMN finance_claims.first_submitted_date IS 'Day it first went out; null: not yet.';
COMMENT ON COLUMN finance_claims.submitted_date IS 'Day it last went out.';
COMMENT ON COLUMN finance_claims.first_answer_accepted IS 'Whether the first send was accepted; null: no answer yet.';
COMMENT ON COLUMN finance_claims.first_adjudicated_date IS 'Day of the first decision; null: none yet.';
COMMENT ON COLUMN finance_claims.first_denied IS 'Whether the first decision denied a line.';
COMMENT ON COLUMN finance_claims.adjudicated_date IS 'Day of the last decision.';

CREATE VIEW finance_denials WITH (security_barrier) AS
SELECT d.tenant_id, d.claim_id, c.account_id, d.line_id, d.remittance_id, d.payer_id, p.name AS payer_name, d.location_id, o.name AS location_name,
       d.service_code, d.service_date, d.denied_date, d.group_code, d.carc, array_to_string(d.rarc, ' ') AS rarc,
       (d.denied_amount / 100.0)::numeric(18, 2) AS denied_amount, d.origin, d.default_action, d.overturned_date,
       coalesce(c.first_remittance_id = d.remittance_id, false) AS at_first_decision
FROM denials d
LEFT JOIN claims c ON c.tenant_id = d.tenant_id AND c.claim_id = d.claim_id
LEFT JOIN payers p ON p.tenant_id = d.tenant_id AND p.payer_id = d.payer_id
LEFT JOIN locations o ON o.tenant_id = d.tenant_id AND o.location_id = d.location_id
WHERE d.tenant_id IN (SELECT t.tenant_id FROM finance_tenants t WHERE t.role_name = session_user);
COMMENT ON VIEW finance_denials IS 'Denied amounts, one row a line, remittance and code.';
COMMENT ON COLUMN finance_denials.tenant_id IS 'Whose books.';
COMMENT ON COLUMN finance_denials.claim_id IS 'The claim.';
COMMENT ON COLUMN finance_denials.account_id IS 'The charges of the visit.';
COMMENT ON COLUMN finance_denials.line_id IS 'The service line.';
COMMENT ON COLUMN finance_denials.remittance_id IS 'The remittance that denied it.';
COMMENT ON COLUMN finance_denials.payer_id IS 'Who denied it.';
COMMENT ON COLUMN finance_denials.payer_name IS 'Its name today.';
COMMENT ON COLUMN finance_denials.location_id IS 'Where the service took place.';
COMMENT ON COLUMN finance_denials.location_name IS 'Its name today.';
COMMENT ON COLUMN finance_denials.service_code IS 'The procedure code.';
COMMENT ON COLUMN finance_denials.service_date IS 'Day of the service.';
COMMENT ON COLUMN finance_denials.denied_date IS 'Day the denial was booked.';
COMMENT ON COLUMN finance_denials.group_code IS 'CO, PR, OA or PI.';
COMMENT ON COLUMN finance_denials.carc IS 'Claim adjustment reason code.';
COMMENT ON COLUMN finance_denials.rarc IS 'Remark codes, separated by spaces.';
COMMENT ON COLUMN finance_denials.denied_amount IS 'US dollars.';
COMMENT ON COLUMN finance_denials.origin IS 'Which of our own steps caused it: eligibility, authorization, credentialing, coding, submission, cob, documentation, payer, unknown.';
COMMENT ON COLUMN finance_denials.default_action IS 'What is usually done about it.';
COMMENT ON COLUMN finance_denials.overturned_date IS 'Day a later decision took its place; null: it stands.';
COMMENT ON COLUMN finance_denials.at_first_decision IS 'Whether it belongs to the claim''s first decision: what initial denial rates count.';

CREATE VIEW finance_deposits WITH (security_barrier) AS
SELECT d.tenant_id, d.deposit_id, d.deposit_date, d.booked_date, d.payer_id, p.name AS payer_name, d.payer_identifier, d.trace_number,
       (d.amount / 100.0)::numeric(18, 2) AS amount, nullif(d.remittance_id, '') AS remittance_id, d.matched_date,
       (r.payment_amount / 100.0)::numeric(18, 2) AS remittance_amount, r.state AS remittance_state
FROM deposits d
LEFT JOIN payers p ON p.tenant_id = d.tenant_id AND p.payer_id = d.payer_id
LEFT JOIN remittances r ON r.tenant_id = d.tenant_id AND r.remittance_id = d.remittance_id
WHERE d.tenant_id IN (SELECT t.tenant_id FROM finance_tenants t WHERE t.role_name = session_user);
COMMENT ON VIEW finance_deposits IS 'What the bank saw, one row a deposit, with the remittance that it pays.';
COMMENT ON COLUMN finance_deposits.tenant_id IS 'Whose books.';
COMMENT ON COLUMN finance_deposits.deposit_id IS 'The deposit.';
COMMENT ON COLUMN finance_deposits.deposit_date IS 'Day the bank booked it.';
COMMENT ON COLUMN finance_deposits.booked_date IS 'Day it came to us.';
COMMENT ON COLUMN finance_deposits.payer_id IS 'Who paid; empty: not known.';
COMMENT ON COLUMN finance_deposits.payer_name IS 'Its name today.';
COMMENT ON COLUMN finance_deposits.payer_identifier IS 'How the bank names the payer.';
COMMENT ON COLUMN finance_deposits.trace_number IS 'Trace or check number, the one that the remittance carries too.';
COMMENT ON COLUMN finance_deposits.amount IS 'US dollars.';
COMMENT ON COLUMN finance_deposits.remittance_id IS 'The remittance that it pays; null: none yet.';
COMMENT ON COLUMN finance_deposits.matched_date IS 'Day the two were matched.';
COMMENT ON COLUMN finance_deposits.remittance_amount IS 'What the remittance says was paid, US dollars.';
COMMENT ON COLUMN finance_deposits.remittance_state IS 'received, balanced, quarantined.';

-- +goose StatementBegin
-- The owner of the schema may not make roles; who runs the migration may, and becomes the owner again at once.
DO $$
DECLARE
    owner   text := current_user;
    service text := regexp_replace(current_user, '_owner$', '');
    v       text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'finance_reader') THEN
        EXECUTE format('SET LOCAL ROLE %I', session_user);
        BEGIN
            CREATE ROLE finance_reader NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- made meanwhile, for another database of the server
        END;
        EXECUTE format('SET LOCAL ROLE %I', owner);
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO finance_reader', current_schema());
    FOREACH v IN ARRAY ARRAY['finance_ledger', 'finance_ar_aging', 'finance_claims', 'finance_denials', 'finance_deposits'] LOOP
        EXECUTE format('GRANT SELECT ON %I TO finance_reader', v);
        EXECUTE format('REVOKE ALL ON %I FROM %I', v, service);
    END LOOP;
    -- Who may see which tenant is not the service's business.
    EXECUTE format('REVOKE ALL ON finance_tenants FROM %I', service);
END $$;
-- +goose StatementEnd
