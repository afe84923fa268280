-- name: things
-- Devices, and fields that satellites observe (numbered from 4,000,000,000), of a region.
SELECT CAST(d.id AS bigint) AS thing_id, d.region_code, d.key, d.name_zh, d.name_en, d.provenance,
       d.farm_id, d.field_id, d.profile, 'Sensor station ' || d.key AS description
FROM device d WHERE d.region_code LIKE :prefix || '%'
UNION ALL
SELECT 4000000000 + f.id, f.region_code, f.key, f.name_zh, f.name_en, f.provenance,
       f.farm_id, f.id, NULL, 'Field ' || f.key || ' as satellites observe it'
FROM field f WHERE f.region_code LIKE :prefix || '%'
  AND EXISTS (SELECT 1 FROM datastream s WHERE s.field_id = f.id);

-- name: locations
-- Places where devices have stood, and the outlines of observed fields, of a region.
SELECT CAST(i.id AS bigint) AS location_id, CAST(i.device_id AS bigint) AS thing_id, d.region_code,
       d.name_en || ' (' || i.id || ')' AS name,
       COALESCE(NULLIF(i.note, ''), 'Place of ' || d.key) AS description, i.lon, i.lat,
       CAST(NULL AS bytea) AS geometry, i.since, i.until,
       i.since <= now() AND (i.until IS NULL OR i.until > now()) AS present
FROM installation i JOIN device d ON d.id = i.device_id
WHERE d.region_code LIKE :prefix || '%'
UNION ALL
SELECT 4000000000 + f.id, 4000000000 + f.id, f.region_code, f.name_en, 'Outline of field ' || f.key,
       NULL, NULL, f.geometry, NULL, NULL, true
FROM field f WHERE f.region_code LIKE :prefix || '%'
  AND EXISTS (SELECT 1 FROM datastream s WHERE s.field_id = f.id);

-- name: histories
-- The times from which devices stood at a place, of a region.
SELECT CAST(i.id AS bigint) AS history_id, CAST(i.device_id AS bigint) AS thing_id,
       CAST(i.id AS bigint) AS location_id, d.region_code, i.since AS time
FROM installation i JOIN device d ON d.id = i.device_id
WHERE d.region_code LIKE :prefix || '%';

-- name: datastreams
-- Datastreams of devices and of fields, with what they lead to, of a region.
SELECT s.id AS datastream_id, COALESCE(CAST(s.device_id AS bigint), 4000000000 + s.field_id) AS thing_id,
       COALESCE(d.profile, CASE WHEN s.device_id IS NULL
           THEN 'satellite:' || split_part(s.channel, '/', 1) ELSE 'unspecified' END) AS sensor_id,
       s.quantity AS property_id, COALESCE(d.region_code, f.region_code) AS region_code,
       concat(COALESCE(d.name_en, f.name_en), ': ', q.name_en, ' at ' || s.depth_cm || ' cm') AS name,
       concat(COALESCE(d.name_zh, f.name_zh), ' ', q.name_zh, ' ' || s.depth_cm || ' cm') AS name_zh,
       s.channel, s.quantity, s.unit AS wire_unit, q.unit, s.depth_cm,
       COALESCE(d.lon, farm.lon) AS lon, COALESCE(d.lat, farm.lat) AS lat,
       COALESCE(d.provenance, f.provenance) AS provenance, l.time AS newest,
       (SELECT r.time FROM reading r WHERE r.datastream_id = s.id ORDER BY r.time LIMIT 1) AS oldest
FROM datastream s
LEFT JOIN device d ON d.id = s.device_id
LEFT JOIN field f ON f.id = s.field_id
LEFT JOIN farm ON farm.id = f.farm_id
LEFT JOIN reading_latest l ON l.datastream_id = s.id
LEFT JOIN unnest(CAST(:keys AS text[]), CAST(:names_zh AS text[]), CAST(:names_en AS text[]),
                 CAST(:units AS text[])) AS q (key, name_zh, name_en, unit) ON q.key = s.quantity
WHERE COALESCE(d.region_code, f.region_code) LIKE :prefix || '%';

-- name: sensors
-- Profiles of devices and collections of scenes that observe in a region.
SELECT DISTINCT COALESCE(d.profile, 'unspecified') AS sensor_id
FROM device d WHERE d.region_code LIKE :prefix || '%'
UNION
SELECT DISTINCT 'satellite:' || split_part(s.channel, '/', 1)
FROM datastream s JOIN field f ON f.id = s.field_id WHERE f.region_code LIKE :prefix || '%';

-- name: properties
-- The register of quantities.
SELECT q.key AS property_id, q.name_zh, q.name_en, q.unit
FROM unnest(CAST(:keys AS text[]), CAST(:names_zh AS text[]), CAST(:names_en AS text[]),
            CAST(:units AS text[])) AS q (key, name_zh, name_en, unit);

-- name: features
-- What is observed: fields, and the places of devices outside of fields, of a region.
SELECT CAST(d.id AS bigint) AS feature_id, d.region_code, d.name_en AS name, d.name_zh,
       'Surroundings of ' || d.key AS description, d.lon, d.lat, CAST(NULL AS bytea) AS geometry
FROM device d WHERE d.region_code LIKE :prefix || '%' AND d.field_id IS NULL
UNION ALL
SELECT 4000000000 + f.id, f.region_code, f.name_en, f.name_zh, 'Field ' || f.key, NULL, NULL, f.geometry
FROM field f WHERE f.region_code LIKE :prefix || '%';

-- name: observations
-- Readings of the datastreams of a region.
SELECT r.datastream_id, r.time, r.seq, r.value, r.raw, r.received, r.quality, u.code AS raw_unit,
       s.quantity, COALESCE(d.region_code, f.region_code) AS region_code,
       COALESCE(4000000000 + s.field_id, 4000000000 + d.field_id, d.id) AS feature_id
FROM reading r
JOIN datastream s ON s.id = r.datastream_id
LEFT JOIN wire_unit u ON u.id = r.unit
LEFT JOIN device d ON d.id = s.device_id
LEFT JOIN field f ON f.id = s.field_id
WHERE COALESCE(d.region_code, f.region_code) LIKE :prefix || '%';
