"""Devices, their datastreams and where they have stood."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Row

from models import calendar
from models.device import (
    Datastream,
    Device,
    Installation,
    NewStream,
    Status,
    checked_key,
)
from models.errors import Conflict, Invalid, NotFound
from models.place import Provenance
from models.store import device_events, places
from models.store.database import ReadTx, WriteTx
from models.units import conversion


def _device(r: Row[Any]) -> Device:
    return Device(
        r.id,
        r.key,
        r.farm_id,
        r.field_id,
        r.region_code,
        r.name_zh,
        r.name_en,
        (r.lon, r.lat),
        Provenance(r.provenance),
        r.profile,
        r.active,
        tuple(r.formats),
        tuple(r.relays),
        r.relay_group_id,
        r.secret_hash is not None,
    )


def _stream(r: Row[Any]) -> Datastream:
    return Datastream(r.id, r.device_id, r.field_id, r.channel, r.quantity, r.unit, r.depth_cm)


def add_device(
    tx: WriteTx,
    *,
    key: str,
    farm_id: int,
    name_zh: str,
    name_en: str,
    location: tuple[float, float],
    provenance: Provenance,
    streams: Sequence[NewStream],
    field_id: int | None = None,
    profile: str | None = None,
    formats: Sequence[str] = ("heitu",),
    by: str = "system",
) -> Device:
    """Register a device with its datastreams; its county is its farm's.

    Raises
    ------
    Conflict
        The key is taken, or a channel is named twice.
    Invalid
        The key cannot be a topic level, a quantity or unit is not known, or the field
        belongs to another farm.
    """
    farm = places.farm(tx, farm_id)
    check_field(tx, farm_id, field_id)
    row = tx.row(
        "devices",
        "add_device",
        key=checked_key(key),
        farm_id=farm_id,
        field_id=field_id,
        region_code=farm.region_code,
        name_zh=name_zh,
        name_en=name_en,
        lon=location[0],
        lat=location[1],
        provenance=provenance,
        profile=profile,
        formats=list(formats),
    )
    if row is None:
        raise Conflict(noun="device", key=key)
    tx.run("devices", "install", device_id=row.id, lon=location[0], lat=location[1], note="")
    device_events.record(tx, row.id, by, "registered", key=key, profile=profile)
    add_streams(tx, row.id, streams, by)
    return _device(row)


def check_field(tx: ReadTx, farm_id: int, field_id: int | None) -> None:
    """Raise Invalid when a field belongs to another farm."""
    if field_id is not None and places.field(tx, field_id).farm_id != farm_id:
        raise Invalid(why=f"field {field_id} belongs to another farm")


def add_streams(tx: WriteTx, device_id: int, streams: Sequence[NewStream], by: str) -> None:
    """Register datastreams of a device.

    Raises
    ------
    Conflict
        A channel is named twice, or the device has it already.
    Invalid
        A quantity or unit is not known.
    """
    there = datastreams(tx, device_ids=[device_id])
    _check_streams(streams, {stream.channel for stream in there})
    tx.run_many("devices", "add_stream", [_bound(device_id, stream) for stream in streams])
    for stream in streams:
        device_events.record(tx, device_id, by, "added datastream", **asdict(stream))
    tx.run("devices", "changed")


def _bound(device_id: int, stream: NewStream) -> dict[str, Any]:
    return {
        "device_id": device_id,
        "channel": stream.channel,
        "quantity": stream.quantity,
        "unit": stream.unit,
        "depth_cm": stream.depth_cm,
    }


def _check_streams(streams: Sequence[NewStream], seen: set[str]) -> None:
    for stream in streams:
        conversion(stream.unit, stream.quantity)
        if stream.channel in seen:
            raise Conflict(noun="channel", key=stream.channel)
        seen.add(stream.channel)


def devices(
    tx: ReadTx,
    *,
    prefix: str = "",
    farm_id: int | None = None,
    field_id: int | None = None,
    group_id: int | None = None,
    online: bool | None = None,
    now: datetime | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[Device]:
    """Return devices of a region, farm, field or group, there or not, in id order."""
    rows = tx.rows(
        "devices",
        "devices",
        prefix=prefix,
        farm_id=farm_id,
        field_id=field_id,
        group_id=group_id,
        online=online,
        now=now or calendar.now(),
        after=after,
        limit=limit,
    )
    return [_device(r) for r in rows]


def statuses(tx: ReadTx, device_ids: Sequence[int], now: datetime) -> dict[int, Status]:
    """Return what is known of some devices by their messages; the silent ones are left out."""
    rows = tx.rows("devices", "statuses", ids=list(device_ids), now=now)
    return {
        r.device_id: Status(
            seen=r.seen,
            online=r.there,
            battery_pct=r.battery_pct,
            battery_v=r.battery_v,
            rssi_dbm=r.rssi_dbm,
            snr_db=r.snr_db,
            skew_s=r.skew_s,
            gateway=r.gateway,
        )
        for r in rows
    }


def device(tx: ReadTx, device_id: int) -> Device:
    """Return one device, or raise NotFound."""
    row = tx.row("devices", "device", id=device_id)
    if row is None:
        raise NotFound(noun="device", key=device_id)
    return _device(row)


def device_by_key(tx: ReadTx, key: str) -> Device | None:
    """Return the device with this name on the wire, or None."""
    row = tx.row("devices", "device_by_key", key=key)
    return None if row is None else _device(row)


def installations(tx: ReadTx, device_id: int) -> list[Installation]:
    """Return where a device has stood, oldest first."""
    rows = tx.rows("devices", "installations", device_id=device_id)
    return [Installation(r.device_id, (r.lon, r.lat), r.since, r.until, r.note) for r in rows]


def datastreams(
    tx: ReadTx,
    *,
    ids: Sequence[int] | None = None,
    device_ids: Sequence[int] | None = None,
    field_id: int | None = None,
    prefix: str = "",
    after: int = 0,
    limit: int | None = None,
) -> list[Datastream]:
    """Return datastreams in id order; a field's are its devices' and its zonal ones."""
    rows = tx.rows(
        "devices",
        "datastreams",
        ids=None if ids is None else list(ids),
        device_ids=None if device_ids is None else list(device_ids),
        field_id=field_id,
        prefix=prefix,
        after=after,
        limit=limit,
    )
    return [_stream(r) for r in rows]


def regions_of(tx: ReadTx, datastream_ids: Sequence[int]) -> dict[int, str]:
    """Return the county code of each datastream; unknown ids are left out."""
    rows = tx.rows("devices", "regions_of", ids=list(datastream_ids))
    return {r.id: r.region_code for r in rows}


def field_stream(
    tx: WriteTx, field_id: int, channel: str, quantity: str, unit: str = "1"
) -> Datastream:
    """Return the datastream of a field's zonal product; make it when it is not there.

    `channel` is ``<collection>/<product>``, e.g. ``sentinel-2-l2a/ndvi``.
    """
    conversion(unit, quantity)
    row = tx.row(
        "devices", "field_stream", field_id=field_id, channel=channel, quantity=quantity, unit=unit
    )
    assert row is not None
    return _stream(row)


def readings_since(tx: ReadTx, datastream_id: int, since: datetime, most: int) -> int:
    """Return how many readings a datastream has from a time on, or ``most`` if more."""
    row = tx.row("devices", "readings_since", id=datastream_id, since=since, most=most)
    assert row is not None
    return int(row.n)
