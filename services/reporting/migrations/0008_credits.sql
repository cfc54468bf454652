-- +goose Up
-- Balances below 0 stand apart from those that are owed: first_of_account and first_of_payer mark one row among each, so that accounts can be counted among each.
-- +goose StatementBegin
-- Keeps an account's receivables after legs of a day were booked. NULL: all its days. TestReceivablesAreTheSlowFoldOfAnyDay compares it with a fold of the legs.
CREATE OR REPLACE FUNCTION keep_receivables(of_tenant uuid, of_account text, moved date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF moved >= (SELECT max(occurred_on) FROM ledger_legs WHERE tenant_id = of_tenant AND account_id = of_account AND ledger_account IN ('ar_insurance', 'ar_patient')) THEN
        -- The latest day: what is open now is so from this day on.
        DELETE FROM receivables WHERE tenant_id = of_tenant AND account_id = of_account AND from_day = moved;
        UPDATE receivables SET thru_day = moved WHERE tenant_id = of_tenant AND account_id = of_account AND thru_day = 'infinity';
        INSERT INTO receivables (tenant_id, account_id, from_day, thru_day, payer_id, payer_sequence, amount, first_of_account, first_of_payer, location_id, first_payer_id, service_date, bill_date)
            SELECT of_tenant, of_account, moved, 'infinity', o.payer_id, o.payer_sequence, o.amount, row_number() OVER (PARTITION BY o.amount > 0 ORDER BY o.payer_id, o.payer_sequence) = 1,
                row_number() OVER (PARTITION BY o.payer_id, o.amount > 0 ORDER BY o.payer_sequence) = 1, a.location_id, a.first_payer_id, a.service_date, a.bill_date
            FROM (SELECT CASE ledger_account WHEN 'ar_patient' THEN 'patient' ELSE payer_id END AS payer_id, payer_sequence, sum(amount) AS amount FROM balances
                WHERE tenant_id = of_tenant AND account_id = of_account AND ledger_account IN ('ar_insurance', 'ar_patient') GROUP BY 1, 2 HAVING sum(amount) <> 0) o
            JOIN accounts a ON a.tenant_id = of_tenant AND a.account_id = of_account;
        RETURN;
    END IF;
    DELETE FROM receivables WHERE tenant_id = of_tenant AND account_id = of_account;
    INSERT INTO receivables (tenant_id, account_id, from_day, thru_day, payer_id, payer_sequence, amount, first_of_account, first_of_payer, location_id, first_payer_id, service_date, bill_date)
        WITH leg AS (
            SELECT CASE ledger_account WHEN 'ar_patient' THEN 'patient' ELSE payer_id END AS payer_id, payer_sequence, occurred_on, sum(amount) AS amount FROM ledger_legs
            WHERE tenant_id = of_tenant AND account_id = of_account AND ledger_account IN ('ar_insurance', 'ar_patient') GROUP BY 1, 2, 3),
        stretch AS (
            SELECT day, lead(day, 1, 'infinity') OVER (ORDER BY day) AS until FROM (SELECT DISTINCT occurred_on AS day FROM leg) d),
        o AS (
            SELECT s.day, s.until, l.payer_id, l.payer_sequence, sum(l.amount) AS amount FROM stretch s JOIN leg l ON l.occurred_on <= s.day GROUP BY 1, 2, 3, 4 HAVING sum(l.amount) <> 0)
        SELECT of_tenant, of_account, o.day, o.until, o.payer_id, o.payer_sequence, o.amount, row_number() OVER (PARTITION BY o.day, o.amount > 0 ORDER BY o.payer_id, o.payer_sequence) = 1,
            row_number() OVER (PARTITION BY o.day, o.payer_id, o.amount > 0 ORDER BY o.payer_sequence) = 1, a.location_id, a.first_payer_id, a.service_date, a.bill_date
        FROM o JOIN accounts a ON a.tenant_id = of_tenant AND a.account_id = of_account;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
DO $$
BEGIN
    -- Plans are made while the table is empty, and must not stay so.
    PERFORM set_config('enable_seqscan', 'off', true);
    PERFORM keep_receivables(tenant_id, account_id, NULL) FROM (SELECT DISTINCT tenant_id, account_id FROM receivables WHERE amount < 0 ORDER BY 1, 2) a;
    PERFORM set_config('enable_seqscan', 'on', true);
END $$;
-- +goose StatementEnd
CREATE OR REPLACE VIEW finance_ar_aging WITH (security_barrier) AS
SELECT b.tenant_id, b.account_id, a.patient_id, b.ledger_account,
       CASE b.ledger_account WHEN 'ar_patient' THEN 'patient' ELSE b.payer_id END AS payer_id,
       CASE b.ledger_account WHEN 'ar_patient' THEN 'Patients' ELSE p.name END AS payer_name,
       b.payer_sequence, a.location_id, o.name AS location_name, a.clinician_id, a.service_date, a.bill_date,
       f.today - a.service_date AS days,
       CASE WHEN b.amount < 0 THEN 'credit' WHEN f.today - a.service_date <= 30 THEN '0-30' WHEN f.today - a.service_date <= 60 THEN '31-60'
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
COMMENT ON COLUMN finance_ar_aging.bucket IS '0-30, 31-60, 61-90, 91-120, 121+; credit: the balance is below 0, and has no age.';
