-- name: add_station
-- Register a weather series.
INSERT INTO weather_station (key, name_zh, name_en, lon, lat, elevation_m, region_code, provenance, attribution)
VALUES (:key, :name_zh, :name_en, :lon, :lat, :elevation_m, :region_code, :provenance, :attribution)
ON CONFLICT (key) DO NOTHING RETURNING *;

-- name: stations
-- Every weather series.
SELECT * FROM weather_station ORDER BY id;

-- name: by_key
-- One weather series.
SELECT * FROM weather_station WHERE key = :key;

-- name: add_days
-- Days of a series in one statement; a later import replaces them.
INSERT INTO weather_day (station_id, day, tmin, tmax, tmean, rain)
SELECT :station_id, d.*
FROM unnest(CAST(:day AS date[]), CAST(:tmin AS float8[]), CAST(:tmax AS float8[]),
            CAST(:tmean AS float8[]), CAST(:rain AS float8[])) AS d
ON CONFLICT (station_id, day) DO UPDATE
SET tmin = excluded.tmin, tmax = excluded.tmax, tmean = excluded.tmean, rain = excluded.rain;

-- name: days
-- Days of a series over [start, end], both included.
SELECT day, tmin, tmax, tmean, rain FROM weather_day
WHERE station_id = :station_id AND day BETWEEN :start AND :end ORDER BY day;

-- name: renew
-- The days of a series have changed.
UPDATE weather_station SET version = gen_random_uuid() WHERE id = :station_id;
