-- name: collections
-- Each collection with the number, the times and the extent of its scenes.
SELECT collection, count(*) AS n, min(time) AS first, max(time) AS last,
       min((extent[1])[0]) AS west, min((extent[1])[1]) AS south,
       max((extent[0])[0]) AS east, max((extent[0])[1]) AS north,
       array_agg(DISTINCT epsg) AS epsgs
FROM scene WHERE (CAST(:collection AS text) IS NULL OR collection = :collection)
GROUP BY collection ORDER BY collection;

-- name: items
-- Scenes by id, collection, box (one that crosses 180 degrees has west > east) and time.
SELECT s.*, (s.extent[1])[0] AS west, (s.extent[1])[1] AS south,
       (s.extent[0])[0] AS east, (s.extent[0])[1] AS north
FROM scene s
WHERE (CAST(:ids AS text[]) IS NULL OR s.id = ANY(CAST(:ids AS text[])))
  AND (CAST(:collections AS text[]) IS NULL OR s.collection = ANY(CAST(:collections AS text[])))
  AND (CAST(:west AS float8) IS NULL
       OR s.extent && box(point(:west, :south), point(CASE WHEN :west > :east THEN 180 ELSE :east END, :north))
       OR (:west > :east AND s.extent && box(point(-180, :south), point(:east, :north))))
  AND (CAST(:since AS timestamptz) IS NULL OR s.time >= CAST(:since AS timestamptz))
  AND (CAST(:until AS timestamptz) IS NULL OR s.time <= CAST(:until AS timestamptz))

-- name: layers
-- The layers of some scenes.
SELECT *, (extent[1])[0] AS west, (extent[1])[1] AS south, (extent[0])[0] AS east, (extent[0])[1] AS north
FROM layer WHERE scene_id = ANY(CAST(:scene_ids AS text[])) ORDER BY scene_id, id;
