-- +goose Up
-- Every event received, once: what a rebuild reads instead of topics.
CREATE TABLE feed (
    source    text     NOT NULL,
    position  bigint   NOT NULL,
    tenant_id uuid     NOT NULL,
    type      text     NOT NULL,
    record    bytea    NOT NULL,            -- the stored event; what was sealed is sealed
    PRIMARY KEY (source, position)
);

CREATE TABLE payers (
    tenant_id    uuid NOT NULL,
    payer_id     text NOT NULL,
    name         text NOT NULL,
    edi_payer_id text NOT NULL,
    PRIMARY KEY (tenant_id, payer_id)
);
CREATE TABLE locations (
    tenant_id   uuid NOT NULL,
    location_id text NOT NULL,
    name        text NOT NULL,
    PRIMARY KEY (tenant_id, location_id)
);
CREATE TABLE clinicians (
    tenant_id    uuid NOT NULL,
    clinician_id text NOT NULL,
    name         text NOT NULL,
    PRIMARY KEY (tenant_id, clinician_id)
);

CREATE TABLE accounts (
    tenant_id      uuid   NOT NULL,
    account_id     text   NOT NULL,
    patient_id     text   NOT NULL,
    location_id    text   NOT NULL,
    clinician_id   text   NOT NULL,
    first_payer_id text   NOT NULL,         -- '' self-pay
    service_date   date   NOT NULL,
    bill_date      date,                    -- the first day a claim of it went out
    posted_date    date   NOT NULL,
    charge_amount  bigint NOT NULL,         -- cents
    imported       boolean NOT NULL,
    PRIMARY KEY (tenant_id, account_id)
);

-- One row a leg of a money event. Debits are positive.
CREATE TABLE ledger_legs (
    tenant_id      uuid        NOT NULL,
    position       bigint      NOT NULL,    -- of the event in posting's log
    leg            integer     NOT NULL,    -- of the event, from 0
    event_id       uuid        NOT NULL,
    event_type     text        NOT NULL,
    stream         text        NOT NULL,
    occurred_on    date        NOT NULL,    -- business date
    recorded_at    timestamptz NOT NULL,
    ledger_account text        NOT NULL,
    amount         bigint      NOT NULL CHECK (amount <> 0),   -- cents
    payer_id       text        NOT NULL,
    payer_sequence smallint    NOT NULL,
    account_id     text        NOT NULL,
    line_id        text        NOT NULL,
    claim_id       text        NOT NULL,
    remittance_id  text        NOT NULL,
    carc           text        NOT NULL,
    interchange_id text        NOT NULL,    -- the file that caused it; '' none
    source_offset  bigint      NOT NULL,
    source_length  bigint      NOT NULL,
    source_segment text        NOT NULL,
    source_sha256  text        NOT NULL,
    PRIMARY KEY (tenant_id, position, leg)
);
-- Legs of one account, newest first; and what came after a day.
CREATE INDEX ledger_legs_of_account ON ledger_legs (tenant_id, account_id, position DESC, leg DESC);
CREATE INDEX ledger_legs_of_remittance ON ledger_legs (tenant_id, remittance_id, position DESC, leg DESC) WHERE remittance_id <> '';
CREATE INDEX ledger_legs_by_day ON ledger_legs (tenant_id, occurred_on);

-- The sum of the legs of each place: what a read of today starts from. A read of an earlier day takes off what came after it.
CREATE TABLE balances (
    tenant_id      uuid     NOT NULL,
    account_id     text     NOT NULL,
    ledger_account text     NOT NULL,
    payer_id       text     NOT NULL,
    payer_sequence smallint NOT NULL,
    amount         bigint   NOT NULL,
    PRIMARY KEY (tenant_id, account_id, ledger_account, payer_id, payer_sequence)
) WITH (fillfactor = 80);
-- Open receivables.
CREATE INDEX balances_open ON balances (tenant_id, ledger_account, payer_id) WHERE amount <> 0;

