-- +goose Up
-- What each account owes from day to day: one row a debtor for every stretch of days between two days on which its receivables moved. As of a day are the rows around it, so that a read
-- of any day looks at what was open then and at nothing else. What a read groups by stands beside the amount; nothing is joined.
CREATE TABLE receivables (
    tenant_id        uuid     NOT NULL,
    account_id       text     NOT NULL,
    from_day         date     NOT NULL,
    thru_day         date     NOT NULL,     -- the first day on which it is no longer so; infinity: it is so now
    payer_id         text     NOT NULL,     -- 'patient' for what the patient owes
    payer_sequence   smallint NOT NULL,
    amount           bigint   NOT NULL CHECK (amount <> 0),    -- cents
    first_of_account boolean  NOT NULL,     -- one row of the account's stretch, and one of each payer's in it: counting them counts accounts
    first_of_payer   boolean  NOT NULL,
    location_id      text     NOT NULL,
    first_payer_id   text     NOT NULL,
    service_date     date     NOT NULL,
    bill_date        date,
    PRIMARY KEY (tenant_id, account_id, from_day, payer_id, payer_sequence),
    CHECK (from_day < thru_day)
) WITH (fillfactor = 80);
-- As of a late day, and as of an early one: each leaves out what lies on its other side.
CREATE INDEX receivables_until ON receivables (tenant_id, thru_day);
CREATE INDEX receivables_since ON receivables (tenant_id, from_day);

-- +goose StatementBegin
-- Keeps an account's receivables after legs of a day were booked. NULL: all its days. TestReceivablesAreTheSlowFoldOfAnyDay compares it with a fold of the legs.
CREATE FUNCTION keep_receivables(of_tenant uuid, of_account text, moved date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF moved >= (SELECT max(occurred_on) FROM ledger_legs WHERE tenant_id = of_tenant AND account_id = of_account AND ledger_account IN ('ar_insurance', 'ar_patient')) THEN
        -- The latest day: what is open now is so from this day on.
        DELETE FROM receivables WHERE tenant_id = of_tenant AND account_id = of_account AND from_day = moved;
        UPDATE receivables SET thru_day = moved WHERE tenant_id = of_tenant AND account_id = of_account AND thru_day = 'infinity';
        INSERT INTO receivables (tenant_id, account_id, from_day, thru_day, payer_id, payer_sequence, amount, first_of_account, first_of_payer, location_id, first_payer_id, service_date, bill_date)
            SELECT of_tenant, of_account, moved, 'infinity', o.payer_id, o.payer_sequence, o.amount, row_number() OVER (ORDER BY o.payer_id, o.payer_sequence) = 1,
                row_number() OVER (PARTITION BY o.payer_id ORDER BY o.payer_sequence) = 1, a.location_id, a.first_payer_id, a.service_date, a.bill_date
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
        SELECT of_tenant, of_account, o.day, o.until, o.payer_id, o.payer_sequence, o.amount, row_number() OVER (PARTITION BY o.day ORDER BY o.payer_id, o.payer_sequence) = 1,
            row_number() OVER (PARTITION BY o.day, o.payer_id ORDER BY o.payer_sequence) = 1, a.location_id, a.first_payer_id, a.service_date, a.bill_date
        FROM o JOIN accounts a ON a.tenant_id = of_tenant AND a.account_id = of_account;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
DO $$
BEGIN
    -- Plans are made while the table is empty, and must not stay so.
    PERFORM set_config('enable_seqscan', 'off', true);
    PERFORM keep_receivables(tenant_id, account_id, NULL) FROM (SELECT tenant_id, account_id FROM accounts ORDER BY 1, 2) a;
    PERFORM set_config('enable_seqscan', 'on', true);
END $$;
-- +goose StatementEnd
