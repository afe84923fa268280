-- name: add_device
-- Register a device.
INSERT INTO device (key, farm_id, field_id, region_code, name_zh, name_en, lon, lat, provenance)
VALUES (:key, :farm_id, :field_id, :region_code, :name_zh, :name_en, :lon, :lat, :provenance)
ON CONFLICT (key) DO NOTHING RETURNING *;

-- name: install
-- A device stands at a place from now on.
INSERT INTO installation (device_id, lon, lat, since, note)
VALUES (:device_id, :lon, :lat, now(), :note);

-- name: add_stream
-- Register a datastream of a device.
INSERT INTO datastream (device_id, channel, quantity, unit, depth_cm)
VALUES (:device_id, :channel, :quantity, :unit, :depth_cm);

-- name: changed
-- Tell ingestors that devices or datastreams have changed.
UPDATE platform SET value = (value::bigint + 1)::text WHERE key = 'catalogue';

-- name: keep_secret
-- Replace the secret of a device; only its hash is kept.
UPDATE device SET secret_hash = :secret_hash WHERE id = :id;

-- name: secrets
-- Every device that may log in to the broker, with the hash of its secret.
SELECT key, secret_hash FROM device WHERE secret_hash IS NOT NULL ORDER BY key;

-- name: devices
-- Devices of a region, farm or field, in id order.
SELECT * FROM device
WHERE region_code LIKE :prefix || '%' AND id > :after
  AND (CAST(:farm_id AS int) IS NULL OR farm_id = :farm_id)
  AND (CAST(:field_id AS int) IS NULL OR field_id = :field_id)
ORDER BY id LIMIT :limit;

-- name: device
-- One device.
SELECT * FROM device WHERE id = :id;

-- name: device_by_key
-- One device by its name on the wire.
SELECT * FROM device WHERE key = :key;

-- name: installations
-- Where a device has stood, oldest first.
SELECT device_id, lon, lat, since, until, note FROM installation
WHERE device_id = :device_id ORDER BY since;

-- name: datastreams
-- Datastreams of some devices, of a field (its devices' and its zonal ones), or of a region.
SELECT s.* FROM datastream s
LEFT JOIN device d ON d.id = s.device_id
LEFT JOIN field f ON f.id = s.field_id
WHERE (CAST(:device_ids AS int[]) IS NULL OR s.device_id = ANY(CAST(:device_ids AS int[])))
  AND (CAST(:field_id AS int) IS NULL OR d.field_id = :field_id OR s.field_id = :field_id)
  AND (CAST(:ids AS int[]) IS NULL OR s.id = ANY(CAST(:ids AS int[])))
  AND COALESCE(d.region_code, f.region_code) LIKE :prefix || '%'
ORDER BY s.id;

-- name: regions_of
-- The county each of some datastreams belongs to.
SELECT s.id, COALESCE(d.region_code, f.region_code) AS region_code
FROM datastream s
LEFT JOIN device d ON d.id = s.device_id
LEFT JOIN field f ON f.id = s.field_id
WHERE s.id = ANY(CAST(:ids AS int[]));

-- name: version
-- How often devices or datastreams have changed.
SELECT value::bigint AS version FROM platform WHERE key = 'catalogue';

-- name: keys
-- Every device by its name on the wire.
SELECT id, key FROM device;

-- name: streams
-- Every datastream of a device.
SELECT * FROM datastream WHERE device_id IS NOT NULL;

-- name: field_stream
-- The datastream of a zonal product, made when it is not there yet.
INSERT INTO datastream AS s (field_id, channel, quantity, unit)
VALUES (:field_id, :channel, :quantity, :unit)
ON CONFLICT (field_id, channel) DO UPDATE SET quantity = s.quantity
RETURNING *;
