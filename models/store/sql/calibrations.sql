-- name: version
-- How often calibrations have changed; a batch holds it until it commits, so that none is
-- stored with a calibration that has just been replaced.
SELECT value::bigint AS version FROM platform WHERE key = 'calibration' FOR SHARE;

-- name: seen_version
-- How often calibrations have changed.
SELECT value::bigint AS version FROM platform WHERE key = 'calibration';

-- name: changed
-- Tell ingestors that calibrations have changed.
UPDATE platform SET value = (value::bigint + 1)::text WHERE key IN ('calibration', 'catalogue');

-- name: all
-- Every calibration of some datastreams, or of all, oldest first.
SELECT * FROM calibration
WHERE (CAST(:datastreams AS int[]) IS NULL OR datastream_id = ANY(CAST(:datastreams AS int[])))
ORDER BY datastream_id, since, id;

-- name: close
-- End an open calibration where the next one begins.
UPDATE calibration SET until = :since
WHERE datastream_id = :datastream AND until IS NULL AND since < :since;

-- name: overlapping
-- A calibration that is valid somewhere in [since, until).
SELECT id, since, until FROM calibration
WHERE datastream_id = :datastream AND (until IS NULL OR until > :since)
  AND (CAST(:until AS timestamptz) IS NULL OR since < :until)
ORDER BY since LIMIT 1;

-- name: put
-- Keep a calibration.
INSERT INTO calibration (datastream_id, since, until, gain, bias, note, source)
VALUES (:datastream, :since, :until, :gain, :bias, :note, :source) RETURNING *;

-- name: waiting
-- Calibrations whose stored readings have not all been derived again.
SELECT * FROM calibration WHERE applied IS NULL ORDER BY id;

-- name: applied
-- Record that the stored readings follow a calibration.
UPDATE calibration SET applied = now() WHERE id = :id;
