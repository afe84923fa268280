-- TimescaleDB: the readings move into a hypertable of the new layout; the aggregates begin anew.
DROP MATERIALIZED VIEW reading_daily;
DROP MATERIALIZED VIEW reading_hourly;
CREATE TABLE reading_0001 AS SELECT * FROM reading;
DROP TABLE reading;

CREATE TABLE reading (
    datastream_id int NOT NULL,
    seq int NOT NULL,
    time timestamptz NOT NULL,
    value float8 NOT NULL,
    raw float8 NOT NULL,
    received timestamptz NOT NULL,
    quality smallint NOT NULL,
    unit smallint NOT NULL,
    PRIMARY KEY (datastream_id, time, seq)
);
SELECT create_hypertable('reading', by_range('time', interval '7 days'), create_default_indexes => false);
ALTER TABLE reading SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'datastream_id',
                         timescaledb.orderby = 'time, seq');
-- late rows into the columnstore are slow: keep three months in rows
CALL add_columnstore_policy('reading', after => interval '90 days');

-- the arrival of the old readings is not known: their own time stands for it
INSERT INTO reading (datastream_id, seq, time, value, raw, received, quality, unit)
SELECT datastream_id, 0, time, value, value, time, quality, (SELECT id FROM wire_unit WHERE code = '')
FROM reading_0001;
DROP TABLE reading_0001;

-- Order of two readings of one datastream. An epoch does not depend on the time zone, which is
-- why this may be called immutable although extract() is not.
CREATE FUNCTION reading_order(at timestamptz, seq int) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT (extract(epoch FROM at) * 1000000) * 4294967296 + seq $$;

CREATE MATERIALIZED VIEW reading_hourly
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket(interval '1 hour', time, origin => '2000-01-01 00:00+08'::timestamptz) AS bucket,
       datastream_id,
       count(*) AS n,
       count(*) FILTER (WHERE quality & 575 = 0) AS n_good,
       sum(value::numeric) FILTER (WHERE quality & 575 = 0) AS s,
       min(value) FILTER (WHERE quality & 575 = 0) AS mn,
       max(value) FILTER (WHERE quality & 575 = 0) AS mx,
       last(value, reading_order(time, seq)) FILTER (WHERE quality & 575 = 0) AS last
FROM reading GROUP BY 1, 2
WITH NO DATA;

CREATE MATERIALIZED VIEW reading_daily
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket(interval '1 day', time, origin => '2000-01-01 00:00+08'::timestamptz) AS bucket,
       datastream_id,
       count(*) AS n,
       count(*) FILTER (WHERE quality & 575 = 0) AS n_good,
       sum(value::numeric) FILTER (WHERE quality & 575 = 0) AS s,
       min(value) FILTER (WHERE quality & 575 = 0) AS mn,
       max(value) FILTER (WHERE quality & 575 = 0) AS mx,
       last(value, reading_order(time, seq)) FILTER (WHERE quality & 575 = 0) AS last
FROM reading GROUP BY 1, 2
WITH NO DATA;
-- every hour is materialised again: below the watermark only what is materialised is seen
INSERT INTO rollup_dirty (hour) SELECT DISTINCT bucket(interval '1 hour', time) FROM reading;

CREATE FUNCTION drop_week(week text) RETURNS void LANGUAGE sql AS $$ $$;
