"""The edge of the HTTP server: HEAD, body limit, security headers, compression.

Plain ASGI instead of four stacked middlewares: one wrapped ``send`` costs 10 us a request.
"""

from typing import Any, cast

from fastapi import Request
from isal import igzip
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem
from ingest.observations import LARGEST

MOST_BODY = 1 << 20  # bytes; a field of 10,000 corners is 400 kB of GeoJSON
_WIDER = {  # paths that take batches of readings
    "/v1/observations": LARGEST,
    "/sta/v1.1/CreateObservations": LARGEST,
}
_WORTH_ZIPPING = 1400  # bytes: below one Ethernet frame nothing is won
_ZIPPED = ("application/json", "application/geo+json", "text/", "application/problem+json")

# The page loads nothing from elsewhere; MapLibre draws on blobs and runs a worker from one.
_SECURITY = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data: blob:; worker-src blob: 'self'; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "geolocation=(self), camera=(), microphone=()",
    "cross-origin-opener-policy": "same-origin",
}
_SECURITY_RAW = [(name.encode(), value.encode()) for name, value in _SECURITY.items()]


class Edge:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body limited and its answer dressed."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        answer = _Answer(send, head=scope["method"] == "HEAD", zip_it=_takes_gzip(headers))
        most = _WIDER.get(scope["path"], MOST_BODY)
        if _declared(headers) > most:
            await _too_large(scope, most)(scope, receive, answer)
            return
        inner = {**scope, "method": "GET"} if answer.head else scope
        try:
            await self.app(inner, _Limited(receive, most), answer)
        finally:
            if "route" in inner:
                scope["route"] = inner["route"]  # for those outside who count by route


class _Limited:
    """A ``receive`` that stops a body without a declared length at the limit."""

    def __init__(self, receive: Receive, most: int) -> None:
        self.receive = receive
        self.most = most
        self.seen = 0

    async def __call__(self) -> Message:
        message = await self.receive()
        self.seen += len(message.get("body", b""))
        if self.seen > self.most:
            raise HTTPException(413, f"the limit is {self.most} bytes")
        return message


class _Answer:
    """A ``send`` that adds the security headers, zips one-piece bodies and serves HEAD."""

    def __init__(self, send: Send, *, head: bool, zip_it: bool) -> None:
        self.send = send
        self.head = head
        self.zip_it = zip_it
        self.start: Message | None = None
        self.over = False

    async def __call__(self, message: Message) -> None:
        if self.over:
            return
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *_SECURITY_RAW]
            self.start = message
            return
        if self.start is not None:
            start, self.start = self.start, None
            message = self._zipped(start, message)
            await self.send(start)
        if self.head:
            # whole at once: an export would be written for nobody, and events never end
            self.over = True
            message = {**message, "body": b"", "more_body": False}
        await self.send(message)

    def _zipped(self, start: Message, message: Message) -> Message:
        body = message.get("body", b"")
        headers = MutableHeaders(raw=start["headers"])
        if message.get("more_body") or len(body) < _WORTH_ZIPPING or not _zips(headers):
            return message
        headers.add_vary_header("Accept-Encoding")
        if not self.zip_it:
            return message
        packed = igzip.compress(body, compresslevel=1)
        headers["content-encoding"] = "gzip"
        headers["content-length"] = str(len(packed))
        return {**message, "body": packed}


def _zips(headers: MutableHeaders) -> bool:
    kind = headers.get("content-type", "")
    return kind.startswith(_ZIPPED) and "content-encoding" not in headers


def _takes_gzip(headers: Headers) -> bool:
    offered = headers.get("accept-encoding", "").replace(" ", "").lower()
    return "gzip" in offered and "gzip;q=0," not in offered + ","


def _declared(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() and len(length) < 19 else 0


def _too_large(scope: Scope, most: int) -> ASGIApp:
    details = (f"请求体上限为 {most} 字节。", f"The limit of a body is {most} bytes.")
    titles = ("请求体过大", "Request body too large")
    request: Request = Request(cast("dict[str, Any]", scope))
    return problem(request, 413, "too-large", titles, details, {"Connection": "close"})
