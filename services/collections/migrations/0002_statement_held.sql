-- +goose Up
-- The patient's money that was on no account: the statement asks for the balance less this.
ALTER TABLE statements ADD COLUMN held_amount bigint NOT NULL DEFAULT 0;
