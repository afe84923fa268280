-- name: soil_probes
-- Soil temperature and moisture datastreams of the devices that stand in a field.
SELECT s.id AS datastream, s.quantity, d.key AS device, s.depth_cm, d.provenance
FROM datastream s JOIN device d ON d.id = s.device_id
WHERE d.field_id = :field_id AND s.quantity IN ('soil_temperature', 'soil_moisture')
ORDER BY s.id;

-- name: soil_days
-- Asia/Shanghai days of raw readings: the mean of hourly means, so that a burst weighs one hour.
SELECT datastream_id, day, sum(n)::int AS n, sum(n_good)::int AS n_good,
       count(*) FILTER (WHERE n_good > 0)::int AS hours,
       avg(mean)::float8 AS mean, min(mn) AS mn, max(mx) AS mx
FROM (
    SELECT datastream_id, (time AT TIME ZONE 'Asia/Shanghai')::date AS day,
           date_trunc('hour', time) AS hour, count(*) AS n,
           count(*) FILTER (WHERE quality & 575 = 0) AS n_good,
           avg(value::numeric) FILTER (WHERE quality & 575 = 0) AS mean,
           min(value) FILTER (WHERE quality & 575 = 0) AS mn,
           max(value) FILTER (WHERE quality & 575 = 0) AS mx
    FROM reading
    WHERE datastream_id = ANY(CAST(:datastreams AS int[])) AND time >= :start AND time < :end
    GROUP BY 1, 2, 3
) AS hours
GROUP BY 1, 2
ORDER BY 1, 2;

-- name: last_before
-- The newest reading of some datastreams before an instant, whatever its quality.
SELECT max(newest.time) AS time
FROM unnest(CAST(:datastreams AS int[])) AS s (id)
CROSS JOIN LATERAL (
    SELECT r.time FROM reading r WHERE r.datastream_id = s.id AND r.time < :end
    ORDER BY r.time DESC LIMIT 1
) AS newest;

-- name: weather_record
-- A whole series before a day as packed big-endian columns: 37 years are one row, not 13,514.
SELECT string_agg(int4send(day - DATE '1970-01-01'), ''::bytea) AS days,
       string_agg(float8send(COALESCE(tmin, 'NaN')), ''::bytea) AS tmin,
       string_agg(float8send(COALESCE(tmax, 'NaN')), ''::bytea) AS tmax,
       string_agg(float8send(COALESCE(tmean, 'NaN')), ''::bytea) AS tmean
FROM (
    SELECT day, tmin, tmax, tmean FROM weather_day
    WHERE station_id = :station_id AND day < :before ORDER BY day
) AS series;
