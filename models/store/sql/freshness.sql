-- name: by_county
-- Phenomenon time of the newest reading of each county that has devices with readings.
SELECT d.region_code, max(l.time) AS newest
FROM reading_latest l JOIN datastream s ON s.id = l.datastream_id JOIN device d ON d.id = s.device_id
GROUP BY d.region_code ORDER BY d.region_code;
