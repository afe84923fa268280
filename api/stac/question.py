"""A search as it is asked, by GET or by POST, as the store takes it."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from api.paging import cursor, position
from api.schemas.shape import parse_instant
from api.stac.cql2 import from_json, geometry, instant
from api.stac.cql2_text import from_text
from models.errors import BadQuery
from models.store.places import Box
from models.store.stac import Search, Sort

USUAL, MOST = 10, 500  # items of a page
_MOST_NAMES, _MOST_TERMS = 200, 5
_CRS: Final = ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "EPSG:4326", "EPSG:4490")


def _bad(option: str, why: str) -> BadQuery:
    return BadQuery(option=option, why=why)


@dataclass(frozen=True, slots=True)
class Question:
    """A search with its page and the members that are shown.

    Attributes
    ----------
    include, exclude : tuple of str
        Paths of members; empty for all and for none.
    said : dict
        The search as it was asked, to be repeated in the link to the next page.
    """

    search: Search
    limit: int = USUAL
    after: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    said: dict[str, Any] = field(default_factory=dict)

    def token(self, key: tuple[str, ...]) -> str:
        """Name the page after a key."""
        return cursor(_list_of(self.search), key)


def _list_of(search: Search) -> str:
    """Name the list that a token belongs to: another order is another list."""
    terms = repr([(one.field, one.descending) for one in search.sort])
    return f"stac-{hashlib.sha256(terms.encode()).hexdigest()[:8]}"


def question(said: dict[str, Any]) -> Question:
    """Read a search from plain members, as POST has them.

    Raises
    ------
    BadQuery, BadCursor
        A member cannot be used.
    """
    since, until = times(said.get("datetime"))
    if said.get("bbox") is not None and said.get("intersects") is not None:
        raise _bad("intersects", "give bbox or intersects, not both")
    if said.get("filter-crs") not in (None, *_CRS):
        raise _bad("filter-crs", f"it is one of {', '.join(_CRS)}")
    search = Search(
        ids=_names("ids", said.get("ids")),
        collections=_names("collections", said.get("collections")),
        bbox=_box(said.get("bbox")),
        intersects=None if said.get("intersects") is None else _shape(said["intersects"]),
        since=since,
        until=until,
        filter=_filter(said.get("filter"), said.get("filter-lang")),
    )
    search = replace(search, sort=_sort(said.get("sortby")) or search.sort)
    token = said.get("token")
    shape = (str,) * len(search.sort)
    key = () if token is None else position(_list_of(search), token, shape)
    fields = said.get("fields") or {}
    return Question(
        search,
        min(said.get("limit") or USUAL, MOST),
        tuple(str(part) for part in key),
        tuple(fields.get("include") or ()),
        tuple(fields.get("exclude") or ()),
        {name: value for name, value in said.items() if value is not None and name != "token"},
    )


def from_query(said: dict[str, Any]) -> dict[str, Any]:
    """Turn the text of a query string into the members that POST has."""
    made = dict(said)
    for name in ("ids", "collections"):
        if said.get(name) is not None:
            made[name] = [part for part in said[name].split(",") if part]
    if said.get("bbox") is not None:
        made["bbox"] = _numbers(said["bbox"])
    if said.get("intersects") is not None:
        made["intersects"] = _decoded("intersects", said["intersects"])
    if said.get("sortby") is not None:
        made["sortby"] = [_term(text) for text in said["sortby"].split(",") if text.strip()]
    if said.get("fields") is not None:
        made["fields"] = _fields(said["fields"])
    if said.get("filter") is not None and said.get("filter-lang") == "cql2-json":
        made["filter"] = _decoded("filter", said["filter"])
    return made


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise _bad("bbox", "it takes west,south,east,north in degrees") from None


def _decoded(option: str, text: str) -> Any:  # noqa: ANN401
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise _bad(option, "it is not JSON") from None


def _term(text: str) -> dict[str, str]:
    text = text.strip()
    direction = "desc" if text.startswith("-") else "asc"
    return {"field": text.lstrip("+-"), "direction": direction}


def _fields(text: str) -> dict[str, list[str]]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return {
        "include": [part.lstrip("+") for part in parts if not part.startswith("-")],
        "exclude": [part[1:] for part in parts if part.startswith("-")],
    }


def _names(option: str, given: list[str] | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    if len(given) > _MOST_NAMES or any("\0" in name for name in given):
        raise _bad(option, f"it takes at most {_MOST_NAMES} plain names")
    return tuple(given)


def _box(given: list[float] | None) -> Box | None:
    if given is None:
        return None
    # six numbers carry heights, which scenes have none of
    sides = given if len(given) == 4 else [*given[:2], *given[3:5]] if len(given) == 6 else []
    if len(sides) != 4:
        raise _bad("bbox", "it takes 4 or 6 numbers")
    west, south, east, north = sides
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise _bad("bbox", "it takes west,south,east,north in degrees, south <= north")
    return west, south, east, north


def _shape(given: object) -> Any:  # noqa: ANN401
    try:
        return geometry(given)
    except BadQuery as error:
        raise _bad("intersects", str(error.facts["why"])) from None


def _filter(given: object, language: str | None) -> Any:  # noqa: ANN401
    if given is None:
        return None
    if language == "cql2-text" or (language is None and isinstance(given, str)):
        if not isinstance(given, str):
            raise _bad("filter", "cql2-text is a text")
        return from_text(given)
    return from_json(given)


def _sort(given: list[dict[str, str]] | None) -> tuple[Sort, ...]:
    if not given:
        return ()
    if len(given) > _MOST_TERMS:
        raise _bad("sortby", f"it takes at most {_MOST_TERMS} terms")
    terms = [Sort(_plain(one["field"]), one.get("direction") == "desc") for one in given]
    # the id comes last, so that the order is one of all items
    return (*terms, Sort("id", terms[-1].descending))


def _plain(name: str) -> str:
    return name.removeprefix("properties.")


def times(text: str | None) -> tuple[datetime | None, datetime | None]:
    """Read an instant or an interval, open where it says '..' or nothing.

    A date is a whole Asia/Shanghai day.
    """
    if text is None:
        return None, None
    try:
        start, slash, end = text.partition("/")
        first = None if start in ("", "..") and slash else instant(start)
        last = _closing(end if slash else start) if not slash or end not in ("", "..") else None
    except BadQuery as error:
        raise _bad("datetime", str(error.facts["why"])) from None
    if first is None and last is None:
        raise _bad("datetime", "an interval that is open on both sides says nothing")
    if first is not None and last is not None and first > last:
        raise _bad("datetime", "it ends before it starts")
    return first, last


def _closing(text: str) -> datetime:
    """Read the end of an interval: of a date, its last microsecond."""
    end = instant(text)
    whole_day = len(text) == len("2026-05-01") and isinstance(parse_instant(text), datetime)
    return end + timedelta(days=1, microseconds=-1) if whole_day else end
