"""OGC SensorThings 1.1: creating observations, singly and as data arrays.

Only observations: Things and Datastreams are devices and are registered as such. What is
not said here of resultTime, parameters and FeatureOfInterest is taken and not kept.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request, Response

from api.answers import Json
from api.routes.ingest import INGEST_PROBLEMS, detail, document_of, hand_in
from api.schemas import ingest as shapes
from api.schemas.ingest import Created
from api.schemas.problem import problems
from api.senders import AnySender, JsonBody, Sender
from ingest.mqtt.wire import named
from ingest.observations import MOST, Item
from ingest.reception import Became
from models.errors import BodyTooLarge, Invalid, NotFound
from models.store import senders

router = APIRouter(tags=["sensorthings"])
_PROBLEMS = {**INGEST_PROBLEMS, **problems(404)}
_TIME, _RESULT = "phenomenonTime", "result"
_LARGEST_ID = 2**31 - 1


@router.post(
    "/sta/v1.1/Observations",
    status_code=201,
    summary="SensorThings: create an observation",
    response_model=Created,
    responses=_PROBLEMS,
    openapi_extra=shapes.OBSERVATION,
)
def create(request: Request, sender: AnySender, body: JsonBody) -> Response:
    """Create an observation of the Datastream that it names; the same one again is the same."""
    entity = _entity(_document(body))
    return _created(request, sender, _stream_of(entity.get("Datastream")), entity)


@router.post(
    "/sta/v1.1/Datastreams({datastream_id})/Observations",
    status_code=201,
    summary="SensorThings: create an observation of a Datastream",
    response_model=Created,
    responses=_PROBLEMS,
    openapi_extra=shapes.OBSERVATION_OF,
)
def create_of(
    request: Request,
    sender: AnySender,
    body: JsonBody,
    datastream_id: Annotated[int, Path(ge=1, le=_LARGEST_ID)],
) -> Response:
    """Create an observation of this Datastream."""
    return _created(request, sender, datastream_id, _entity(_document(body)))


@router.post(
    "/sta/v1.1/CreateObservations",
    status_code=201,
    summary="SensorThings: create observations from data arrays",
    response_model=list[str],
    responses=_PROBLEMS,
    openapi_extra=shapes.ARRAYS,
)
def create_many(request: Request, sender: AnySender, body: JsonBody) -> Response:
    """Create observations; the answer has the address of each, or ``error``, in their order."""
    arrays = _document(body)
    if not isinstance(arrays, list):
        raise Invalid(why=f"the body is {named(arrays)}, not a list of data arrays")
    items = [_item(stream, row, sender) for stream, row in _rows(arrays)]
    if not items:
        raise Invalid(why="there are no observations in the body")
    if len(items) > MOST:
        raise BodyTooLarge(n=len(items), what="items", most=MOST)
    links = ["error"] * len(items)
    for one in hand_in(sender, items):
        if one.outcome is not None:
            links[one.message] = _link(request, one)
    return Json(links, 201)


def _created(request: Request, sender: Sender, stream: int, entity: dict[str, Any]) -> Response:
    with sender.platform.database.reading() as tx:
        if not senders.channels_of(tx, [stream]):
            raise NotFound(noun="Datastream", key=stream)
    became = hand_in(sender, [_item(stream, entity, sender)])
    one = became[0]
    if one.outcome is None:
        told = detail(one)
        raise Invalid(f"The observation was put aside: {told['en']}.", zh=told["zh"])
    link = _link(request, one)
    body = {"@iot.id": _identity(one), "@iot.selfLink": link}
    return Json(body, 201, headers={"Location": link})


def _identity(one: Became) -> str:
    return f"{one.datastream_id}-{one.time}-{one.seq}"


def _link(request: Request, one: Became) -> str:
    base = str(request.base_url).rstrip("/")
    return f"{base}/sta/v1.1/Observations('{_identity(one)}')"


def _document(body: bytes) -> Any:  # noqa: ANN401
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return document_of(body)  # NaN as a result is put aside by name


def _entity(found: object) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise Invalid(why=f"the body is {named(found)}, not an Observation")
    return found


def _stream_of(datastream: object) -> int:
    """Read ``{"@iot.id": 5}``."""
    identity = datastream.get("@iot.id") if isinstance(datastream, dict) else None
    if isinstance(identity, str) and identity.isdecimal() and len(identity) < 11:
        identity = int(identity)
    if isinstance(identity, bool) or not isinstance(identity, int | float):
        raise Invalid(why='name the Datastream: {"Datastream": {"@iot.id": 1}}')
    if identity != int(identity) or not 0 < identity <= _LARGEST_ID:
        raise NotFound(noun="Datastream", key=identity)
    return int(identity)


def _rows(arrays: list[Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give datastream and members of every observation of some data arrays."""
    for array in arrays:
        if not isinstance(array, dict):
            raise Invalid(why=f"a data array is {named(array)}, not an object")
        names, rows = array.get("components"), array.get("dataArray")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise Invalid(why="'components' is not a list of names")
        if not isinstance(rows, list):
            raise Invalid(why="'dataArray' is not a list")
        stream = _stream_of(array.get("Datastream"))
        for row in rows:
            if not isinstance(row, list) or len(row) != len(names):
                raise Invalid(why=f"each row of 'dataArray' is a list of {len(names)}")
            yield stream, dict(zip(names, row, strict=True))


def _item(stream: int, entity: dict[str, Any], sender: Sender) -> Item:
    """Say an observation in the words of Heitu JSON; without a time it is of now."""
    stated = entity.get(_TIME)
    if stated is None:
        stated = sender.platform.clock().isoformat()
    reading = {"time": _instant(stated), "value": entity.get(_RESULT), "datastream": stream}
    return Item(None, stream, json.dumps(reading).encode())


def _instant(stated: object) -> object:
    """Take an interval of no length for its instant; another has no place in a series of them."""
    if isinstance(stated, str) and "/" in stated:
        start, _, end = stated.partition("/")
        return start if start == end else stated
    return stated
