-- name: add_scene
-- Catalogue a scene; the same scene again changes nothing.
INSERT INTO scene (id, collection, time, extent, epsg, valid_share, provenance, lineage, title_zh, title_en)
VALUES (:id, :collection, :time, box(point(:west, :south), point(:east, :north)), :epsg, :valid_share,
        :provenance, :lineage, :title_zh, :title_en)
ON CONFLICT (id) DO NOTHING;

-- name: scenes
-- Scenes of a collection and box, newest first.
SELECT *, (extent[1])[0] AS west, (extent[1])[1] AS south, (extent[0])[0] AS east, (extent[0])[1] AS north
FROM scene
WHERE (CAST(:collection AS text) IS NULL OR collection = :collection)
  AND (CAST(:west AS float8) IS NULL OR extent && box(point(:west, :south), point(:east, :north)))
  AND (CAST(:after_time AS timestamptz) IS NULL
       OR (time, id) < (CAST(:after_time AS timestamptz), CAST(:after_id AS text)))
ORDER BY time DESC, id DESC LIMIT :limit;

-- name: scene
-- One scene.
SELECT *, (extent[1])[0] AS west, (extent[1])[1] AS south, (extent[0])[0] AS east, (extent[0])[1] AS north
FROM scene WHERE id = :id;

-- name: add_layer
-- Publish a layer; the same layer again changes nothing.
INSERT INTO layer (id, scene_id, product, time, extent, data_path, display_path, bands_path, scale,
                   "offset", low, high, palette, min_zoom, max_zoom, provenance, title_zh, title_en)
VALUES (:id, :scene_id, :product, :time, box(point(:west, :south), point(:east, :north)), :data_path,
        :display_path, :bands_path, :scale, :offset, :low, :high, :palette, :min_zoom, :max_zoom,
        :provenance, :title_zh, :title_en)
ON CONFLICT (id) DO NOTHING;

-- name: layers
-- Layers of a product, newest first.
SELECT *, (extent[1])[0] AS west, (extent[1])[1] AS south, (extent[0])[0] AS east, (extent[0])[1] AS north
FROM layer WHERE (CAST(:product AS text) IS NULL OR product = :product)
  AND (CAST(:scene_id AS text) IS NULL OR scene_id = :scene_id)
ORDER BY time DESC, id DESC;

-- name: layer
-- One layer.
SELECT *, (extent[1])[0] AS west, (extent[1])[1] AS south, (extent[0])[0] AS east, (extent[0])[1] AS north
FROM layer WHERE id = :id;

-- name: add_zonal
-- Keep the statistics of a product over a field; the same scene again changes nothing.
INSERT INTO zonal (field_id, scene_id, product, time, mean, n_valid, n_total, valid_share, cloud_share,
                   median, p10, p90, sd)
VALUES (:field_id, :scene_id, :product, :time, :mean, :n_valid, :n_total, :valid_share, :cloud_share,
        :median, :p10, :p90, :sd)
ON CONFLICT (field_id, product, scene_id) DO NOTHING;

-- name: zonal
-- Statistics of a product over a field by date, with the provenance of their scenes.
SELECT z.*, s.provenance FROM zonal z JOIN scene s ON s.id = z.scene_id
WHERE z.field_id = :field_id AND z.product = :product ORDER BY z.time, z.scene_id;

-- name: judged
-- Fields that have a statistic of a product of a scene.
SELECT field_id FROM zonal WHERE scene_id = :scene_id AND product = :product;

-- name: derived_at
-- Scenes of a collection of one instant, such as the composites of a period.
SELECT *, (extent[1])[0] AS west, (extent[1])[1] AS south, (extent[0])[0] AS east, (extent[0])[1] AS north
FROM scene WHERE collection = :collection AND time = :time ORDER BY id;

-- name: layers_within
-- Layers of a product in [start, end) that meet a box, oldest first.
SELECT *, (extent[1])[0] AS west, (extent[1])[1] AS south, (extent[0])[0] AS east, (extent[0])[1] AS north
FROM layer
WHERE product = :product AND time >= :start AND time < :end
  AND extent && box(point(:west, :south), point(:east, :north))
ORDER BY time, id;

-- name: remove_zonal
-- Remove the statistics of a scene that another one replaces.
DELETE FROM zonal WHERE scene_id = :id;

-- name: remove_layers
-- Remove the layers of a scene that another one replaces.
DELETE FROM layer WHERE scene_id = :id;

-- name: remove_scene
-- Remove a scene that another one replaces.
DELETE FROM scene WHERE id = :id;
