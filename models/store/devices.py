"""Devices, their datastreams, install history and secrets."""

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy.engine import Row

from models.device import (
    Datastream,
    Device,
    DeviceCatalogue,
    Installation,
    NewStream,
    checked_key,
)
from models.errors import Conflict, Invalid, NotFound
from models.place import Provenance
from models.store import places
from models.store.credentials import broker_hash
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
    _check_streams(streams)
    farm = places.farm(tx, farm_id)
    if field_id is not None and places.field(tx, field_id).farm_id != farm_id:
        raise Invalid(why=f"field {field_id} belongs to another farm")
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
    )
    if row is None:
        raise Conflict(noun="device", key=key)
    tx.run("devices", "install", device_id=row.id, lon=location[0], lat=location[1], note="")
    tx.run_many("devices", "add_stream", [_bound(row.id, stream) for stream in streams])
    tx.run("devices", "changed")
    return _device(row)


def _bound(device_id: int, stream: NewStream) -> dict[str, Any]:
    return {
        "device_id": device_id,
        "channel": stream.channel,
        "quantity": stream.quantity,
        "unit": stream.unit,
        "depth_cm": stream.depth_cm,
    }


def _check_streams(streams: Sequence[NewStream]) -> None:
    seen: set[str] = set()
    for stream in streams:
        conversion(stream.unit, stream.quantity)
        if stream.channel in seen:
            raise Conflict(noun="channel", key=stream.channel)
        seen.add(stream.channel)


def issue_secret(tx: WriteTx, device_id: int) -> str:
    """Give a device a new secret, shown this once; only its hash is kept."""
    secret = secrets.token_urlsafe(24)
    if not tx.run("devices", "keep_secret", id=device_id, secret_hash=broker_hash(secret)):
        raise NotFound(noun="device", key=device_id)
    return secret


def broker_passwords(tx: ReadTx) -> list[str]:
    """Return the lines ``key:hash`` of a mosquitto password file, for every device."""
    return [f"{r.key}:{r.secret_hash}" for r in tx.rows("devices", "secrets")]


def devices(
    tx: ReadTx,
    *,
    prefix: str = "",
    farm_id: int | None = None,
    field_id: int | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[Device]:
    """Return devices of a region, farm or field in id order."""
    rows = tx.rows(
        "devices",
        "devices",
        prefix=prefix,
        farm_id=farm_id,
        field_id=field_id,
        after=after,
        limit=limit,
    )
    return [_device(r) for r in rows]


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
) -> list[Datastream]:
    """Return datastreams in id order; a field's are its devices' and its zonal ones."""
    rows = tx.rows(
        "devices",
        "datastreams",
        ids=None if ids is None else list(ids),
        device_ids=None if device_ids is None else list(device_ids),
        field_id=field_id,
        prefix=prefix,
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


def version(tx: ReadTx) -> int:
    """Return a number that grows when devices or datastreams change."""
    row = tx.row("devices", "version")
    assert row is not None
    return int(row.version)


def catalogue(tx: ReadTx) -> DeviceCatalogue:
    """Return every device and datastream, for placing readings."""
    # first the version: what is registered between two statements then shows as newer
    seen = version(tx)
    streams: dict[int, dict[str, Datastream]] = {}
    for row in tx.rows("devices", "streams"):
        streams.setdefault(row.device_id, {})[row.channel] = _stream(row)
    keys = {r.key: r.id for r in tx.rows("devices", "keys")}
    return DeviceCatalogue(keys, streams, seen)
