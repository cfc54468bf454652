-- +goose Up
-- Account 15, conversion, is new. Accounts are those of evenkeel.type.v1.LedgerAccount: the events know them, so the table only asks that there is one.
ALTER TABLE ledger_legs DROP CONSTRAINT ledger_legs_ledger_account_check, ADD CONSTRAINT ledger_legs_ledger_account_check CHECK (ledger_account > 0);
