"""Server-Sent Events: newest values as they are committed."""

import asyncio
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.types import Receive, Scope, Send

from api.dependencies import Reading, reads
from api.errors import TooManyListeners
from api.live import Feed, Listener, Wish, instant_of
from api.routes.devices import DeviceQuery, FarmQuery, FieldQuery, inside_device
from api.routes.observations import placed_streams
from api.routes.places import inside_farm, inside_field
from api.schemas.problem import problems
from api.schemas.shape import Instant, Number
from models.errors import Unavailable
from models.person import Action
from models.store.credentials import digest

router = APIRouter(tags=["readings"])
_SILENCE = 15.0  # s without a value before a comment shows that the line is alive
_PATIENCE = 30.0  # s for a listener to take a piece; after that it is dropped
_RETRY_MS = 3000  # when a client asks again after the line was cut
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx passes each event on at once
}


class Events(Response):
    """An endless answer: it ends with the token, with the client, or when that is too slow."""

    media_type = "text/event-stream"

    def __init__(self, feed: Feed, wish: Wish, seconds: int | None) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._feed = feed
        self._wish = wish
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until one side ends it."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        telling = asyncio.create_task(self._tell(send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait({telling, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (telling, leaving):
                task.cancel()
            await asyncio.gather(telling, leaving, return_exceptions=True)

    async def _tell(self, send: Send) -> None:
        async def piece(body: bytes, *, more: bool = True) -> None:
            message = {"type": "http.response.body", "body": body, "more_body": more}
            # the transport takes no more while the client takes nothing: not for ever
            await asyncio.wait_for(send(message), _PATIENCE)

        await piece(b"retry: %d\n\n" % _RETRY_MS)
        try:
            async with self._feed.listening(self._wish, self._seconds) as listener:
                while not listener.ended:
                    await piece(await _next(listener))
                while listener.waiting and listener.ended == "time":
                    await piece(listener.taken())
                why = listener.ended
        except Unavailable:
            why = "unavailable"
        await piece(b'event: end\ndata: {"why":"%b"}\n\n' % why.encode(), more=False)


async def _next(listener: Listener) -> bytes:
    with suppress(TimeoutError):
        await asyncio.wait_for(listener.wake.wait(), _SILENCE)
    return listener.taken() or b": still here\n\n"


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@router.get(
    "/v1/live",
    summary="Newest values as they are stored, as Server-Sent Events",
    response_class=Response,
    responses={
        **problems(401, 403, 404, 429),
        200: {
            "description": "Events: `reading` with the value as `data`, at last `end`",
            "content": {"text/event-stream": {"schema": {"type": "object"}}},
        },
    },
)
@reads(Action.READ)
def listen(
    access: Reading,
    request: Request,
    farm: FarmQuery = None,
    field: FieldQuery = None,
    device: DeviceQuery = None,
    datastream: Annotated[
        list[Number] | None, Query(description="Of some datastreams; give it once for each")
    ] = None,
    since: Annotated[
        Instant | None,
        Query(description="First what was stored since: `server_time` of `/v1/latest`"),
    ] = None,
    seconds: Annotated[
        int | None, Query(ge=0, le=86_400, description="End after so many seconds")
    ] = None,
    last_event_id: Annotated[
        str | None, Header(max_length=40, description="`id` of the last event received")
    ] = None,
) -> Events:
    """Tell each newest value of the region (`event: reading`, shaped as in `/v1/latest`).

    After a cut, ask again with `Last-Event-ID`: every datastream that changed meanwhile comes
    with its newest value; one may come twice. The answer ends (`event: end`) when the token
    does. Send the token in the header, with `fetch`: an address is logged on its way.
    """
    inside_farm(access, farm)
    inside_field(access, field)
    inside_device(access, device)
    streams = placed_streams(access, datastream or [])
    feed: Feed = request.app.state.feed
    if feed.full(access.person.id):
        raise TooManyListeners(seconds=60)
    wish = Wish(
        person=access.person.id,
        region_code=access.person.region_code,
        digest=digest(access.token),
        farm=farm,
        field=field,
        device=device,
        streams=frozenset(stream.id for stream in streams),
        since=(last_event_id and instant_of(last_event_id)) or since,
    )
    return Events(feed, wish, seconds)
