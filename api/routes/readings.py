"""Observations and latest values."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from api import present, tabular
from api.answers import Csv, Json
from api.dependencies import Reading, reads
from api.errors import BadCursor
from api.paging import Page, paged
from api.routes.devices import DeviceQuery, FarmQuery, FieldQuery, inside_device
from api.routes.places import inside_farm, inside_field
from api.schemas.problem import ONE_PROBLEMS
from api.schemas.readings import LatestList, Observations
from api.schemas.shape import Instant, Number
from models.device import Datastream
from models.errors import Invalid
from models.person import Action
from models.quantity import QUANTITIES
from models.store import readings as store
from models.store.readings import Width

router = APIRouter(tags=["readings"])
_USUAL_RANGE = timedelta(days=30)
_AHEAD = timedelta(minutes=10)  # device clocks may run that far ahead and are stored
_OVERLAP = timedelta(seconds=5)  # a commit that began before the last poll may land after it
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST_STREAMS = 50
_LARGEST_ID = 2**31 - 1


class Bucketing(StrEnum):
    """Width of aggregates."""

    HOUR = "hour"
    DAY = "day"
    NONE = "none"


class Format(StrEnum):
    """Body of the answer."""

    JSON = "json"
    CSV = "csv"


def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND


def _streams(access: Reading, ids: list[int]) -> list[Datastream]:
    """Return the datastreams in id order, each seen to lie in the account's region."""
    wanted = sorted(set(ids))
    if len(wanted) > _MOST_STREAMS:
        raise Invalid(
            why=f"at most {_MOST_STREAMS} datastreams in one request",
            zh=f"一次最多查询 {_MOST_STREAMS} 个数据流。",
        )
    placed = access.directory.streams(access.tx, wanted)
    for _, county in placed:
        access.inside(county)
    return [stream for stream, _ in placed]


Rows = list[dict[str, Any]]


def _raw(
    access: Reading, streams: list[Datastream], start: datetime, end: datetime, page: Page
) -> tuple[Rows, str | None]:
    after = _last(page)
    ids = [stream.id for stream in streams]
    found = store.series(access.tx, ids, start, end, limit=page.one_more, after=after)
    rows, following = page.cut(
        [tuple(r) for r in found], lambda r: (r[0], _microseconds(r[1]), r[4])
    )
    flags = present.flags
    items = [
        {"datastream": stream, "time": time, "value": value, "quality": flags(quality)}
        for stream, time, value, quality, _ in rows
    ]
    return items, following


def _buckets(
    access: Reading,
    streams: list[Datastream],
    span: tuple[datetime, datetime],
    width: Width,
    page: Page,
) -> tuple[Rows, str | None]:
    last = _last(page)
    items: Rows = []
    for stream in streams:
        if last is not None and stream.id < last[0]:
            continue
        begin = span[0]
        if last is not None and stream.id == last[0]:
            begin = max(begin, last[1] + _MICROSECOND)
        found = store.bucket_rows(access.tx, stream.id, begin, span[1], width)
        items += [present.bucket(stream.id, row) for row in found]
        if len(items) > page.limit:
            break
    kept, following = page.cut(items, lambda r: (r["datastream"], _microseconds(r["start"]), 0))
    return list(kept), following


def _last(page: Page) -> tuple[int, datetime, int] | None:
    """Return datastream, time and sequence of the last row of the page before."""
    if not page.after:
        return None
    stream_id, instant, seq = page.after
    assert isinstance(instant, int)
    assert isinstance(stream_id, int)
    assert isinstance(seq, int)
    if stream_id > _LARGEST_ID or seq > _LARGEST_ID:
        raise BadCursor
    return stream_id, _EPOCH + instant * _MICROSECOND, seq


def _series(stream: Datastream) -> dict[str, Any]:
    return {
        "datastream": stream.id,
        "quantity": stream.quantity,
        "unit": QUANTITIES[stream.quantity].unit,
        "depth_cm": stream.depth_cm,
        "label": present.label(stream.quantity),
    }


@router.get(
    "/v1/observations",
    summary="Readings or aggregates of datastreams",
    response_model=Observations,
    responses={
        **ONE_PROBLEMS,
        200: {
            "description": "Readings, or aggregates when `bucket` is hour or day",
            "content": {"text/csv": {"schema": {"type": "string"}}},
            "headers": {"Link": {"schema": {"type": "string"}, "description": "rel=next (CSV)"}},
        },
    },
)
@reads(Action.READ)
def observations(
    access: Reading,
    request: Request,
    page: Annotated[
        Page, Depends(paged("observations", usual=1000, most=20_000, shape=(int, int, int)))
    ],
    datastream: Annotated[
        list[Number], Query(min_length=1, description="Datastream id; give it once for each")
    ],
    start: Annotated[
        Instant | None, Query(description="From, inclusive; 30 days before end")
    ] = None,
    end: Annotated[Instant | None, Query(description="To, exclusive; now when left out")] = None,
    bucket: Annotated[Bucketing, Query(description="Width of aggregates; none: raw")] = (
        Bucketing.NONE
    ),
    format: Annotated[
        Format | None, Query(description="json or csv; Accept: text/csv does the same")
    ] = None,
    bom: Annotated[
        bool, Query(description="Begin CSV with a byte order mark, so that Excel shows Chinese")
    ] = False,
) -> Json | Csv:
    """Read raw values, or hourly and daily (Asia/Shanghai) aggregates, in canonical units."""
    until = end or access.platform.clock() + _AHEAD
    since = start or until - _USUAL_RANGE
    if since > until:
        raise Invalid(why="start lies after end", zh="start 晚于 end。")
    streams = _streams(access, datastream)
    bucketed = bucket is not Bucketing.NONE
    if bucketed:
        width: Width = "hour" if bucket is Bucketing.HOUR else "day"
        items, following = _buckets(access, streams, (since, until), width, page)
    else:
        items, following = _raw(access, streams, since, until, page)
    if format is Format.CSV or (format is None and _prefers_csv(request)):
        link = _next_link(request, following)
        return Csv(tabular.csv_of(items, streams, bucketed=bucketed, bom=bom), headers=link)
    series = [_series(stream) for stream in streams]
    return Json({"items": items, "series": series, "next": following})


def _prefers_csv(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return accept.partition(",")[0].strip().startswith("text/csv")


def _next_link(request: Request, following: str | None) -> dict[str, str]:
    headers = {"Vary": "Accept"}
    if following is not None:
        url = request.url.include_query_params(after=following)
        headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return headers


@router.get(
    "/v1/latest",
    summary="Newest value of every sensor",
    response_model=LatestList,
    responses=ONE_PROBLEMS,
)
@reads(Action.READ)
def latest(
    access: Reading,
    page: Annotated[Page, Depends(paged("latest", usual=1000, most=10_000))],
    farm: FarmQuery = None,
    field: FieldQuery = None,
    device: DeviceQuery = None,
    updated_after: Annotated[
        Instant | None,
        Query(description="Only what was stored since: `server_time` of the last answer"),
    ] = None,
) -> Json:
    """List the newest value of each datastream by phenomenon time, not by arrival."""
    inside_farm(access, farm)
    inside_field(access, field)
    inside_device(access, device)
    now = access.platform.clock()
    found = store.latest_rows(
        access.tx,
        prefix=access.prefix,
        farm_id=farm,
        field_id=field,
        device_id=device,
        updated_after=updated_after,
        after=page.key,
        limit=page.one_more,
    )
    rows, following = page.cut(found, lambda r: (r[0],))
    items = [present.latest(row, now) for row in rows]
    return Json({"items": items, "next": following, "server_time": now - _OVERLAP})
