"""A province under watch, with a clock of its own: what is stored is stored at that time."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from ingest.alarms.watch import Patience, Watchman
from models import reading
from models.store import alarm_rules, heartbeats, readings
from tests.models.store.seeds import plant_device, plant_farm

START = datetime(2026, 5, 1, tzinfo=UTC)


def microseconds(at):
    return round(at.timestamp() * 1e6)


class Bench:
    def __init__(self, database, **patience):
        self.database = database
        self.now = START
        self.patience = Patience(**{"grace_s": 20.0, "asleep_s": 90.0} | patience)
        self.watchman = Watchman(database, self.patience, lambda: self.now)
        # the intake has been up to date for long
        with database.writing() as tx:
            tx.connection.exec_driver_sql(
                "UPDATE alarm_watch SET looked = %s, resumed = %s, back = %s, settling = false",
                (START, START - timedelta(days=1), START - timedelta(days=1)),
            )

    def restart(self):
        """Another process takes over."""
        self.watchman = Watchman(self.database, self.patience, lambda: self.now)

    def plant(self, n, streams, key="farm-1", first=0):
        """Register a farm of ``n`` devices; gives [(device id, [datastream ids])]."""
        with self.database.writing() as tx:
            farm = plant_farm(tx, key)
            made = [
                plant_device(tx, farm, f"dev-{first + i}", streams=streams).id for i in range(n)
            ]
            rows = tx.connection.exec_driver_sql(
                "SELECT device_id, array_agg(id ORDER BY id) FROM datastream "
                "WHERE device_id = ANY(%s) GROUP BY 1 ORDER BY 1",
                (made,),
            ).all()
        return [tuple(row) for row in rows]

    def keep(self, *rules, enabled=True):
        with self.database.writing() as tx:
            made = [alarm_rules.add(tx, rule, "test", START) for rule in rules]
            if enabled:
                made = [alarm_rules.enable(tx, it, "test", START, force=True) for it in made]
        return made

    def store(self, *rows):
        """Rows (datastream, time, value[, quality]), as they arrive now."""
        block = reading.block(
            [r[0] for r in rows],
            [microseconds(r[1]) for r in rows],
            [r[2] for r in rows],
            quality=[r[3] if len(r) > 3 else 0 for r in rows],
            received=microseconds(self.now),
        )
        with self.database.writing() as tx:
            readings.add(tx, block)
            self.stamp(tx)

    def stamp(self, tx):
        """What the database stamped with its own clock was stored now."""
        run = tx.connection.exec_driver_sql
        run("UPDATE arrival SET at = %s WHERE at > '2026-10-01'", (self.now,))
        run("UPDATE reading_latest SET updated = %s WHERE updated > '2026-10-01'", (self.now,))

    def look(self, after=0.0):
        self.now += timedelta(seconds=after)
        return self.watchman.look()

    def run(self, seconds, step=20.0):
        """Let time go by, looking now and then."""
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            self.look(min(step, (end - self.now).total_seconds()))

    def beat(self, **detail):
        """The ingestor gives a sign of life."""
        told = {"connected": True, "lag_s": 0.0, "waiting": 0} | detail
        with self.database.writing() as tx:
            heartbeats.beat(tx, "ingestor", told)

    def cadence(self, seconds):
        with self.database.writing() as tx:
            tx.connection.exec_driver_sql(
                "INSERT INTO cadence (datastream_id, seconds) SELECT id, %s FROM datastream "
                "ON CONFLICT DO NOTHING",
                (seconds,),
            )

    def gateway(self, devices, name):
        with self.database.writing() as tx:
            for device in devices:
                tx.connection.exec_driver_sql(
                    "INSERT INTO presence (device_id, seen, gateway) VALUES (%s, %s, %s)",
                    (device, self.now, name),
                )

    def rows(self, sql, *values):
        with self.database.reading() as tx:
            return [tuple(r) for r in tx.connection.exec_driver_sql(sql, values).all()]

    def alarms(self):
        """(rule, subject, minutes after the start of opening and clearing)."""
        found = self.rows("SELECT rule_key, subject, opened, cleared FROM alarm ORDER BY id")
        return [
            (rule, subject, ago(opened), ago(cleared)) for rule, subject, opened, cleared in found
        ]

    def letters(self):
        return self.rows("SELECT alarm_id, occasion, region_code FROM outbox ORDER BY alarm_id, id")

    def notes(self):
        return [
            (subject, ago(since), ago(until), peak)
            for subject, since, until, peak in self.rows(
                "SELECT subject, since, until, peak FROM alarm_annotation ORDER BY id"
            )
        ]


def ago(at):
    return None if at is None else round((at - START).total_seconds() / 60, 2)


def minutes(n):
    return START + timedelta(minutes=n)


@contextmanager
def failing(monkeypatch, module, name):
    """Let a step of the watch fail."""

    def fail(*given, **more):
        raise RuntimeError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(module, name, fail)
        yield
