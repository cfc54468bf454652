-- +goose Up
-- What was recorded by mistake, or what the bank took back, stays as a row that says so.
ALTER TABLE deposits DROP CONSTRAINT deposits_status_check, ADD CONSTRAINT deposits_status_check CHECK (status IN ('open', 'matched', 'differs', 'reversed'));
ALTER TABLE patient_payments ADD COLUMN reversed_date date;  -- null: it stands
