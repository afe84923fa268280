"""OGC SensorThings 1.1, the part that reads."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response

from api.answers import Json
from api.dependencies import Reading, reads
from api.schemas.problem import ONE_PROBLEMS
from api.schemas.sensorthings import Collection, Root
from api.sensorthings import grammar, resource
from api.sensorthings.answer import Answering, next_link
from api.sensorthings.resource import Part, Single
from models.errors import BadQuery
from models.person import Action
from models.store.sensorthings.model import COLLECTIONS

router = APIRouter(tags=["sensorthings"])
_SPEC = "http://www.opengis.net/spec/iot_sensing/1.1/req"
_CONFORMANCE = [
    f"{_SPEC}/datamodel",
    f"{_SPEC}/resource-path/resource-path-to-entities",
    f"{_SPEC}/request-data",
    f"{_SPEC}/data-array/data-array",
]
_EXAMPLES = ["Things", "Datastreams(1)/Observations", "ObservedProperties('soil_moisture')"]


def _part(at: Part, *, asked: bool) -> Response:
    if asked:
        raise BadQuery(option="query", why="a property takes no options")
    if at.value is None:
        return Response(status_code=204)
    if not at.bare:
        return Json({at.name: at.value})
    plain = at.value if isinstance(at.value, str) else msgspec.json.encode(at.value)
    return Response(plain, media_type="text/plain")


def _base(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}/sta/v1.1"


@router.get(
    "/sta/v1.1", summary="SensorThings: what there is", response_model=Root, responses=ONE_PROBLEMS
)
@reads(Action.READ)
def root(access: Reading, request: Request) -> dict[str, Any]:
    """List the entity sets and the requirements that are met."""
    return _root(request)


def _root(request: Request) -> dict[str, Any]:
    base = _base(request)
    sets = [{"name": name, "url": f"{base}/{name}"} for name in COLLECTIONS]
    return {"value": sets, "serverSettings": {"conformance": _CONFORMANCE}}


def _option(name: str, description: str) -> Any:  # noqa: ANN401
    return Query(alias=name, description=description, max_length=8000)


@router.get(
    "/sta/v1.1/{path:path}",
    summary="SensorThings: entities, properties and what they lead to",
    response_model=None,
    responses={
        **ONE_PROBLEMS,
        200: {
            "description": "An entity, a property, or a page of a collection",
            "model": Collection,
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        204: {"description": "The property has no value"},
    },
)
@reads(Action.READ)
def entities(
    access: Reading,
    request: Request,
    path: Annotated[str, Path(examples=_EXAMPLES)],
    filter: Annotated[
        str | None, _option("$filter", "e.g. result gt 30 and Datastream/id eq 1")
    ] = None,
    expand: Annotated[
        str | None, _option("$expand", "e.g. Datastreams($expand=Observations($top=1))")
    ] = None,
    orderby: Annotated[str | None, _option("$orderby", "e.g. phenomenonTime desc")] = None,
    top: Annotated[str | None, _option("$top", "Entities of a page, at most 1,000")] = None,
    skip: Annotated[str | None, _option("$skip", "Entities left out at the beginning")] = None,
    count: Annotated[str | None, _option("$count", "true: say how many there are")] = None,
    select: Annotated[str | None, _option("$select", "Properties shown")] = None,
    result_format: Annotated[
        str | None, _option("$resultFormat", "dataArray for Observations")
    ] = None,
    skiptoken: Annotated[
        str | None, _option("$skiptoken", "From @iot.nextLink of the page before")
    ] = None,
) -> Response:
    """Follow the address and the options of SensorThings 1.1; nextLink leads through all pages."""
    if not path.strip("/"):
        return Json(_root(request))
    given = {
        "$filter": filter,
        "$expand": expand,
        "$orderby": orderby,
        "$top": top,
        "$skip": skip,
        "$count": count,
        "$select": select,
    }
    options = grammar.options_of({name: said for name, said in given.items() if said is not None})
    if result_format not in (None, "dataArray"):
        raise BadQuery(option="$resultFormat", why="it is dataArray or left out")
    at = resource.found(access, grammar.address(path.strip("/")))
    if isinstance(at, Part):
        return _part(at, asked=bool(request.url.query))
    answering = Answering(access, _base(request), options)
    if isinstance(at, Single):
        if result_format or skiptoken is not None:
            raise BadQuery(option="query", why="an entity takes $select and $expand only")
        return Json(answering.single(at))
    more = {"$resultFormat": result_format} if result_format else {}
    address = f"{_base(request)}/{path.strip('/')}"
    following = next_link(address, {**options.said, **more})
    return Json(answering.many(at, following, skiptoken, arrays=result_format is not None))
