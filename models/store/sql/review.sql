-- name: alone
-- Hold the review until the transaction ends, unless another process does.
SELECT pg_try_advisory_xact_lock(7020) AS mine;

-- name: queue
-- Queue what a batch has changed, for the review of each series.
INSERT INTO review_dirty (datastreams, since, until, n)
VALUES (CAST(:datastreams AS int[]), CAST(:since AS bigint[]), CAST(:until AS bigint[]), CAST(:n AS int[]));

-- name: queue_again
-- Put back what a turn had no time for, as old as it is.
INSERT INTO review_dirty (at, datastreams, since, until, n)
VALUES (:at, CAST(:datastreams AS int[]), CAST(:since AS bigint[]), CAST(:until AS bigint[]), CAST(:n AS int[]));

-- name: queue_neighbours
-- Queue what has to be compared with other stations.
INSERT INTO neighbour_dirty (at, datastreams, since, until, n)
VALUES (:at, CAST(:datastreams AS int[]), CAST(:since AS bigint[]), CAST(:until AS bigint[]), CAST(:n AS int[]));

-- name: waiting
-- The oldest batches that wait for their series to be reviewed.
SELECT id, at, datastreams, since, until, n FROM review_dirty ORDER BY id LIMIT :limit;

-- name: waiting_neighbours
-- The oldest batches that wait for the comparison with other stations.
SELECT id, at, datastreams, since, until, n FROM neighbour_dirty ORDER BY id LIMIT :limit;

-- name: clean
-- Take reviewed batches off the queue.
DELETE FROM review_dirty WHERE id = ANY(CAST(:ids AS bigint[]));

-- name: clean_neighbours
-- Take compared batches off the queue.
DELETE FROM neighbour_dirty WHERE id = ANY(CAST(:ids AS bigint[]));

-- name: standing
-- How old the oldest batch of the review is, in seconds, and how many batches wait.
SELECT coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::float8 AS age, count(*) AS n
FROM (SELECT at FROM review_dirty UNION ALL SELECT at FROM neighbour_dirty) AS q;

-- name: stations
-- Of each datastream its quantity and the datastreams of its farm with the same quantity and depth.
SELECT s.id, s.quantity, coalesce((
    SELECT array_agg(o.id ORDER BY o.id)
    FROM device e JOIN datastream o ON o.device_id = e.id
    WHERE e.farm_id = d.farm_id AND o.quantity = s.quantity
      AND o.depth_cm IS NOT DISTINCT FROM s.depth_cm), '{}') AS stations
FROM datastream s LEFT JOIN device d ON d.id = s.device_id
WHERE s.id = ANY(CAST(:ids AS int[]));

-- name: windows
-- Which readings each span may reflag, and packed all that decide it; instants in us since 2000.
SELECT k.place,
       (extract(epoch FROM e.judged_from - '2000-01-01 00:00+00') * 1000000)::bigint AS first,
       (extract(epoch FROM e.judged_to - '2000-01-01 00:00+00') * 1000000)::bigint AS last,
       (SELECT string_agg(timestamptz_send(r.time) || float8send(r.value) || int2send(r.quality)
                          || int4send(r.seq), ''::bytea ORDER BY r.time, r.seq)
        FROM reading r
        WHERE r.datastream_id = k.datastream_id
          AND r.time >= e.read_from AND r.time <= e.read_to) AS packed
FROM unnest(CAST(:datastreams AS int[]), CAST(:since AS bigint[]), CAST(:until AS bigint[]),
            CAST(:hours AS float8[])) WITH ORDINALITY AS k (datastream_id, since, until, hours, place)
CROSS JOIN LATERAL review_extent(
    k.datastream_id,
    '2000-01-01 00:00+00'::timestamptz + k.since * interval '1 microsecond',
    '2000-01-01 00:00+00'::timestamptz + k.until * interval '1 microsecond',
    :context, k.hours * interval '1 hour') AS e
ORDER BY k.place;

-- name: newest
-- The newest reading of some datastreams, in us since 2000; NULL where there is none.
SELECT (extract(epoch FROM max(time) - '2000-01-01 00:00+00') * 1000000)::bigint AS us
FROM reading_latest WHERE datastream_id = ANY(CAST(:ids AS int[]));

-- name: compared
-- All readings of some stations over a span, packed, by station.
SELECT datastream_id,
       string_agg(timestamptz_send(time) || float8send(value) || int2send(quality)
                  || int4send(seq), ''::bytea ORDER BY time, seq) AS packed
FROM reading
WHERE datastream_id = ANY(CAST(:ids AS int[])) AND time >= :start AND time < :end
GROUP BY datastream_id;

-- name: learnt
-- The first fit reading of each hour of some stations over a span, packed, by station.
SELECT datastream_id,
       string_agg(timestamptz_send(time) || float8send(value) || int2send(quality)
                  || int4send(seq), ''::bytea ORDER BY time, seq) AS packed
FROM (SELECT DISTINCT ON (datastream_id, date_bin('1 hour', time, '2000-01-01 00:00+00'))
             datastream_id, time, seq, value, quality
      FROM reading
      WHERE datastream_id = ANY(CAST(:ids AS int[])) AND time >= :start AND time < :end
        AND quality & 545 = 0
      ORDER BY datastream_id, date_bin('1 hour', time, '2000-01-01 00:00+00'), time, seq) AS hourly
GROUP BY datastream_id;
