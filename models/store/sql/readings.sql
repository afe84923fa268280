-- name: ensure_partitions
-- Make the week partitions that a batch needs (no-op on TimescaleDB).
SELECT ensure_partitions(CAST(:weeks AS int[]));

-- name: add_units
-- Number units that were not met before.
INSERT INTO wire_unit (code) SELECT unnest(CAST(:codes AS text[])) ON CONFLICT DO NOTHING;

-- name: units
-- The numbers of some units.
SELECT id, code FROM wire_unit WHERE code = ANY(CAST(:codes AS text[]));

-- name: all_units
-- The numbers of all units.
SELECT id, code FROM wire_unit;

-- name: compared
-- Of the keys of a batch, in its order: is the key taken, and is the value there, now or replaced?
SELECT r.value IS NOT NULL AS taken,
       (r.raw = k.raw AND r.unit = k.unit) OR r.value = k.value
       OR EXISTS (SELECT FROM reading_revision v
                  WHERE v.datastream_id = k.datastream_id AND v.time = k.time AND v.seq = k.seq
                    AND v.raw = k.raw AND v.unit = k.unit) AS same
FROM (SELECT *, '2000-01-01 00:00+00'::timestamptz + us * interval '1 microsecond' AS time
      FROM unnest(CAST(:datastreams AS int[]), CAST(:times AS bigint[]), CAST(:seqs AS int[]),
                  CAST(:raws AS float8[]), CAST(:units AS smallint[]), CAST(:values AS float8[]))
           WITH ORDINALITY AS k (datastream_id, us, seq, raw, unit, value, place)) AS k
LEFT JOIN LATERAL (SELECT r.value, r.raw, r.unit FROM reading r
                   WHERE r.datastream_id = k.datastream_id AND r.time = k.time AND r.seq = k.seq
                   LIMIT 1) AS r ON true
ORDER BY k.place;

-- name: keep_revisions
-- Keep the current values of some keys, which are about to be replaced.
INSERT INTO reading_revision (datastream_id, seq, time, value, raw, received, quality, unit, source)
SELECT r.datastream_id, r.seq, r.time, r.value, r.raw, r.received, r.quality, r.unit, :source
FROM unnest(CAST(:datastreams AS int[]), CAST(:times AS bigint[]), CAST(:seqs AS int[]))
     AS k (datastream_id, us, seq)
JOIN reading r ON r.datastream_id = k.datastream_id AND r.seq = k.seq
 AND r.time = '2000-01-01 00:00+00'::timestamptz + k.us * interval '1 microsecond';

-- name: revise
-- Replace the values of some keys; 1024 is the flag REVISED.
UPDATE reading r
SET value = k.value, raw = k.raw, quality = k.quality | 1024::smallint, unit = k.unit,
    received = '2000-01-01 00:00+00'::timestamptz + k.received * interval '1 microsecond'
FROM unnest(CAST(:datastreams AS int[]), CAST(:times AS bigint[]), CAST(:seqs AS int[]),
            CAST(:values AS float8[]), CAST(:raws AS float8[]), CAST(:received AS bigint[]),
            CAST(:qualities AS smallint[]), CAST(:units AS smallint[]))
     AS k (datastream_id, us, seq, value, raw, received, quality, unit)
WHERE r.datastream_id = k.datastream_id AND r.seq = k.seq
  AND r.time = '2000-01-01 00:00+00'::timestamptz + k.us * interval '1 microsecond';

-- name: keep_latest
-- Raise the newest value by phenomenon time and sequence; never lower it.
INSERT INTO reading_latest AS l (datastream_id, time, seq, value, quality, updated)
SELECT k.datastream_id, '2000-01-01 00:00+00'::timestamptz + k.us * interval '1 microsecond',
       k.seq, k.value, k.quality, clock_timestamp()
FROM unnest(CAST(:datastreams AS int[]), CAST(:times AS bigint[]), CAST(:seqs AS int[]),
            CAST(:values AS float8[]), CAST(:qualities AS smallint[]))
     AS k (datastream_id, us, seq, value, quality)
ON CONFLICT (datastream_id) DO UPDATE
SET time = excluded.time, seq = excluded.seq, value = excluded.value, quality = excluded.quality,
    updated = excluded.updated
WHERE (excluded.time, excluded.seq) >= (l.time, l.seq);

-- name: reflag
-- Set the flags that depend on other readings (286: STEP, STUCK, SPIKE, NEIGHBOUR, GAP).
UPDATE reading r SET quality = (r.quality & ~286) | k.flags
FROM unnest(CAST(:datastreams AS int[]), CAST(:times AS bigint[]), CAST(:seqs AS int[]),
            CAST(:flags AS int[])) AS k (datastream_id, us, seq, flags)
