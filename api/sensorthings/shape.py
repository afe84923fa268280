"""The entities as SensorThings 1.1 shows them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import shapely

from api import present
from models.quantity import QUANTITIES
from models.store.sensorthings.model import Entity

Shown = dict[str, Any]
Row = Mapping[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GEOJSON = "application/geo+json"
_MEASURED = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
_UCUM = "http://www.opengis.net/def/uom/UCUM/"
_QUANTITY = "urn:heitu:quantity:"


def instant(time: datetime) -> str:
    """Write an instant in UTC, ending in Z."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def observation_id(row: Row) -> str:
    """Name an observation: datastream, microseconds since 1970, sequence."""
    return (
        f"{row['datastream_id']}-{(row['time'] - _EPOCH) // timedelta(microseconds=1)}-{row['seq']}"
    )


def observation_key(text: str) -> tuple[int, datetime, int] | None:
    """Return the key that `observation_id` wrote, None when it wrote no such thing."""
    parts = text.split("-")
    if len(parts) != 3 or not all(part.isdecimal() and len(part) < 18 for part in parts):
        return None
    stream, microseconds, seq = map(int, parts)
    if stream >= 2**31 or seq >= 2**31:
        return None
    try:
        return stream, _EPOCH + timedelta(microseconds=microseconds), seq
    except OverflowError:
        return None


def identity(entity: Entity, row: Row) -> int | str:
    """Return the ``@iot.id`` of an entity."""
    if entity.name == "Observation":
        return observation_id(row)
    found: int | str = row[entity.key[0]]
    return found


def link(base: str, entity: Entity, row: Row) -> str:
    """Return the address of an entity."""
    own = identity(entity, row)
    if isinstance(own, str):
        own = quote("'" + own.replace("'", "''") + "'", safe="':")
    return f"{base}/{entity.collection}({own})"


def _thing(row: Row) -> Shown:
    known = ("key", "name_zh", "provenance", "farm_id", "field_id", "profile")
    properties = {name: row[name] for name in known if row[name] is not None}
    return {
        "name": row["name_en"],
        "description": row["description"],
        "properties": properties | {"region": row["region_code"]},
    }


def _place(row: Row) -> Shown:
    if row["geometry"] is not None:
        geometry = shapely.from_wkb(bytes(row["geometry"]))
        shown: Shown = dict(geometry.__geo_interface__)
        return shown
    return {"type": "Point", "coordinates": [row["lon"], row["lat"]]}


def _location(row: Row) -> Shown:
    times = {name: instant(row[name]) for name in ("since", "until") if row[name] is not None}
    return {
        "name": row["name"],
        "description": row["description"],
        "encodingType": _GEOJSON,
        "location": _place(row),
        "properties": times,
    }


def _history(row: Row) -> Shown:
    return {"time": instant(row["time"])}


def _datastream(row: Row) -> Shown:
    span = None
    if row["newest"] is not None and row["oldest"] is not None:
        span = f"{instant(row['oldest'])}/{instant(row['newest'])}"
    known = ("channel", "depth_cm", "wire_unit", "provenance")
    properties = {name: row[name] for name in known if row[name] is not None}
    shown = {
        "name": row["name"],
        "description": row["name_zh"],
        "observationType": _MEASURED,
        "unitOfMeasurement": {
            "name": row["unit"],
            "symbol": row["unit"],
            "definition": _UCUM + row["unit"],
        },
        "properties": properties | {"quantity": row["quantity"], "region": row["region_code"]},
    }
    if row["lon"] is not None:
        shown["observedArea"] = {"type": "Point", "coordinates": [row["lon"], row["lat"]]}
    return shown if span is None else {**shown, "phenomenonTime": span, "resultTime": span}


def _sensor(row: Row) -> Shown:
    return {
        "name": row["sensor_id"],
        "description": f"Device profile or scene collection {row['sensor_id']}",
        "encodingType": "text/plain",
        "metadata": row["sensor_id"],
    }


def _property(row: Row) -> Shown:
    known = QUANTITIES[row["property_id"]]
    return {
        "name": known.en,
        "definition": _QUANTITY + known.key,
        "description": known.zh,
        "properties": {"unit": known.unit, "low": known.low, "high": known.high},
    }


def _observation(row: Row) -> Shown:
    known = QUANTITIES[row["quantity"]]
    parameters = {
        "raw": row["raw"],
        "unit": row["raw_unit"] or known.unit,
        "received": instant(row["received"]),
    }
    time = instant(row["time"])
    return {
        "phenomenonTime": time,
        "resultTime": time,
        "result": row["value"],
        "resultQuality": present.flags(row["quality"]),
        "parameters": parameters | ({"seq": row["seq"]} if row["seq"] else {}),
    }


def _feature(row: Row) -> Shown:
    return {
        "name": row["name"],
        "description": row["description"],
        "encodingType": _GEOJSON,
        "feature": _place(row),
        "properties": {"name_zh": row["name_zh"]},
    }


_SHAPES: dict[str, Callable[[Row], Shown]] = {
    "Thing": _thing,
    "Location": _location,
    "HistoricalLocation": _history,
    "Datastream": _datastream,
    "Sensor": _sensor,
    "ObservedProperty": _property,
    "Observation": _observation,
    "FeatureOfInterest": _feature,
}
# every name that $select may give, beside those of the navigations
PROPERTIES: dict[str, frozenset[str]] = {
    "Thing": frozenset({"name", "description", "properties"}),
    "Location": frozenset({"name", "description", "encodingType", "location", "properties"}),
    "HistoricalLocation": frozenset({"time"}),
    "Datastream": frozenset(
        {
            "name",
            "description",
            "observationType",
            "unitOfMeasurement",
            "observedArea",
            "phenomenonTime",
            "resultTime",
            "properties",
        }
    ),
    "Sensor": frozenset({"name", "description", "encodingType", "metadata"}),
    "ObservedProperty": frozenset({"name", "definition", "description", "properties"}),
    "Observation": frozenset(
        {"phenomenonTime", "resultTime", "result", "resultQuality", "parameters"}
    ),
    "FeatureOfInterest": frozenset(
        {"name", "description", "encodingType", "feature", "properties"}
    ),
}


def properties(entity: Entity, row: Row) -> Shown:
    """Show the properties of an entity, without links."""
    return _SHAPES[entity.name](row)


def shown(base: str, entity: Entity, row: Row, select: tuple[str, ...] = ()) -> Shown:
    """Show an entity: identity, properties and links, or what is selected of them."""
    wanted = set(select)
    made: Shown = {}
    if not wanted or wanted & {"id", "@iot.id"}:
        made["@iot.id"] = identity(entity, row)
    own = link(base, entity, row)
    if not wanted or "@iot.selfLink" in wanted:
        made["@iot.selfLink"] = own
    for name, value in properties(entity, row).items():
        if not wanted or name in wanted:
            made[name] = value
    for name in entity.navigations:
        if not wanted or name in wanted:
            made[f"{name}@iot.navigationLink"] = f"{own}/{name}"
    return made
