"""Observations of datastreams: readings, aggregates or thinned lines, in four formats."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from api import present
from api.answers import Json
from api.dependencies import Reading, reads
from api.errors import BadCursor
from api.paging import Page, cursor, paged
from api.schemas.problem import ONE_PROBLEMS
from api.schemas.readings import Observations
from api.schemas.shape import Instant, Number
from api.series import question, slabs
from api.series.columnar import Columnar
from api.series.question import AGGREGATES, EXTRAS, MOST_STREAMS, USUAL, Question
from api.series.slabs import Cursor, Slab
from api.series.text import Csv, rows_of
from models.device import Datastream
from models.errors import Invalid
from models.person import Action
from models.quantity import QUANTITIES
from models.store.database import Database

router = APIRouter(tags=["readings"])
_USUAL_RANGE = timedelta(days=30)
_AHEAD = timedelta(minutes=10)  # device clocks may run that far ahead and are stored
_LARGEST_ID = 2**31 - 1
_PIECE = 50_000  # rows read and written at once of a whole answer: about 10 MB
_LIST = "observations"

Writer = Csv | Columnar


class Format(StrEnum):
    """Body of the answer."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"


class Method(StrEnum):
    """How a line is thinned."""

    LTTB = "lttb"
    MINMAX = "minmax"


_MEDIA = {
    "application/json": Format.JSON,
    "text/csv": Format.CSV,
    "application/vnd.apache.parquet": Format.PARQUET,
    "application/vnd.apache.arrow.stream": Format.ARROW,
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}


Streams = Annotated[
    list[Number], Query(min_length=1, description="Datastream id; give it once for each")
]
Start = Annotated[Instant | None, Query(description="From, inclusive; 30 days before end")]
End = Annotated[Instant | None, Query(description="To, exclusive; now when left out")]
Bucket = Annotated[
    str,
    Query(
        max_length=20,
        description="Width of aggregates: none (readings), hour, day, month, 10min, 6h, 10d, "
        "or an ISO 8601 duration; aligned to Asia/Shanghai",
    ),
]
Aggregation = Annotated[
    str | None,
    Query(max_length=60, description=f"Some of {','.join(AGGREGATES)}; {','.join(USUAL)}"),
]
QualityFilter = Annotated[
    str | None,
    Query(
        max_length=200,
        description="good, all, or flags to leave out (SPIKE,STUCK). Readings: all; "
        "aggregates: of good values",
    ),
]
Include = Annotated[
    str | None,
    Query(max_length=60, description=f"Further columns of readings: {','.join(EXTRAS)}"),
]
Points = Annotated[
    int | None,
    Query(
        ge=1,
        description="Thin each line of readings to so many, 2,000 at most; first, last, "
        "extremes and flags stay",
    ),
]


def placed_streams(access: Reading, ids: list[int]) -> tuple[Datastream, ...]:
    """Return datastreams in id order, each seen to lie in the account's region.

    Raises
    ------
    Invalid, NotFound, Forbidden
        They are too many, do not exist, or lie elsewhere.
    """
    wanted = sorted(set(ids))
    if len(wanted) > MOST_STREAMS:
        raise Invalid(
            why=f"at most {MOST_STREAMS} datastreams in one request",
            zh=f"一次最多查询 {MOST_STREAMS} 个数据流。",
        )
    placed = access.directory.streams(access.tx, wanted)
    for _, county in placed:
        access.inside(county)
    return tuple(stream for stream, _ in placed)


def span_of(
    now: datetime, start: datetime | None, end: datetime | None
) -> tuple[datetime, datetime]:
    """Return the span asked for, by default the last thirty days."""
    until = end or now + _AHEAD
    since = start or until - _USUAL_RANGE
    if since > until:
        raise Invalid(why="start lies after end", zh="start 晚于 end。")
    return since, until


