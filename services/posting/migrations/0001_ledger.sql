-- +goose Up
-- Every leg of every entry. No names, no dates of birth, no diagnoses.
CREATE TABLE ledger_legs (
    tenant_id      uuid    NOT NULL,
    event_id       uuid    NOT NULL,
    leg            integer NOT NULL,                    -- from 1, in the event
    position       bigint  NOT NULL,                    -- of the event in posting's log
    event_type     text    NOT NULL,
    occurred_on    date    NOT NULL,
    ledger_account integer NOT NULL CHECK (ledger_account BETWEEN 1 AND 14),  -- evenkeel.type.v1.LedgerAccount
    payer_id       text    NOT NULL,
    payer_sequence integer NOT NULL,
    line_id        text    NOT NULL,
    amount         bigint  NOT NULL CHECK (amount <> 0),                      -- cents, debits positive
    account_id     text    NOT NULL,
    patient_id     text    NOT NULL,
    remittance_id  text    NOT NULL,
    source         jsonb,                               -- evenkeel.type.v1.Source; null: comes from no file
    PRIMARY KEY (tenant_id, event_id, leg)
);
-- GetAccount: the legs of one account, oldest first.
CREATE INDEX ledger_legs_of_account ON ledger_legs (tenant_id, account_id, position, leg) WHERE account_id <> '';
-- GetRemittance: the legs of one remittance, oldest first.
CREATE INDEX ledger_legs_of_remittance ON ledger_legs (tenant_id, remittance_id, position, leg) WHERE remittance_id <> '';

-- The legs of an event come in one statement and sum to 0: no unbalanced entry gets in.
-- +goose StatementBegin
CREATE FUNCTION ledger_legs_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    off record;
BEGIN
    SELECT event_id, sum(amount) AS residual INTO off FROM added GROUP BY event_id HAVING sum(amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the legs of event % are off by % cents', off.event_id, off.residual USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER ledger_legs_balance AFTER INSERT ON ledger_legs REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_legs_balance();

CREATE TABLE accounts (
    tenant_id              uuid    NOT NULL,
    account_id             text    NOT NULL,
    patient_id             text    NOT NULL,
    location_id            text    NOT NULL,
    rendering_clinician_id text    NOT NULL,
    service_date           date    NOT NULL,
    charge_amount          bigint  NOT NULL,
    insurance_amount       bigint  NOT NULL DEFAULT 0,   -- ar.insurance of all payers
    patient_amount         bigint  NOT NULL DEFAULT 0,   -- ar.patient
    settled                boolean NOT NULL DEFAULT false,
    version                integer NOT NULL,
    PRIMARY KEY (tenant_id, account_id)
);
-- ListAccounts: newest service first, of everybody or of one patient.
CREATE INDEX accounts_by_date ON accounts (tenant_id, service_date DESC, account_id DESC);
CREATE INDEX accounts_of_patient ON accounts (tenant_id, patient_id, service_date DESC, account_id DESC);

CREATE TABLE remittances (
    tenant_id                  uuid    NOT NULL,
    remittance_id              text    NOT NULL,
    position                   bigint  NOT NULL,         -- of the event that told of it first
    interchange_id             text    NOT NULL DEFAULT '',
    payer_id                   text    NOT NULL,
    payer_name                 text    NOT NULL DEFAULT '',
    payer_identifier           text    NOT NULL,
    trace_number               text    NOT NULL,
    payment_amount             bigint  NOT NULL,
    effective_date             text    NOT NULL,         -- empty: the file says none
    claims                     integer NOT NULL DEFAULT 0,
    status                     text    NOT NULL DEFAULT 'advised' CHECK (status IN ('advised', 'balanced', 'quarantined')),
    deposit_id                 text    NOT NULL DEFAULT '',
    differing_deposit_id       text    NOT NULL DEFAULT '',
    unapplied_amount           bigint  NOT NULL DEFAULT 0,
    provider_adjustment_amount bigint  NOT NULL DEFAULT 0,
    residuals                  jsonb   NOT NULL DEFAULT '[]',
    reasons                    jsonb   NOT NULL DEFAULT '[]',
    PRIMARY KEY (tenant_id, remittance_id)
);
-- ListRemittances: newest first.
CREATE INDEX remittances_by_position ON remittances (tenant_id, position DESC);

CREATE TABLE deposits (
    tenant_id        uuid   NOT NULL,
    deposit_id       text   NOT NULL,
    payer_id         text   NOT NULL,
    payer_identifier text   NOT NULL,
    trace_number     text   NOT NULL,
    amount           bigint NOT NULL CHECK (amount > 0),
    deposit_date     date   NOT NULL,
    status           text   NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'matched', 'differs')),
    remittance_id    text   NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, deposit_id)
);
-- ListDeposits: newest first.
CREATE INDEX deposits_by_date ON deposits (tenant_id, deposit_date DESC, deposit_id DESC);

CREATE TABLE patient_payments (
    tenant_id          uuid   NOT NULL,
    patient_payment_id text   NOT NULL,
    patient_id         text   NOT NULL,
    amount             bigint NOT NULL CHECK (amount > 0),
    allocated_amount   bigint NOT NULL DEFAULT 0 CHECK (allocated_amount BETWEEN 0 AND amount),
    method             text   NOT NULL,
    reference          text   NOT NULL,
    received_date      date   NOT NULL,
    account_id         text   NOT NULL,
    PRIMARY KEY (tenant_id, patient_payment_id)
);
-- ListPatientPayments: of one patient, newest first.
CREATE INDEX patient_payments_of_patient ON patient_payments (tenant_id, patient_id, received_date DESC, patient_payment_id DESC);
