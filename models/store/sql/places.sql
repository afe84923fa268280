-- name: add_region
-- Register a division, or renew its name, area and boundary.
INSERT INTO region (code, name, level, parent, area_km2, label_lon, label_lat, geometry, extent)
VALUES (:code, :name, :level, :parent, :area_km2, :lon, :lat, :geometry,
        box(point(:west, :south), point(:east, :north)))
ON CONFLICT (code) DO UPDATE
SET name = excluded.name, level = excluded.level, parent = excluded.parent,
    area_km2 = excluded.area_km2, label_lon = excluded.label_lon, label_lat = excluded.label_lat,
    geometry = excluded.geometry, extent = excluded.extent;

-- name: add_alias
-- A retired division code and the one that replaced it.
INSERT INTO region_alias (retired, code) VALUES (:retired, :code)
ON CONFLICT (retired) DO UPDATE SET code = excluded.code;

-- name: regions
-- Divisions whose code starts with a prefix, province first.
SELECT code, name, level, parent, area_km2, label_lon, label_lat, geometry
FROM region WHERE code LIKE :prefix || '%' ORDER BY code;

-- name: region
-- One division by its current or a retired code.
SELECT code, name, level, parent, area_km2, label_lon, label_lat, geometry
FROM region WHERE code = COALESCE((SELECT a.code FROM region_alias a WHERE a.retired = :code), :code);

-- name: counties_around
-- Counties whose extent holds a point.
SELECT code, name, level, parent, area_km2, label_lon, label_lat, geometry
FROM region WHERE level = 'county' AND extent @> box(point(:lon, :lat), point(:lon, :lat));

-- name: region_names
-- Name of every division.
SELECT code, name FROM region;

-- name: add_farm
-- Register a farm.
INSERT INTO farm (key, name_zh, name_en, kind, region_code, lon, lat, provenance, note_zh, note_en)
VALUES (:key, :name_zh, :name_en, :kind, :region_code, :lon, :lat, :provenance, :note_zh, :note_en)
ON CONFLICT (key) DO NOTHING RETURNING *;

-- name: farms
-- Farms of a region, in id order.
SELECT * FROM farm WHERE region_code LIKE :prefix || '%' AND id > :after ORDER BY id LIMIT :limit;

-- name: farm
-- One farm.
SELECT * FROM farm WHERE id = :id;

-- name: farm_by_key
-- One farm by its key.
SELECT * FROM farm WHERE key = :key;

-- name: add_field
-- Register a field.
INSERT INTO field (key, farm_id, name_zh, name_en, region_code, geometry, extent, area_ha, crop,
                   soil, provenance)
VALUES (:key, :farm_id, :name_zh, :name_en, :region_code, :geometry,
        box(point(:west, :south), point(:east, :north)), :area_ha, :crop, :soil, :provenance)
ON CONFLICT (key) DO NOTHING RETURNING *;

-- name: fields
-- Fields of a region, farm or box, in id order. The box is filtered before the order: its fixed
-- selectivity guess would otherwise walk the primary key.
WITH there AS MATERIALIZED (
    SELECT * FROM field
    WHERE region_code LIKE :prefix || '%' AND id > :after
      AND (CAST(:farm_id AS int) IS NULL OR farm_id = :farm_id)
      AND (CAST(:west AS float8) IS NULL
           OR extent && box(point(:west, :south), point(:east, :north)))
)
SELECT * FROM there ORDER BY id LIMIT :limit;

-- name: field
-- One field.
SELECT * FROM field WHERE id = :id;

-- name: field_by_key
-- One field by its key.
SELECT * FROM field WHERE key = :key;
