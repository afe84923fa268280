"""SenML (RFC 8428) in JSON: a pack of records whose base fields carry forward.

A record is called by base name and name together. Its channel is what follows the device's
key in it, or the name alone where the pack has one base name; of several base names the
others stay in full. A record whose metric has no name is called by its unit, as in the
examples of the RFC. Times below 2**28 s are relative to the arrival.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

from ingest.mqtt.format import Address, Decoded, Format, Undecodable
from ingest.mqtt.harvest import Harvest
from ingest.mqtt.wire import document, named
from models.reading import Reason

_RELATIVE_BELOW = 1 << 28  # seconds, section 4.5.3
_VERSION = 10  # section 4.4
_LONGEST = 200  # characters of a text that is carried to other records
_FAR_S = 1e12  # the year 33,658: impossible anyway, and still fits in microseconds
_NUMBERS = frozenset(("bt", "bv", "bs", "bver", "v", "s", "t"))
_NAMES = frozenset(("bn", "bu", "n", "u"))
# IANA SenML Units -> UCUM or our spelling, where they differ; C and F are coulomb and farad
_UNITS = {
    "/": "1",
    "pH": "[pH]",
    "%EL": "%",
    "C": "coulomb",
    "F": "farad",
    "ppm": "[ppm]",
    "NTU": "[NTU]",
}


@dataclass(slots=True)
class _Base:
    name: str = ""
    time: float = 0.0
    unit: str | None = None
    value: float = 0.0
    total: float = 0.0

    def carry(self, record: dict[str, Any]) -> None:
        """Take over the base fields of a record."""
        self.name = record.get("bn", self.name)
        self.time = record.get("bt", self.time)
        self.unit = record.get("bu", self.unit)
        self.value = record.get("bv", self.value)
        self.total = record.get("bs", self.total)


def decode(address: Address, payload: bytes) -> Decoded:
    """Read a pack.

    Raises
    ------
    Undecodable
        No SenML, or a version or a field that must be understood and is not.
    """
    pack = document(payload, unique=True)
    if not isinstance(pack, list):
        raise Undecodable(Reason.WRONG_SHAPE, f"the pack is {named(pack)}, not a list")
    for record in pack:
        _check(record)
    several = len({record["bn"] for record in pack if record.get("bn")}) > 1
    key = re.escape(address.device_key)
    own = re.compile(rf"(?:urn:.*[:/._-])?{key}(?:[:/._-]+(.*))?", re.IGNORECASE | re.DOTALL)
    base, harvest = _Base(), Harvest()
    for record in pack:
        base.carry(record)
        name = record.get("n", "")
        found = own.fullmatch(base.name + name)
        if found:
            name = found[1] or ""
        unit = record.get("u", base.unit)
        if several and not found:
            name = base.name + (name or f":{unit}")
        _take(harvest, base, record, name or unit or "", unit)
    return harvest.decoded()


def _check(record: object) -> None:
    if not isinstance(record, dict):
        raise Undecodable(Reason.WRONG_SHAPE, f"a record is {named(record)}, not an object")
    for key, stated in record.items():
        if key.endswith("_"):
            detail = f"the field {key[:40]!r} must be understood, and is not"
            raise Undecodable(Reason.WRONG_SHAPE, detail)
        if not _right(key, stated):
            raise Undecodable(Reason.WRONG_SHAPE, f"{key!r} is {named(stated)} out of bounds")
    if record.get("bver", _VERSION) > _VERSION:
        detail = f"SenML version {record['bver']:g}; {_VERSION} is known"
        raise Undecodable(Reason.WRONG_SHAPE, detail)


def _right(key: str, stated: object) -> bool:
    if key in _NUMBERS:
        return isinstance(stated, float) and (key == "v" or math.isfinite(stated))
    if key in _NAMES:
        return isinstance(stated, str) and len(stated) <= _LONGEST
    if key in ("vs", "vd"):
        return isinstance(stated, str)
    return key != "vb" or isinstance(stated, bool)


def _take(
    harvest: Harvest, base: _Base, record: dict[str, Any], channel: str, unit: str | None
) -> None:
    time, ago = _time(base.time + record.get("t", 0.0))
    wire_unit = None if unit is None else _UNITS.get(unit, unit)
    if "v" in record:
        harvest.take(channel, base.value + record["v"], time, wire_unit, ago)
    for key in ("vs", "vb", "vd"):
        if key in record:
            harvest.take(channel, record[key], time)
    if "s" in record:  # the integral of the value over time, in unit seconds
        harvest.take(f"{channel}.sum", base.total + record["s"], time, ago=ago)


def _time(stated: float) -> tuple[int | None, int]:
    """Return the time, or None and how long before the arrival, microseconds."""
    micros = round(max(-_FAR_S, min(_FAR_S, stated)) * 1e6)
    return (None, -micros) if stated < _RELATIVE_BELOW else (micros, 0)


def _device_key(levels: tuple[str, ...]) -> str:
    return levels[1] if levels[0] == "senml" else levels[2]


FORMAT = Format("senml", ("senml/+", "heitu/v1/+/senml"), _device_key, decode)
