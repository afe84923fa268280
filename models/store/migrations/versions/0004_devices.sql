-- Groups of devices; a group lies in a region as everything else does.
CREATE TABLE device_group (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    region_code text NOT NULL REFERENCES region,
    created timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX device_group_region ON device_group (region_code text_pattern_ops);
CREATE TABLE device_member (
    group_id int NOT NULL REFERENCES device_group ON DELETE CASCADE,
    device_id int NOT NULL REFERENCES device ON DELETE CASCADE,
    PRIMARY KEY (group_id, device_id)
);
CREATE INDEX device_member_device ON device_member (device_id);

-- formats: payload formats whose topics of its own a device may publish. A gateway also relays
-- the topics of a group's members, or (granted by the province only) any topic filter.
ALTER TABLE device
    ADD COLUMN profile text,
    ADD COLUMN active boolean NOT NULL DEFAULT true,
    ADD COLUMN formats text[] NOT NULL DEFAULT '{heitu}',
    ADD COLUMN relays text[] NOT NULL DEFAULT '{}',
    ADD COLUMN relay_group_id int REFERENCES device_group ON DELETE SET NULL;
CREATE INDEX device_profile ON device (profile);
-- grows with every change of who may log in to the broker, and of what he may do there
INSERT INTO platform (key, value) VALUES ('accounts', '1');

-- Keys printed on labels: who holds the label may claim the device, once. Only hashes are kept.
CREATE TABLE claim (
    digest bytea PRIMARY KEY,
    device_key text NOT NULL UNIQUE,
    profile text NOT NULL,
    region_code text NOT NULL REFERENCES region,
    announced timestamptz NOT NULL DEFAULT now(),
    announced_by text NOT NULL,
    claimed timestamptz,
    claimed_by text,
    device_id int REFERENCES device ON DELETE SET NULL
);
CREATE INDEX claim_region ON claim (region_code text_pattern_ops, device_key);

-- What was done to a device, by whom: append-only.
CREATE TABLE device_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id int NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    by text NOT NULL,
    what text NOT NULL,
    detail text NOT NULL DEFAULT '{}'
);
CREATE INDEX device_event_device ON device_event (device_id, id);
CREATE FUNCTION device_event_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'device_event is append-only';
END $$;
CREATE TRIGGER device_event_stays BEFORE UPDATE OR DELETE ON device_event
    FOR EACH ROW EXECUTE FUNCTION device_event_stays();

-- Whether a device is there: by its own word (worth a day), else when it was heard within three
-- of its usual intervals, which is taken for an hour until it is learnt. Never below 2 minutes.
CREATE FUNCTION device_online(
    seen timestamptz, sign boolean, usual_s float8, present timestamptz
) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN seen IS NULL OR NOT COALESCE(sign, true) THEN false
        WHEN sign AND seen > present - interval '1 day' THEN true
        ELSE seen > present - make_interval(secs => GREATEST(3 * COALESCE(usual_s, 3600), 120))
    END
$$;

-- Installations may be entered for the past: one row for each device and beginning.
CREATE UNIQUE INDEX installation_begin ON installation (device_id, since);
