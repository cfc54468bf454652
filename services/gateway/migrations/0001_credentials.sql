-- +goose Up
CREATE TABLE api_keys (
    key_hash   bytea       PRIMARY KEY,                 -- SHA-256 of the key
    tenant_id  uuid        NOT NULL,
    name       text        NOT NULL,
    role       text        NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz                              -- set: no longer accepted
);
CREATE TABLE users (
    tenant_id     uuid        NOT NULL,
    email         text        NOT NULL UNIQUE CHECK (email = lower(email)),
    name          text        NOT NULL,
    role          text        NOT NULL,
    password_hash bytea       NOT NULL,                 -- bcrypt
    created_at    timestamptz NOT NULL,
    disabled_at   timestamptz,                          -- set: may not sign in
    PRIMARY KEY (tenant_id, email)
);
CREATE TABLE sessions (
    session_hash bytea       PRIMARY KEY,               -- SHA-256 of the cookie's value
    tenant_id    uuid        NOT NULL,
    email        text        NOT NULL,
    created_at   timestamptz NOT NULL,
    seen_at      timestamptz NOT NULL,
    FOREIGN KEY (tenant_id, email) REFERENCES users (tenant_id, email) ON DELETE CASCADE
);
-- Sessions nobody used are dropped at each sign-in.
CREATE INDEX sessions_seen ON sessions (seen_at);
