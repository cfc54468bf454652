-- +goose Up
-- The order in which events came: a rebuild reads them in it.
ALTER TABLE feed ADD COLUMN arrival bigint GENERATED ALWAYS AS IDENTITY;
CREATE UNIQUE INDEX feed_by_arrival ON feed (arrival);

-- Money without an account (a deposit, an adjustment of the provider) has no balance of its own: one row for all of it would be the one that everybody waits for.
DELETE FROM balances WHERE account_id = '';
ALTER TABLE balances ADD CONSTRAINT balances_have_an_account CHECK (account_id <> '');

-- +goose StatementBegin
CREATE FUNCTION legs_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    at bigint;
BEGIN
    SELECT position INTO at FROM added GROUP BY tenant_id, position HAVING sum(amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the legs of event % do not sum to 0', at USING ERRCODE = 'check_violation', CONSTRAINT = 'legs_balance';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- All legs of an event come in one statement.
CREATE TRIGGER legs_balance AFTER INSERT ON ledger_legs REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION legs_balance();
