-- +goose Up
-- A claim that somebody corrected before it first went out did not pass by itself.
ALTER TABLE claims ADD COLUMN corrected_before_sent boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN finance_claims.first_scrub_clean IS 'Whether no edit failed at the first scrub, not even one that only warns; null: not scrubbed.';
