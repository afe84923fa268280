-- name: version
-- How often devices, datastreams or calibrations have changed.
SELECT value::bigint AS version FROM platform WHERE key = 'catalogue';

-- name: devices
-- Every device by its name on the wire.
SELECT id, key, time_zone, profile FROM device WHERE active;

-- name: streams
-- Every datastream of a device.
SELECT id, device_id, channel, quantity, unit, depth_cm FROM datastream WHERE device_id IS NOT NULL;
