"""A farm of probes for import tests, and mappings as a person would write them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ingest.files import mapping
from ingest.files.run import Task, rehearse, take_in
from models.device import NewStream
from models.store import ledger
from tests import probes

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WIDE = """
[time]
columns = ["time"]
zone = "Asia/Shanghai"

[device]
key = "probe-0"

[[value]]
column = "t"
channel = "soil_temperature_10"
quantity = "soil_temperature"
unit = "Cel"

[[value]]
column = "w"
channel = "soil_moisture_10"
quantity = "soil_moisture"
unit = "%"
"""
LONG = """
[time]
columns = ["time"]
zone = "Asia/Shanghai"

[device]
column = "probe"

[long]
channel = "what"
value = "value"

[[value]]
name = "T10"
channel = "soil_temperature_10"
quantity = "soil_temperature"
unit = "Cel"

[[value]]
name = "W10"
channel = "soil_moisture_10"
quantity = "soil_moisture"
unit = "%"
"""


def clock():
    return NOW


@dataclass
class Desk:
    """A store, a folder, and an import run in them."""

    database: object
    folder: Path

    def plant(self, n=1, streams=None):
        return probes.plant(self.database, n, streams)

    def write(self, data, name="log.csv"):
        path = self.folder / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def mapping(self, text):
        path = self.folder / "mapping.toml"
        path.write_text(text, "utf-8")
        return mapping.load(path)

    def take_in(self, data, text=WIDE, *, dry=False, resume=False, errors=None, name="log.csv"):
        path = data if isinstance(data, Path) else self.write(data, name)
        task = Task(path, self.mapping(text), resume, errors)
        return (rehearse if dry else take_in)(self.database, task, clock)

    def stored(self):
        """Readings by device, channel and time: value and raw."""
        query = """SELECT d.key, s.channel, r.time, r.value, r.raw FROM reading r
                   JOIN datastream s ON s.id = r.datastream_id JOIN device d ON d.id = s.device_id
                   ORDER BY 1, 2, 3"""
        with self.database.reading() as tx:
            return tx.driver.execute(query).fetchall()

    def account(self):
        with self.database.reading() as tx:
            held = ledger.reconciliation(tx)
        assert held.agrees, held
        return held.totals


TWO = [
    NewStream("soil_temperature_10", "soil_temperature", "Cel", 10),
    NewStream("soil_moisture_10", "soil_moisture", "%", 10),
]
