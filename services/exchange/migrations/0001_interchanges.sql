-- +goose Up
CREATE TABLE interchanges (
    tenant_id      uuid    NOT NULL,
    interchange_id text    NOT NULL,
    position       bigint  NOT NULL,                                     -- of the event that made it: the order of the list
    direction      text    NOT NULL CHECK (direction IN ('in', 'out')),
    status         text    NOT NULL CHECK (status IN ('sent', 'received', 'refused')),
    kind           text    NOT NULL,                                     -- of its first set
    partner_id     text    NOT NULL,                                     -- ISA06 of what came in, ISA08 of what went out
    control_no     text    NOT NULL DEFAULT '',                          -- ISA13
    sha256         text    NOT NULL,                                     -- hex
    file_name      text    NOT NULL DEFAULT '',
    channel        text    NOT NULL DEFAULT '',
    size           bigint  NOT NULL CHECK (size >= 0),                   -- bytes
    on_date        date    NOT NULL,                                     -- sent or received
    reason         text    NOT NULL DEFAULT '',                          -- refused: why
    results        integer NOT NULL DEFAULT 0,                           -- facts read from it
    PRIMARY KEY (tenant_id, interchange_id)
);
-- ListInterchanges: newest first, all or one direction.
CREATE INDEX interchanges_by_position ON interchanges (tenant_id, position DESC);
CREATE INDEX interchanges_by_direction ON interchanges (tenant_id, direction, position DESC);
