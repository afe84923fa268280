-- name: ensure_partitions
-- Make the week partitions that a batch needs (no-op on TimescaleDB).
SELECT ensure_partitions(CAST(:weeks AS int[]));

-- name: existing
-- Values already stored at the keys of a batch, in the batch's order; NULL where none is.
SELECT (SELECT r.value FROM reading r
        WHERE r.datastream_id = k.datastream_id
          AND r.time = '2000-01-01 00:00+00'::timestamptz + k.us * interval '1 microsecond') AS value
FROM unnest(CAST(:datastreams AS int[]), CAST(:times AS bigint[])) WITH ORDINALITY
     AS k (datastream_id, us, place)
ORDER BY k.place;

-- name: keep_latest
-- Raise the newest value by phenomenon time; never lower it.
INSERT INTO reading_latest AS l (datastream_id, time, value, quality, updated)
SELECT k.datastream_id, '2000-01-01 00:00+00'::timestamptz + k.us * interval '1 microsecond',
       k.value, k.quality, clock_timestamp()
FROM unnest(CAST(:datastreams AS int[]), CAST(:times AS bigint[]), CAST(:values AS float8[]),
            CAST(:qualities AS smallint[])) AS k (datastream_id, us, value, quality)
ON CONFLICT (datastream_id) DO UPDATE
SET time = excluded.time, value = excluded.value, quality = excluded.quality, updated = excluded.updated
WHERE excluded.time > l.time;

-- name: mark_dirty
-- Queue the hours whose rollups a batch has changed.
INSERT INTO rollup_dirty (hour)
SELECT '2000-01-01 00:00+00'::timestamptz + h * interval '1 hour' FROM unnest(CAST(:hours AS int[])) AS h;

-- name: latest
-- Newest value of every datastream in a region, farm, field or device, in id order.
SELECT s.id AS datastream_id, s.channel, s.quantity, s.depth_cm, s.field_id AS stream_field_id,
       d.id AS device_id, d.key AS device_key, d.name_zh, d.name_en, d.farm_id, d.field_id,
       d.lon, d.lat, d.provenance, l.time, l.value, l.quality, l.updated
FROM reading_latest l
JOIN datastream s ON s.id = l.datastream_id
JOIN device d ON d.id = s.device_id
WHERE s.id > :after
  AND d.region_code LIKE :prefix || '%'
  AND (CAST(:farm_id AS int) IS NULL OR d.farm_id = :farm_id)
  AND (CAST(:field_id AS int) IS NULL OR d.field_id = :field_id)
  AND (CAST(:device_id AS int) IS NULL OR d.id = :device_id)
  AND (CAST(:updated_after AS timestamptz) IS NULL OR l.updated > :updated_after)
ORDER BY s.id
LIMIT :limit;

-- name: series
-- Raw readings of some datastreams over [start, end), by datastream and time.
SELECT datastream_id, time, value, quality
FROM reading
WHERE datastream_id = ANY(CAST(:datastreams AS int[])) AND time >= :start AND time < :end
  AND (CAST(:after_id AS int) IS NULL
       OR (datastream_id, time) > (CAST(:after_id AS int), CAST(:after_time AS timestamptz)))
ORDER BY datastream_id, time
LIMIT :limit;

-- name: hour
-- Hourly aggregates of one datastream over [start, end).
SELECT bucket, n, n_good, (s / NULLIF(n_good, 0))::float8 AS mean, mn, mx
FROM reading_hourly
WHERE datastream_id = :datastream AND bucket >= :start AND bucket < :end
ORDER BY bucket;

-- name: day
-- Asia/Shanghai daily aggregates of one datastream over [start, end).
SELECT bucket, n, n_good, (s / NULLIF(n_good, 0))::float8 AS mean, mn, mx
FROM reading_daily
WHERE datastream_id = :datastream AND bucket >= :start AND bucket < :end
ORDER BY bucket;

-- name: dirty
-- The oldest hours that wait for a rollup.
SELECT id, hour FROM rollup_dirty ORDER BY id LIMIT :limit;

-- name: roll_hours
-- Compute the given hours again from their readings.
INSERT INTO reading_hourly AS h (bucket, datastream_id, n, n_good, s, mn, mx)
SELECT hours.hour, r.datastream_id, r.n, r.n_good, r.s, r.mn, r.mx
FROM unnest(CAST(:hours AS timestamptz[])) AS hours (hour)
CROSS JOIN LATERAL (
    SELECT datastream_id, count(*) AS n,
           count(*) FILTER (WHERE quality & 63 = 0) AS n_good,
           sum(value::numeric) FILTER (WHERE quality & 63 = 0) AS s,
           min(value) FILTER (WHERE quality & 63 = 0) AS mn,
           max(value) FILTER (WHERE quality & 63 = 0) AS mx
    FROM reading
    WHERE time >= hours.hour AND time < hours.hour + interval '1 hour'
    GROUP BY datastream_id
) AS r
ON CONFLICT (datastream_id, bucket) DO UPDATE
SET n = excluded.n, n_good = excluded.n_good, s = excluded.s, mn = excluded.mn, mx = excluded.mx;

-- name: roll_days
-- Compute the given Asia/Shanghai days again from their hours.
INSERT INTO reading_daily AS d (bucket, datastream_id, n, n_good, s, mn, mx)
SELECT days.day, h.datastream_id, sum(h.n), sum(h.n_good), sum(h.s), min(h.mn), max(h.mx)
FROM unnest(CAST(:days AS timestamptz[])) AS days (day)
JOIN reading_hourly h ON h.bucket >= days.day AND h.bucket < days.day + interval '1 day'
GROUP BY days.day, h.datastream_id
ON CONFLICT (datastream_id, bucket) DO UPDATE
SET n = excluded.n, n_good = excluded.n_good, s = excluded.s, mn = excluded.mn, mx = excluded.mx;

-- name: clean
-- Take refreshed hours off the queue.
DELETE FROM rollup_dirty WHERE id = ANY(CAST(:ids AS bigint[]));
