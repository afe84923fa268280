-- name: secret
-- The hash of the secret of a device in use.
SELECT secret_hash FROM device WHERE key = :key AND active AND secret_hash IS NOT NULL;

-- name: regions
-- The county of devices by their names on the wire.
SELECT key, region_code FROM device WHERE key = ANY(CAST(:keys AS text[]));

-- name: channels
-- Device and channel of some datastreams.
SELECT s.id, d.key, s.channel FROM datastream s JOIN device d ON d.id = s.device_id
WHERE s.id = ANY(CAST(:ids AS int[]));
