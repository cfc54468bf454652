-- +goose Up

-- What happened, in order, for ever.
CREATE TABLE event (
    position    bigint      PRIMARY KEY,  -- 1, 2, 3 … in commit order, no gap
    id          uuid        NOT NULL,     -- not unique by an index: "request" and "inbox" refuse what would repeat one
    tenant      uuid        NOT NULL,
    stream      text        NOT NULL,     -- kind/id
    version     integer     NOT NULL,     -- 1, 2, 3 … in the stream
    slot        smallint    NOT NULL,     -- 0–255, fixed for the stream
    previous    bigint      NOT NULL,     -- the position before it in its slot, 0: it is the first
    epoch       integer     NOT NULL,
    type        text        NOT NULL,     -- full name of the message in clear
    schema      integer     NOT NULL,
    occurred_on date        NOT NULL,
    recorded_at timestamptz NOT NULL,     -- never goes back
    actor       text        NOT NULL,
    correlation uuid,
    causation   uuid,
    request     text,
    trace       bytea,
    clear       bytea       NOT NULL,     -- the message without its PHI
    sealed      bytea,                    -- the PHI, encrypted under the subject's key
    subject     text,
    UNIQUE (tenant, stream, version)      -- reads a stream, and finds its version
);

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE event ENABLE ALWAYS TRIGGER append_only; -- also for a session that says it is a replica

-- The end of the log. Who appends holds the lock on its one row until commit, so that the order of positions is the order of commits.
CREATE TABLE head (
    one         boolean     PRIMARY KEY DEFAULT true CHECK (one),
    position    bigint      NOT NULL,
    epoch       integer     NOT NULL,
    by_slot     bigint[]    NOT NULL CHECK (cardinality(by_slot) = 256), -- the last position of each slot
    recorded_at timestamptz NOT NULL                                      -- of the last event
) WITH (fillfactor = 10);
ALTER TABLE head ALTER COLUMN by_slot SET STORAGE PLAIN; -- 2 kB, written by each commit: in place, uncompressed
INSERT INTO head (position, epoch, by_slot, recorded_at) VALUES (0, 1, array_fill(0::bigint, ARRAY[256]), 'epoch');

-- The last batch that each writer has committed: how it finds out whether a commit worked whose answer was lost.
CREATE TABLE writer (
    id    uuid        PRIMARY KEY,
    batch bigint      NOT NULL,
    since timestamptz NOT NULL
) WITH (fillfactor = 50);

-- What each idempotency key was answered with, for ever. Its events are [first, first + events).
CREATE TABLE request (
    tenant    uuid    NOT NULL,
    key       text    NOT NULL,
    body_hash bytea   NOT NULL,
    stream    text    NOT NULL,
    version   integer NOT NULL,
    position  bigint  NOT NULL,
    first     bigint  NOT NULL,
    events    integer NOT NULL,
    CONSTRAINT request_key PRIMARY KEY (tenant, key)
);

-- Stored folds.
CREATE TABLE state (
    tenant    uuid    NOT NULL,
    stream    text    NOT NULL,
    version   integer NOT NULL,
    fold_hash text    NOT NULL,
    body      bytea   NOT NULL,
    PRIMARY KEY (tenant, stream)
) WITH (fillfactor = 80);

-- How far each consumer has handled each slot of a source.
CREATE TABLE inbox (
    consumer text     NOT NULL,
    source   text     NOT NULL,
    slot     smallint NOT NULL,
    position bigint   NOT NULL,
    PRIMARY KEY (consumer, source, slot)
) WITH (fillfactor = 50);

-- Copies of events, under the keys they are looked up by.
CREATE TABLE mirror (
    seq      bigint GENERATED ALWAYS AS IDENTITY, -- order of arrival
    mirror   text   NOT NULL,
    tenant   uuid   NOT NULL,
    key      text   NOT NULL,
    source   text   NOT NULL,
    position bigint NOT NULL,
    record   bytea  NOT NULL,
    PRIMARY KEY (mirror, tenant, key, source, position)
);

-- Events that a consumer could not handle yet. Its stream stops for that consumer.
CREATE TABLE parked (
    consumer     text        NOT NULL,
    source       text        NOT NULL,
    position     bigint      NOT NULL,
    tenant       uuid        NOT NULL,
    stream       text        NOT NULL,
    record       bytea       NOT NULL,
    state        text        NOT NULL CHECK (state IN ('waiting', 'dead', 'behind', 'ready')),
    waits_mirror text,
    waits_tenant uuid,
    waits_key    text,
    error        text        NOT NULL,
    attempts     integer     NOT NULL,
    since        timestamptz NOT NULL,
    PRIMARY KEY (consumer, source, position),
    CHECK ((state = 'waiting') = (waits_key IS NOT NULL))
);
CREATE INDEX parked_stream ON parked (consumer, source, tenant, stream, position); -- what is first in its stream
CREATE INDEX parked_waits ON parked (waits_mirror, waits_tenant, waits_key) WHERE state = 'waiting'; -- whom a key wakes
CREATE INDEX parked_ready ON parked (consumer, source, position) WHERE state IN ('ready', 'behind'); -- what can go on

-- Durable clocks.
CREATE TABLE timer (
    tenant    uuid        NOT NULL,
    key       text        NOT NULL,
    kind      text        NOT NULL,
    stream_id text        NOT NULL,
    due_at    timestamptz NOT NULL,
    type      text        NOT NULL,
    body      bytea       NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX timer_due ON timer (due_at, tenant, key); -- what is due next

-- How far a relay has published.
CREATE TABLE relay (
    topic      text    PRIMARY KEY,
    position   bigint  NOT NULL,
    partitions integer NOT NULL,
    acked      jsonb   NOT NULL
) WITH (fillfactor = 50);
