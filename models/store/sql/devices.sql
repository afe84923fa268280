-- name: add_device
-- Register a device.
INSERT INTO device (
    key, farm_id, field_id, region_code, name_zh, name_en, lon, lat, provenance, profile, formats
) VALUES (
    :key, :farm_id, :field_id, :region_code, :name_zh, :name_en, :lon, :lat, :provenance,
    :profile, :formats
) ON CONFLICT (key) DO NOTHING RETURNING *;

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

-- name: accounts_changed
-- Tell the writers of the broker's accounts that they have changed.
UPDATE platform SET value = (value::bigint + 1)::text WHERE key = 'accounts';

-- name: accounts_version
-- How often the accounts of the broker have changed.
SELECT value::bigint AS version FROM platform WHERE key = 'accounts';

-- name: keep_secret
-- Replace the secret of a device, or take it away (NULL); only its hash is kept.
UPDATE device SET secret_hash = :secret_hash WHERE id = :id;

-- name: logins
-- Every device that may log in to the broker, with what it may publish, and for whom.
SELECT d.key, d.secret_hash, d.formats, d.relays, m.key AS member, m.formats AS member_formats
FROM device d
LEFT JOIN device_member r ON r.group_id = d.relay_group_id
LEFT JOIN device m ON m.id = r.device_id AND m.active
WHERE d.secret_hash IS NOT NULL AND d.active
ORDER BY d.key, m.key;

-- name: devices
-- Devices of a region, farm, field or group, there or not, in id order.
SELECT * FROM device d
WHERE region_code LIKE :prefix || '%' AND id > :after
  AND (CAST(:farm_id AS int) IS NULL OR farm_id = :farm_id)
  AND (CAST(:field_id AS int) IS NULL OR field_id = :field_id)
  AND (CAST(:group_id AS int) IS NULL OR EXISTS (
      SELECT FROM device_member m WHERE m.device_id = d.id AND m.group_id = :group_id))
  AND (CAST(:online AS boolean) IS NULL OR :online = device_online(
      (SELECT seen FROM presence p WHERE p.device_id = d.id),
      (SELECT online FROM presence p WHERE p.device_id = d.id),
      (SELECT min(seconds) FROM cadence JOIN datastream s ON s.id = datastream_id
       WHERE s.device_id = d.id),
      :now))
ORDER BY id LIMIT :limit;

-- name: statuses
-- What is known of some devices by their messages.
SELECT p.*, device_online(p.seen, p.online, usual.seconds, :now) AS there
FROM presence p
LEFT JOIN LATERAL (
    SELECT min(c.seconds) AS seconds FROM cadence c
    JOIN datastream s ON s.id = c.datastream_id WHERE s.device_id = p.device_id
) usual ON true
WHERE p.device_id = ANY(CAST(:ids AS int[]));

-- name: change
-- Replace what may be changed of a device.
UPDATE device SET name_zh = :name_zh, name_en = :name_en, field_id = :field_id,
    profile = :profile, active = :active, formats = :formats, relays = :relays,
    relay_group_id = :relay_group_id
WHERE id = :id;

-- name: device
-- One device.
SELECT * FROM device WHERE id = :id;

-- name: device_by_key
-- One device by its name on the wire.
SELECT * FROM device WHERE key = :key;

-- name: begin_installation
-- Enter that a device stood somewhere from a time on, until the installation that follows.
INSERT INTO installation (device_id, lon, lat, since, until, note)
VALUES (
    :device_id, :lon, :lat, :since,
    (SELECT min(since) FROM installation WHERE device_id = :device_id AND since > :since), :note
)
ON CONFLICT (device_id, since) DO UPDATE
SET lon = excluded.lon, lat = excluded.lat, note = excluded.note;

-- name: end_installation
-- The installation before the one that begins at a time ends there.
UPDATE installation SET until = :since
WHERE device_id = :device_id AND since = (
    SELECT max(since) FROM installation WHERE device_id = :device_id AND since < :since);

-- name: place
-- A device is where its installation of now says.
UPDATE device d SET lon = i.lon, lat = i.lat FROM (
    SELECT lon, lat FROM installation
    WHERE device_id = :device_id AND since <= :now ORDER BY since DESC LIMIT 1
) i WHERE d.id = :device_id;

-- name: installations
-- Where a device has stood, oldest first.
SELECT device_id, lon, lat, since, until, note FROM installation
WHERE device_id = :device_id ORDER BY since;

-- name: datastreams
-- Datastreams of some devices, of a field (its devices' and its zonal ones), or of a region, in
-- id order; a limit of NULL is none.
SELECT s.* FROM datastream s
LEFT JOIN device d ON d.id = s.device_id
LEFT JOIN field f ON f.id = s.field_id
WHERE (CAST(:device_ids AS int[]) IS NULL OR s.device_id = ANY(CAST(:device_ids AS int[])))
  AND (CAST(:field_id AS int) IS NULL OR d.field_id = :field_id OR s.field_id = :field_id)
  AND (CAST(:ids AS int[]) IS NULL OR s.id = ANY(CAST(:ids AS int[])))
  AND COALESCE(d.region_code, f.region_code) LIKE :prefix || '%'
  AND s.id > :after
ORDER BY s.id
LIMIT CAST(:limit AS bigint);

-- name: readings_since
-- How many readings a datastream has from a time on, counted up to a limit.
SELECT count(*) AS n FROM (
    SELECT FROM reading WHERE datastream_id = :id AND time >= :since LIMIT :most
) r;

-- name: change_stream
-- Replace what may be changed of a datastream.
UPDATE datastream SET channel = :channel, unit = :unit, depth_cm = :depth_cm WHERE id = :id;

-- name: regions_of
-- The county each of some datastreams belongs to.
SELECT s.id, COALESCE(d.region_code, f.region_code) AS region_code
FROM datastream s
LEFT JOIN device d ON d.id = s.device_id
LEFT JOIN field f ON f.id = s.field_id
WHERE s.id = ANY(CAST(:ids AS int[]));

-- name: field_stream
-- The datastream of a zonal product, made when it is not there yet.
INSERT INTO datastream AS s (field_id, channel, quantity, unit)
VALUES (:field_id, :channel, :quantity, :unit)
ON CONFLICT (field_id, channel) DO UPDATE SET quantity = s.quantity
RETURNING *;
