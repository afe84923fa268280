"""A farm with one device, for tests that need something to write readings to."""

import shapely

from models import reading
from models.device import NewStream
from models.place import FarmKind, Provenance
from models.store import devices, places

YUSHU = (126.55, 44.85)


def plant_farm(tx, key="farm-1", location=YUSHU, region_code="220182"):
    return places.add_farm(
        tx,
        key=key,
        name_zh="试验农场",
        name_en="Test farm",
        kind=FarmKind.FIELD,
        region_code=region_code,
        location=location,
        provenance=Provenance.SYNTHETIC,
    )


def plant_field(tx, farm, key="field-1", size=0.01):
    lon, lat = farm.location
    return places.add_field(
        tx,
        key=key,
        farm_id=farm.id,
        name_zh="一号地",
        name_en="Field one",
        geometry=shapely.box(lon, lat, lon + size, lat + size),
        crop="maize",
        provenance=Provenance.SYNTHETIC,
    )


def plant_device(tx, farm, key="dev-1", field=None, streams=None):
    return devices.add_device(
        tx,
        key=key,
        farm_id=farm.id,
        field_id=None if field is None else field.id,
        name_zh="探头",
        name_en="Probe",
        location=farm.location,
        provenance=Provenance.SYNTHETIC,
        streams=streams
        or [
            NewStream("soil_temperature_10", "soil_temperature", "Cel", 10),
            NewStream("soil_moisture_10", "soil_moisture", "%", 10),
        ],
    )


def block(rows):
    """Rows of (datastream id, datetime, value[, quality]) as a BLOCK array."""
    times = [round(time.timestamp() * 1_000_000) for _, time, *_ in rows]
    flags = [rest[0] if rest else 0 for _, _, _, *rest in rows]
    return reading.block([r[0] for r in rows], times, [r[2] for r in rows], quality=flags)
