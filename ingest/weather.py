"""Daily weather from CSV files: a small descriptor says what each column holds.

A row that cannot be used is left out with its line number and the reason; the rows around
it come in. A file that does not fit its descriptor at all is refused.
"""

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from io import StringIO
from pathlib import Path

from models.errors import Invalid
from models.place import Provenance
from models.quantity import quantity
from models.store import weather
from models.store.database import Database
from models.units import conversion
from models.weather import WeatherDay, WeatherStation

_MAX_BYTES = 64 * 1024 * 1024  # a century of days is 4 MB
_FIRST_YEAR = 1840  # the longest Chinese station record begins in 1841 (Beijing)
_QUANTITIES = {
    "tmin": "air_temperature",
    "tmax": "air_temperature",
    "tmean": "air_temperature",
    "rain": "precipitation",
}
_MISSING = frozenset({"", "na", "nan", "null", "-", "-999", "-999.0", "-9999", "-9999.0"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file: its heading and the unit of its values (see `models.units`)."""

    name: str
    unit: str


@dataclass(frozen=True, slots=True)
class Series:
    """What a file holds and whose it is.

    Attributes
    ----------
    columns : mapping
        ``tmin``, ``tmax``, ``tmean`` or ``rain`` -> `Column`; at least tmin and tmax.
    day : str
        Heading of the date column.
    day_format : str
        `strptime` format of its dates.
    missing : frozenset of str
        Texts (lower case) that mean no value, besides an empty one.
    """

    key: str
    name_zh: str
    name_en: str
    location: tuple[float, float]
    elevation_m: float | None
    provenance: Provenance
    attribution: str
    columns: Mapping[str, Column]
    region_code: str | None = None
    day: str = "date"
    day_format: str = "%Y-%m-%d"
    delimiter: str = ","
    missing: frozenset[str] = field(default=_MISSING)


CHAMPION = Series(
    key="champion-nebraska",
    name_zh="美国内布拉斯加 Champion(非吉林)",
    name_en="Champion, Nebraska, USA (not Jilin)",
    location=(-101.7, 40.4),
    elevation_m=None,
    provenance=Provenance.REAL,
    attribution="Champion, Nebraska 1982-2018, sample data of aquacrop 3.1.0 (Apache-2.0)",
    columns={
        "tmin": Column("tmin_c", "Cel"),
        "tmax": Column("tmax_c", "Cel"),
        "rain": Column("prcp_mm", "mm"),
    },
)
KNMI_DE_BILT = Series(
    key="knmi-260",
    name_zh="荷兰德比尔特(非吉林)",
    name_en="De Bilt, Netherlands (not Jilin)",
    location=(5.18, 52.10),
    elevation_m=1.9,
    provenance=Provenance.REAL,
    attribution="KNMI station 260 De Bilt 1991-2019, CC BY 4.0",
    # t10cm_min_c of the full file is the air 10 cm above grass, not the soil: never a column
    columns={
        "tmin": Column("tmin_c", "Cel"),
        "tmax": Column("tmax_c", "Cel"),
        "tmean": Column("tmean_c", "Cel"),
        "rain": Column("rain_mm", "mm"),
    },
)


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that was left out: its line number in the file (the heading is line 1)."""

    line: int
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.why}"


@dataclass(frozen=True, slots=True)
class WeatherFile:
    """Usable days in file order, and the rows left out."""

    days: list[WeatherDay]
    errors: list[RowError]


def read(path: Path, series: Series) -> WeatherFile:
    """Read a file as its descriptor says.

    Raises
    ------
    Invalid
        The file is missing, too large, not UTF-8 text, or lacks a column.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise Invalid(why=f"{path.name} is larger than {_MAX_BYTES // 1024 // 1024} MiB")
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise Invalid(why=f"{path.name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Invalid(why=f"{path.name} is not UTF-8 text (byte {error.start})") from error
    return parse(text, series)


def parse(text: str, series: Series) -> WeatherFile:
    """Parse the text of a file (see `read`)."""
    if "\0" in text:
        raise Invalid(why="the file holds NUL bytes: it is not a CSV text")
    rows = csv.reader(StringIO(text), delimiter=series.delimiter)
    heading = [name.strip() for name in next(rows, [])]
    wanted = [series.day, *(column.name for column in series.columns.values())]
    absent = [name for name in wanted if name not in heading]
    if absent:
        raise Invalid(why=f"there is no column {', '.join(absent)}; found: {', '.join(heading)}")
    return _collect(_numbered(rows), {name: heading.index(name) for name in wanted}, series)


def _numbered(rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str] | str]]:
    # line_num counts physical lines, so a quoted line break does not shift the numbers
    reader = rows
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, str(error)  # type: ignore[attr-defined]
        else:
            yield reader.line_num, row  # type: ignore[attr-defined]


def _collect(
    rows: Iterable[tuple[int, list[str] | str]], place: Mapping[str, int], series: Series
) -> WeatherFile:
    days: list[WeatherDay] = []
    errors: list[RowError] = []
    seen: dict[date, int] = {}
    for line, row in rows:
        if row == []:
            continue
        try:
            day = _day(row, place, series)
            _first_time(day.day, seen)
        except ValueError as error:
            errors.append(RowError(line, str(error)))
        else:
            seen[day.day] = line
            days.append(day)
    return WeatherFile(days, errors)


def _first_time(day: date, seen: Mapping[date, int]) -> None:
    if day in seen:
        raise ValueError(f"{day} is there already, in line {seen[day]}")


def _day(row: list[str] | str, place: Mapping[str, int], series: Series) -> WeatherDay:
    if isinstance(row, str):
        raise ValueError(row)  # noqa: TRY004  (the reader's own complaint, not a wrong type)
    if len(row) <= max(place.values()):
        raise ValueError(f"{len(row)} values, {max(place.values()) + 1} needed")
    day = _date(row[place[series.day]].strip(), series.day_format)
    values = {
        name: _value(row[place[column.name]].strip(), name, column, series)
        for name, column in series.columns.items()
    }
    tmin, tmax = values["tmin"], values["tmax"]
    if tmin is not None and tmax is not None and tmin > tmax:
        raise ValueError(f"the minimum {tmin:g} C is above the maximum {tmax:g} C")
    return WeatherDay(day, tmin, tmax, values.get("tmean"), values.get("rain"))


def _date(text: str, day_format: str) -> date:
    try:
        day = datetime.strptime(text, day_format).date()  # noqa: DTZ007  (a day, no instant)
    except ValueError:
        raise ValueError(f"{text!r} is not a day written {day_format}") from None
    if day.year < _FIRST_YEAR:
        raise ValueError(f"{day} is before {_FIRST_YEAR}")
    return day


def _value(text: str, name: str, column: Column, series: Series) -> float | None:
    if text.lower() in series.missing:
        return None
    key = _QUANTITIES[name]
    factor, offset = conversion(column.unit, key)
    try:
        value = float(text) * factor + offset
    except ValueError:
        raise ValueError(f"{column.name}: {text!r} is not a number") from None
    known = quantity(key)
    if not math.isfinite(value) or not known.low <= value <= known.high:
        raise ValueError(
            f"{column.name}: {text} is not within {known.low}..{known.high} {known.unit}"
        )
    return round(value, 3)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: the series, how many days it stored, and the rows left out."""

    station: WeatherStation
    stored: int
    errors: list[RowError]


def import_file(database: Database, path: Path, series: Series) -> Imported:
    """Read a file and keep its days; days that are there already are replaced.

    Raises
    ------
    Invalid
        The file does not fit, or none of its rows can be used.
    """
    found = read(path, series)
    if not found.days:
        first = f"; {found.errors[0]}" if found.errors else ""
        raise Invalid(why=f"{path.name} has no usable day{first}")
    return Imported(keep(database, series, found.days), len(found.days), found.errors)


def keep(database: Database, series: Series, days: Iterable[WeatherDay]) -> WeatherStation:
    """Keep days under the station of a series, registering it the first time."""
    with database.writing() as tx:
        station = weather.station_by_key(tx, series.key) or weather.add_station(
            tx,
            key=series.key,
            name_zh=series.name_zh,
            name_en=series.name_en,
            location=series.location,
            elevation_m=series.elevation_m,
            region_code=series.region_code,
            provenance=series.provenance,
            attribution=series.attribution,
        )
        weather.add_days(tx, station.id, days)
    return station