CREATE TABLE claims (
    tenant_id              uuid     NOT NULL,
    claim_id               text     NOT NULL,
    account_id             text     NOT NULL,
    patient_id             text     NOT NULL,
    patient_control_number text     NOT NULL,
    payer_id               text     NOT NULL,
    payer_sequence         smallint NOT NULL,
    location_id            text     NOT NULL,
    service_date           date     NOT NULL,
    created_date           date     NOT NULL,
    charge_amount          bigint   NOT NULL,
    paid_amount            bigint   NOT NULL DEFAULT 0,
    held                   boolean  NOT NULL DEFAULT false,
    closed                 boolean  NOT NULL DEFAULT false,
    transport              text     NOT NULL DEFAULT 'not_sent',
    adjudication           text     NOT NULL DEFAULT 'none',
    first_scrub_clean      boolean,
    first_submitted_date   date,
    submitted_date         date,
    first_answer_accepted  boolean,         -- the payer's answer to the first send
    first_adjudicated_date date,
    first_remittance_id    text     NOT NULL DEFAULT '',
    first_denied           boolean  NOT NULL DEFAULT false,
    adjudicated_date       date,
    open_denials           bigint   NOT NULL DEFAULT 0,    -- cents
    status                 text     GENERATED ALWAYS AS (CASE
        WHEN held THEN 'held' WHEN closed THEN 'closed' WHEN adjudication = 'reversed' THEN 'reversed'
        WHEN open_denials > 0 THEN 'denied' WHEN adjudication <> 'none' THEN 'adjudicated'
        WHEN transport = 'rejected' THEN 'rejected' WHEN transport = 'accepted' THEN 'accepted'
        WHEN transport IN ('submitted', 'acknowledged') THEN 'submitted' ELSE 'ready' END) STORED,
    PRIMARY KEY (tenant_id, claim_id)
);
-- The list of claims, newest service first; claims of one account.
CREATE INDEX claims_by_service ON claims (tenant_id, service_date DESC, claim_id DESC);
CREATE INDEX claims_of_account ON claims (tenant_id, account_id);
-- Denial rates by the day of the first decision.
CREATE INDEX claims_adjudicated ON claims (tenant_id, first_adjudicated_date);

CREATE TABLE denials (
    tenant_id       uuid   NOT NULL,
    claim_id        text   NOT NULL,
    line_id         text   NOT NULL,
    remittance_id   text   NOT NULL,
    group_code      text   NOT NULL,
    carc            text   NOT NULL,
    rarc            text[] NOT NULL,
    payer_id        text   NOT NULL,
    location_id     text   NOT NULL,
    service_code    text   NOT NULL,
    service_date    date,
    denied_date     date   NOT NULL,
    denied_amount   bigint NOT NULL,
    origin          text   NOT NULL,
    default_action  text   NOT NULL,
    overturned_date date,
    PRIMARY KEY (tenant_id, claim_id, line_id, remittance_id, group_code, carc)
);
CREATE INDEX denials_by_day ON denials (tenant_id, denied_date DESC);

CREATE TABLE deposits (
    tenant_id        uuid   NOT NULL,
    deposit_id       text   NOT NULL,
    deposit_date     date   NOT NULL,
    booked_date      date   NOT NULL,
    payer_id         text   NOT NULL,
    payer_identifier text   NOT NULL,
    trace_number     text   NOT NULL,
    amount           bigint NOT NULL,
    remittance_id    text   NOT NULL DEFAULT '',
    matched_date     date,
    PRIMARY KEY (tenant_id, deposit_id)
);
CREATE TABLE remittances (
    tenant_id      uuid   NOT NULL,
    remittance_id  text   NOT NULL,
    payer_id       text   NOT NULL,
    payer_name     text   NOT NULL,
    trace_number   text   NOT NULL,
    payment_amount bigint NOT NULL,
    received_date  date   NOT NULL,
    state          text   NOT NULL,         -- received, balanced, quarantined
    PRIMARY KEY (tenant_id, remittance_id)
);

-- How far the answers reach.
CREATE TABLE freshness (
    tenant_id      uuid        PRIMARY KEY,
    recorded_at    timestamptz NOT NULL,
    events_handled bigint      NOT NULL
);
