-- Plain PostgreSQL: the readings move into partitions of the new layout.
ALTER TABLE reading RENAME TO reading_0001;
ALTER TABLE reading_0001 RENAME CONSTRAINT reading_pkey TO reading_0001_pkey;
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT inhrelid::regclass::text FROM pg_inherits
                WHERE inhparent = 'reading_0001'::regclass LOOP
        EXECUTE format('ALTER TABLE %I RENAME TO %I', name, 'old_' || name);
        EXECUTE format('ALTER INDEX IF EXISTS %I RENAME TO %I', name || '_pkey', 'old_' || name || '_pkey');
    END LOOP;
END $$;

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
) PARTITION BY RANGE (time);

SELECT ensure_partitions(COALESCE(array_agg(DISTINCT week), '{}'))
FROM (SELECT floor(extract(epoch FROM time - '2000-01-03 00:00+00'::timestamptz) / 604800)::int AS week
      FROM reading_0001) AS weeks;
-- the arrival of the old readings is not known: their own time stands for it
INSERT INTO reading (datastream_id, seq, time, value, raw, received, quality, unit)
SELECT datastream_id, 0, time, value, value, time, quality, (SELECT id FROM wire_unit WHERE code = '')
FROM reading_0001;
DROP TABLE reading_0001;

ALTER TABLE reading_hourly ADD COLUMN last float8;
ALTER TABLE reading_daily ADD COLUMN last float8;
-- every hour is computed again, with its last value
INSERT INTO rollup_dirty (hour) SELECT DISTINCT bucket FROM reading_hourly;

CREATE FUNCTION drop_week(week text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF week !~ '^reading_[0-9]{8}$' THEN
        RAISE EXCEPTION '% is not a week of readings', week;
    END IF;
    EXECUTE format('DROP TABLE %I', week);
END $$;
