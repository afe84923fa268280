"""Words shared by advisors: dates, shares, provenance, in Chinese and English."""

from dataclasses import dataclass
from datetime import date

from analytics.advice.rules import SOURCES
from models.place import Provenance
from models.recommendation import Reason

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

# what a reader must know before trusting a series of that provenance
ORIGIN: dict[str, tuple[str, str]] = {
    Provenance.REAL: ("实测", "measured"),
    Provenance.RELOCATED: ("移用自他处或他年的实测", "measured elsewhere or in another year"),
    Provenance.SYNTHETIC: ("模拟生成,非实测", "synthetic, not measured"),
}


def zh_day(day: date) -> str:
    """Write a day as 5月3日."""
    return f"{day.month}月{day.day}日"


def en_day(day: date) -> str:
    """Write a day as 3 May."""
    return f"{day.day} {_MONTHS[day.month - 1]}"


def day_in(year: int, month_day: str) -> date:
    """Return the day of a year written MM-DD."""
    month, day = map(int, month_day.split("-"))
    return date(year, month, day)


def percent(share: float) -> str:
    """Write a share 0..1 as a whole percentage; never 0 % or 100 %, which nobody can promise."""
    whole = round(share * 100)
    return f"{min(max(whole, 1), 99)} %"


def reason(
    code: str,
    zh: str,
    en: str,
    evidence: str,
    source: str,
    **numbers: float | str | None,
) -> Reason:
    """Build a reason whose source is a key of `rules.SOURCES`."""
    return Reason(code, zh, en, dict(numbers), evidence, SOURCES[source])


@dataclass(frozen=True, slots=True)
class Finding:
    """What one kind of evidence says: its reasons and how far it can be leaned on."""

    reasons: tuple[Reason, ...]
    refused: bool = False
    weak: bool = False
