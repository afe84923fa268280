-- name: policies
-- How long each kind is kept; NULL for ever.
SELECT kind, days FROM retention ORDER BY kind;

-- name: keep
-- Say how long a kind is kept.
UPDATE retention SET days = :days WHERE kind = :kind;

-- name: count_reading
-- Readings before an instant, with the first and last of them.
SELECT count(*) AS n, min(time) AS first, max(time) AS last FROM reading WHERE time < :before;

-- name: count_revision
-- Replaced values before an instant.
SELECT count(*) AS n, min(time) AS first, max(time) AS last FROM reading_revision WHERE time < :before;

-- name: count_quarantine
-- Readings in quarantine received before an instant.
SELECT COALESCE(sum(n), 0)::bigint AS n, min(received) AS first, max(received) AS last
FROM quarantine WHERE received < :before;

-- name: count_uplink
-- LoRaWAN frames received before an instant.
SELECT count(*) AS n, min(received) AS first, max(received) AS last FROM uplink WHERE received < :before;

-- name: count_unclaimed
-- Unclaimed values received before an instant.
SELECT count(*) AS n, min(received) AS first, max(received) AS last
FROM unclaimed WHERE received < :before;

-- name: drop_revision
-- Remove replaced values before an instant.
DELETE FROM reading_revision WHERE time < :before;

-- name: drop_quarantine
-- Remove what was quarantined before an instant.
DELETE FROM quarantine WHERE received < :before;

-- name: drop_uplink
-- Remove LoRaWAN frames received before an instant.
DELETE FROM uplink WHERE received < :before;

-- name: drop_unclaimed
-- Remove unclaimed values received before an instant.
DELETE FROM unclaimed WHERE received < :before;

-- name: weeks
-- Week partitions of the readings that end at or before an instant (plain PostgreSQL).
SELECT c.relname AS name
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'reading'::regclass
  AND to_date(right(c.relname, 8), 'YYYYMMDD') + 7 <= CAST(:before AS timestamptz)
ORDER BY 1;

-- name: hold
-- Let nobody write readings until the transaction ends; reading goes on.
LOCK TABLE reading IN SHARE ROW EXCLUSIVE MODE;

-- name: expire
-- Enter the readings before an instant, which are about to go, in the account.
INSERT INTO expired AS e (datastream_id, n)
SELECT datastream_id, count(*) FROM reading WHERE time < :before GROUP BY 1
ON CONFLICT (datastream_id) DO UPDATE SET n = e.n + excluded.n;

-- name: expire_revisions
-- Enter the replaced values before an instant, which are about to go, in the account.
INSERT INTO expired AS e (datastream_id, n)
SELECT datastream_id, count(*) FROM reading_revision WHERE time < :before GROUP BY 1
ON CONFLICT (datastream_id) DO UPDATE SET n = e.n + excluded.n;

-- name: expire_quarantine
-- Take what is about to leave the quarantine off the ledger.
UPDATE ledger l SET received = l.received - q.n, quarantined = l.quarantined - q.n
FROM (SELECT device_key, (received AT TIME ZONE 'Asia/Shanghai')::date AS day, sum(n) AS n
      FROM quarantine WHERE received < :before GROUP BY 1, 2) AS q
WHERE l.device_key = q.device_key AND l.day = q.day;

-- name: drop_week
-- Remove one week of readings (plain PostgreSQL); the rollups stay.
SELECT drop_week(CAST(:name AS text));

-- name: drop_chunks
-- Remove whole weeks of readings before an instant (TimescaleDB); the rollups stay.
SELECT drop_chunks('reading', older_than => CAST(:before AS timestamptz));

-- name: dropped
-- Remember up to when readings were removed: hours before it keep their aggregates.
INSERT INTO platform (key, value) VALUES ('dropped_before', CAST(:before AS text))
ON CONFLICT (key) DO UPDATE SET value = GREATEST(platform.value, excluded.value);

-- name: export
-- Readings before an instant, whole, by datastream, time and sequence.
SELECT r.datastream_id, r.seq, r.time, r.value, r.raw, r.received, r.quality, u.code AS unit
FROM reading r JOIN wire_unit u ON u.id = r.unit WHERE r.time < :before
ORDER BY r.datastream_id, r.time, r.seq;
