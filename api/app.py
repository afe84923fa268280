"""The application: routes, errors, edge and the OpenAPI document."""

import re
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import iter_route_contexts

from api.attempts import Attempts
from api.dependencies import known_body, known_parameters
from api.directory import Directory
from api.edge import Edge
from api.errors import answer_errors
from api.lane import Lane
from api.live import Feed
from api.metrics import Figures, Measured
from api.routes import (
    account,
    alarm_rules,
    alarms,
    datastreams,
    device_changes,
    devices,
    enrolment,
    grafana,
    groups,
    health,
    ingest,
    layers,
    ledger,
    live,
    matrices,
    observations,
    page,
    places,
    readings,
    recommendations,
    regions,
    seasons,
    sensorthings,
    sensorthings_create,
    soundings,
    stac,
    tiles,
)
from api.schemas.problem import Place, Problem
from api.visitors import Visitors
from ingest.reception import Reception
from models.platform import Platform

_ROUTERS = (
    account.router,
    regions.router,
    places.router,
    enrolment.router,
    devices.router,
    device_changes.router,
    datastreams.router,
    groups.router,
    readings.router,
    observations.router,
    live.router,
    ingest.router,
    layers.router,
    seasons.router,
    tiles.router,
    stac.router,
    soundings.router,
    matrices.router,
    recommendations.router,
    alarms.router,
    alarm_rules.router,
    ledger.router,
    health.router,
    sensorthings.router,
    sensorthings_create.router,
    grafana.router,
    page.router,
)
_DESCRIPTION = (
    "Agriculture data platform of Jilin province. Log in with POST /v1/auth/token and send the "
    "token as 'Authorization: Bearer …'. Times are RFC 3339; a day is an Asia/Shanghai day. "
    "Coordinates are [longitude, latitude], CGCS2000 (EPSG:4490). Lists carry 'next': give it "
    "back as 'after'. Errors are RFC 9457 problem documents, in Chinese or English by "
    "Accept-Language."
)


def create_app(platform: Platform) -> FastAPI:
    """Build the application around the parts of a platform."""
    app = FastAPI(
        title="黑土 Heitu",
        version=platform.version,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(known_parameters), Depends(known_body)],
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
        separate_input_output_schemas=False,
    )
    app.state.platform = platform
    app.state.directory = Directory()
    app.state.outlines = regions.Outlines()
    app.state.attempts = Attempts()
    app.state.reception = Reception(platform.database)
    app.state.claims = Attempts()
    app.state.figures = Figures(platform)
    app.state.visitors = Visitors()
    app.state.feed = Feed(platform.database, platform.clock)
    app.state.layers = tiles.Published()
    app.state.tiles = tiles.Rasters(platform.archive)
    # one flat router: each nested one is matched twice for every request
    routes = [route for router in _ROUTERS for route in router.routes]
    app.include_router(APIRouter(routes=routes))
    app.state.methods = _methods_at(app)
    answer_errors(app)
    app.add_middleware(Lane, state=app.state)
    app.add_middleware(Edge)
    app.add_middleware(Measured, figures=app.state.figures)
    _declare_problems(app)
    return app


def _methods_at(app: FastAPI) -> Callable[[str], list[str]]:
    """Make the function that names every method of a path, for the Allow header of a 405."""
    known: list[tuple[re.Pattern[str], set[str]]] = [
        (route.path_regex, set(route.methods or ()))
        for route in iter_route_contexts(app.routes)
        if hasattr(route, "path_regex")
    ]

    def methods(path: str) -> list[str]:
        found = set[str]().union(*(allowed for regex, allowed in known if regex.match(path)))
        return sorted(found | ({"HEAD"} if "GET" in found else set()))

    return methods


def _declare_problems(app: FastAPI) -> None:
    """Put the problem shape into the OpenAPI document, which no route returns as a model."""
    original = app.openapi

    def document() -> dict[str, Any]:
        made = original()
        shapes = made.setdefault("components", {}).setdefault("schemas", {})
        if "Problem" not in shapes:
            template = "#/components/schemas/{model}"
            shapes["Problem"] = Problem.model_json_schema(ref_template=template)
            shapes["Problem"].pop("$defs", None)
            shapes["Place"] = Place.model_json_schema()
            shapes.pop("HTTPValidationError", None)
            shapes.pop("ValidationError", None)
            _declare_reading(made["paths"])
        return made

    app.openapi = document  # type: ignore[method-assign]


_ANY = "/sta/v1.1/{path}"


def _declare_reading(paths: dict[str, Any]) -> None:
    """Declare GET at the addresses of SensorThings that another route takes POST at."""
    for path, operations in paths.items():
        if path.startswith("/sta/v1.1/") and "get" not in operations:
            general = paths[_ANY]["get"]
            names = [part for part in general["parameters"] if part["in"] != "path"]
            own = [
                part for part in operations["post"].get("parameters", ()) if part["in"] == "path"
            ]
            operations["get"] = {
                **general,
                "parameters": [*own, *names],
                "operationId": f"{operations['post']['operationId']}_get",
            }
