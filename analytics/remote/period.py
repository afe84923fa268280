"""Ten-day periods (旬) and months of the Asia/Shanghai calendar."""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from models.calendar import day_of, day_start
from models.errors import Invalid

_WRITTEN = re.compile(r"(\d{4})-(\d{2})(?:-([123]))?")
_THIRDS_ZH = ("上旬", "中旬", "下旬")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A third of a month (days 1-10, 11-20, 21-end), or with third 0 the whole month."""

    year: int
    month: int
    third: int = 0

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Read ``2026-06-1`` (first ten days) or ``2026-06`` (the month).

        Raises
        ------
        Invalid
            It is neither.
        """
        found = _WRITTEN.fullmatch(text)
        if found is None or not 1 <= int(found[2]) <= 12:
            raise Invalid(why=f"{text!r} is not a period: 2026-06-1 (旬, 1 to 3) or 2026-06")
        return cls(int(found[1]), int(found[2]), int(found[3] or 0))

    @classmethod
    def dekad_of(cls, instant: datetime) -> "Period":
        """Return the ten days that hold an instant."""
        day = day_of(instant)
        return cls(day.year, day.month, min((day.day - 1) // 10, 2) + 1)

    @property
    def kind(self) -> Literal["dekad", "month"]:
        """What it is."""
        return "dekad" if self.third else "month"

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1 + 10 * max(self.third - 1, 0))

    @property
    def after(self) -> date:
        """Return the day after its last one."""
        if self.third in (1, 2):
            return self.first + timedelta(days=10)
        return date(self.year + self.month // 12, self.month % 12 + 1, 1)

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """Instants [start, end)."""
        return day_start(self.first), day_start(self.after)

    @property
    def following(self) -> "Period":
        """The period of the same kind that comes next."""
        if 0 < self.third < 3:
            return replace(self, third=self.third + 1)
        third = 1 if self.third else 0
        return Period(self.year + self.month // 12, self.month % 12 + 1, third)

    def of(self, year: int) -> "Period":
        """Return the same period of another year."""
        return replace(self, year=year)

    @property
    def zh(self) -> str:
        """Its Chinese name."""
        third = _THIRDS_ZH[self.third - 1] if self.third else ""
        return f"{self.year}年{self.month}月{third}"

    def __str__(self) -> str:
        """Write it as `parse` reads it."""
        third = f"-{self.third}" if self.third else ""
        return f"{self.year:04}-{self.month:02}{third}"
