-- +goose Up
-- Who calls has the number that is on the statement and on the remittance.
CREATE INDEX claims_by_control_number ON claims (tenant_id, patient_control_number);
