-- Alarm rules as data; the document is what models.alarm.rule_from reads.
CREATE TABLE alarm_rule (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE,
    document jsonb NOT NULL,
    enabled boolean NOT NULL DEFAULT false,
    enabled_by text,
    -- the division its scope lies in: who may change it
    region_code text NOT NULL REFERENCES region,
    version int NOT NULL DEFAULT 1,
    -- when this version was last run over stored readings
    tested timestamptz,
    updated timestamptz NOT NULL DEFAULT now(),
    updated_by text NOT NULL
);
-- grows with every change of a rule, so that the watch knows to look again
INSERT INTO platform (key, value) VALUES ('alarm_rules', '1');

-- self-contained: a list of alarms joins nothing, and a rule changed later does not change it
CREATE TABLE alarm (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_id int NOT NULL REFERENCES alarm_rule,
    rule_key text NOT NULL,
    kind text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    subject text NOT NULL,
    datastream_id int,
    device_id int,
    farm_id int,
    region_code text NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'cleared')),
    since timestamptz NOT NULL,
    opened timestamptz NOT NULL,
    noticed timestamptz NOT NULL,
    cleared timestamptz,
    value float8,
    peak float8,
    peak_at timestamptz,
    facts jsonb NOT NULL,
    members int NOT NULL DEFAULT 0,
    returned int NOT NULL DEFAULT 0,
    acknowledged_by text,
    acknowledged_at timestamptz,
    note text,
    escalate_at timestamptz,
    escalated timestamptz,
    lon float8,
    lat float8,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    provenance text NOT NULL,
    CHECK ((state = 'cleared') = (cleared IS NOT NULL))
);
-- whatever the watch does, an excursion has one open alarm
CREATE UNIQUE INDEX alarm_open ON alarm (rule_id, subject) WHERE state = 'open';
CREATE INDEX alarm_subject ON alarm (rule_id, subject, opened);
CREATE INDEX alarm_region ON alarm (region_code text_pattern_ops, id);
CREATE INDEX alarm_open_region ON alarm (region_code text_pattern_ops, id) WHERE state = 'open';
CREATE INDEX alarm_device ON alarm (device_id, id);
CREATE INDEX alarm_noticed ON alarm (noticed);
CREATE INDEX alarm_escalate ON alarm (escalate_at)
    WHERE escalate_at IS NOT NULL AND escalated IS NULL AND acknowledged_at IS NULL;

CREATE TABLE alarm_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alarm_id int NOT NULL REFERENCES alarm ON DELETE CASCADE,
    at timestamptz NOT NULL,
    noticed timestamptz NOT NULL,
    what text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX alarm_event_alarm ON alarm_event (alarm_id, id);

-- devices of a group that fell silent together
CREATE TABLE alarm_member (
    alarm_id int NOT NULL REFERENCES alarm ON DELETE CASCADE,
    device_id int NOT NULL REFERENCES device ON DELETE CASCADE,
    silent_since timestamptz NOT NULL,
    returned timestamptz,
    PRIMARY KEY (alarm_id, device_id)
);
CREATE INDEX alarm_member_device ON alarm_member (device_id);

-- excursions that only late data show: noted, never notified
CREATE TABLE alarm_annotation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_id int NOT NULL REFERENCES alarm_rule,
    subject text NOT NULL,
    device_id int,
    region_code text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    peak float8,
    noted timestamptz NOT NULL
);
CREATE INDEX alarm_annotation_subject ON alarm_annotation (rule_id, subject, since);
CREATE INDEX alarm_annotation_region ON alarm_annotation (region_code text_pattern_ops, id);

-- what the watch knows of each rule at each subject, written in the transaction of the alarms
CREATE TABLE alarm_state (
    rule_id int NOT NULL REFERENCES alarm_rule ON DELETE CASCADE,
    subject text NOT NULL,
    evaluated timestamptz NOT NULL,
    due timestamptz,
    open boolean NOT NULL DEFAULT false,
    -- JSON that only the watch reads
    state text NOT NULL,
    PRIMARY KEY (rule_id, subject)
) WITH (fillfactor = 70);
CREATE INDEX alarm_state_due ON alarm_state (due) WHERE due IS NOT NULL;
CREATE INDEX alarm_state_open ON alarm_state (rule_id) WHERE open;

-- What has arrived since the watch last looked: one row for each batch, of each datastream the
-- oldest and newest time in it, packed as models.reading.SPAN: as arrays of numbers the row cost
-- a batch of 2,000 readings 30 % more, as bytes too little to measure. A row commits with its
-- readings, so a watch that cannot see them cannot take it either.
CREATE TABLE arrival (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    spans bytea NOT NULL
);
-- compressing it costs more than the disk it takes for some seconds
ALTER TABLE arrival ALTER COLUMN spans SET STORAGE EXTERNAL;

-- The watch itself: when it last looked, and since when the intake has been up to date.
CREATE TABLE alarm_watch (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    looked timestamptz,
    -- silence is measured from here at the earliest
    resumed timestamptz NOT NULL DEFAULT now(),
    -- when the intake last came back, and whether it still works off what had gathered
    back timestamptz NOT NULL DEFAULT now(),
    settling boolean NOT NULL DEFAULT true
);
INSERT INTO alarm_watch DEFAULT VALUES;

CREATE TABLE alarm_backtest (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_id int NOT NULL REFERENCES alarm_rule ON DELETE CASCADE,
    version int NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed')),
    done int NOT NULL DEFAULT 0,
    total int NOT NULL DEFAULT 0,
    result jsonb,
    started timestamptz NOT NULL DEFAULT now(),
    updated timestamptz NOT NULL DEFAULT now(),
    started_by text NOT NULL
);
CREATE INDEX alarm_backtest_rule ON alarm_backtest (rule_id, id);

-- A letter is about a recommendation or an alarm.
ALTER TABLE outbox ALTER COLUMN recommendation_id DROP NOT NULL;
ALTER TABLE outbox ADD COLUMN alarm_id int REFERENCES alarm;
ALTER TABLE outbox ADD COLUMN occasion text NOT NULL DEFAULT 'issued'
    CHECK (occasion IN ('issued', 'opened', 'cleared', 'escalated'));
ALTER TABLE outbox ADD CHECK ((recommendation_id IS NULL) <> (alarm_id IS NULL));
CREATE UNIQUE INDEX outbox_alarm ON outbox (alarm_id, occasion);
