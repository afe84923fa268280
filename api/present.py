"""How the nouns of the platform are shown: the plain data that several routes share."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import Any

from api.dependencies import Reading, Writing
from models.device import Datastream, Device, Installation, Status
from models.person import Person
from models.place import Farm
from models.quantity import QUANTITIES
from models.reading import Quality

Shown = dict[str, Any]
Caller = Reading | Writing


def region(caller: Caller, code: str) -> Shown:
    """Show a division by code and name."""
    return {"code": code, "name": caller.directory.name(caller.tx, code)}


def bilingual(zh: str, en: str) -> Shown:
    """Show text in both languages."""
    return {"zh": zh, "en": en}


@cache
def label(quantity: str) -> Shown:
    """Show the name of a quantity."""
    known = QUANTITIES[quantity]
    return bilingual(known.zh, known.en)


@cache
def flags(quality: int) -> list[str]:
    """Name the quality flags that are set; a good value has none."""
    return [flag.name for flag in Quality if quality & flag and flag.name]


def person(who: Person, region_name: str) -> Shown:
    """Show an account."""
    return {
        "id": who.id,
        "login": who.login,
        "name": bilingual(who.name_zh, who.name_en),
        "role": who.role,
        "region": {"code": who.region_code, "name": region_name},
    }


def farm(caller: Caller, it: Farm) -> Shown:
    """Show a farm."""
    return {
        "id": it.id,
        "key": it.key,
        "name": bilingual(it.name_zh, it.name_en),
        "kind": it.kind,
        "region": region(caller, it.region_code),
        "location": it.location,
        "provenance": it.provenance,
        "note": bilingual(it.note_zh, it.note_en),
    }


def datastream(it: Datastream) -> Shown:
    """Show a datastream."""
    return {
        "id": it.id,
        "channel": it.channel,
        "quantity": it.quantity,
        "label": label(it.quantity),
        "unit": QUANTITIES[it.quantity].unit,
        "wire_unit": it.unit,
        "depth_cm": it.depth_cm,
        "device_id": it.device_id,
        "field_id": it.field_id,
    }


def device(
    caller: Caller,
    it: Device,
    streams: Iterable[Datastream],
    status: Status,
    groups: Sequence[int],
) -> Shown:
    """Show a device with its datastreams, its groups and what its messages tell of it."""
    return {
        "id": it.id,
        "key": it.key,
        "name": bilingual(it.name_zh, it.name_en),
        "farm_id": it.farm_id,
        "field_id": it.field_id,
        "region": region(caller, it.region_code),
        "location": it.location,
        "provenance": it.provenance,
        "profile": it.profile,
        "active": it.active,
        "groups": groups,
        "status": asdict(status),
        "datastreams": [datastream(s) for s in streams],
    }


def installations(history: Iterable[Installation]) -> list[Shown]:
    """Show where a device has stood."""
    return [
        {"location": i.location, "since": i.since, "until": i.until, "note": i.note}
        for i in history
    ]


def latest(row: tuple[Any, ...], now: datetime) -> Shown:
    """Show a row of `models.store.readings.latest_rows`."""
    stream, _, quantity, depth_cm, _, device_id, device_key, name_zh, name_en, *more = row
    farm_id, field_id, lon, lat, provenance, time, value, quality, _ = more
    return {
        "datastream": stream,
        "device": {"id": device_id, "key": device_key, "name": bilingual(name_zh, name_en)},
        "field_id": field_id,
        "farm_id": farm_id,
        "location": (lon, lat),
        "quantity": quantity,
        "label": label(quantity),
        "unit": QUANTITIES[quantity].unit,
        "depth_cm": depth_cm,
        "time": time,
        "value": value,
        "quality": flags(quality),
        "provenance": provenance,
        "age_s": int((now - time).total_seconds()),
    }
