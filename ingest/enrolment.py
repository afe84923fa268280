"""Devices by the hundred: rows of a table become devices, each row whole or not at all.

A row names its farm and field by key or id, and says what the device measures by a profile
or by its datastreams. Running a table again registers what is missing and changes nothing else.
"""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ingest.mqtt.accounts import known_formats, speaks_for_others
from ingest.profiles import profile
from models.device import Device, NewStream
from models.errors import Conflict, HeituError, Invalid, NotFound
from models.place import Farm, Field, Provenance
from models.profile import streams_of
from models.store import devices, groups, logins, places
from models.store.database import ReadTx, WriteTx
from models.store.savepoint import attempt

Position = tuple[float, float]
PROVINCE = "220000"  # whose accounts may let a sender speak for any device
MOST = 5000  # rows of a table at once: 5,000 devices take some 20 s


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of the table; without a location the device stands where its farm does.

    Attributes
    ----------
    farm, field, groups
        Keys (or ids, of farm and field); several groups are parted by ``;``.
    datastreams
        ``channel:quantity:unit[:depth in cm]``, several parted by ``;``; besides the profile's.
    depth_cm
        Depth at which the probe of a profile is buried, centimetres.
    formats
        Payload formats whose topics of its own the device may publish, parted by ``;``.
    """

    key: str
    farm: str
    field: str = ""
    name_zh: str
    name_en: str = ""
    lon: float | None = None
    lat: float | None = None
    profile: str = ""
    datastreams: str = ""
    depth_cm: float | None = None
    formats: str = "heitu"
    groups: str = ""
    provenance: Provenance = Provenance.REAL


COLUMNS = Row.__struct_fields__


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row: registered, exists (nothing changed) or refused (why)."""

    line: int
    key: str
    outcome: str
    device_id: int | None = None
    secret: str | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """A row with its place in what was given, or why it is none."""

    line: int
    key: str
    row: Row | None
    why: str = ""


