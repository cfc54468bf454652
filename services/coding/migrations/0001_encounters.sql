-- +goose Up
CREATE TABLE encounters (
    tenant_id     uuid    NOT NULL,
    encounter_id  text    NOT NULL,
    patient_id    text    NOT NULL,
    clinician_id  text    NOT NULL,                                 -- who gave the service; imported: who is named as rendering
    location_id   text    NOT NULL,
    service_date  date    NOT NULL,
    status        text    NOT NULL CHECK (status IN ('received', 'coder_query', 'coded', 'not_billed')),
    imported      boolean NOT NULL DEFAULT false,
    charge_amount bigint  NOT NULL DEFAULT 0 CHECK (charge_amount >= 0), -- cents
    version       integer NOT NULL,
    PRIMARY KEY (tenant_id, encounter_id)
);
-- ListEncounters: newest service date first.
CREATE INDEX encounters_by_date ON encounters (tenant_id, service_date DESC, encounter_id DESC);
-- ListEncounters of one patient.
CREATE INDEX encounters_of_patient ON encounters (tenant_id, patient_id, service_date DESC, encounter_id DESC);
-- ListEncounters of a status: what waits for a coder.
CREATE INDEX encounters_by_status ON encounters (tenant_id, status, service_date DESC, encounter_id DESC);
