-- How far the import of a file has come, committed with its readings: a killed one goes on there.
CREATE TABLE import (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file text NOT NULL,
    digest text NOT NULL,
    mapping_digest text NOT NULL,
    position bigint NOT NULL,
    line bigint NOT NULL,
    state jsonb NOT NULL DEFAULT '{}',
    rows bigint NOT NULL DEFAULT 0,
    stored bigint NOT NULL DEFAULT 0,
    duplicate bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    started timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished timestamptz
);
CREATE INDEX import_newest ON import (digest, mapping_digest, id);
COMMENT ON TABLE import IS 'Backfills from files: position is a byte (CSV) or a row (Parquet)';

-- A gateway or network server hands readings in and does nothing else.
ALTER TABLE person DROP CONSTRAINT person_role_check;
ALTER TABLE person ADD CONSTRAINT person_role_check
    CHECK (role IN ('viewer', 'agronomist', 'officer', 'operator', 'gateway'));
