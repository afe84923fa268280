-- name: add
-- Register a group.
INSERT INTO device_group (key, name_zh, name_en, region_code)
VALUES (:key, :name_zh, :name_en, :region_code)
ON CONFLICT (key) DO NOTHING RETURNING *, 0 AS members;

-- name: rename
-- Give a group other names.
UPDATE device_group SET name_zh = :name_zh, name_en = :name_en WHERE id = :id;

-- name: remove
-- Forget a group; its devices stay.
DELETE FROM device_group WHERE id = :id;

-- name: groups
-- Groups of a region in id order, with their number of devices.
SELECT g.*, (SELECT count(*) FROM device_member m WHERE m.group_id = g.id) AS members
FROM device_group g
WHERE g.region_code LIKE :prefix || '%' AND g.id > :after
ORDER BY g.id LIMIT :limit;

-- name: group
-- One group.
SELECT g.*, (SELECT count(*) FROM device_member m WHERE m.group_id = g.id) AS members
FROM device_group g WHERE g.id = :id;

-- name: by_key
-- One group by its key.
SELECT g.*, (SELECT count(*) FROM device_member m WHERE m.group_id = g.id) AS members
FROM device_group g WHERE g.key = :key;

-- name: members
-- The devices of a group.
SELECT device_id FROM device_member WHERE group_id = :id ORDER BY device_id;

-- name: of
-- The groups of some devices.
SELECT device_id, group_id FROM device_member
WHERE device_id = ANY(CAST(:ids AS int[])) ORDER BY device_id, group_id;

-- name: join
-- Take devices into a group.
INSERT INTO device_member (group_id, device_id)
SELECT :id, unnest(CAST(:device_ids AS int[])) ON CONFLICT DO NOTHING;

-- name: leave
-- Let devices go from a group.
DELETE FROM device_member WHERE group_id = :id AND device_id = ANY(CAST(:device_ids AS int[]));
