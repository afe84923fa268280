"""Groups of devices."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy.engine import Row

from models.device import Device, Group
from models.errors import Conflict, InUse, Invalid, NotFound
from models.place import covers
from models.store import device_events, places
from models.store.database import ReadTx, WriteTx


def _group(r: Row[Any]) -> Group:
    return Group(r.id, r.key, r.name_zh, r.name_en, r.region_code, r.members)


def add(tx: WriteTx, *, key: str, name_zh: str, name_en: str, region_code: str) -> Group:
    """Register a group in a region.

    Raises
    ------
    Conflict
        The key is taken.
    """
    code = places.region(tx, region_code).code
    row = tx.row("groups", "add", key=key, name_zh=name_zh, name_en=name_en, region_code=code)
    if row is None:
        raise Conflict(noun="group", key=key)
    return _group(row)


def rename(tx: WriteTx, group_id: int, name_zh: str, name_en: str) -> None:
    """Give a group other names."""
    tx.run("groups", "rename", id=group_id, name_zh=name_zh, name_en=name_en)


def remove(tx: WriteTx, it: Group) -> None:
    """Forget a group that has no devices any more.

    Raises
    ------
    InUse
        It has devices.
    """
    if it.members:
        raise InUse(noun="group", key=it.key, why=f"it has {it.members} devices")
    tx.run("groups", "remove", id=it.id)
    tx.run("devices", "accounts_changed")


def groups(tx: ReadTx, *, prefix: str = "", after: int = 0, limit: int = 100) -> list[Group]:
    """Return groups of a region in id order."""
    return [_group(r) for r in tx.rows("groups", "groups", prefix=prefix, after=after, limit=limit)]


def group(tx: ReadTx, group_id: int) -> Group:
    """Return one group, or raise NotFound."""
    row = tx.row("groups", "group", id=group_id)
    if row is None:
        raise NotFound(noun="group", key=group_id)
    return _group(row)


def by_key(tx: ReadTx, key: str) -> Group:
    """Return one group by its key, or raise NotFound."""
    row = tx.row("groups", "by_key", key=key)
    if row is None:
        raise NotFound(noun="group", key=key)
    return _group(row)


def members(tx: ReadTx, group_id: int) -> list[int]:
    """Return the ids of a group's devices."""
    return [r.device_id for r in tx.rows("groups", "members", id=group_id)]


def of(tx: ReadTx, device_ids: Sequence[int]) -> dict[int, list[int]]:
    """Return the groups of each device that has any."""
    found: dict[int, list[int]] = defaultdict(list)
    for row in tx.rows("groups", "of", ids=list(device_ids)):
        found[row.device_id].append(row.group_id)
    return found


def join(tx: WriteTx, into: Group, devices: Collection[Device], by: str) -> None:
    """Take devices into a group.

    Raises
    ------
    Invalid
        A device lies outside the region of the group.
    """
    for device in devices:
        if not covers(into.region_code, device.region_code):
            raise Invalid(why=f"device {device.key!r} lies outside the region of {into.key!r}")
    ids = [device.id for device in devices]
    new = set(ids) - set(members(tx, into.id))
    tx.run("groups", "join", id=into.id, device_ids=ids)
    _tell(tx, sorted(new), by, "joined group", into.id)


def leave(tx: WriteTx, group_id: int, device_ids: Collection[int], by: str) -> None:
    """Let devices go from a group."""
    gone = sorted(set(members(tx, group_id)) & set(device_ids))
    tx.run("groups", "leave", id=group_id, device_ids=gone)
    _tell(tx, gone, by, "left group", group_id)


def _tell(tx: WriteTx, device_ids: Sequence[int], by: str, what: str, group_id: int) -> None:
    for device_id in device_ids:
        device_events.record(tx, device_id, by, what, group=group_id)
    tx.run("devices", "accounts_changed")
