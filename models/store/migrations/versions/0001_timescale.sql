-- TimescaleDB: hypertable, continuous aggregates, columnstore after the late-data horizon.
CREATE TABLE reading (
    datastream_id int NOT NULL,
    time timestamptz NOT NULL,
    value float8 NOT NULL,
    quality smallint NOT NULL,
    PRIMARY KEY (datastream_id, time)
);
SELECT create_hypertable('reading', by_range('time', interval '7 days'), create_default_indexes => false);
ALTER TABLE reading SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'datastream_id',
                         timescaledb.orderby = 'time');
-- late rows into the columnstore are slow: keep three months in rows
CALL add_columnstore_policy('reading', after => interval '90 days');

CREATE FUNCTION bucket(width interval, at timestamptz) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT time_bucket(width, at, origin => '2000-01-01 00:00+08'::timestamptz) $$;

CREATE FUNCTION ensure_partitions(weeks int[]) RETURNS void LANGUAGE sql AS $$ $$;

CREATE MATERIALIZED VIEW reading_hourly
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket(interval '1 hour', time, origin => '2000-01-01 00:00+08'::timestamptz) AS bucket,
       datastream_id,
       count(*) AS n,
       count(*) FILTER (WHERE quality & 63 = 0) AS n_good,
       sum(value::numeric) FILTER (WHERE quality & 63 = 0) AS s,
       min(value) FILTER (WHERE quality & 63 = 0) AS mn,
       max(value) FILTER (WHERE quality & 63 = 0) AS mx
FROM reading GROUP BY 1, 2
WITH NO DATA;

CREATE MATERIALIZED VIEW reading_daily
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket(interval '1 day', time, origin => '2000-01-01 00:00+08'::timestamptz) AS bucket,
       datastream_id,
       count(*) AS n,
       count(*) FILTER (WHERE quality & 63 = 0) AS n_good,
       sum(value::numeric) FILTER (WHERE quality & 63 = 0) AS s,
       min(value) FILTER (WHERE quality & 63 = 0) AS mn,
       max(value) FILTER (WHERE quality & 63 = 0) AS mx
FROM reading GROUP BY 1, 2
WITH NO DATA;
