-- name: dates
-- The Asia/Shanghai days that a product was seen on within a box, newest first.
SELECT CAST(l.time AT TIME ZONE 'Asia/Shanghai' AS date) AS day, count(*) AS n,
       max(s.valid_share) AS best, avg(s.valid_share) AS mean
FROM layer l JOIN scene s ON s.id = l.scene_id
WHERE l.product = :product
  AND (CAST(:west AS float8) IS NULL OR l.extent && box(point(:west, :south), point(:east, :north)))
GROUP BY 1 ORDER BY 1 DESC LIMIT :limit;

-- name: covering
-- Layers of a product that meet a box in [start, end), newest first.
SELECT *, (extent[1])[0] AS west, (extent[1])[1] AS south, (extent[0])[0] AS east, (extent[0])[1] AS north
FROM layer
WHERE product = :product AND extent && box(point(:west, :south), point(:east, :north))
  AND (CAST(:start AS timestamptz) IS NULL OR time >= :start)
  AND (CAST(:end AS timestamptz) IS NULL OR time < :end)
ORDER BY time DESC, id DESC LIMIT :limit;

-- name: products
-- Products that have layers, each with its extent, zooms and a layer to show its colours.
SELECT product, min((extent[1])[0]) AS west, min((extent[1])[1]) AS south,
       max((extent[0])[0]) AS east, max((extent[0])[1]) AS north,
       min(min_zoom) AS min_zoom, max(max_zoom) AS max_zoom,
       (array_agg(id ORDER BY time DESC, id))[1] AS newest
FROM layer GROUP BY product ORDER BY product;