WHERE r.datastream_id = k.datastream_id AND r.seq = k.seq
  AND r.time = '2000-01-01 00:00+00'::timestamptz + k.us * interval '1 microsecond'
  AND r.quality & 286 <> k.flags
RETURNING r.datastream_id, k.us;

-- name: hold_latest
-- Lock the newest readings of some datastreams, in order of their ids.
SELECT datastream_id FROM reading_latest WHERE datastream_id = ANY(CAST(:datastreams AS int[]))
ORDER BY datastream_id FOR UPDATE;

-- name: follow_latest
-- Take over values and flags of the newest readings, which were derived again.
UPDATE reading_latest l SET quality = r.quality, value = r.value, updated = clock_timestamp()
FROM reading r
WHERE l.datastream_id = ANY(CAST(:datastreams AS int[])) AND r.datastream_id = l.datastream_id
  AND r.time = l.time AND r.seq = l.seq AND (r.quality, r.value) <> (l.quality, l.value);

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
-- Readings of some datastreams over [start, end), by datastream, time and sequence.
SELECT datastream_id, time, value, quality, seq
FROM reading
WHERE datastream_id = ANY(CAST(:datastreams AS int[])) AND time >= :start AND time < :end
  AND (CAST(:after_id AS int) IS NULL
       OR (datastream_id, time, seq)
          > (CAST(:after_id AS int), CAST(:after_time AS timestamptz), CAST(:after_seq AS int)))
ORDER BY datastream_id, time, seq
LIMIT :limit;

-- name: window
-- Whole readings of some datastreams over [start, end); instants in microseconds since 2000.
SELECT datastream_id, seq, (extract(epoch FROM time - '2000-01-01 00:00+00') * 1000000)::bigint,
       value, raw, (extract(epoch FROM received - '2000-01-01 00:00+00') * 1000000)::bigint,
       quality, unit
FROM reading
WHERE datastream_id = ANY(CAST(:datastreams AS int[])) AND time >= :start AND time < :end
ORDER BY datastream_id, time, seq;

-- name: page
-- Whole readings of a datastream behind a time and sequence; instants in microseconds since 2000.
SELECT datastream_id, seq, (extract(epoch FROM time - '2000-01-01 00:00+00') * 1000000)::bigint,
       value, raw, (extract(epoch FROM received - '2000-01-01 00:00+00') * 1000000)::bigint,
       quality, unit
FROM reading
WHERE datastream_id = :datastream AND (time, seq) > (CAST(:time AS timestamptz), CAST(:seq AS int))
  AND time < :end
ORDER BY time, seq LIMIT :limit;

-- name: rewrite
-- Put other derived values and flags; what was sent stays.
UPDATE reading r SET value = k.value, quality = k.quality
FROM unnest(CAST(:datastreams AS int[]), CAST(:times AS bigint[]), CAST(:seqs AS int[]),
            CAST(:values AS float8[]), CAST(:qualities AS smallint[]))
     AS k (datastream_id, us, seq, value, quality)
WHERE r.datastream_id = k.datastream_id AND r.seq = k.seq
  AND r.time = '2000-01-01 00:00+00'::timestamptz + k.us * interval '1 microsecond';

-- name: revisions
-- The replaced values of a datastream over [start, end), oldest replacement first.
SELECT v.time, v.seq, v.value, v.raw, u.code AS unit, v.received, v.quality, v.superseded, v.source
FROM reading_revision v JOIN wire_unit u ON u.id = v.unit
WHERE v.datastream_id = :datastream AND v.time >= :start AND v.time < :end
ORDER BY v.id LIMIT :limit;

-- name: hour
-- Hourly aggregates of one datastream over [start, end); coverage by its learnt cadence.
SELECT bucket, n, n_good, (s / NULLIF(n_good, 0))::float8 AS mean, mn, mx, last,
       -- LEAST passes over NULL: without a cadence there is no coverage
       LEAST(100, 100 * n_good * c.seconds / 3600) + 0 * c.seconds AS coverage
FROM reading_hourly LEFT JOIN cadence c USING (datastream_id)
WHERE datastream_id = :datastream AND bucket >= :start AND bucket < :end
ORDER BY bucket;

-- name: day
-- Asia/Shanghai daily aggregates of one datastream over [start, end). Coverage of a datastream
-- with 4 or more readings an hour is the mean over its hours, so that a burst covers one hour.
SELECT d.bucket, d.n, d.n_good, (d.s / NULLIF(d.n_good, 0))::float8 AS mean, d.mn, d.mx, d.last,
       CASE WHEN c.seconds > 900 THEN LEAST(100, 100 * d.n_good * c.seconds / 86400)
            ELSE (SELECT COALESCE(sum(LEAST(100, 100 * h.n_good * c.seconds / 3600)), 0) / 24
                  FROM reading_hourly h
                  WHERE c.seconds IS NOT NULL AND h.datastream_id = d.datastream_id
                    AND h.bucket >= d.bucket AND h.bucket < d.bucket + interval '1 day')
                 + c.seconds * 0
       END AS coverage
