-- name: metrics
-- Datastreams of a region whose device, field, channel or quantity holds a text, in id order.
SELECT s.id, s.quantity, s.depth_cm, COALESCE(d.name_zh, f.name_zh) AS name_zh,
       COALESCE(d.name_en, f.name_en) AS name_en, COALESCE(d.key, f.key) AS key
FROM datastream s
LEFT JOIN device d ON d.id = s.device_id
LEFT JOIN field f ON f.id = s.field_id
WHERE COALESCE(d.region_code, f.region_code) LIKE :prefix || '%'
  AND (:text = '' OR position(lower(:text) IN lower(concat_ws(' ', d.name_zh, f.name_zh, d.name_en,
       f.name_en, d.key, f.key, s.channel, s.quantity))) > 0)
ORDER BY s.id
LIMIT :limit;

-- name: named
-- What some datastreams are called.
SELECT s.id, s.quantity, s.depth_cm, COALESCE(d.name_zh, f.name_zh) AS name_zh,
       COALESCE(d.name_en, f.name_en) AS name_en, COALESCE(d.key, f.key) AS key
FROM datastream s
LEFT JOIN device d ON d.id = s.device_id
LEFT JOIN field f ON f.id = s.field_id
WHERE s.id = ANY(CAST(:ids AS int[]));
