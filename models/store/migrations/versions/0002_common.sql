-- What both engines share.

-- Units as devices send them; '' is the canonical unit of the quantity. Rows name them by number.
CREATE TABLE wire_unit (
    id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL UNIQUE
);
INSERT INTO wire_unit (code) VALUES ('');

-- A value that another one at the same key has replaced; with `reading` everything ever stored.
CREATE TABLE reading_revision (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    datastream_id int NOT NULL,
    seq int NOT NULL,
    time timestamptz NOT NULL,
    value float8 NOT NULL,
    raw float8 NOT NULL,
    received timestamptz NOT NULL,
    quality smallint NOT NULL,
    unit smallint NOT NULL,
    superseded timestamptz NOT NULL DEFAULT now(),
    source text NOT NULL
);
CREATE INDEX reading_revision_key ON reading_revision (datastream_id, time, seq);

ALTER TABLE reading_latest ADD COLUMN seq int NOT NULL DEFAULT 0;

-- Frames of LoRaWAN devices: a second copy of a frame is known by its counter, whatever its time.
CREATE TABLE uplink (
    device_id int NOT NULL REFERENCES device ON DELETE CASCADE,
    session text NOT NULL,
    counter bigint NOT NULL,
    time timestamptz NOT NULL,
    received timestamptz NOT NULL,
    PRIMARY KEY (device_id, session, counter)
);
CREATE INDEX uplink_received ON uplink (received);

-- What is known of a device itself, by its messages; operational, a few seconds may be lost.
CREATE TABLE presence (
    device_id int PRIMARY KEY REFERENCES device ON DELETE CASCADE,
    seen timestamptz NOT NULL,
    skew_s float8,
    lag_s float8,
    battery_pct float8,
    battery_v float8,
    rssi_dbm float8,
    snr_db float8,
    gateway text,
    online boolean,
    updated timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX presence_seen ON presence (seen);

-- Values under keys without a datastream: kept, and stored once the key has one.
CREATE TABLE unclaimed (
    device_id int NOT NULL REFERENCES device ON DELETE CASCADE,
    channel text NOT NULL,
    time timestamptz NOT NULL,
    value text NOT NULL,
    received timestamptz NOT NULL,
    PRIMARY KEY (device_id, channel, time)
);
CREATE INDEX unclaimed_received ON unclaimed (received);

-- What messages say once for the later ones (birth certificates).
CREATE TABLE announcement (
    key text PRIMARY KEY,
    document jsonb NOT NULL,
    updated timestamptz NOT NULL DEFAULT now()
);

-- The usual interval between readings, learnt; NULL after too few of them.
CREATE TABLE cadence (
    datastream_id int PRIMARY KEY REFERENCES datastream ON DELETE CASCADE,
    seconds float8 CHECK (seconds > 0),
    learnt timestamptz NOT NULL DEFAULT now()
);

-- Calibrations by valid-time: value = canonical(raw) * gain + bias over [since, until).
CREATE TABLE calibration (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    datastream_id int NOT NULL REFERENCES datastream ON DELETE CASCADE,
    since timestamptz NOT NULL,
    until timestamptz CHECK (until > since),
    gain float8 NOT NULL,
    bias float8 NOT NULL,
    note text NOT NULL DEFAULT '',
    source text NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    applied timestamptz
);
CREATE INDEX calibration_stream ON calibration (datastream_id, since);
-- grows with every calibration, so that a batch converted with an older one is converted again
INSERT INTO platform (key, value) VALUES ('calibration', '1');
ALTER TABLE device ADD COLUMN time_zone text NOT NULL DEFAULT 'Asia/Shanghai';

-- How long what is kept; NULL for ever. The horizon is a number of days.
CREATE TABLE retention (
    kind text PRIMARY KEY,
    days int CHECK (days > 0)
);
INSERT INTO retention (kind, days) VALUES
    ('reading', NULL), ('revision', NULL), ('quarantine', NULL),
    ('uplink', 1100), ('unclaimed', 400);
-- Readings that retention has removed, so that the account still holds: stored = kept + expired.
CREATE TABLE expired (
    datastream_id int PRIMARY KEY,
    n bigint NOT NULL
);