FROM reading_daily d LEFT JOIN cadence c USING (datastream_id)
WHERE d.datastream_id = :datastream AND d.bucket >= :start AND d.bucket < :end
ORDER BY d.bucket;

-- name: month
-- Asia/Shanghai monthly aggregates of one datastream over [start, end); coverage as for days.
SELECT m.bucket, m.n, m.n_good, (m.s / NULLIF(m.n_good, 0))::float8 AS mean, m.mn, m.mx, m.last,
       CASE WHEN c.seconds > 900 THEN LEAST(100, 100 * m.n_good * c.seconds / m.seconds)
            ELSE (SELECT COALESCE(sum(LEAST(100, 100 * h.n_good * c.seconds / 3600)), 0) * 3600
                         / m.seconds
                  FROM reading_hourly h
                  WHERE c.seconds IS NOT NULL AND h.datastream_id = m.datastream_id
                    AND h.bucket >= m.bucket
                    AND h.bucket < m.bucket + m.seconds * interval '1 second')
                 + c.seconds * 0
       END AS coverage
FROM (SELECT *, extract(epoch FROM (bucket AT TIME ZONE 'Asia/Shanghai' + interval '1 month')
                        AT TIME ZONE 'Asia/Shanghai' - bucket)::float8 AS seconds
      FROM reading_monthly) AS m
LEFT JOIN cadence c USING (datastream_id)
WHERE m.datastream_id = :datastream AND m.bucket >= :start AND m.bucket < :end
ORDER BY m.bucket;

-- name: dirty
-- The oldest hours that wait for a rollup.
SELECT id, hour FROM rollup_dirty ORDER BY id LIMIT :limit;

-- name: expired_before
-- Up to when readings have been removed; none while none were.
SELECT value::timestamptz AS instant FROM platform WHERE key = 'dropped_before';

-- name: roll_hours
-- Compute the given hours again from their readings; not hours whose readings have expired.
INSERT INTO reading_hourly AS h (bucket, datastream_id, n, n_good, s, mn, mx, last)
SELECT hours.hour, r.datastream_id, r.n, r.n_good, r.s, r.mn, r.mx, r.last
FROM (SELECT hour FROM unnest(CAST(:hours AS timestamptz[])) AS h (hour)
      WHERE hour >= COALESCE((SELECT value::timestamptz FROM platform WHERE key = 'dropped_before'),
                             '-infinity')) AS hours
CROSS JOIN LATERAL (
    SELECT datastream_id, count(*) AS n,
           count(*) FILTER (WHERE quality & 575 = 0) AS n_good,
           sum(value::numeric) FILTER (WHERE quality & 575 = 0) AS s,
           min(value) FILTER (WHERE quality & 575 = 0) AS mn,
           max(value) FILTER (WHERE quality & 575 = 0) AS mx,
           (array_agg(value ORDER BY time DESC, seq DESC) FILTER (WHERE quality & 575 = 0))[1] AS last
    FROM reading
    WHERE time >= hours.hour AND time < hours.hour + interval '1 hour'
    GROUP BY datastream_id
) AS r
ON CONFLICT (datastream_id, bucket) DO UPDATE
SET n = excluded.n, n_good = excluded.n_good, s = excluded.s, mn = excluded.mn, mx = excluded.mx,
    last = excluded.last;

-- name: roll_days
-- Compute the given Asia/Shanghai days again from their hours.
INSERT INTO reading_daily AS d (bucket, datastream_id, n, n_good, s, mn, mx, last)
SELECT days.day, h.datastream_id, sum(h.n), sum(h.n_good), sum(h.s), min(h.mn), max(h.mx),
       (array_agg(h.last ORDER BY h.bucket DESC) FILTER (WHERE h.last IS NOT NULL))[1]
FROM unnest(CAST(:days AS timestamptz[])) AS days (day)
JOIN reading_hourly h ON h.bucket >= days.day AND h.bucket < days.day + interval '1 day'
GROUP BY days.day, h.datastream_id
ON CONFLICT (datastream_id, bucket) DO UPDATE
SET n = excluded.n, n_good = excluded.n_good, s = excluded.s, mn = excluded.mn, mx = excluded.mx,
    last = excluded.last;

-- name: clean
-- Take refreshed hours off the queue.
DELETE FROM rollup_dirty WHERE id = ANY(CAST(:ids AS bigint[]));
