"""What a request for observations asks: span, buckets, flags, columns, thinning."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from analytics.series.thinning import FEWEST, Method
from models.device import Datastream
from models.errors import Invalid
from models.reading import BAD, Quality
from models.store.series import Width

MOST_POINTS = 2000
MOST_STREAMS = 50
_WORDS = {"hour": Width(3600), "day": Width(86_400), "month": Width(months=1)}
_SHORT = re.compile(r"(\d{1,8})(min|h|d|w|mo|y)")
_UNITS = {
    "min": Width(60),
    "h": Width(3600),
    "d": Width(86_400),
    "w": Width(604_800),
    "mo": Width(months=1),
    "y": Width(months=12),
}
# ISO 8601-1 section 5.5.2.3; without fractions
_ISO = re.compile(
    r"P(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,5})D)?"
    r"(?:T(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?"
)
_NARROWEST, _WIDEST, _MOST_MONTHS = 60, 3660 * 86_400, 120  # s, s (10 years), months

Aggregate = Literal["mean", "min", "max", "last", "sum", "count"]
AGGREGATES: tuple[Aggregate, ...] = ("mean", "min", "max", "last", "sum", "count")
USUAL: tuple[Aggregate, ...] = ("mean", "min", "max", "last")
Extra = Literal["seq", "raw", "received", "revisions"]
EXTRAS: tuple[Extra, ...] = ("seq", "raw", "received", "revisions")


@dataclass(frozen=True, slots=True)
class Question:
    """A request for observations.

    Attributes
    ----------
    streams : tuple of Datastream
        In id order.
    width : Width or None
        Of buckets; None asks for readings.
    excluded : int or None
        Readings with one of these flags are left out (of the aggregates); None: not said.
    points : int or None
        Readings at most of each datastream, thinned by `method`.
    """

    streams: tuple[Datastream, ...]
    start: datetime
    end: datetime
    width: Width | None = None
    excluded: int | None = None
    aggregates: tuple[Aggregate, ...] = USUAL
    extras: tuple[Extra, ...] = ()
    points: int | None = None
    method: Method = "lttb"


def width_of(text: str) -> Width | None:
    """Read the width of buckets: none, hour, day, month, 10min, 6h, 10d, PT15M, P1M ...

    Raises
    ------
    Invalid
        It is no width, narrower than a minute or wider than ten years.
    """
    if text == "none":
        return None
    width = _WORDS.get(text) or _short(text) or _iso(text)
    if width is None or (width.months and width.seconds):
        raise _refused(
            f"bucket {text!r} is no width such as none, day, 10min, 6h, P1M", "桶宽无法识别"
        )
    narrow = width.months == 0 and width.seconds < _NARROWEST
    if narrow or width.seconds > _WIDEST or width.months > _MOST_MONTHS:
        raise _refused(
            "a bucket is at least a minute and at most ten years wide", "桶宽须在一分钟至十年之间"
        )
    return width


def _short(text: str) -> Width | None:
    found = _SHORT.fullmatch(text)
    if found is None:
        return None
    unit = _UNITS[found[2]]
    return Width(int(found[1]) * unit.seconds, int(found[1]) * unit.months)


def _iso(text: str) -> Width | None:
    found = _ISO.fullmatch(text)
    if found is None or text.endswith(("P", "T")):
        return None
    years, months, weeks, days, hours, minutes, seconds = (
        int(part or 0) for part in found.groups()
    )
    whole = ((weeks * 7 + days) * 24 + hours) * 3600 + minutes * 60 + seconds
    return Width(whole, years * 12 + months)


def excluded_by(text: str | None) -> int | None:
    """Read the quality filter: good, all, or names of flags to leave out.

    Raises
    ------
    Invalid
        A flag does not exist.
    """
    if text is None:
        return None
    if text in ("good", "all"):
        return int(BAD) if text == "good" else 0
    bits = 0
    for name in text.split(","):
        flag = Quality.__members__.get(name.strip().upper())
        if not flag:
            known = ", ".join(member for member in Quality.__members__ if member != "GOOD")
            raise _refused(
                f"{name!r} is not good, all or a flag: {known}", f"没有质量标志 {name!r}"
            )
        bits |= flag
    return bits


def chosen(
    text: str | None, known: Iterable[str], usual: tuple[str, ...], what: str
) -> tuple[str, ...]:
    """Read a list such as ``mean,max``; keeps the order of those that are known.

    Raises
    ------
    Invalid
        One of them is not known.
    """
    if text is None:
        return usual
    given = [part.strip() for part in text.split(",")]
    for part in given:
        if part not in known:
            raise _refused(
                f"{what} {part!r} is none of: {', '.join(known)}", f"{what} 无效：{part!r}"
            )
    return tuple(name for name in known if name in given)


def points_of(points: int | None, width: Width | None) -> int | None:
    """Return how many readings are to be left, capped.

    Raises
    ------
    Invalid
        Aggregates cannot be thinned.
    """
    if points is not None and width is not None:
        raise _refused(
            "points thins readings: choose it or a bucket",
            "points 只用于原始读数，不能与 bucket 同用",
        )
    return None if points is None else max(FEWEST, min(points, MOST_POINTS))


def _refused(why: str, zh: str) -> Invalid:
    return Invalid(why=why, zh=f"{zh}。")
