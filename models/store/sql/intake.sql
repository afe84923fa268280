-- name: record
-- Add to the accounts of devices and days, in their order.
INSERT INTO ledger AS l (device_key, day, received, stored, duplicate, quarantined)
SELECT e.device_key, e.day, sum(e.received), sum(e.stored), sum(e.duplicate), sum(e.quarantined)
FROM unnest(CAST(:device_key AS text[]), CAST(:day AS date[]), CAST(:received AS bigint[]),
            CAST(:stored AS bigint[]), CAST(:duplicate AS bigint[]), CAST(:quarantined AS bigint[]))
     AS e (device_key, day, received, stored, duplicate, quarantined)
GROUP BY e.device_key, e.day
ORDER BY e.device_key, e.day
ON CONFLICT (device_key, day) DO UPDATE
SET received = l.received + excluded.received, stored = l.stored + excluded.stored,
    duplicate = l.duplicate + excluded.duplicate,
    quarantined = l.quarantined + excluded.quarantined;

-- name: ledger
-- Accounts by day and device; a prefix keeps to the devices of a region.
SELECT l.* FROM ledger l LEFT JOIN device d ON d.key = l.device_key
WHERE (CAST(:device_key AS text) IS NULL OR l.device_key = :device_key)
  AND (CAST(:start AS date) IS NULL OR l.day >= :start)
  AND (CAST(:end AS date) IS NULL OR l.day <= :end)
  AND (CAST(:prefix AS text) IS NULL OR d.region_code LIKE :prefix || '%')
  AND (CAST(:after_day AS date) IS NULL OR (l.day, l.device_key) > (CAST(:after_day AS date), CAST(:after_key AS text)))
ORDER BY l.day, l.device_key
LIMIT :limit;

-- name: totals
-- The accounts added up.
SELECT COALESCE(sum(l.received), 0)::bigint AS received, COALESCE(sum(l.stored), 0)::bigint AS stored,
       COALESCE(sum(l.duplicate), 0)::bigint AS duplicate,
       COALESCE(sum(l.quarantined), 0)::bigint AS quarantined
FROM ledger l LEFT JOIN device d ON d.key = l.device_key
WHERE (CAST(:device_key AS text) IS NULL OR l.device_key = :device_key)
  AND (CAST(:start AS date) IS NULL OR l.day >= :start)
  AND (CAST(:end AS date) IS NULL OR l.day <= :end)
  AND (CAST(:prefix AS text) IS NULL OR d.region_code LIKE :prefix || '%');

-- name: stored_rows
-- Readings that are in the tables, replaced and expired ones too, of one ledger account (a device,
-- or a collection of scenes), of a region's devices, or of all.
SELECT COALESCE(sum(n), 0)::bigint AS n
FROM (SELECT datastream_id, count(*) AS n FROM reading GROUP BY 1
      UNION ALL SELECT datastream_id, count(*) FROM reading_revision GROUP BY 1
      UNION ALL SELECT datastream_id, n FROM expired) AS r
WHERE (CAST(:device_key AS text) IS NULL AND CAST(:prefix AS text) IS NULL)
   OR datastream_id IN (
        SELECT s.id FROM datastream s LEFT JOIN device d ON d.id = s.device_id
        WHERE (CAST(:device_key AS text) IS NULL
               OR COALESCE(d.key, split_part(s.channel, '/', 1)) = :device_key)
          AND (CAST(:prefix AS text) IS NULL OR d.region_code LIKE :prefix || '%'));

-- name: quarantined_readings
-- Readings that wait in quarantine, of one account, of a region's devices, or of all.
SELECT COALESCE(sum(q.n), 0)::bigint AS n
FROM quarantine q LEFT JOIN device d ON d.key = q.device_key
WHERE (CAST(:device_key AS text) IS NULL OR q.device_key = :device_key)
  AND (CAST(:prefix AS text) IS NULL OR d.region_code LIKE :prefix || '%');

-- name: set_aside
-- What waits in quarantine, oldest first.
SELECT * FROM quarantine
WHERE id > :after
  AND (CAST(:reason AS text) IS NULL OR reason = :reason)
  AND (CAST(:device_key AS text) IS NULL OR device_key = :device_key)
ORDER BY id LIMIT :limit;

-- name: counts
-- Readings in quarantine by reason.
SELECT reason, sum(n)::bigint AS n FROM quarantine GROUP BY reason ORDER BY reason;

-- name: take
-- Lock entries for a replay; without those that another replay has or that are gone.
SELECT * FROM quarantine WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id
FOR UPDATE SKIP LOCKED;

-- name: resolve
-- Take entries out of quarantine.
DELETE FROM quarantine WHERE id = ANY(CAST(:ids AS bigint[]));