def of_csv(text: str) -> list[Given]:
    """Read a CSV table: the first line names the columns; line 1 is that one.

    Raises
    ------
    Invalid
        A column is unknown, named twice or missing, or there are too many rows.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        _check_columns(names)
        found = [
            _of_values(reader.line_num, names, values)
            for values in reader
            if any(value.strip() for value in values)
        ]
    except csv.Error as problem:
        raise Invalid(why=f"line {reader.line_num}: {problem}") from None
    return _few(found)


def _check_columns(names: Sequence[str]) -> None:
    strange = [name for name in names if name not in COLUMNS]
    missing = [name for name in ("key", "farm", "name_zh") if name not in names]
    if strange or missing or len(set(names)) < len(names):
        why = f"the first line names columns, each once, of: {', '.join(COLUMNS)}"
        told = [f"unknown: {', '.join(strange)[:200]}"] if strange else []
        told += [f"missing: {', '.join(missing)}"] if missing else []
        raise Invalid(why="; ".join([why, *told]))


def _of_values(line: int, names: Sequence[str], values: Sequence[str]) -> Given:
    if len(values) != len(names):
        return Given(line, values[0][:100], None, f"{len(values)} values, {len(names)} columns")
    filled = {n: v.strip() for n, v in zip(names, values, strict=True) if v.strip()}
    return _given(line, filled, strict=False)


def of_json(items: Sequence[Any]) -> list[Given]:
    """Read a list of objects; the first is line 1."""
    return _few([_given(line, item, strict=True) for line, item in enumerate(items, 1)])


def _given(line: int, item: Any, *, strict: bool) -> Given:  # noqa: ANN401
    named = item.get("key") if isinstance(item, dict) else None
    key = named[:100] if isinstance(named, str) else ""
    try:
        return Given(line, key, msgspec.convert(item, Row, strict=strict))
    except msgspec.ValidationError as problem:
        return Given(line, key, None, str(problem))


def _few(found: list[Given]) -> list[Given]:
    if len(found) > MOST:
        raise Invalid(why=f"{len(found)} rows; send at most {MOST} at once")
    return found


def enrol(
    tx: WriteTx,
    given: Sequence[Given],
    by: str,
    admit: Callable[[str], None] = lambda region_code: None,
    *,
    dry: bool = False,
) -> list[Outcome]:
    """Register the devices of a table.

    Parameters
    ----------
    by : str
        Who does it, for the audit.
    admit : callable
        Raises `Forbidden` for a county in which he may not.
    dry : bool
        Undo everything in the end; the outcomes are what they would be.
    """
    if not dry:
        return [_attempted(tx, it, by, admit) for it in given]
    told: list[Outcome] = []
    try:
        with attempt(tx):
            told = [_attempted(tx, it, by, admit) for it in given]
            raise _Undone  # noqa: TRY301
    except _Undone:
        return [_without_id(it) for it in told]


class _Undone(Exception):  # noqa: N818
    """A dry run is over."""


def _without_id(it: Outcome) -> Outcome:
    made = it.outcome == "registered"
    return Outcome(it.line, it.key, it.outcome, None if made else it.device_id, None, it.why)


def _attempted(tx: WriteTx, it: Given, by: str, admit: Callable[[str], None]) -> Outcome:
    if it.row is None:
        return Outcome(it.line, it.key, "refused", why=it.why)
    try:
        with attempt(tx):
            return _enrolled(tx, it.line, it.row, by, admit)
    except HeituError as problem:
        return Outcome(it.line, it.key, "refused", why=problem.message)


def _enrolled(tx: WriteTx, line: int, row: Row, by: str, admit: Callable[[str], None]) -> Outcome:
    farm = _farm(tx, row.farm)
    admit(farm.region_code)
    there = devices.device_by_key(tx, row.key)
    if there is not None:
        if there.farm_id != farm.id:
            raise Conflict(noun="device", key=row.key)
        return Outcome(line, row.key, "exists", there.id)
    formats = checked_formats(parts(row.formats))
    if speaks_for_others(formats):
        admit(PROVINCE)
    made = devices.add_device(
        tx,
        key=row.key,
        farm_id=farm.id,
        field_id=_field(tx, row.field, farm),
        name_zh=named(row.name_zh),
        name_en=named(row.name_en or row.name_zh),
        location=_location(tx, row, farm, admit),
        provenance=row.provenance,
        streams=_streams(row),
        profile=row.profile or None,
        formats=formats,
        by=by,
    )
    _join(tx, row, made, by)
    return Outcome(line, row.key, "registered", made.id, logins.issue(tx, made.id, by))


def _farm(tx: ReadTx, named: str) -> Farm:
    found = places.farm_by_key(tx, named)
    if found is None and named.isdecimal() and len(named) < 10:
        return places.farm(tx, int(named))
    if found is None:
        raise NotFound(noun="farm", key=named)
    return found


def _field(tx: ReadTx, named: str, farm: Farm) -> int | None:
    found: Field | None = places.field_by_key(tx, named) if named else None
    if not named or (found is not None and found.farm_id == farm.id):
        return None if found is None else found.id
    if found is None and named.isdecimal() and len(named) < 10:
        return int(named)
    raise NotFound(noun="field of this farm", key=named)


def _location(tx: ReadTx, row: Row, farm: Farm, admit: Callable[[str], None]) -> Position:
    if row.lon is None and row.lat is None:
        return farm.location
    if row.lon is None or row.lat is None:
        raise Invalid(why="lon and lat come together")
    county = places.region_at(tx, row.lon, row.lat)
    if county is None:
        raise Invalid(why=f"no county of the platform holds {row.lon}, {row.lat} (lon, lat)")
    admit(county.code)
    return row.lon, row.lat


def _streams(row: Row) -> list[NewStream]:
    found = [_stream(text) for text in parts(row.datastreams)]
    if row.profile:
        found = [*streams_of(profile(row.profile), depth_cm=row.depth_cm), *found]
    if not found:
        raise Invalid(why="give a profile or datastreams")
    return found


def _stream(text: str) -> NewStream:
    channel, *rest = (part.strip() for part in text.split(":"))
    if len(rest) not in {2, 3} or not channel or len(channel) > 100 or not text.isprintable():
        raise Invalid(why=f"{text[:100]!r} is not channel:quantity:unit[:depth in cm]")
    try:
        depth = float(rest[2]) if len(rest) == 3 else None
    except ValueError:
        raise Invalid(why=f"{rest[2][:100]!r} is no depth in cm") from None
    return NewStream(channel, rest[0], rest[1], depth)


def _join(tx: WriteTx, row: Row, device: Device, by: str) -> None:
    for key in parts(row.groups):
        groups.join(tx, groups.by_key(tx, key), [device], by)


def parts(text: str) -> list[str]:
    """Split a list that is written in one value."""
    return [part.strip() for part in text.split(";") if part.strip()]


def checked_formats(names: Sequence[str]) -> list[str]:
    """Return names of payload formats, each once, or raise Invalid."""
    known = known_formats()
    strange = [name for name in names if name not in known]
    if strange:
        raise Invalid(why=f"unknown formats {', '.join(strange)[:200]}; known: {', '.join(known)}")
    return list(dict.fromkeys(names))


def named(text: str) -> str:
    """Return a name, or raise Invalid when it is empty, long or has control characters."""
    name = text.strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise Invalid(why="a name has 1 to 100 printable characters")
    return name
