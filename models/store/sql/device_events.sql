-- name: record
-- Keep what was done to a device, and by whom.
INSERT INTO device_event (device_id, by, what, detail) VALUES (:device_id, :by, :what, :detail);

-- name: of
-- What was done to a device, newest first.
SELECT id, device_id, at, by, what, detail FROM device_event
WHERE device_id = :device_id AND (CAST(:before AS bigint) IS NULL OR id < :before)
ORDER BY id DESC LIMIT :limit;
