-- name: arrived
-- Tell the watch which datastreams a batch is about, and over which time.
INSERT INTO arrival (spans) VALUES (:spans);

-- name: take_arrivals
-- Take what arrived up to an instant off the queue.
DELETE FROM arrival WHERE id = ANY(ARRAY(
    SELECT id FROM arrival WHERE at <= :upto ORDER BY id LIMIT :limit))
RETURNING (extract(epoch FROM at) * 1000000)::bigint AS at, spans;

-- name: waiting
-- How many batches wait.
SELECT count(*) AS n FROM (SELECT FROM arrival WHERE at <= :upto LIMIT 1) AS any_left;

-- name: alone
-- Hold the watch until the transaction ends, if nobody else does.
SELECT pg_try_advisory_xact_lock(7010) AS mine;

-- name: watch
-- When the watch last looked, and how the intake stood.
SELECT looked, resumed, back, settling FROM alarm_watch;

-- name: looked
-- The watch has looked.
UPDATE alarm_watch SET looked = :looked, resumed = :resumed, back = :back, settling = :settling;

-- name: versions
-- Whether rules, devices or datastreams have changed.
SELECT key, value FROM platform WHERE key IN ('alarm_rules', 'catalogue') ORDER BY key;

-- name: streams
-- Every datastream of a device, with what a rule may ask of it.
SELECT s.id, s.quantity, s.depth_cm, s.device_id FROM datastream s
JOIN device d ON d.id = s.device_id WHERE d.active;

-- name: devices
-- Every device with its place and its farm.
SELECT d.id, d.key, d.name_zh, d.name_en, d.farm_id, d.field_id, d.region_code, d.lon, d.lat,
       d.provenance, f.kind AS farm_kind
FROM device d JOIN farm f ON f.id = d.farm_id WHERE d.active;

-- name: places
-- Names and points of farms and divisions, for outages of groups.
SELECT 'farm:' || id AS subject, name_zh, name_en, lon, lat, region_code, provenance FROM farm
UNION ALL
SELECT 'region:' || code, name, name, label_lon, label_lat, code, 'real' FROM region;

-- name: due
-- Rules at subjects that time alone may change by now.
SELECT rule_id, subject FROM alarm_state WHERE due <= :now ORDER BY due LIMIT :limit;

-- name: states
-- What is known of some rules at some subjects.
SELECT s.rule_id, s.subject, (extract(epoch FROM s.evaluated) * 1000000)::bigint AS evaluated,
       s.open, s.state
FROM unnest(CAST(:rules AS int[]), CAST(:subjects AS text[])) AS k (rule_id, subject)
JOIN alarm_state s USING (rule_id, subject);

-- name: keep_states
-- Keep what is known now.
INSERT INTO alarm_state AS s (rule_id, subject, evaluated, due, open, state)
SELECT k.rule_id, k.subject,
       '2000-01-01 00:00+00'::timestamptz + k.evaluated * interval '1 microsecond',
       '2000-01-01 00:00+00'::timestamptz + k.due * interval '1 microsecond', k.open, k.state
FROM json_to_recordset(CAST(:rows AS json))
     AS k (rule_id int, subject text, evaluated bigint, due bigint, open boolean, state text)
ORDER BY k.rule_id, k.subject
ON CONFLICT (rule_id, subject) DO UPDATE
SET evaluated = excluded.evaluated, due = excluded.due, open = excluded.open,
    state = excluded.state;

-- name: open_states
-- Rules at subjects that are open.
SELECT rule_id, subject FROM alarm_state WHERE open;

-- name: expect
-- Judge the silence of devices that no judgement has been made of yet.
INSERT INTO alarm_state (rule_id, subject, evaluated, due, state)
SELECT :rule_id, k.subject, :now, :now, '{}' FROM unnest(CAST(:subjects AS text[])) AS k (subject)
ON CONFLICT DO NOTHING;

-- name: forget_subjects
-- What is watched no more is known no more.
DELETE FROM alarm_state WHERE rule_id = :rule_id AND subject = ANY(CAST(:subjects AS text[]));

-- name: windows
-- Readings of some datastreams, each over a span of its own (start excluded), by time.
SELECT k.place, (extract(epoch FROM r.time) * 1000000)::bigint AS us, r.value, r.quality,
       (extract(epoch FROM r.received) * 1000000)::bigint AS received
FROM unnest(CAST(:datastreams AS int[]), CAST(:after AS bigint[]), CAST(:upto AS bigint[]))
     WITH ORDINALITY AS k (datastream_id, after, upto, place)
CROSS JOIN LATERAL (
    SELECT time, value, quality, received FROM reading
    WHERE datastream_id = k.datastream_id AND time > :floor AND time <= :ceiling
      AND time > '2000-01-01 00:00+00'::timestamptz + k.after * interval '1 microsecond'
      AND time <= '2000-01-01 00:00+00'::timestamptz + k.upto * interval '1 microsecond'
    ORDER BY time, seq LIMIT :most
) r
ORDER BY k.place, r.time;

-- name: signs
-- When each device, or datastream, last brought something new, its cadence and its gateway.
SELECT s.device_id, CASE WHEN :by_stream THEN s.id END AS datastream_id,
       (extract(epoch FROM max(l.updated)) * 1000000)::bigint AS heard,
       min(c.seconds) AS cadence, p.gateway
FROM reading_latest l
JOIN datastream s ON s.id = l.datastream_id
LEFT JOIN cadence c ON c.datastream_id = s.id
LEFT JOIN presence p ON p.device_id = s.device_id
WHERE s.device_id IS NOT NULL
  AND (CAST(:devices AS int[]) IS NULL OR s.device_id = ANY(CAST(:devices AS int[])))
GROUP BY 1, 2, p.gateway;

-- name: intake
-- Signs of life of every ingestor.
SELECT part, extract(epoch FROM clock_timestamp() - at)::float8 AS age_s, detail
FROM heartbeat WHERE part = 'ingestor' OR part LIKE 'ingestor %';

-- name: day_of_signs
-- Times at which a device brought values over a span, thinned to one a minute.
SELECT DISTINCT (extract(epoch FROM date_trunc('minute', time)) * 1000000)::bigint AS us
FROM reading WHERE datastream_id = ANY(CAST(:datastreams AS int[])) AND time >= :start AND time < :end
ORDER BY us;
