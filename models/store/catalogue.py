"""Everything the intake needs to place a reading, in a handful of queries."""

from models.device import Datastream, DeviceCatalogue
from models.store import announcements, calibrations
from models.store.database import ReadTx


def version(tx: ReadTx) -> int:
    """Return a number that grows when devices, datastreams or calibrations change."""
    row = tx.row("catalogue", "version")
    assert row is not None
    return int(row.version)


def load(tx: ReadTx) -> DeviceCatalogue:
    """Return every device and datastream, for placing readings."""
    # first the versions: what is registered between two statements then shows as newer
    seen, calibrated = version(tx), calibrations.version(tx)
    streams: dict[int, dict[str, Datastream]] = {}
    for r in tx.rows("catalogue", "streams"):
        stream = Datastream(r.id, r.device_id, None, r.channel, r.quantity, r.unit, r.depth_cm)
        streams.setdefault(r.device_id, {})[r.channel] = stream
    devices = tx.rows("catalogue", "devices")
    return DeviceCatalogue(
        {r.key: r.id for r in devices},
        streams,
        seen,
        zones={r.id: r.time_zone for r in devices},
        profiles={r.id: r.profile for r in devices if r.profile},
        calibrations=calibrations.of(tx),
        calibration_version=calibrated,
        announcements=announcements.everything(tx),
    )
