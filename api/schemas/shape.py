"""What the shapes share: two languages, a region with its name, safe text, ids, times."""

import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from models.calendar import day_start

_LARGEST_ID = 2**31 - 1  # int4 of PostgreSQL
_YEARS = range(1970, 2101)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)")
_EXPECTED = "give RFC 3339 with a zone, e.g. 2026-05-01T08:00:00+08:00, or a date"
# '+08:00' that was not percent-encoded in a query string arrives with a blank
_LOST_PLUS = re.compile(r" (\d\d:\d\d)$")


class Answer(BaseModel):
    """A shape that goes out."""

    model_config = ConfigDict(ser_json_inf_nan="null")


class Given(BaseModel):
    """A shape that comes in: no unknown members, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Bilingual(Answer):
    """Text in both languages of the platform."""

    zh: str
    en: str


class RegionRef(Answer):
    """A division and its name."""

    code: str = Field(examples=["220182"])
    name: str = Field(examples=["榆树市"])


def parse_instant(text: object) -> object:
    """Turn an RFC 3339 time into one pydantic reads; a date is 00:00 Asia/Shanghai."""
    if not isinstance(text, str):
        if isinstance(text, datetime):
            return text
        raise ValueError(_EXPECTED)
    if _DATE.fullmatch(text):
        year, month, day = (int(part) for part in text.split("-"))
        # outside the years served `plausible` refuses it; day_start may overflow there
        return day_start(datetime(year, month, day).date()) if year in _YEARS else text + "T00:00Z"  # noqa: DTZ001
    text = _LOST_PLUS.sub(r"+\1", text)
    if not _RFC3339.fullmatch(text):
        raise ValueError(_EXPECTED)
    return text


def plausible(instant: datetime) -> datetime:
    """Refuse years in which arithmetic on instants could leave the calendar."""
    if instant.year not in _YEARS:
        message = f"the year must be within {_YEARS[0]}..{_YEARS[-1]}"
        raise ValueError(message)
    return instant


_INSTANT_SCHEMA: dict[str, Any] = {
    "type": "string",
    "anyOf": [{"format": "date-time"}, {"format": "date"}],
    "examples": ["2026-05-01T08:00:00+08:00", "2026-05-01"],
}
Instant = Annotated[
    AwareDatetime,
    BeforeValidator(parse_instant),
    AfterValidator(plausible),
    WithJsonSchema(_INSTANT_SCHEMA),
]

Id = Annotated[int, Path(ge=1, le=_LARGEST_ID, examples=[1])]
Number = Annotated[int, Field(ge=1, le=_LARGEST_ID)]
# no control characters: a NUL cannot be stored, a line break forges log lines and CSV rows
_LINE = r"^[^\x00-\x1f\x7f]*$"
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_LINE)
]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=_LINE)]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
StableId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Code = Annotated[str, Path(pattern=r"^[0-9]{6}$", examples=["220182"])]
Lon = Annotated[float, Field(ge=-180, le=180, strict=True)]
# latitude has the bounds of longitude: swapped axes are told apart where the county is sought
Position = Annotated[
    tuple[Lon, Lon], Field(description="[longitude, latitude], degrees, CGCS2000/WGS84")
]
# lists of a fixed length rather than tuples: older tools read no `prefixItems`
Spot = Annotated[list[float], Field(min_length=2, max_length=2, description="[lon, lat]")]
Box = Annotated[
    list[float], Field(min_length=4, max_length=4, description="[west, south, east, north]")
]
Cursor = Annotated[str | None, Field(description="Cursor of the next page, null at the end.")]
