-- +goose Up
-- The oldest version of the code that made the tenant's rows. Rows of before this column are of version 0: the service says so, and a rebuild makes them anew.
ALTER TABLE freshness ADD COLUMN projection_version integer NOT NULL DEFAULT 0;
