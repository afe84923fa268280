"""Grafana's JSON data source: metrics are datastreams, points are thinned or aggregated."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Body, Request

from api.answers import Json
from api.dependencies import Reading, reads
from api.language import language_of
from api.routes.observations import placed_streams
from api.schemas.grafana import Line, Metric, Option, Payload, Query, Search, SearchResult, Target
from api.schemas.problem import problems
from api.series import question, slabs
from api.series.question import AGGREGATES, MOST_POINTS, Question
from models.device import Datastream
from models.errors import Invalid
from models.person import Action
from models.quantity import QUANTITIES
from models.store import grafana, series
from models.store.series import Width

router = APIRouter(tags=["grafana"])
_PROBLEMS = problems(401, 403, 404, 413, 415)
_MOST_METRICS = 1000
_HOUR = 3600
_FEWEST = 8  # points of a line


@router.get("/grafana/", summary="Grafana: test of the connection", responses=_PROBLEMS)
@router.get("/grafana", include_in_schema=False)
@reads(Action.READ)
def ping(access: Reading) -> dict[str, str]:
    """Say who is connected."""
    return {"status": "ok", "account": access.person.login}


def _english(request: Request) -> bool:
    return language_of(request.headers.get("accept-language")) == "en"


def _found(access: Reading, request: Request, text: str) -> list[tuple[str, str]]:
    """Return label and value of the datastreams that a text finds."""
    english = _english(request)
    rows = grafana.metrics(access.tx, access.prefix, text, _MOST_METRICS)
    return [(_label(row, english=english), str(row.id)) for row in rows]


def _label(row: Any, *, english: bool) -> str:  # noqa: ANN401
    known = QUANTITIES[row.quantity]
    device, what = (row.name_en, known.en) if english else (row.name_zh, known.zh)
    depth = "" if row.depth_cm is None else f" {row.depth_cm:g} cm"
    return f"{device} ({row.key}) {what}{depth} [{known.unit}]"


@router.post(
    "/grafana/search",
    summary="Grafana: metrics, as older plugins ask",
    response_model=list[SearchResult],
    responses=_PROBLEMS,
)
@reads(Action.READ)
def search(
    access: Reading, request: Request, given: Annotated[Search | None, Body()] = None
) -> list[dict[str, str]]:
    """Find datastreams of the region by name, key or quantity."""
    found = _found(access, request, given.target if given else "")
    return [{"text": label, "value": value} for label, value in found]


_PAYLOADS = [
    {
        "label": "Aggregation",
        "name": "aggregation",
        "type": "select",
        "options": [{"label": name, "value": name} for name in AGGREGATES],
        "defaultValue": "mean",
    },
    {
        "label": "Quality",
        "name": "quality",
        "type": "select",
        "options": [{"label": name, "value": name} for name in ("good", "all")],
        "defaultValue": "good",
    },
]


@router.post(
    "/grafana/metrics",
    summary="Grafana: metrics",
    response_model=list[Metric],
    responses=_PROBLEMS,
)
@reads(Action.READ)
def metrics(
    access: Reading, request: Request, given: Annotated[Search | None, Body()] = None
) -> list[dict[str, Any]]:
    """List the datastreams of the region, or those that `metric` finds."""
    text = given.metric if given and not given.metric.partition(":")[0].isdecimal() else ""
    found = _found(access, request, text)
    return [{"label": label, "value": value, "payloads": _PAYLOADS} for label, value in found]


@router.post(
    "/grafana/metric-payload-options",
    summary="Grafana: choices of the builder",
    response_model=list[Option],
    responses=_PROBLEMS,
)
@reads(Action.READ)
def payload_options(
    access: Reading, given: Annotated[dict[str, Any] | None, Body()] = None
) -> list[dict[str, str]]:
    """List the aggregates, or the kinds of quality."""
    named = (given or {}).get("name")
    chosen = next((of for of in _PAYLOADS if of["name"] == named), None)
    return chosen["options"] if chosen else []  # type: ignore[return-value]


@router.post(
    "/grafana/query",
    summary="Grafana: the lines of a panel",
    response_model=list[Line],
    responses=_PROBLEMS,
)
@reads(Action.READ)
def query(access: Reading, request: Request, given: Query) -> Json:
    """Return each line with at most `maxDataPoints`: thinned readings, or aggregates.

    From an hour between two points on they are aggregates of whole hours; bad values are
    left out unless the payload says `quality: all`.
    """
    wanted = [target for target in given.targets if target.target and not target.hide]
    chosen = [_chosen(target) for target in wanted]
    streams = {s.id: s for s in placed_streams(access, [stream for stream, _ in chosen])}
    names = {row.id: row for row in grafana.named(access.tx, list(streams))}
    lines = []
    for target, (stream, aggregate) in zip(wanted, chosen, strict=True):
        points = _points(access, given, target, streams[stream], aggregate)
        label = _label(names[stream], english=_english(request))
        lines.append({"target": label, "refId": target.refId, "datapoints": points})
    return Json(lines)


def _chosen(target: Target) -> tuple[int, str]:
    """Read ``12`` or ``12:max``."""
    stream, _, aggregate = str(target.target).partition(":")
    if isinstance(target.payload, Payload):
        aggregate = aggregate or target.payload.aggregation
    if not (stream.isdecimal() and stream.isascii() and 0 < int(stream[:11]) < 2**31):
        raise Invalid(
            why=f"{target.target!r} is no metric of /grafana/metrics",
            zh=f"{target.target!r} 不是 /grafana/metrics 中的指标。",
        )
    (aggregate,) = question.chosen(aggregate or "mean", AGGREGATES, (), "aggregation")[:1]
    return int(stream), aggregate


def _points(
    access: Reading, given: Query, target: Target, stream: Datastream, aggregate: str
) -> list[tuple[float | None, int]]:
    most = max(_FEWEST, min(given.maxDataPoints or MOST_POINTS, MOST_POINTS))
    start, end = given.range.start, given.range.end
    if start >= end:
        return []
    payload = target.payload if isinstance(target.payload, Payload) else Payload()
    excluded = question.excluded_by(payload.quality)
    step = max(timedelta(milliseconds=given.intervalMs), (end - start) / most)
    base = {"streams": (stream,), "start": start, "end": end}
    if step < timedelta(seconds=_HOUR):
        asked = Question(**base, excluded=excluded, points=most)  # type: ignore[arg-type]
        return _thinned(access, asked)
    width = Width(-(-int(step.total_seconds()) // _HOUR) * _HOUR)
    asked = Question(
        **base,  # type: ignore[arg-type]
        width=width,
        # good values are what the rollups hold
        excluded=None if payload.quality == "good" else excluded,
        aggregates=(aggregate,),  # type: ignore[arg-type]
    )
    found, _ = slabs.read(access.tx, asked, None, most)
    return [
        (value, _milliseconds(start))
        for slab in found
        for value, start in zip(slab.columns[aggregate], slab.columns["start"], strict=True)
    ]


def _thinned(access: Reading, asked: Question) -> list[tuple[float | None, int]]:
    return [
        point
        for slab in slabs.thin(access.tx, asked)
        for point in zip(
            np.asarray(slab.columns["value"]).tolist(),
            (np.asarray(slab.columns["time"]) // 1000).tolist(),
            strict=True,
        )
    ]


def _milliseconds(instant: datetime) -> int:
    return series.microseconds(instant) // 1000


@router.post("/grafana/annotations", summary="Grafana: annotations", responses=_PROBLEMS)
@router.post("/grafana/tag-keys", summary="Grafana: keys of filters", responses=_PROBLEMS)
@router.post("/grafana/tag-values", summary="Grafana: values of filters", responses=_PROBLEMS)
@reads(Action.READ)
def nothing(
    access: Reading, given: Annotated[dict[str, Any] | None, Body()] = None
) -> list[dict[str, str]]:
    """Answer that there are none."""
    return []


@router.post(
    "/grafana/variable",
    summary="Grafana: values of a dashboard variable",
    responses=_PROBLEMS,
)
@reads(Action.READ)
def variable(
    access: Reading, request: Request, given: Annotated[dict[str, Any] | None, Body()] = None
) -> list[dict[str, str]]:
    """List the datastreams that the target of the payload finds."""
    payload = (given or {}).get("payload")
    text = payload.get("target", "") if isinstance(payload, dict) else ""
    found = _found(access, request, text[:200].replace("\0", "") if isinstance(text, str) else "")
    return [{"__text": label, "__value": value} for label, value in found]
