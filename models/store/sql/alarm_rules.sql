-- name: rules
-- Rules that concern a region: of it, of a part of it, or of a division that holds it.
SELECT * FROM alarm_rule
WHERE (region_code LIKE :prefix || '%' OR :code LIKE CASE
       WHEN region_code LIKE '%0000' THEN left(region_code, 2)
       WHEN region_code LIKE '%00' THEN left(region_code, 4) ELSE region_code END || '%')
  AND id > :after AND (CAST(:enabled AS boolean) IS NULL OR enabled = :enabled)
ORDER BY id LIMIT :limit;

-- name: rule
-- One rule.
SELECT * FROM alarm_rule WHERE id = :id;

-- name: rule_by_key
-- One rule by its key.
SELECT * FROM alarm_rule WHERE key = :key;

-- name: add_rule
-- Keep a new rule.
INSERT INTO alarm_rule (key, document, region_code, updated, updated_by)
VALUES (:key, CAST(:document AS jsonb), :region_code, :updated, :by)
ON CONFLICT (key) DO NOTHING RETURNING *;

-- name: change_rule
-- Replace a rule; what was tested was the version before, unless only its words change.
UPDATE alarm_rule
SET document = CAST(:document AS jsonb), region_code = :region_code, version = version + 1,
    tested = CASE WHEN :same THEN tested END, enabled = enabled AND :keep,
    updated = :updated, updated_by = :by
WHERE id = :id RETURNING *;

-- name: enable
-- Switch a rule on or off.
UPDATE alarm_rule SET enabled = :enabled, enabled_by = :by
WHERE id = :id RETURNING *;

-- name: tested
-- A version of a rule was run over stored readings.
UPDATE alarm_rule SET tested = :at WHERE id = :id AND version = :version;

-- name: changed
-- Tell the watch that rules have changed.
UPDATE platform SET value = (value::bigint + 1)::text WHERE key = 'alarm_rules';

-- name: forget
-- A rule that changed or was switched off knows nothing any more.
DELETE FROM alarm_state WHERE rule_id = :rule_id;

-- name: begin_backtest
-- A back-test begins.
INSERT INTO alarm_backtest (rule_id, version, since, until, started_by)
VALUES (:rule_id, :version, :since, :until, :by) RETURNING *;

-- name: progress
-- A back-test goes on.
UPDATE alarm_backtest SET done = :done, total = :total, updated = clock_timestamp()
WHERE id = :id;

-- name: end_backtest
-- A back-test has ended, well or not.
UPDATE alarm_backtest
SET state = :state, result = CAST(:result AS jsonb), updated = clock_timestamp()
WHERE id = :id;

-- name: backtest
-- One back-test; one that has not moved for two minutes was cut off.
SELECT *, state = 'running' AND updated < clock_timestamp() - interval '2 minutes' AS cut
FROM alarm_backtest WHERE id = :id AND rule_id = :rule_id;

-- name: region_of
-- The division that the thing of a scope lies in.
SELECT CASE CAST(:kind AS text)
    WHEN 'region' THEN (SELECT code FROM region WHERE code = CAST(:number AS text))
    WHEN 'farm' THEN (SELECT region_code FROM farm WHERE id = CAST(:number AS int))
    WHEN 'field' THEN (SELECT region_code FROM field WHERE id = CAST(:number AS int))
    WHEN 'device' THEN (SELECT region_code FROM device WHERE id = CAST(:number AS int))
    WHEN 'datastream' THEN (SELECT d.region_code FROM datastream s JOIN device d
                            ON d.id = s.device_id WHERE s.id = CAST(:number AS int))
END AS code;
