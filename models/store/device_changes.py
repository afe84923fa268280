"""Changes of devices and datastreams, each with a row in the audit."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from models import calendar
from models.device import Datastream, Device
from models.errors import Conflict, Invalid
from models.store import device_events, devices
from models.store.database import WriteTx
from models.units import conversion

# what reaches the broker, and what the intake looks at
_ACCOUNT = {"active", "formats", "relays", "relay_group_id"}
_CATALOGUE = {"active", "profile"}


def change(tx: WriteTx, before: Device, after: Device, by: str) -> Device:
    """Replace name, field, profile, state and rights of a device by those of ``after``.

    Raises
    ------
    Invalid
        The field belongs to another farm.
    """
    changed = _difference(before, after)
    if not changed:
        return before
    devices.check_field(tx, before.farm_id, after.field_id)
    tx.run(
        "devices",
        "change",
        id=before.id,
        name_zh=after.name_zh,
        name_en=after.name_en,
        field_id=after.field_id,
        profile=after.profile,
        active=after.active,
        formats=list(after.formats),
        relays=list(after.relays),
        relay_group_id=after.relay_group_id,
    )
    device_events.record(tx, before.id, by, "changed", **changed)
    if changed.keys() & _ACCOUNT:
        tx.run("devices", "accounts_changed")
    if changed.keys() & _CATALOGUE:
        tx.run("devices", "changed")
    return after


def _difference(before: Any, after: Any) -> dict[str, list[Any]]:  # noqa: ANN401
    """Return ``{attribute: [before, after]}`` of two dataclasses."""
    old, new = asdict(before), asdict(after)
    return {name: [old[name], new[name]] for name in old if old[name] != new[name]}


def install(
    tx: WriteTx,
    device: Device,
    location: tuple[float, float],
    since: datetime,
    note: str,
    by: str,
    now: datetime | None = None,
) -> Device:
    """Enter that a device stood somewhere from a time on, until the installation that follows.

    The one before ends there; one that began at that very time is corrected.
    """
    lon, lat = location
    bound = {"device_id": device.id, "since": since}
    tx.run("devices", "end_installation", **bound)
    tx.run("devices", "begin_installation", **bound, lon=lon, lat=lat, note=note)
    tx.run("devices", "place", device_id=device.id, now=now or calendar.now())
    device_events.record(
        tx, device.id, by, "installed", location=[lon, lat], since=since.isoformat(), note=note
    )
    return devices.device(tx, device.id)


def change_stream(tx: WriteTx, before: Datastream, after: Datastream, by: str) -> Datastream:
    """Replace channel, unit and depth of a datastream; stored values keep the unit they came in.

    Raises
    ------
    Conflict
        The device has another datastream of that channel.
    Invalid
        It belongs to no device, or the unit does not measure its quantity.
    """
    if before.device_id is None:
        raise Invalid(why="a zonal product of a field cannot be changed")
    changed = _difference(before, after)
    if not changed:
        return before
    conversion(after.unit, before.quantity)
    there = devices.datastreams(tx, device_ids=[before.device_id])
    if any(it.channel == after.channel and it.id != before.id for it in there):
        raise Conflict(noun="channel", key=after.channel)
    tx.run(
        "devices",
        "change_stream",
        id=before.id,
        channel=after.channel,
        unit=after.unit,
        depth_cm=after.depth_cm,
    )
    told = {"datastream": before.id, **changed}
    device_events.record(tx, before.device_id, by, "changed datastream", **told)
    tx.run("devices", "changed")
    return replace(before, channel=after.channel, unit=after.unit, depth_cm=after.depth_cm)
