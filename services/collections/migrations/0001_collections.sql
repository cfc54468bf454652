-- +goose Up
CREATE TABLE work_items (
    tenant_id        uuid    NOT NULL,
    work_item_id     text    NOT NULL,
    kind             text    NOT NULL,
    subject          text    NOT NULL,
    title            text    NOT NULL,                   -- never PHI
    detail           text    NOT NULL,                   -- never PHI
    owner            text    NOT NULL,                   -- team
    assignee         text    NOT NULL DEFAULT '',
    state            text    NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'resolved')),
    opened_date      date    NOT NULL,
    due_date         date    NOT NULL,
    at_risk_amount   bigint  NOT NULL,                   -- cents
    default_action   text    NOT NULL,
    outcome          text    NOT NULL DEFAULT '',
    note             text    NOT NULL DEFAULT '',
    automatic        boolean NOT NULL DEFAULT false,
    patient_id       text    NOT NULL,
    claim_id         text    NOT NULL,
    account_id       text    NOT NULL,
    encounter_id     text    NOT NULL,
    appointment_id   text    NOT NULL,
    remittance_id    text    NOT NULL,
    deposit_id       text    NOT NULL,
    interchange_id   text    NOT NULL,
    payer_id         text    NOT NULL,
    authorization_id text    NOT NULL,
    version          integer NOT NULL,
    PRIMARY KEY (tenant_id, work_item_id)
);
-- ListWorkItems: earliest due first; the open ones of a team are what people look at.
CREATE INDEX work_items_by_due ON work_items (tenant_id, due_date, work_item_id);
CREATE INDEX work_items_open ON work_items (tenant_id, owner, due_date, work_item_id) WHERE state = 'open';

CREATE TABLE statements (
    tenant_id      uuid   NOT NULL,
    statement_id   text   NOT NULL,
    patient_id     text   NOT NULL,
    statement_date date   NOT NULL,
    due_date       date   NOT NULL,
    balance_amount bigint NOT NULL,
    PRIMARY KEY (tenant_id, statement_id)
);
-- ListStatements: of one patient, newest first.
CREATE INDEX statements_of_patient ON statements (tenant_id, patient_id, statement_date DESC, statement_id DESC);
