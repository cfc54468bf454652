-- +goose Up
-- What each claim was from a day on until the day before another: claims as of a day. Days of before this table are there after a rebuild; until then a claim stands on them as it is now.
CREATE TABLE claim_days (
    tenant_id        uuid    NOT NULL,
    claim_id         text    NOT NULL,
    from_day         date    NOT NULL,
    thru_day         date    NOT NULL, -- not in it; infinity: until now
    charge_amount    bigint  NOT NULL,
    paid_amount      bigint  NOT NULL,
    held             boolean NOT NULL,
    closed           boolean NOT NULL,
    transport        text    NOT NULL,
    adjudication     text    NOT NULL,
    submitted_date   date,
    adjudicated_date date,
    open_denials     bigint  NOT NULL,
    withdrawn_date   date,
    status           text    GENERATED ALWAYS AS (CASE
        WHEN held THEN 'held' WHEN closed THEN 'closed' WHEN adjudication = 'reversed' THEN 'reversed'
        WHEN open_denials > 0 THEN 'denied' WHEN adjudication <> 'none' THEN 'adjudicated'
        WHEN transport = 'rejected' THEN 'rejected' WHEN transport = 'accepted' THEN 'accepted'
        WHEN transport IN ('submitted', 'acknowledged') THEN 'submitted' ELSE 'ready' END) STORED, -- as in claims
    PRIMARY KEY (tenant_id, claim_id, from_day)
);
-- +goose StatementBegin
-- Keeps what a claim is after something happened to it on a day.
CREATE FUNCTION keep_claim(of_tenant uuid, of_claim text, on_day date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM claim_days d JOIN claims c ON c.tenant_id = d.tenant_id AND c.claim_id = d.claim_id
        WHERE d.tenant_id = of_tenant AND d.claim_id = of_claim AND d.thru_day = 'infinity'
            AND (d.charge_amount, d.paid_amount, d.held, d.closed, d.transport, d.adjudication, d.open_denials) = (c.charge_amount, c.paid_amount, c.held, c.closed, c.transport, c.adjudication, c.open_denials)
            AND d.submitted_date IS NOT DISTINCT FROM c.submitted_date AND d.adjudicated_date IS NOT DISTINCT FROM c.adjudicated_date AND d.withdrawn_date IS NOT DISTINCT FROM c.withdrawn_date)
    THEN
        RETURN;
    END IF;
    DELETE FROM claim_days WHERE tenant_id = of_tenant AND claim_id = of_claim AND from_day >= on_day;
    UPDATE claim_days SET thru_day = on_day WHERE tenant_id = of_tenant AND claim_id = of_claim AND thru_day > on_day;
    INSERT INTO claim_days (tenant_id, claim_id, from_day, thru_day, charge_amount, paid_amount, held, closed, transport, adjudication, submitted_date, adjudicated_date, open_denials, withdrawn_date)
    SELECT tenant_id, claim_id, on_day, 'infinity', charge_amount, paid_amount, held, closed, transport, adjudication, submitted_date, adjudicated_date, open_denials, withdrawn_date
    FROM claims WHERE tenant_id = of_tenant AND claim_id = of_claim;
END $$;
-- +goose StatementEnd
