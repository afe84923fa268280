"""The short way to a tile: a visitor just seen, a layer just shown, a plain address.

Matching routes and solving dependencies costs the framework about 0.5 ms, as much as drawing
a precomputed tile. A map asks for thirty tiles at once, so all but the first of them come
this way. Whatever is not plain (another method, a query, a condition, an unknown token or
layer, an error) takes the long way, which alone decides about it.
"""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from starlette.datastructures import Headers, State
from starlette.types import ASGIApp, Receive, Scope, Send

from api.routes import tiles
from models.errors import HeituError
from models.person import Action, permit

_PATH = re.compile(r"/v1/(layers|scenes)/([^/]{1,200})/tiles/(\d{1,2})/(\d{1,8})/(\d{1,8})\.png")
_FINEST, _WIDEST = 24, 2**24  # as the long way has them
_QUERIES = (b"", b"index=ndvi")
# drawing leaves the interpreter lock for most of its time; more threads only add memory
_THREADS = 4


@dataclass(frozen=True, slots=True)
class _Template:
    """What the figures count the request under."""

    path: str


@dataclass(frozen=True, slots=True)
class _Drawing:
    etag: str
    draw: Callable[[], bytes | None]
    template: str


class Lane:
    """ASGI middleware that answers the plain requests for tiles itself."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self.app = app
        self.state = state
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="tile")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a plain request for a tile; pass anything else on."""
        drawing = self._drawing(scope) if scope["type"] == "http" else None
        if drawing is None:
            await self.app(scope, receive, send)
            return
        try:
            image = await asyncio.get_running_loop().run_in_executor(self._pool, drawing.draw)
        except (HeituError, OSError):
            await self.app(scope, receive, send)
            return
        scope["route"] = _Template(drawing.template)
        headers = {**tiles.HEADERS, "ETag": drawing.etag}
        if image is not None:
            headers |= {"Content-Type": "image/png", "Content-Length": str(len(image))}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        status = 204 if image is None else 200
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": image or b""})

    def _drawing(self, scope: Scope) -> _Drawing | None:
        """Return what to draw, or None when the request must take the long way."""
        found = _PATH.fullmatch(scope["path"])
        if found is None or scope["method"] != "GET" or not self._admitted(Headers(scope=scope)):
            return None
        kind, name, *numbers = found.groups()
        z, x, y = map(int, numbers)
        if z > _FINEST or x >= _WIDEST or y >= _WIDEST:
            return None
        query = scope["query_string"]
        if kind == "layers" and query == b"":
            return self._display(name, z, x, y)
        return self._live(name, z, x, y) if kind == "scenes" and query in _QUERIES else None

    def _admitted(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        plain = scheme == "Bearer" and "if-none-match" not in headers
        person = self.state.visitors.recent(token) if plain else None
        if person is None:
            return False
        try:
            permit(person, Action.READ)
        except HeituError:
            return False
        return True

    def _display(self, name: str, z: int, x: int, y: int) -> _Drawing | None:
        layer = self.state.layers.known("", name)
        if layer is None:
            return None
        source = self.state.tiles.source()
        etag = tiles.tag(tiles.display_facts(name, layer, z, x, y))
        return _Drawing(etag, lambda: source.display(layer, z, x, y), tiles.DISPLAY)

    def _live(self, name: str, z: int, x: int, y: int) -> _Drawing | None:
        layer = self.state.layers.known("scene", name)
        if layer is None:
            return None
        source = self.state.tiles.source()
        etag = tiles.tag(tiles.live_facts(name, layer, "ndvi", z, x, y))
        return _Drawing(etag, lambda: source.live(layer, z, x, y, index="ndvi"), tiles.LIVE)
