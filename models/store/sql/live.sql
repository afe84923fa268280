-- name: clock
-- The clock that newest values are stamped with.
SELECT clock_timestamp() AS now;

-- name: stamps
-- Which newest values were stored since an instant, in the order of their stamps.
SELECT datastream_id, updated FROM reading_latest
WHERE updated > :since AND (updated, datastream_id) > (:after, :after_id)
ORDER BY updated, datastream_id
LIMIT :limit;

-- name: values
-- Newest values of some datastreams with their place, as `latest` has them, and the county.
SELECT s.id AS datastream_id, s.channel, s.quantity, s.depth_cm, s.field_id AS stream_field_id,
       d.id AS device_id, d.key AS device_key, d.name_zh, d.name_en, d.farm_id, d.field_id,
       d.lon, d.lat, d.provenance, l.time, l.value, l.quality, l.updated, d.region_code
FROM reading_latest l
JOIN datastream s ON s.id = l.datastream_id
JOIN device d ON d.id = s.device_id
WHERE l.datastream_id = ANY(CAST(:ids AS int[]))
ORDER BY l.updated, s.id;

-- name: holders
-- The regions of active accounts by their unexpired tokens.
SELECT t.digest, p.region_code FROM token t JOIN person p ON p.id = t.person_id
WHERE t.digest = ANY(:digests) AND t.expires > now() AND p.active;
