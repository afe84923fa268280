-- What both engines share. Times are timestamptz (UTC inside); a day is an Asia/Shanghai day.
CREATE TABLE platform (key text PRIMARY KEY, value text NOT NULL);
CREATE TABLE heartbeat (part text PRIMARY KEY, at timestamptz NOT NULL, detail jsonb NOT NULL);

CREATE TABLE region (
    code text PRIMARY KEY,
    name text NOT NULL,
    level text NOT NULL CHECK (level IN ('province', 'prefecture', 'county')),
    parent text,
    area_km2 float8 NOT NULL,
    label_lon float8 NOT NULL,
    label_lat float8 NOT NULL,
    geometry bytea NOT NULL,
    extent box NOT NULL
);
CREATE INDEX region_extent ON region USING gist (extent);
CREATE TABLE region_alias (retired text PRIMARY KEY, code text NOT NULL REFERENCES region);

CREATE TABLE person (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login text NOT NULL UNIQUE,
    password_hash text NOT NULL,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    role text NOT NULL CHECK (role IN ('viewer', 'agronomist', 'officer', 'operator')),
    region_code text NOT NULL REFERENCES region,
    active boolean NOT NULL DEFAULT true
);
CREATE TABLE token (
    digest bytea PRIMARY KEY,
    person_id int NOT NULL REFERENCES person,
    created timestamptz NOT NULL DEFAULT now(),
    expires timestamptz NOT NULL
);
CREATE INDEX token_expires ON token (expires);

CREATE TABLE farm (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('field', 'pasture', 'fishery', 'workshop')),
    region_code text NOT NULL REFERENCES region,
    lon float8 NOT NULL,
    lat float8 NOT NULL,
    provenance text NOT NULL CHECK (provenance IN ('real', 'relocated', 'synthetic')),
    note_zh text NOT NULL DEFAULT '',
    note_en text NOT NULL DEFAULT ''
);
CREATE INDEX farm_region ON farm (region_code text_pattern_ops);

CREATE TABLE field (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE,
    farm_id int NOT NULL REFERENCES farm,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    region_code text NOT NULL REFERENCES region,
    geometry bytea NOT NULL,
    extent box NOT NULL,
    area_ha float8 NOT NULL CHECK (area_ha > 0),
    crop text,
    soil text,
    provenance text NOT NULL CHECK (provenance IN ('real', 'relocated', 'synthetic'))
);
CREATE INDEX field_farm ON field (farm_id);
CREATE INDEX field_region ON field (region_code text_pattern_ops);
CREATE INDEX field_extent ON field USING gist (extent);

