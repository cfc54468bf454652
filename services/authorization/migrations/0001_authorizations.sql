-- +goose Up
CREATE TABLE authorizations (
    tenant_id        uuid NOT NULL,
    authorization_id text NOT NULL,
    patient_id       text NOT NULL,
    payer_id         text NOT NULL,
    status           text NOT NULL CHECK (status IN ('requested', 'approved', 'denied')),
    auth_no          text NOT NULL DEFAULT '',                          -- the payer's number
    from_date        date NOT NULL,
    thru_date        date NOT NULL CHECK (thru_date >= from_date),      -- included
    version          integer NOT NULL,
    PRIMARY KEY (tenant_id, authorization_id)
);
-- ListAuthorizations: of one patient, newest period first.
CREATE INDEX authorizations_of_patient ON authorizations (tenant_id, patient_id, from_date DESC, authorization_id);

CREATE TABLE authorization_units (
    tenant_id        uuid    NOT NULL,
    authorization_id text    NOT NULL,
    service_code     text    NOT NULL,
    approved         integer NOT NULL CHECK (approved >= 0),            -- payer units of the code
    held             integer NOT NULL DEFAULT 0 CHECK (held >= 0),      -- reserved for visits to come
    consumed         integer NOT NULL DEFAULT 0 CHECK (consumed >= 0),
    PRIMARY KEY (tenant_id, authorization_id, service_code),
    CHECK (held + consumed <= approved)
);
