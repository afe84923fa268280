"""What an address of SensorThings 1.1 leads to, for a person who may see it."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.dependencies import Reading
from api.sensorthings import shape
from api.sensorthings.grammar import Segment
from api.sensorthings.shape import Row
from models.errors import NotFound
from models.predicate import Options
from models.store.sensorthings import entities
from models.store.sensorthings.model import COLLECTIONS, ENTITIES, KEY_KINDS, Entity, Navigation

_ROOMY = 2**63  # an id is an int8


@dataclass(frozen=True, slots=True)
class Many:
    """A collection: all entities of a type, or those an entity leads to."""

    entity: Entity
    links: tuple[entities.Link, ...] = ()
    only: str = ""
    refs: bool = False


@dataclass(frozen=True, slots=True)
class Single:
    """One entity."""

    entity: Entity
    row: Row
    refs: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A property of an entity; `bare` without its name (``$value``)."""

    name: str
    value: object
    bare: bool = False


Resource = Many | Single | Part


def found(access: Reading, segments: Sequence[Segment]) -> Resource:
    """Follow an address step by step.

    Raises
    ------
    NotFound, Forbidden
        A step leads nowhere, or to an entity of another region.
    """
    first, *rest = segments
    entity = COLLECTIONS.get(first.name)
    if entity is None:
        raise _nothing(first)
    at: Resource = Many(entity) if first.key is None else _by_key(access, entity, first)
    for segment in rest:
        at = _step(access, at, segment)
    return at


def _nothing(segment: Segment) -> NotFound:
    key = segment.name if segment.key is None else f"{segment.name}({segment.key})"
    return NotFound(noun="resource", key=key)


def _step(access: Reading, at: Resource, segment: Segment) -> Resource:
    if isinstance(at, Part):
        return _deeper(at, segment)
    if at.refs:
        raise _nothing(segment)
    if segment.name == "$ref" and segment.key is None:
        return (
            Many(at.entity, at.links, at.only, refs=True)
            if isinstance(at, Many)
            else Single(at.entity, at.row, refs=True)
        )
    if isinstance(at, Many):
        raise _nothing(segment)
    navigation = at.entity.navigations.get(segment.name)
    if navigation is not None:
        return _along(access, at, navigation, segment)
    return _property(at, segment)


def _along(access: Reading, at: Single, navigation: Navigation, segment: Segment) -> Resource:
    other, link = ENTITIES[navigation.to], (navigation.there, at.row[navigation.here])
    if not navigation.many:
        page = entities.page(access.tx, other, "", Options(), 1, links=[link])
        if segment.key is not None or not page.rows:
            raise _nothing(segment)
        return _seen(access, other, page.rows[0])
    if segment.key is None:
        return Many(other, (link,), navigation.only)
    reached = _by_key(access, other, segment)
    if reached.row[navigation.there] != link[1]:
        raise _nothing(segment)
    return reached


def _by_key(access: Reading, entity: Entity, segment: Segment) -> Single:
    key = _key(entity, segment)
    row = entities.one(access.tx, entity, key)
    if row is None:
        raise _nothing(segment)
    return _seen(access, entity, row)


def _key(entity: Entity, segment: Segment) -> tuple[object, ...]:
    given = segment.key
    if entity.name == "Observation":
        read = shape.observation_key(given) if isinstance(given, str) else None
        if read is None:
            raise _nothing(segment)
        return read
    wanted = str if KEY_KINDS[entity.key[0]] == "text" else int
    fits = isinstance(given, wanted) and not (isinstance(given, int) and abs(given) >= _ROOMY)
    if not fits or (isinstance(given, str) and "\0" in given):
        raise _nothing(segment)
    return (given,)


def _seen(access: Reading, entity: Entity, row: Row) -> Single:
    if entity.scoped:
        access.inside(row["region_code"])
    return Single(entity, row)


def _property(at: Single, segment: Segment) -> Part:
    if segment.key is not None:
        raise _nothing(segment)
    if segment.name in ("id", "@iot.id"):
        return Part(segment.name, shape.identity(at.entity, at.row))
    properties = shape.properties(at.entity, at.row)
    if segment.name not in shape.PROPERTIES[at.entity.name]:
        raise _nothing(segment)
    return Part(segment.name, properties.get(segment.name))


def _deeper(at: Part, segment: Segment) -> Part:
    if at.bare or segment.key is not None:
        raise _nothing(segment)
    if segment.name == "$value":
        return Part(at.name, at.value, bare=True)
    if not isinstance(at.value, dict) or segment.name not in at.value:
        raise _nothing(segment)
    return Part(segment.name, at.value[segment.name])
