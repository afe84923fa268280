-- name: save
-- Keep a recommendation; nothing when the same evidence was judged by the same method before.
INSERT INTO recommendation (kind, crop, field_id, region_code, as_of, issued, method, method_version,
                            input_hash, status, advice, evidence)
VALUES (:kind, :crop, :field_id, :region_code, :as_of, :issued, :method, :method_version,
        :input_hash, :status, :advice, :evidence)
ON CONFLICT (field_id, kind, crop, as_of, method_version, input_hash) DO NOTHING RETURNING *;

-- name: same
-- The recommendation that was given on the same evidence.
SELECT * FROM recommendation
WHERE field_id = :field_id AND kind = :kind AND crop = :crop AND as_of = :as_of
  AND method_version = :method_version AND input_hash = :input_hash;

-- name: recommendation
-- One recommendation.
SELECT * FROM recommendation WHERE id = :id;

-- name: recommendations
-- Recommendations of a region or field, newest first.
SELECT * FROM recommendation
WHERE region_code LIKE :prefix || '%'
  AND (CAST(:field_id AS int) IS NULL OR field_id = :field_id)
  AND (CAST(:status AS text) IS NULL OR status = :status)
  AND (CAST(:before AS int) IS NULL OR id < :before)
ORDER BY id DESC LIMIT :limit;

-- name: decide
-- An officer confirms or overrides; the last word counts.
UPDATE recommendation
SET decision = :decision, decided_by = :decided_by, decided_at = :decided_at, decision_note = :note
WHERE id = :id RETURNING *;

-- name: post
-- Address a recommendation to the officers of a region; once.
INSERT INTO outbox (recommendation_id, region_code) VALUES (:recommendation_id, :region_code)
ON CONFLICT (recommendation_id) DO NOTHING;

-- name: post_alarm
-- Address what happened to an alarm to the officers of a region; once for each occasion.
INSERT INTO outbox (alarm_id, occasion, region_code) VALUES (:alarm_id, :occasion, :region_code)
ON CONFLICT (alarm_id, occasion) DO NOTHING;

-- name: inbox
-- What is addressed to the officers of a region, newest first, with this person's receipt.
SELECT o.id, o.recommendation_id, o.alarm_id, o.occasion, o.region_code, o.created, o.state, r.read_at
FROM outbox o LEFT JOIN receipt r ON r.outbox_id = o.id AND r.person_id = :person_id
WHERE o.region_code LIKE :prefix || '%'
  AND (CAST(:before AS bigint) IS NULL OR o.id < :before)
  AND (NOT CAST(:unread_only AS boolean) OR r.read_at IS NULL)
ORDER BY o.id DESC LIMIT :limit;

-- name: letter
-- One outbox entry, with this person's receipt.
SELECT o.id, o.recommendation_id, o.alarm_id, o.occasion, o.region_code, o.created, o.state, r.read_at
FROM outbox o LEFT JOIN receipt r ON r.outbox_id = o.id AND r.person_id = :person_id
WHERE o.id = :id;

-- name: read
-- A person has read an entry; the first time counts.
INSERT INTO receipt (outbox_id, person_id) VALUES (:id, :person_id) ON CONFLICT DO NOTHING;

-- name: due
-- Entries whose next delivery attempt is due; locked so that two workers share them.
SELECT id, recommendation_id, alarm_id, occasion, region_code, attempts FROM outbox
WHERE state = 'pending' AND next_attempt <= :now
ORDER BY next_attempt, id LIMIT :limit FOR UPDATE SKIP LOCKED;

-- name: delivered
-- A channel has taken the entry.
UPDATE outbox SET state = 'delivered', attempts = attempts + 1, last_error = NULL WHERE id = :id;

-- name: failed
-- A delivery attempt failed; try again later, or give up when no time is given.
UPDATE outbox SET attempts = attempts + 1, last_error = :why,
       state = CASE WHEN CAST(:next_attempt AS timestamptz) IS NULL THEN 'given_up' ELSE 'pending' END,
       next_attempt = COALESCE(:next_attempt, next_attempt)
WHERE id = :id;
