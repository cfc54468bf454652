-- +goose Up
CREATE TABLE claim_numbers (
    tenant_id              uuid NOT NULL,
    claim_id               text NOT NULL,
    patient_control_number text NOT NULL, -- CLM01
    PRIMARY KEY (tenant_id, claim_id)
);
-- ListWorkItems: of the claim that has a number.
CREATE INDEX claim_numbers_by_number ON claim_numbers (tenant_id, patient_control_number);