def described(stream: Datastream) -> dict[str, Any]:
    """Show what a datastream measures."""
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
            "description": "Readings, or aggregates when `bucket` says a width",
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "application/vnd.apache.parquet": _BINARY,
                "application/vnd.apache.arrow.stream": _BINARY,
            },
            "headers": {"Link": {"schema": {"type": "string"}, "description": "rel=next"}},
        },
    },
)
@reads(Action.READ)
def observations(
    access: Reading,
    request: Request,
    page: Annotated[Page, Depends(paged(_LIST, usual=1000, most=20_000, shape=(int, int, int)))],
    datastream: Streams,
    start: Start = None,
    end: End = None,
    bucket: Bucket = "none",
    aggregation: Aggregation = None,
    quality: QualityFilter = None,
    include: Include = None,
    points: Points = None,
    method: Annotated[Method, Query(description="How it is thinned")] = Method.LTTB,
    format: Annotated[
        Format | None, Query(description="Body; Accept with its media type does the same")
    ] = None,
    bom: Annotated[
        bool, Query(description="Begin CSV with a byte order mark, so that Excel shows Chinese")
    ] = False,
) -> Response:
    """Read raw values or aggregates in canonical units.

    JSON comes in pages. CSV, Parquet and Arrow come whole, however long, unless `limit` or
    `after` asks for a page. The same query gives the same values in each, to the last bit.
    """
    width = question.width_of(bucket)
    since, until = span_of(access.platform.clock(), start, end)
    asked = Question(
        streams=placed_streams(access, datastream),
        start=since,
        end=until,
        width=width,
        excluded=question.excluded_by(quality),
        aggregates=question.chosen(aggregation, AGGREGATES, USUAL, "aggregation"),  # type: ignore[arg-type]
        extras=question.chosen(include, EXTRAS, (), "include"),  # type: ignore[arg-type]
        points=question.points_of(points, width),
        method=method.value,
    )
    kind = format or _preferred(request)
    whole = kind is not Format.JSON and not {"limit", "after"} & request.query_params.keys()
    found, last = _read(access, asked, page, _PIECE if whole else page.limit)
    if kind is Format.JSON:
        items = [row for slab in found for row in rows_of(slab)]
        series = [described(stream) for stream in asked.streams]
        following = None if last is None else cursor(_LIST, last)
        return Json({"items": items, "series": series, "next": following}, headers=_VARY)
    writer = _writer(kind, asked, bom=bom)
    began = b"".join((writer.head(slabs.columns_of(asked)), *map(writer.rows, found)))
    if whole and last is not None:
        body = _pieces(access.platform.database, asked, writer, began, last)
        return StreamingResponse(body, headers=_headers(kind), media_type=writer.media_type)
    headers = _headers(kind) | _next_link(request, last)
    return Response(began + writer.tail(), headers=headers, media_type=writer.media_type)


def _read(
    access: Reading, asked: Question, page: Page, limit: int
) -> tuple[list[Slab], Cursor | None]:
    if asked.points is not None:
        return slabs.thin(access.tx, asked), None
    return slabs.read(access.tx, asked, _place(page), limit)


def _place(page: Page) -> Cursor | None:
    """Return datastream, time and sequence of the last row of the page before."""
    if not page.after:
        return None
    stream_id, instant, seq = page.after
    assert isinstance(instant, int)
    assert isinstance(stream_id, int)
    assert isinstance(seq, int)
    if stream_id > _LARGEST_ID or seq > _LARGEST_ID:
        raise BadCursor
    return stream_id, instant, seq


def _writer(kind: Format, asked: Question, *, bom: bool) -> Writer:
    if kind is Format.CSV:
        return Csv(bom=bom)
    series = [described(stream) for stream in asked.streams]
    return Columnar(asked.streams, series, parquet=kind is Format.PARQUET)


def _pieces(
    database: Database, asked: Question, writer: Writer, began: bytes, last: Cursor | None
) -> Iterator[bytes]:
    """Write a whole answer, a piece in a transaction of its own: slow readers hold none."""
    yield began
    while last is not None:
        with database.reading() as tx:
            found, last = slabs.read(tx, asked, last, _PIECE)
        yield b"".join(map(writer.rows, found))
    yield writer.tail()


def _preferred(request: Request) -> Format:
    """Return the first format of the Accept header that there is."""
    for part in request.headers.get("accept", "").split(","):
        known = _MEDIA.get(part.partition(";")[0].strip().lower())
        if known is not None:
            return known
    return Format.JSON


_VARY = {"Vary": "Accept"}


def _headers(kind: Format) -> dict[str, str]:
    name = f"observations.{kind.value}"
    return _VARY | {"Content-Disposition": f'attachment; filename="{name}"'}


def _next_link(request: Request, last: Cursor | None) -> dict[str, str]:
    if last is None:
        return {}
    url = request.url.include_query_params(after=cursor(_LIST, last))
    return {"Link": f'<{url.path}?{url.query}>; rel="next"'}
