"""The mapping of a file: what its columns mean, declared in TOML and never guessed.

`ingest/mappings/` has one for each of three real logs; ingest/files/README.md lists the words.
"""

import hashlib
from datetime import date, time
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from models.errors import Invalid, UnknownQuantity, UnknownUnit
from models.place import Provenance
from models.units import conversion

PARTS = ("year", "month", "day", "doy", "hour", "minute", "second", "hhmm")
_FORMATS = ("iso", "rfc3339", "epoch_s", "epoch_ms")  # beside patterns of strptime
_INSTANTS = ("rfc3339", "epoch_s", "epoch_ms")  # these say their zone themselves
_DATUMS = ("CGCS2000", "WGS84")


class _Part(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A table of the mapping; a word that does not exist is refused, not ignored."""


class Csv(_Part, frozen=True):
    """How the text is cut into cells.

    Attributes
    ----------
    quote : str
        Quotation mark; empty when the file has none.
    skip : int
        Lines before the header.
    columns : list of str
        Names of the columns of a file without a header.
    multiline : bool
        Whether a quoted cell may hold line breaks.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    quote: str = '"'
    decimal: Literal[".", ","] = "."
    skip: int = 0
    columns: list[str] = []
    multiline: bool = False


class Time(_Part, frozen=True):
    """Where the time of a row stands and in which zone.

    Attributes
    ----------
    columns : list of str
        Joined by a blank before reading, e.g. a date and a time of day.
    parts : dict
        Part of the time -> column: year, month, day or doy, hour, minute, second or hhmm.
    format : str
        iso, rfc3339, epoch_s, epoch_ms, or a pattern of strptime.
    at : time, optional
        Time of day of a file that has dates only.
    ambiguous : str
        An hour that comes twice when summer time ends: the second time it is met it is the
        later one (order), always the earlier or later one, or refused.
    nonexistent : str
        An hour that summer time skips: refused, or the clock was not put forward (shift).
    earliest : date
        Older rows are refused.
    """

    zone: str
    columns: list[str] = []
    parts: dict[str, str] = {}
    format: str = "iso"
    at: time | None = None
    ambiguous: Literal["order", "earlier", "later", "refuse"] = "refuse"
    nonexistent: Literal["shift", "refuse"] = "refuse"
    earliest: date = date(2000, 1, 1)

    @property
    def stated(self) -> bool:
        """Whether the cells are instants, which need no zone."""
        return self.format in _INSTANTS


class Device(_Part, frozen=True):
    """Whose readings they are: one key, or a column of names; ``keys`` renames some."""

    key: str | None = None
    column: str | None = None
    prefix: str = ""
    keys: dict[str, str] = {}

    def named(self, cell: str) -> str:
        """Return the device key that a cell stands for."""
        return self.keys.get(cell, self.prefix + cell)


class Value(_Part, frozen=True):
    """One datastream: its column (wide) or its name in the channel column (long)."""

    quantity: str
    unit: str
    channel: str
    column: str | None = None
    name: str | None = None
    depth_cm: float | None = None


class Long(_Part, frozen=True):
    """One reading a row: the column that names the channel, and the one of the value."""

    channel: str
    value: str


class Position(_Part, frozen=True):
    """Where new devices stand; the datum must be said, for GCJ-02 is 500 m off in Jilin."""

    datum: str
    lon: float
    lat: float


class Mapping(_Part, frozen=True):
    """What a file holds."""

    time: Time
    device: Device
    value: list[Value]
    name: str = ""
    csv: Csv = Csv()
    long: Long | None = None
    missing: list[str | float] = msgspec.field(default_factory=lambda: [""])
    ignore: list[str] = []
    position: Position | None = None
    provenance: Provenance = Provenance.REAL
    digest: str = ""

    @property
    def columns(self) -> list[str]:
        """Every column that is read, once, in the order of the mapping."""
        named = [*self.time.columns, *self.time.parts.values(), self.device.column]
        if self.long is not None:
            named += [self.long.channel, self.long.value]
        named += [value.column for value in self.value]
        return list(dict.fromkeys(column for column in named if column is not None))


def load(path: Path) -> Mapping:
    """Read a mapping file.

    Raises
    ------
    Invalid
        It cannot be read, or leaves open what must be declared; says what.
    """
    try:
        raw = path.read_bytes()
        mapping = msgspec.toml.decode(raw, type=Mapping)
    except OSError as problem:
        raise Invalid(why=f"the mapping {path} cannot be read ({problem.strerror})") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise Invalid(why=f"the mapping {path.name} does not fit: {problem}") from None
    for complaint in _complaints(mapping):
        raise Invalid(why=f"the mapping {path.name} does not fit: {complaint}")
    return msgspec.structs.replace(mapping, digest=hashlib.sha256(raw).hexdigest())


def _complaints(mapping: Mapping) -> list[str]:
    return [
        *_about_time(mapping.time),
        *_about_values(mapping),
        *_about_cells(mapping.csv),
        *_about_places(mapping),
    ]


def _about_time(time_: Time) -> list[str]:
    found = []
    if bool(time_.columns) == bool(time_.parts):
        found.append("time takes either columns or parts")
    if unknown := sorted(set(time_.parts) - set(PARTS)):
        found.append(f"time.parts knows {', '.join(PARTS)}, not {', '.join(unknown)}")
    day = {"month", "day"} <= set(time_.parts) or "doy" in time_.parts
    if time_.parts and not ("year" in time_.parts and day):
        found.append("time.parts needs year and month and day, or year and doy")
    if "%" not in time_.format and time_.format not in _FORMATS:
        found.append(f"time.format is one of {', '.join(_FORMATS)} or a pattern like %Y-%m-%d")
    try:
        ZoneInfo(time_.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        found.append(f"time.zone {time_.zone!r} is not an IANA zone like Asia/Shanghai")
    return found


def _about_values(mapping: Mapping) -> list[str]:
    found = [] if mapping.value else ["there is no [[value]]"]
    named = "column" if mapping.long is None else "name"
    for value in mapping.value:
        if (value.column is None) == (mapping.long is None) or (value.name is None) != (
            mapping.long is None
        ):
            found.append(f"value {value.channel!r} takes {named!r} in this layout")
        try:
            conversion(value.unit, value.quantity)
        except (UnknownQuantity, UnknownUnit) as error:
            found.append(error.message)
    for what in ("channel", named):
        names = [getattr(value, what) for value in mapping.value]
        if twice := {name for name in names if names.count(name) > 1}:
            found.append(f"{what} {', '.join(map(repr, sorted(map(str, twice))))} comes twice")
    return found


def _about_cells(csv: Csv) -> list[str]:
    found = []
    if len(csv.delimiter) != 1 or not csv.delimiter.isascii():
        found.append("csv.delimiter is one ASCII character")
    if len(csv.quote) > 1 or not csv.quote.isascii():
        found.append("csv.quote is one ASCII character or empty")
    try:
        # rows are cut at the byte of a line feed, and cells by bytes that never lie within others
        cuts = ["\n".encode(csv.encoding), csv.delimiter.encode(csv.encoding)]
    except (LookupError, UnicodeEncodeError):
        found.append(f"csv.encoding {csv.encoding!r} is not known")
    else:
        if cuts[0] != b"\n":
            found.append(f"csv.encoding {csv.encoding!r} is not read; save the file as UTF-8")
    return found


def _about_places(mapping: Mapping) -> list[str]:
    found = []
    if (mapping.device.key is None) == (mapping.device.column is None):
        found.append("device takes either key or column")
    if mapping.position is not None and mapping.position.datum not in _DATUMS:
        shifted = f"position.datum is {' or '.join(_DATUMS)}; convert GCJ-02 and BD-09 first"
        found.append(shifted)
    return found
