-- +goose Up
-- What was given back of a payment: never what is on accounts.
ALTER TABLE patient_payments ADD COLUMN refunded_amount bigint NOT NULL DEFAULT 0 CHECK (refunded_amount >= 0);
ALTER TABLE patient_payments ADD CHECK (allocated_amount + refunded_amount <= amount);
