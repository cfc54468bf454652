-- +goose Up
ALTER TABLE authorizations ADD COLUMN location_ids text[] NOT NULL DEFAULT '{}';  -- at which it covers services; none: at all