CREATE TABLE device (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE,
    farm_id int NOT NULL REFERENCES farm,
    field_id int REFERENCES field,
    region_code text NOT NULL REFERENCES region,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    lon float8 NOT NULL,
    lat float8 NOT NULL,
    provenance text NOT NULL CHECK (provenance IN ('real', 'relocated', 'synthetic')),
    secret_hash text,
    registered timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX device_farm ON device (farm_id);
CREATE INDEX device_field ON device (field_id);
CREATE INDEX device_region ON device (region_code text_pattern_ops);

CREATE TABLE installation (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id int NOT NULL REFERENCES device,
    lon float8 NOT NULL,
    lat float8 NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz CHECK (until > since),
    note text NOT NULL DEFAULT ''
);
CREATE INDEX installation_device ON installation (device_id, since);

-- A device's datastream, or (device_id NULL) a zonal product of a field.
CREATE TABLE datastream (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id int REFERENCES device,
    field_id int REFERENCES field,
    channel text NOT NULL,
    quantity text NOT NULL,
    unit text NOT NULL,
    depth_cm float8,
    CHECK ((device_id IS NULL) <> (field_id IS NULL)),
    UNIQUE (device_id, channel),
    UNIQUE (field_id, channel)
);
-- grows with every change of devices or datastreams, so that ingestors know to look again; a
-- row and not a sequence, for the new number must not be seen before the change itself
INSERT INTO platform (key, value) VALUES ('catalogue', '1');

-- quality: bits of models.reading.Quality
CREATE TABLE reading_latest (
    datastream_id int PRIMARY KEY,
    time timestamptz NOT NULL,
    value float8 NOT NULL,
    quality smallint NOT NULL,
    updated timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
CREATE INDEX reading_latest_updated ON reading_latest (updated);

-- Hours whose rollup must be computed again. Append-only: a row commits with the readings
-- that caused it, so a refresh that cannot see the readings cannot take the row either.
CREATE TABLE rollup_dirty (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, hour timestamptz NOT NULL);

CREATE TABLE quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received timestamptz NOT NULL,
    device_key text NOT NULL,
    topic text NOT NULL,
    payload bytea NOT NULL,
    items int[],
    n int NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL
);
CREATE INDEX quarantine_device ON quarantine (device_key, id);

CREATE TABLE ledger (
    device_key text NOT NULL,
    day date NOT NULL,
    received bigint NOT NULL DEFAULT 0,
    stored bigint NOT NULL DEFAULT 0,
    duplicate bigint NOT NULL DEFAULT 0,
    quarantined bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (device_key, day)
);
CREATE INDEX ledger_day ON ledger (day);

CREATE TABLE scene (
    id text PRIMARY KEY,
    collection text NOT NULL,
    time timestamptz NOT NULL,
    extent box NOT NULL,
    epsg int NOT NULL,
    valid_share float8 NOT NULL,
    provenance text NOT NULL CHECK (provenance IN ('real', 'relocated', 'synthetic')),
    lineage text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    created timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX scene_time ON scene (time, id);
CREATE INDEX scene_extent ON scene USING gist (extent);

CREATE TABLE layer (
    id text PRIMARY KEY,
    scene_id text NOT NULL REFERENCES scene,
    product text NOT NULL,
    time timestamptz NOT NULL,
    extent box NOT NULL,
    data_path text NOT NULL,
    display_path text NOT NULL,
    bands_path text,
    scale float8 NOT NULL,
    "offset" float8 NOT NULL,
    low float8 NOT NULL,
    high float8 NOT NULL,
    palette text NOT NULL,
    min_zoom int NOT NULL,
    max_zoom int NOT NULL,
    provenance text NOT NULL CHECK (provenance IN ('real', 'relocated', 'synthetic')),
    title_zh text NOT NULL,
    title_en text NOT NULL
);
CREATE INDEX layer_scene ON layer (scene_id);

CREATE TABLE zonal (
    field_id int NOT NULL REFERENCES field,
    scene_id text NOT NULL REFERENCES scene,
    product text NOT NULL,
    time timestamptz NOT NULL,
    mean float8,
    n_valid int NOT NULL,
    n_total int NOT NULL,
    valid_share float8 NOT NULL,
    cloud_share float8,
    PRIMARY KEY (field_id, product, scene_id)
);

CREATE TABLE weather_station (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    lon float8 NOT NULL,
    lat float8 NOT NULL,
    elevation_m float8,
    region_code text REFERENCES region,
    provenance text NOT NULL CHECK (provenance IN ('real', 'relocated', 'synthetic')),
    attribution text NOT NULL,
    -- another one after every change of its days, so that a summary of the record can be kept
    version uuid NOT NULL DEFAULT gen_random_uuid()
);
CREATE TABLE weather_day (
    station_id int NOT NULL REFERENCES weather_station,
    day date NOT NULL,
    tmin float8,
    tmax float8,
    tmean float8,
    rain float8,
    PRIMARY KEY (station_id, day)
);

-- evidence is canonical JSON kept as text: a replay must see the very bytes that were hashed
CREATE TABLE recommendation (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    crop text NOT NULL,
    field_id int NOT NULL REFERENCES field,
    region_code text NOT NULL,
    as_of date NOT NULL,
    issued timestamptz NOT NULL,
    method text NOT NULL,
    method_version text NOT NULL,
    input_hash text NOT NULL,
    status text NOT NULL CHECK (status IN ('ok', 'degraded', 'refused')),
    advice text NOT NULL,
    evidence text NOT NULL,
    decision text CHECK (decision IN ('confirmed', 'overridden')),
    decided_by text,
    decided_at timestamptz,
    decision_note text,
    UNIQUE (field_id, kind, crop, as_of, method_version, input_hash)
);
CREATE INDEX recommendation_region ON recommendation (region_code text_pattern_ops, id);

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recommendation_id int NOT NULL UNIQUE REFERENCES recommendation,
    region_code text NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'given_up')),
    attempts int NOT NULL DEFAULT 0,
    next_attempt timestamptz NOT NULL DEFAULT now(),
    last_error text
);
CREATE INDEX outbox_region ON outbox (region_code text_pattern_ops, id);
CREATE INDEX outbox_pending ON outbox (next_attempt) WHERE state = 'pending';
CREATE TABLE receipt (
    outbox_id bigint NOT NULL REFERENCES outbox,
    person_id int NOT NULL REFERENCES person,
    read_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (outbox_id, person_id)
);
