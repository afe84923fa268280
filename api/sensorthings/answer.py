"""Collections and entities of SensorThings 1.1 with what is expanded, counted and to come."""

import base64
import binascii
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from api.dependencies import Reading
from api.errors import BadCursor
from api.sensorthings import shape
from api.sensorthings.resource import Many, Single
from api.sensorthings.shape import Row, Shown
from models.errors import BadQuery
from models.predicate import Expansion, Options
from models.store.sensorthings import entities
from models.store.sensorthings.entities import Page, Place
from models.store.sensorthings.model import ENTITIES, Entity, Navigation

_USUAL, _MOST = 100, 1000  # entities of a page
_MOST_EXPANDED = 20_000  # entities that come along with a page, by navigation
_MOST_EXPANSIONS = 20
_DEEPEST = 6
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COMPONENTS = ("id", "phenomenonTime", "resultTime", "result", "resultQuality", "parameters")


class Answering:
    """Answers questions of one request."""

    def __init__(self, access: Reading, base: str, options: Options) -> None:
        self.access = access
        self.base = base
        self.options = options
        if _expansions(options) > _MOST_EXPANSIONS:
            why = f"more than {_MOST_EXPANSIONS} expansions"
            raise BadQuery(option="$expand", why=why)

    def single(self, at: Single) -> Shown:
        """Show an entity, or the reference to it."""
        if set(self.options.said) - {"$select", "$expand"}:
            raise BadQuery(option="query", why="an entity takes $select and $expand only")
        _checked(at.entity, self.options)
        if at.refs:
            return {"@iot.selfLink": shape.link(self.base, at.entity, at.row)}
        return self._shown(at.entity, [at.row], self.options)[0]

    def many(self, at: Many, following: str, token: str | None, *, arrays: bool) -> Shown:
        """Show a page of a collection.

        Parameters
        ----------
        following : str
            Address of the next page up to its token.
        token : str or None
            Where the page before ended.
        arrays : bool
            As data arrays, by datastream.
        """
        page = self._page(at, token)
        if at.refs:
            links = (shape.link(self.base, at.entity, row) for row in page.rows)
            value: list[Shown] = [{"@iot.selfLink": link} for link in links]
        elif arrays:
            value = self._arrays(at.entity, page.rows)
        else:
            value = self._shown(at.entity, page.rows, self.options)
        made: Shown = {} if page.count is None else {"@iot.count": page.count}
        if page.following is not None:
            made["@iot.nextLink"] = following + _token(page.following)
        return {**made, "value": value}

    def _page(self, at: Many, token: str | None) -> Page:
        _checked(at.entity, self.options)
        top = _USUAL if self.options.top is None else self.options.top
        return entities.page(
            self.access.tx,
            at.entity,
            self.access.prefix,
            self.options,
            min(top, _MOST),
            links=at.links,
            only=at.only,
            after=None if token is None else _place(token),
        )

    def _shown(
        self, entity: Entity, rows: Sequence[Row], options: Options, depth: int = 0
    ) -> list[Shown]:
        made = [shape.shown(self.base, entity, row, options.select) for row in rows]
        for expansion in options.expand if rows else ():
            if depth >= _DEEPEST:
                raise BadQuery(option="$expand", why=f"it is deeper than {_DEEPEST}")
            self._expand(entity, rows, made, expansion, depth + 1)
        return made

    def _expand(
        self,
        entity: Entity,
        rows: Sequence[Row],
        made: list[Shown],
        expansion: Expansion,
        depth: int,
    ) -> None:
        name, options = expansion.navigation, expansion.options
        navigation = entity.navigations.get(name)
        if navigation is None:
            raise BadQuery(option="$expand", why=f"{entity.name} does not lead to {name!r}")
        other = ENTITIES[navigation.to]
        _checked(other, options)
        keys = list({row[navigation.here] for row in rows if row[navigation.here] is not None})
        top = _USUAL if options.top is None else options.top
        limit = min(top, _MOST, max(1, _MOST_EXPANDED // max(1, len(keys))))
        pages = entities.children(
            self.access.tx, other, navigation, keys, self.access.prefix, options, limit
        )
        shown = {key: self._shown(other, page.rows, options, depth) for key, page in pages.items()}
        for row, parent in zip(rows, made, strict=True):
            key = row[navigation.here]
            self._attach(
                entity, row, parent, expansion, navigation, shown.get(key, []), pages.get(key)
            )

    def _attach(
        self,
        entity: Entity,
        row: Row,
        parent: Shown,
        expansion: Expansion,
        navigation: Navigation,
        shown: list[Shown],
        page: Page | None,
    ) -> None:
        name = expansion.navigation
        parent.pop(f"{name}@iot.navigationLink", None)
        if not navigation.many:
            parent[name] = shown[0] if shown else None
            return
        parent[name] = shown
        if page is None:
            return
        if page.count is not None:
            parent[f"{name}@iot.count"] = page.count
        if page.following is not None:
            address = f"{shape.link(self.base, entity, row)}/{name}"
            more = next_link(address, expansion.options.said) + _token(page.following)
            parent[f"{name}@iot.nextLink"] = more

    def _arrays(self, entity: Entity, rows: Iterable[Row]) -> list[Shown]:
        if entity.name != "Observation" or self.options.expand:
            why = "dataArray is for Observations, without $expand"
            raise BadQuery(option="$resultFormat", why=why)
        components = list(self.options.select or _COMPONENTS)
        return [
            self._array(stream, list(of), components)
            for stream, of in groupby(rows, key=lambda row: row["datastream_id"])
        ]

    def _array(self, stream: int, rows: Sequence[Row], components: list[str]) -> Shown:
        entity = ENTITIES["Observation"]
        values = [
            {"id": shape.observation_id(row), **shape.properties(entity, row)} for row in rows
        ]
        return {
            "Datastream@iot.navigationLink": f"{self.base}/Datastreams({stream})",
            "components": components,
            "dataArray@iot.count": len(rows),
            "dataArray": [[value.get(name) for name in components] for value in values],
        }


def next_link(address: str, said: dict[str, str]) -> str:
    """Write the address of a further page up to its token."""
    kept = [(name, text) for name, text in said.items() if name not in ("$skip", "$skiptoken")]
    return f"{address}?{urlencode([*kept, ('$skiptoken', '')], quote_via=quote, safe='$')}"


def _expansions(options: Options) -> int:
    return sum(1 + _expansions(part.options) for part in options.expand)


def _checked(entity: Entity, options: Options) -> None:
    known = shape.PROPERTIES[entity.name] | entity.navigations.keys()
    for name in options.select:
        if name not in known | {"id", "@iot.id", "@iot.selfLink"}:
            raise BadQuery(option="$select", why=f"{entity.name} has no property {name!r}")


def _token(place: Place) -> str:
    """Write a place of an order as a token; instants as microseconds since 1970."""
    parts = [
        [(part - _EPOCH) // timedelta(microseconds=1)] if isinstance(part, datetime) else part
        for part in place
    ]
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).rstrip(b"=").decode()


def _place(token: str) -> Place:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        parts = msgspec.json.decode(raw, type=list[int | float | str | bool | list[int] | None])
        return tuple(_part(part) for part in parts)
    except (binascii.Error, ValueError, OverflowError, msgspec.DecodeError, RecursionError):
        raise BadCursor from None


def _part(part: Any) -> Any:  # noqa: ANN401
    if isinstance(part, list):
        (microseconds,) = part
        return _EPOCH + timedelta(microseconds=microseconds)
    if isinstance(part, str) and "\0" in part:
        raise ValueError
    if isinstance(part, int) and abs(part) >= 2**63:
        raise ValueError
    return part
