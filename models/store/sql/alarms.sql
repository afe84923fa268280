-- name: open_alarm
-- An alarm opens; nothing when the excursion has one already.
INSERT INTO alarm (rule_id, rule_key, kind, severity, subject, datastream_id, device_id, farm_id,
                   region_code, since, opened, noticed, value, peak, peak_at, facts, members,
                   escalate_at, lon, lat, name_zh, name_en, provenance)
VALUES (:rule_id, :rule_key, :kind, :severity, :subject, :datastream_id, :device_id, :farm_id,
        :region_code, :since, :opened, :noticed, :value, :peak, :peak_at, CAST(:facts AS jsonb),
        :members, :escalate_at, :lon, :lat, :name_zh, :name_en, :provenance)
ON CONFLICT (rule_id, subject) WHERE state = 'open' DO NOTHING RETURNING id;

-- name: clear_alarm
-- The open alarm of a rule at a subject clears.
UPDATE alarm SET state = 'cleared', cleared = GREATEST(:at, opened), peak = COALESCE(:peak, peak),
       peak_at = COALESCE(:peak_at, peak_at)
WHERE rule_id = :rule_id AND subject = :subject AND state = 'open'
RETURNING id, severity, region_code;

-- name: note_event
-- A step in the life of an alarm.
INSERT INTO alarm_event (alarm_id, at, noticed, what, detail)
VALUES (:alarm_id, :at, :noticed, :what, CAST(:detail AS jsonb));

-- name: withdraw
-- Clear open alarms whose rule was changed or whose subject is watched no more.
WITH gone AS (
    UPDATE alarm SET state = 'cleared', cleared = GREATEST(:at, opened)
    WHERE rule_id = :rule_id AND state = 'open'
      AND (CAST(:subjects AS text[]) IS NULL OR subject = ANY(CAST(:subjects AS text[])))
    RETURNING id
)
INSERT INTO alarm_event (alarm_id, at, noticed, what, detail)
SELECT id, :at, :at, 'withdrawn', jsonb_build_object('why', CAST(:why AS text)) FROM gone;

-- name: alarm
-- One alarm.
SELECT * FROM alarm WHERE id = :id;

-- name: alarms
-- Alarms of a region, newest first.
SELECT * FROM alarm
WHERE region_code LIKE :prefix || '%'
  AND (CAST(:state AS text) IS NULL OR state = :state)
  AND (CAST(:severity AS text) IS NULL OR severity = :severity)
  AND (CAST(:device_id AS int) IS NULL OR device_id = :device_id
       OR id IN (SELECT alarm_id FROM alarm_member m WHERE m.device_id = :device_id))
  AND (CAST(:since AS timestamptz) IS NULL OR noticed >= :since OR cleared >= :since)
  AND (CAST(:before AS int) IS NULL OR id < :before)
ORDER BY id DESC LIMIT :limit;

-- name: events
-- The life of an alarm, in order.
SELECT at, noticed, what, detail FROM alarm_event WHERE alarm_id = :alarm_id ORDER BY id LIMIT 200;

-- name: members
-- Devices of a group that fell silent together.
SELECT m.device_id, d.key, d.name_zh, d.name_en, m.silent_since, m.returned
FROM alarm_member m JOIN device d ON d.id = m.device_id
WHERE m.alarm_id = :alarm_id ORDER BY m.device_id LIMIT :limit;

-- name: add_members
-- Devices join the outage of their group.
INSERT INTO alarm_member (alarm_id, device_id, silent_since)
SELECT :alarm_id, k.device_id, '2000-01-01 00:00+00'::timestamptz + k.us * interval '1 microsecond'
FROM unnest(CAST(:devices AS int[]), CAST(:since AS bigint[])) AS k (device_id, us)
ON CONFLICT (alarm_id, device_id) DO UPDATE SET returned = NULL;

-- name: returned
-- A device of an open outage is heard again.
UPDATE alarm_member m SET returned = :at
FROM alarm a
WHERE a.id = m.alarm_id AND a.state = 'open' AND m.device_id = ANY(CAST(:devices AS int[]))
  AND m.returned IS NULL
RETURNING m.alarm_id;

-- name: count_members
-- Keep the number of members and of those heard again with the alarm.
UPDATE alarm a SET members = n.members, returned = n.returned
FROM (SELECT alarm_id, count(*) AS members, count(returned) AS returned FROM alarm_member
      WHERE alarm_id = ANY(CAST(:ids AS int[])) GROUP BY alarm_id) n
WHERE a.id = n.alarm_id
RETURNING a.id, a.rule_id, a.subject, a.members, a.returned;

-- name: left_behind
-- Members of an outage that were not heard again.
SELECT device_id FROM alarm_member WHERE alarm_id = :alarm_id AND returned IS NULL;

-- name: open_groups
-- Open outages of groups.
SELECT id, rule_id, subject FROM alarm WHERE state = 'open' AND kind = 'no_data' AND members > 0;

-- name: absorb
-- The alarms that devices had of their own become part of the outage of their group.
WITH own AS (
    UPDATE alarm SET state = 'cleared', cleared = GREATEST(:at, opened)
    WHERE rule_id = :rule_id AND state = 'open' AND subject = ANY(CAST(:subjects AS text[]))
    RETURNING id
)
INSERT INTO alarm_event (alarm_id, at, noticed, what, detail)
SELECT id, :at, :at, 'absorbed', jsonb_build_object('alarm', CAST(:alarm_id AS int)) FROM own;

-- name: acknowledge
-- Somebody looks after an alarm; the first one counts.
UPDATE alarm SET acknowledged_by = :by, acknowledged_at = :at, note = :note
WHERE id = :id AND acknowledged_at IS NULL RETURNING *;

-- name: to_escalate
-- Open alarms that nobody has acknowledged in time; each once.
UPDATE alarm SET escalated = :now
WHERE id IN (SELECT id FROM alarm
             WHERE state = 'open' AND escalate_at <= :now AND escalated IS NULL
               AND acknowledged_at IS NULL
             ORDER BY escalate_at LIMIT 200)
RETURNING id, region_code;

-- name: within
-- Alarms of a rule at a subject that overlap a span.
SELECT since, cleared, peak FROM alarm
WHERE rule_id = :rule_id AND subject = :subject AND since <= :until
  AND (cleared IS NULL OR cleared >= :since);

-- name: annotation_near
-- An annotation that touches a span, so that a backlog in pieces is one.
SELECT id, since, until, peak FROM alarm_annotation
WHERE rule_id = :rule_id AND subject = :subject AND since <= :until AND until >= :since
ORDER BY since LIMIT 1;

-- name: annotate
-- Late data show an excursion.
INSERT INTO alarm_annotation (rule_id, subject, device_id, region_code, since, until, peak, noted)
VALUES (:rule_id, :subject, :device_id, :region_code, :since, :until, :peak, :noted);

-- name: widen
-- More late data show more of the same excursion.
UPDATE alarm_annotation SET since = :since, until = :until, peak = :peak, noted = :noted
WHERE id = :id;

-- name: annotations
-- What late data show about a rule at a subject around a span.
SELECT id, since, until, peak, noted FROM alarm_annotation
WHERE rule_id = :rule_id AND subject = :subject AND since <= :until AND until >= :since
ORDER BY since LIMIT 100;

-- name: open_counts
-- Open alarms of a region by severity.
SELECT severity, count(*) AS n FROM alarm
WHERE state = 'open' AND region_code LIKE :prefix || '%' GROUP BY severity;
