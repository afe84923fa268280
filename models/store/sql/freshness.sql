-- name: by_county
-- Phenomenon time of the newest reading of each county that has devices with readings.
SELECT d.region_code, max(l.time) AS newest
FROM reading_latest l JOIN datastream s ON s.id = l.datastream_id JOIN device d ON d.id = s.device_id
GROUP BY d.region_code ORDER BY d.region_code;

-- name: queues
-- How long the queues are that some part works off.
SELECT (SELECT count(*) FROM rollup_dirty) AS rollup,
       (SELECT count(*) FROM review_dirty) AS review,
       (SELECT count(*) FROM neighbour_dirty) AS neighbour,
       (SELECT count(*) FROM calibration WHERE applied IS NULL) AS rederivation,
       (SELECT count(*) FROM outbox WHERE state = 'pending') AS outbox;
