-- +goose Up
-- Claims sent in a month, what was accepted of those that were sent in some days, and the day on which the first one went out.
CREATE INDEX claims_first_sent ON claims (tenant_id, first_submitted_date);
