"""Shape of the growing season of a field."""

from datetime import date

from api.schemas.shape import Answer


class SeasonValue(Answer):
    """The smooth value of the ten days that begin on a day; `filled`: interpolated."""

    day: date
    value: float
    filled: bool


class SeasonOut(Answer):
    """Start, peak and end of the season; null where not seen, or not yet."""

    product: str
    year: int
    start: date | None
    peak: date | None
    end: date | None
    amplitude: float | None
    series: list[SeasonValue]
