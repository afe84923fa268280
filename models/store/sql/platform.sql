-- name: engine
-- Which engine the schema was built on: 'timescale' or 'plain'.
SELECT value FROM platform WHERE key = 'engine';

-- name: beat
-- A part of the platform says that it is alive and how it fares.
INSERT INTO heartbeat (part, at, detail) VALUES (:part, now(), CAST(:detail AS jsonb))
ON CONFLICT (part) DO UPDATE SET at = excluded.at, detail = excluded.detail;

-- name: beats
-- The last sign of life of every part, with its age in seconds.
SELECT part, at, detail, EXTRACT(epoch FROM now() - at)::float8 AS age_s FROM heartbeat ORDER BY part;

-- name: has_history
-- Whether any migration has run.
SELECT to_regclass('alembic_version') IS NOT NULL AS found;

-- name: revision
-- The revision that the schema is at.
SELECT version_num FROM alembic_version;
