-- What comes along with readings: frames, signs of devices, unclaimed values, announcements,
-- cadences.

-- name: first_seen
-- Enter LoRaWAN frames; a copy within a minute keeps the time of the first, a counter that
-- comes again later belongs to a device that has started over. Microseconds since 2000.
INSERT INTO uplink AS u (device_id, session, counter, time, received)
SELECT k.device_id, k.session, k.counter,
       '2000-01-01 00:00+00'::timestamptz + k.us * interval '1 microsecond',
       '2000-01-01 00:00+00'::timestamptz + k.received * interval '1 microsecond'
FROM unnest(CAST(:devices AS int[]), CAST(:sessions AS text[]), CAST(:counters AS bigint[]),
            CAST(:times AS bigint[]), CAST(:received AS bigint[]))
     AS k (device_id, session, counter, us, received)
ON CONFLICT (device_id, session, counter) DO UPDATE
SET time = CASE WHEN excluded.time BETWEEN u.time - interval '60 seconds'
                                       AND u.time + interval '60 seconds'
                THEN u.time ELSE excluded.time END,
    received = CASE WHEN excluded.time BETWEEN u.time - interval '60 seconds'
                                           AND u.time + interval '60 seconds'
                    THEN u.received ELSE excluded.received END
RETURNING device_id, session, counter,
          (extract(epoch FROM time - '2000-01-01 00:00+00') * 1000000)::bigint AS us;

-- name: keep_unclaimed
-- Keep values whose keys have no datastream; an instant once.
INSERT INTO unclaimed (device_id, channel, time, value, received)
SELECT k.device_id, k.channel, '2000-01-01 00:00+00'::timestamptz + k.us * interval '1 microsecond',
       k.value, '2000-01-01 00:00+00'::timestamptz + k.received * interval '1 microsecond'
FROM unnest(CAST(:devices AS int[]), CAST(:channels AS text[]), CAST(:times AS bigint[]),
            CAST(:values AS text[]), CAST(:received AS bigint[]))
     AS k (device_id, channel, us, value, received)
ORDER BY k.device_id, k.channel, k.us
ON CONFLICT DO NOTHING;

-- name: unclaimed_channels
-- The keys of a device that have no datastream, each once, with its newest value.
SELECT channel, min(time) AS first, max(time) AS last, count(*) AS n,
       (array_agg(value ORDER BY time DESC))[1] AS example
FROM unclaimed WHERE device_id = :device GROUP BY channel ORDER BY channel;

-- name: claimable
-- Unclaimed values of some keys of a device, oldest first; microseconds since 2000.
SELECT channel, value, (extract(epoch FROM time - '2000-01-01 00:00+00') * 1000000)::bigint AS us,
       (extract(epoch FROM received - '2000-01-01 00:00+00') * 1000000)::bigint AS received
FROM unclaimed WHERE device_id = :device AND channel = ANY(CAST(:channels AS text[]))
ORDER BY time LIMIT :limit;

-- name: claimed
-- Take values that became readings off the unclaimed ones.
DELETE FROM unclaimed u
USING unnest(CAST(:channels AS text[]), CAST(:times AS bigint[])) AS k (channel, us)
WHERE u.device_id = :device AND u.channel = k.channel
  AND u.time = '2000-01-01 00:00+00'::timestamptz + k.us * interval '1 microsecond';

-- name: announcements
-- Everything that messages said for the later ones.
SELECT key, document FROM announcement;

-- name: announce
-- Keep what messages said for the later ones.
INSERT INTO announcement AS a (key, document)
SELECT k.key, k.document::jsonb
FROM unnest(CAST(:keys AS text[]), CAST(:documents AS text[])) AS k (key, document)
ORDER BY k.key
ON CONFLICT (key) DO UPDATE SET document = excluded.document, updated = now();

-- name: note_presence
-- Note what is known of devices themselves; what a message does not say stays.
INSERT INTO presence AS p (device_id, seen, skew_s, lag_s, battery_pct, battery_v, rssi_dbm, snr_db,
                           gateway, online)
SELECT k.device_id, to_timestamp(k.seen), k.skew_s, k.lag_s, k.battery_pct, k.battery_v, k.rssi_dbm,
       k.snr_db, k.gateway, k.online
FROM unnest(CAST(:devices AS int[]), CAST(:seen AS float8[]), CAST(:skew AS float8[]),
            CAST(:lag AS float8[]), CAST(:battery_pct AS float8[]), CAST(:battery_v AS float8[]),
            CAST(:rssi AS float8[]), CAST(:snr AS float8[]), CAST(:gateway AS text[]),
            CAST(:online AS boolean[]))
     AS k (device_id, seen, skew_s, lag_s, battery_pct, battery_v, rssi_dbm, snr_db, gateway, online)
JOIN device d ON d.id = k.device_id
ORDER BY k.device_id
ON CONFLICT (device_id) DO UPDATE
SET seen = GREATEST(p.seen, excluded.seen), updated = now(),
    skew_s = COALESCE(excluded.skew_s, p.skew_s), lag_s = COALESCE(excluded.lag_s, p.lag_s),
    battery_pct = COALESCE(excluded.battery_pct, p.battery_pct),
    battery_v = COALESCE(excluded.battery_v, p.battery_v),
    rssi_dbm = COALESCE(excluded.rssi_dbm, p.rssi_dbm), snr_db = COALESCE(excluded.snr_db, p.snr_db),
    gateway = COALESCE(excluded.gateway, p.gateway), online = COALESCE(excluded.online, p.online);

-- name: presence
-- What is known of some devices themselves, or of all.
SELECT * FROM presence
WHERE CAST(:devices AS int[]) IS NULL OR device_id = ANY(CAST(:devices AS int[]));

-- name: cadences
-- The usual interval between readings of some datastreams, or of all.
SELECT datastream_id, seconds FROM cadence
WHERE seconds IS NOT NULL
  AND (CAST(:datastreams AS int[]) IS NULL OR datastream_id = ANY(CAST(:datastreams AS int[])));

-- name: learn_cadences
-- Learn the median interval of the newest 200 readings of datastreams that were written to.
INSERT INTO cadence AS c (datastream_id, seconds)
SELECT l.datastream_id, CASE WHEN gaps.n >= 5 THEN gaps.seconds END
FROM reading_latest l
CROSS JOIN LATERAL (
    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY gap) AS seconds, count(*) AS n
    FROM (SELECT extract(epoch FROM lead(newest.time) OVER (ORDER BY newest.time) - newest.time)::float8 AS gap
          FROM (SELECT DISTINCT r.time FROM (
                    SELECT r.time FROM reading r
                    WHERE r.datastream_id = l.datastream_id AND r.time <= l.time
                    ORDER BY r.time DESC LIMIT 200) AS r) AS newest) AS intervals
    WHERE gap > 0
) AS gaps
WHERE l.datastream_id = ANY(CAST(:datastreams AS int[]))
ORDER BY l.datastream_id
ON CONFLICT (datastream_id) DO UPDATE SET seconds = excluded.seconds, learnt = now();

-- name: to_learn
-- Datastreams with newer readings than their cadence was learnt by, least recently learnt first.
SELECT l.datastream_id FROM reading_latest l LEFT JOIN cadence c USING (datastream_id)
WHERE c.learnt IS NULL OR (l.updated > c.learnt AND c.learnt < now() - interval '1 hour')
ORDER BY c.learnt NULLS FIRST, l.datastream_id LIMIT :limit;
