-- Plain PostgreSQL: week partitions made on demand, rollup tables refreshed from the queue.
CREATE TABLE reading (
    datastream_id int NOT NULL,
    time timestamptz NOT NULL,
    value float8 NOT NULL,
    quality smallint NOT NULL,
    PRIMARY KEY (datastream_id, time)
) PARTITION BY RANGE (time);

CREATE FUNCTION bucket(width interval, at timestamptz) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT date_bin(width, at, '2000-01-01 00:00+08'::timestamptz) $$;

-- Week k starts at 2000-01-03 00:00 UTC + 7 k days.
CREATE FUNCTION ensure_partitions(weeks int[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    week int;
    since timestamptz;
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(7001);
    FOREACH week IN ARRAY weeks LOOP
        since := '2000-01-03 00:00+00'::timestamptz + week * interval '7 days';
        name := 'reading_' || to_char(since AT TIME ZONE 'UTC', 'YYYYMMDD');
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF reading FOR VALUES FROM (%L) TO (%L)',
                           name, since, since + interval '7 days');
        END IF;
    END LOOP;
END $$;

-- s is numeric so that a sum does not depend on the order of its rows; n, s, mn, mx, never
-- an average, so that days add up from hours.
CREATE TABLE reading_hourly (
    bucket timestamptz NOT NULL,
    datastream_id int NOT NULL,
    n bigint NOT NULL,
    n_good bigint NOT NULL,
    s numeric,
    mn float8,
    mx float8,
    PRIMARY KEY (datastream_id, bucket)
);
CREATE INDEX reading_hourly_bucket ON reading_hourly (bucket);
CREATE TABLE reading_daily (LIKE reading_hourly INCLUDING ALL);
