-- Ingestors at work; one that is not heard of until the time given is taken for dead.
CREATE TABLE ingestor (name text PRIMARY KEY, until timestamptz NOT NULL);

-- A share of the topics and the session at the broker that collects it. filters: what it shall
-- hold. held: what the broker's session holds, which is more for a moment when shares change.
-- owner: the ingestor that reads the session, until the time given or it says again.
CREATE TABLE partition (
    number int PRIMARY KEY,
    filters text[] NOT NULL,
    held text[] NOT NULL DEFAULT '{}',
    owner text,
    until timestamptz
);
