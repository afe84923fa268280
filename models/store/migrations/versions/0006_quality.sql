-- What the review of quality has to look at: for each batch one row, as arrays of equal length.
-- since, until: microseconds since 2000. Append-only: who cannot see a batch cannot take its row.
CREATE TABLE review_dirty (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    datastreams int[] NOT NULL,
    since bigint[] NOT NULL,
    until bigint[] NOT NULL,
    n int[] NOT NULL
);
-- The same for the comparison with other stations, after the series itself was reviewed.
CREATE TABLE neighbour_dirty (LIKE review_dirty INCLUDING ALL);

-- The n-th reading before (or after, n negative) an instant that is fit to be a neighbour:
-- without RANGE, SENTINEL and SATURATED (545). The furthest one when there are fewer.
CREATE FUNCTION review_nth(stream int, at timestamptz, n int) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE found timestamptz;
BEGIN
    IF n > 0 THEN
        SELECT min(r.time) INTO found FROM (
            SELECT time FROM reading
            WHERE datastream_id = stream AND time < at AND quality & 545 = 0
            ORDER BY time DESC LIMIT n) AS r;
    ELSE
        SELECT max(r.time) INTO found FROM (
            SELECT time FROM reading
            WHERE datastream_id = stream AND time > at AND quality & 545 = 0
            ORDER BY time LIMIT -n) AS r;
    END IF;
    RETURN coalesce(found, at);
END $$;

-- The last reading before, or the first after, the run of equal values that an instant lies in;
-- looks no further than the bound.
CREATE FUNCTION review_run(stream int, at timestamptz, back boolean, bound interval)
RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE found timestamptz; held float8;
BEGIN
    IF back THEN
        SELECT value INTO held FROM reading
        WHERE datastream_id = stream AND time >= at AND quality & 545 = 0 ORDER BY time LIMIT 1;
        SELECT time INTO found FROM reading
        WHERE datastream_id = stream AND time < at AND time >= at - bound
          AND quality & 545 = 0 AND value <> held
        ORDER BY time DESC LIMIT 1;
        RETURN coalesce(found, at - bound);
    END IF;
    SELECT value INTO held FROM reading
    WHERE datastream_id = stream AND time <= at AND quality & 545 = 0 ORDER BY time DESC LIMIT 1;
    SELECT time INTO found FROM reading
    WHERE datastream_id = stream AND time > at AND time <= at + bound
      AND quality & 545 = 0 AND value <> held
    ORDER BY time LIMIT 1;
    RETURN coalesce(found, at + bound);
END $$;

-- Which readings a change between two instants may have reflagged, and which ones decide that:
-- `context` fit readings on either side, whole runs of equal values.
CREATE FUNCTION review_extent(
    stream int, since timestamptz, until timestamptz, context int, bound interval,
    OUT judged_from timestamptz, OUT judged_to timestamptz,
    OUT read_from timestamptz, OUT read_to timestamptz)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    judged_from := review_run(stream, review_nth(stream, since, context), true, bound);
    judged_to := review_run(stream, review_nth(stream, until, -context), false, bound);
    read_from := review_run(stream, review_nth(stream, judged_from, context), true, bound);
    read_from := review_nth(stream, read_from, context);
    read_to := review_run(stream, review_nth(stream, judged_to, -context), false, bound);
    read_to := review_nth(stream, read_to, -context);
END $$;

-- what is stored already has not been reviewed either
INSERT INTO review_dirty (datastreams, since, until, n)
SELECT array_agg(datastream_id), array_agg(since), array_agg(until), array_agg(n)
FROM (SELECT datastream_id, date_trunc('day', time, 'UTC') AS day, count(*)::int AS n,
             (extract(epoch FROM min(time) - '2000-01-01 00:00+00') * 1000000)::bigint AS since,
             (extract(epoch FROM max(time) - '2000-01-01 00:00+00') * 1000000)::bigint AS until
      FROM reading GROUP BY 1, 2) AS k
GROUP BY day ORDER BY day;
