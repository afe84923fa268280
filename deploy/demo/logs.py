"""Logs shipped with the demonstration, and generated ones, as values over time.

Every log answers two questions: which messages lie between two instants (history), and
what would the device say at this instant (live).
"""

import csv
import math
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Protocol

from models.calendar import DAY, SHANGHAI

Values = dict[str, float]
Messages = Iterator[tuple[datetime, Values]]
DATA = Path(__file__).with_name("data")
_MINUTES_PER_DAY = 1440


class Log(Protocol):
    """What a demonstration device has recorded."""

    def between(self, start: datetime, end: datetime) -> Messages:
        """Give the messages of [start, end) in order."""

    def at(self, instant: datetime) -> Values:
        """Give what the device would publish at an instant."""


@dataclass(frozen=True)
class DailyLog:
    """Daily values of other years shown on the same month and day: season stays season.

    Attributes
    ----------
    values : dict
        Recorded day -> values.
    """

    values: dict[date, Values]

    def on(self, day: date) -> Values:
        """Return what was recorded on this month and day, in the latest year recorded of two.

        2011 is shown as last year, 2012 as this year, so that two years follow each other.
        """
        last = max(self.values).year
        year = last if day.year >= datetime.now(SHANGHAI).year else last - 1
        try:
            return self.values.get(day.replace(year=year), {})
        except ValueError:  # 29 February in a year without one
            return {}

    def between(self, start: datetime, end: datetime) -> Messages:
        """Give one message a day, at noon Asia/Shanghai."""
        day = start.astimezone(SHANGHAI).date()
        while (noon := datetime.combine(day, time(12), SHANGHAI)) < end:
            if noon >= start and (values := self.on(day)):
                yield noon, values
            day += DAY

    def at(self, instant: datetime) -> Values:
        """Give the value of the day, held: the log has one a day."""
        return self.on(instant.astimezone(SHANGHAI).date())


@dataclass(frozen=True)
class LoopLog:
    """A log of some whole days, played in a loop at its own time of day.

    Attributes
    ----------
    days : list of dict
        For each day of the log: minute of the day -> values.
    """

    days: list[dict[int, Values]]

    def _of(self, day: date) -> dict[int, Values]:
        return self.days[day.toordinal() % len(self.days)]

    def between(self, start: datetime, end: datetime) -> Messages:
        """Give the recorded minutes."""
        day = start.astimezone(SHANGHAI).date()
        while (midnight := datetime.combine(day, time(), SHANGHAI)) < end:
            for minute, values in sorted(self._of(day).items()):
                if start <= (moment := midnight + timedelta(minutes=minute)) < end:
                    yield moment, values
            day += DAY

    def at(self, instant: datetime) -> Values:
        """Give the newest value recorded at or before this minute of the day."""
        local = instant.astimezone(SHANGHAI)
        recorded = self._of(local.date())
        minutes = sorted(recorded)
        here = bisect_left(minutes, local.hour * 60 + local.minute + 1) - 1
        return recorded[minutes[here]] if here >= 0 else {}


@dataclass(frozen=True)
class GeneratedLog:
    """Values made by a formula, every `step`; always labelled synthetic."""

    formula: Callable[[datetime], Values]
    step: timedelta

    def between(self, start: datetime, end: datetime) -> Messages:
        """Give a message at every whole step of the local day."""
        midnight = datetime.combine(start.astimezone(SHANGHAI).date(), time(), SHANGHAI)
        moment = midnight + math.ceil((start - midnight) / self.step) * self.step
        while moment < end:
            yield moment, self.formula(moment)
            moment += self.step

    def at(self, instant: datetime) -> Values:
        """Give the value of this instant."""
        return self.formula(instant)


@cache
def cook_farm() -> dict[str, DailyLog]:
    """Read the soil probes of the Cook Agronomy Farm: station -> log (see data/README.md)."""
    file = DATA / "soil_cookfarm" / "cookfarm_readings_10stations_2011_2012.csv"
    days: dict[str, dict[date, Values]] = {}
    with file.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            values = {c: float(row[column]) for column, c in COOK_FARM.items() if row[column]}
            days.setdefault(row["station"], {})[date.fromisoformat(row["date"])] = values
    return {station: DailyLog(values) for station, values in days.items()}


COOK_FARM_DEPTHS = (30, 60, 90, 120, 150)  # cm
COOK_FARM = {
    f"{column}_{depth}cm": f"{channel}_{depth}"
    for depth in COOK_FARM_DEPTHS
    for column, channel in (
        ("vwc", "soil_moisture"),
        ("tempc", "soil_temperature"),
        ("ec_dsm", "soil_ec"),
    )
}


@cache
def pond() -> dict[int, LoopLog]:
    """Read the pond logs of Sehili: depth in cm -> log (see data/README.md)."""
    return {depth: LoopLog(_pond_days(depth)) for depth in (30, 60)}


_POND = {"Temperature": "water_temperature", "pH": "water_ph", "Turbidity": "turbidity"}


def _pond_days(depth: int) -> list[dict[int, Values]]:
    file = DATA / "aquaculture_sehili" / f"aquaculture_{depth}cm.csv"
    days: dict[date, dict[int, Values]] = {}
    with file.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            moment = datetime.fromisoformat(row["Date"]).replace(tzinfo=SHANGHAI)
            values = {c: float(row[k]) for k, c in _POND.items() if row.get(k)}
            minute = moment.hour * 60 + moment.minute
            days.setdefault(moment.date(), {})[minute] = values
    return [day for _, day in sorted(days.items()) if len(day) > _MINUTES_PER_DAY * 0.5]
