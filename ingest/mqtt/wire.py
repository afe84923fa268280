"""Numbers and instants as devices write them."""

import json
import math
import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from ingest.mqtt.format import Undecodable
from models.reading import Reason

_Shape = TypeVar("_Shape")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# an epoch number from here on is in milliseconds: as seconds it would be the year 5138,
# as milliseconds it is 1973-03-03
_MILLISECONDS_FROM = 1e11
# instants beyond it are impossible anyway and must still fit a 64-bit integer
_FAR = 1 << 62
# float() alone would also take "1_000", full-width digits and "infinity"
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


def micros(moment: datetime) -> int:
    """Microseconds from 1970-01-01T00:00Z to an aware instant."""
    span = moment - _EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def epoch(number: float) -> int:
    """Microseconds from an epoch number in seconds or milliseconds."""
    if not math.isfinite(number):
        return _FAR if number > 0 else -_FAR
    scale = 1_000 if abs(number) >= _MILLISECONDS_FROM else 1_000_000
    return round(max(-_FAR, min(_FAR, number * scale)))


def instant(stated: object) -> int:
    """Read a time: RFC 3339 with a zone, or epoch seconds or milliseconds.

    Returns
    -------
    int
        Microseconds since 1970-01-01T00:00Z.

    Raises
    ------
    Undecodable
        Missing, of another type, or without a zone.
    """
    if stated is None:
        raise Undecodable(Reason.MISSING_TIME, "no 'time'")
    if isinstance(stated, int | float) and not isinstance(stated, bool):
        return epoch(number(stated))
    if not isinstance(stated, str):
        raise Undecodable(Reason.WRONG_SHAPE, f"'time' is {named(stated)}")
    try:
        moment = msgspec.convert(stated, datetime)
    except (msgspec.ValidationError, ValueError):
        raise Undecodable(Reason.WRONG_SHAPE, f"'time' {stated[:40]!r} is not RFC 3339") from None
    if moment.tzinfo is None:
        raise Undecodable(Reason.WRONG_SHAPE, f"'time' {stated[:40]!r} has no zone")
    return micros(moment)


def number(stated: object) -> float:
    """Read a JSON number; NaN and infinities pass, the intake names them.

    Raises
    ------
    Undecodable
        Missing or of another type (a bool is not a number).
    """
    if isinstance(stated, bool) or not isinstance(stated, int | float):
        raise Undecodable(Reason.WRONG_SHAPE, f"'value' is {named(stated)}")
    try:
        return float(stated)
    except OverflowError:  # an integer of 309 digits or more
        return math.inf if stated > 0 else -math.inf


def number_or_text(stated: object) -> float:
    """Read a number that may arrive as text ("13.25"), as LoRaWAN codecs write it."""
    if isinstance(stated, str):
        if _NUMBER.fullmatch(stated):
            return float(stated)
        if stated.strip().lower() in ("nan", "inf", "-inf"):
            return math.nan
    return number(stated)


def document(payload: bytes, *, unique: bool = False) -> Any:  # noqa: ANN401
    """Parse JSON as leniently as it can be done without guessing.

    NaN, Infinity and 1e400 become non-finite floats, so that the readings beside them are
    kept and the one that carries them is refused by name; integers become floats, so that
    10,000 digits cost no quadratic time.

    Parameters
    ----------
    unique : bool
        Refuse an object that has a key twice, where taking the last one would be a guess.

    Raises
    ------
    Undecodable
        Not UTF-8, not JSON, cut, or nested too deep.
    """
    hook = _with_unique_keys if unique else None
    try:
        return json.loads(payload.decode("utf-8-sig"), parse_int=float, object_pairs_hook=hook)
    except UnicodeDecodeError as error:
        raise Undecodable(Reason.UNREADABLE, f"not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise Undecodable(Reason.UNREADABLE, "JSON nested too deep") from None
    except ValueError as error:
        raise Undecodable(Reason.UNREADABLE, f"not JSON: {error}") from None


def json_object(payload: bytes) -> dict[str, Any]:
    """Parse JSON that must be one object, every key once.

    Raises
    ------
    Undecodable
        As `document`, or something else than an object.
    """
    found = document(payload, unique=True)
    if not isinstance(found, dict):
        raise Undecodable(Reason.WRONG_SHAPE, f"the message is {named(found)}, not an object")
    return found


def typed(payload: bytes, decoder: msgspec.json.Decoder[_Shape]) -> _Shape:
    """Parse JSON of one shape, and as leniently as `document` where it is not quite JSON.

    Raises
    ------
    Undecodable
        As `document`, or another shape.
    """
    try:
        return decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        lenient = document(payload)
    try:
        return msgspec.convert(lenient, decoder.type)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:  # the latter: half a surrogate
        raise Undecodable(Reason.WRONG_SHAPE, str(error)) from None


def _with_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise Undecodable(Reason.WRONG_SHAPE, f"the key {twice[:80]!r} stands twice in an object")
    return found


def named(stated: object) -> str:
    """Name the JSON type of a value, for a message to people."""
    if stated is None:
        return "missing or null"
    names = {bool: "a boolean", str: "text", list: "a list", dict: "an object"}
    return names.get(type(stated), "a number")
