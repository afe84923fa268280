-- name: page
-- Readings of one datastream from a place in their order on, without those of some flags.
SELECT time, seq, value, raw, received, quality, unit FROM reading
WHERE datastream_id = :datastream AND time >= :since AND time < :until
  AND (time > :since OR seq > :seq)
  -- as a denial it is not taken for rare, and the index is walked in order
  AND NOT quality & :excluded > 0
ORDER BY time, seq
LIMIT :limit;

-- name: from_hours
-- Aggregates over buckets of whole hours or months, from the hourly ones, over [since, until).
-- Covered percent-seconds: from 4 expected readings an hour on an hour counts once at most.
SELECT h.start, sum(h.n)::bigint AS n, sum(h.n_good)::bigint AS n_good,
       (sum(h.s) / NULLIF(sum(h.n_good), 0))::float8 AS mean, min(h.mn) AS mn, max(h.mx) AS mx,
       (max(ARRAY[extract(epoch FROM h.bucket)::float8, h.last])
           FILTER (WHERE h.last IS NOT NULL))[2] AS last,
       CASE WHEN c.seconds > 900 THEN 100 * sum(h.n_good)::float8 * c.seconds
            -- LEAST passes over NULL: without a cadence the sum must be NULL all the same
            ELSE sum(LEAST(100, 100 * h.n_good * c.seconds / 3600)) * 3600 + 0 * c.seconds
       END AS covered,
       sum(h.s)::float8 AS total, sum(h.n_good)::bigint AS counted
FROM (
    SELECT r.*, CASE WHEN :months = 0 THEN bucket(:seconds * interval '1 second', r.bucket)
        ELSE (timestamp '2000-01-01' + interval '1 month' * :months * floor(
            (extract(year FROM l.local) * 12 + extract(month FROM l.local) - 24001) / NULLIF(:months, 0)
        )::int) AT TIME ZONE 'Asia/Shanghai' END AS start
    FROM reading_hourly r
    CROSS JOIN LATERAL (SELECT r.bucket AT TIME ZONE 'Asia/Shanghai' AS local) AS l
    WHERE r.datastream_id = :datastream AND r.bucket >= :since AND r.bucket < :until
) AS h
LEFT JOIN cadence c ON c.datastream_id = :datastream
GROUP BY h.start, c.seconds
ORDER BY h.start
LIMIT :limit;

-- name: from_readings
-- Aggregates over buckets of any width, of the readings without some flags, over [since, until).
SELECT r.start, count(*) AS n, count(*) FILTER (WHERE r.quality & 575 = 0) AS n_good,
       (sum(r.value::numeric) FILTER (WHERE r.quality & :excluded = 0)
           / NULLIF(count(*) FILTER (WHERE r.quality & :excluded = 0), 0))::float8 AS mean,
       min(r.value) FILTER (WHERE r.quality & :excluded = 0) AS mn,
       max(r.value) FILTER (WHERE r.quality & :excluded = 0) AS mx,
       (max(ARRAY[extract(epoch FROM r.time)::float8, r.seq, r.value])
           FILTER (WHERE r.quality & :excluded = 0))[3] AS last,
       100 * count(*) FILTER (WHERE r.quality & 575 = 0) * c.seconds AS covered,
       (sum(r.value::numeric) FILTER (WHERE r.quality & :excluded = 0))::float8 AS total,
       count(*) FILTER (WHERE r.quality & :excluded = 0) AS counted
FROM (
    SELECT CASE WHEN :months = 0 THEN bucket(:seconds * interval '1 second', t.time)
        ELSE (timestamp '2000-01-01' + interval '1 month' * :months * floor(
            (extract(year FROM l.local) * 12 + extract(month FROM l.local) - 24001) / NULLIF(:months, 0)
        )::int) AT TIME ZONE 'Asia/Shanghai' END AS start, t.time, t.seq, t.value, t.quality
    FROM reading t
    CROSS JOIN LATERAL (SELECT t.time AT TIME ZONE 'Asia/Shanghai' AS local) AS l
    WHERE t.datastream_id = :datastream AND t.time >= :since AND t.time < :until
) AS r
LEFT JOIN cadence c ON c.datastream_id = :datastream
GROUP BY r.start, c.seconds
ORDER BY r.start
LIMIT :limit;

-- name: revisions
-- Replaced values of one datastream over [since, until), by their place, oldest first.
SELECT r.time, r.seq, r.value, r.raw, u.code AS unit, r.received, r.quality, r.superseded, r.source
FROM reading_revision r JOIN wire_unit u ON u.id = r.unit
WHERE r.datastream_id = :datastream AND r.time >= :since AND r.time <= :until
ORDER BY r.time, r.seq, r.id;

-- name: units
-- Every wire unit by its number.
SELECT id, code FROM wire_unit;
