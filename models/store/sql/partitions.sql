-- name: counties
-- Every code a topic may carry: divisions of today, and retired codes that devices still use.
SELECT code FROM region UNION SELECT retired FROM region_alias ORDER BY 1;

-- name: alone
-- One ingestor at a time looks at the shares and changes them.
LOCK TABLE partition IN SHARE ROW EXCLUSIVE MODE;

-- name: plan
-- Say which filters each partition shall hold.
INSERT INTO partition AS p (number, filters, held) VALUES (:number, :filters, :held)
ON CONFLICT (number) DO UPDATE SET filters = excluded.filters
WHERE p.filters IS DISTINCT FROM excluded.filters;

-- name: retire
-- Partitions beyond a number shall hold nothing more: their sessions are emptied and closed.
UPDATE partition SET filters = '{}' WHERE number >= :count AND filters <> '{}';

-- name: join_in
-- An ingestor says that it lives, by the database's clock.
INSERT INTO ingestor (name, until) VALUES (:name, clock_timestamp() + :seconds * interval '1 second')
ON CONFLICT (name) DO UPDATE SET until = excluded.until;

-- name: leave
-- An ingestor ends in good order.
DELETE FROM ingestor WHERE name = :name;

-- name: bury
-- Forget ingestors that have not been heard of for a while, and their last words.
WITH dead AS (
    DELETE FROM ingestor WHERE until < clock_timestamp() - :seconds * interval '1 second'
    RETURNING name)
DELETE FROM heartbeat USING dead WHERE heartbeat.part = :prefix || dead.name;

-- name: silence
-- Take back the sign of life of a part that ended in good order.
DELETE FROM heartbeat WHERE part = :part;

-- name: living
-- Number of ingestors at work.
SELECT count(*) AS n FROM ingestor WHERE until > clock_timestamp();

-- name: renew
-- Keep what one owns, even when the time has run out and nobody took it.
UPDATE partition SET until = clock_timestamp() + :seconds * interval '1 second' WHERE owner = :name;

-- name: partitions
-- Every partition, and whether its owner has been heard of in time.
SELECT number, filters, held, owner, COALESCE(until > clock_timestamp(), false) AS owned
FROM partition ORDER BY number;

-- name: claim
-- Take partitions over.
UPDATE partition SET owner = :name, until = clock_timestamp() + :seconds * interval '1 second'
WHERE number = ANY(CAST(:numbers AS int[]));

-- name: release
-- Give partitions back; what waits in their sessions is for the next owner.
UPDATE partition SET owner = NULL, until = NULL
WHERE owner = :name AND number = ANY(CAST(:numbers AS int[]));

-- name: hold
-- Note what the broker's session of a partition holds.
UPDATE partition SET held = :held WHERE number = :number AND owner = :name;

-- name: remove
-- A retired partition whose session is empty and closed.
DELETE FROM partition WHERE number = :number AND owner = :name AND filters = '{}';

-- name: undo
-- Do without partitions again, when only the first is left, nobody reads it and it holds all.
DELETE FROM partition
WHERE number = 0 AND (until IS NULL OR until < clock_timestamp()) AND held <@ filters
  AND NOT EXISTS (SELECT FROM partition WHERE number > 0);
