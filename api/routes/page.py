"""The one-map page, its libraries, and a page that lists the routes."""

import html
import mimetypes
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from starlette.responses import FileResponse

from api.answers import unchanged
from models.errors import NotFound

router = APIRouter(include_in_schema=False)
_WEB = Path(__file__).parents[1] / "web"
_MODULES = Path(__file__).parents[2] / "node_modules"
_PACKAGES = ("maplibre-gl", "uplot")  # their dist folders and nothing else of node_modules
_REVALIDATE = {"Cache-Control": "no-cache"}
_AN_HOUR = {"Cache-Control": "public, max-age=3600"}
_SEGMENT = re.compile(r"[A-Za-z0-9_@-][A-Za-z0-9_@.-]*")
_TYPES = {
    ".mjs": "text/javascript",
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".map": "application/json",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}

FilePath = Annotated[str, InPath(max_length=300)]


def _file(request: Request, root: Path, path: str, headers: dict[str, str]) -> Response:
    parts = path.split("/")
    if not all(_SEGMENT.fullmatch(part) for part in parts):
        raise NotFound(noun="file", key=path)
    found = root.joinpath(*parts)
    if not found.is_file():
        raise NotFound(noun="file", key=path)
    facts = found.stat()
    etag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
    kind = _TYPES.get(found.suffix) or mimetypes.guess_type(found.name)[0]
    held = unchanged(request, etag, headers)
    return held or FileResponse(
        found,
        media_type=kind or "application/octet-stream",
        headers={**headers, "ETag": etag},
    )


@router.get("/")
def index(request: Request) -> Response:
    """Serve the one-map page."""
    return _file(request, _WEB, "index.html", _REVALIDATE)


@router.get("/favicon.ico")
@router.get("/favicon.svg")
def favicon(request: Request) -> Response:
    """Serve the mark of the page."""
    return _file(request, _WEB, "favicon.svg", _AN_HOUR)


@router.get("/web/{path:path}")
def web(request: Request, path: FilePath) -> Response:
    """Serve a file of the page."""
    return _file(request, _WEB, path, _REVALIDATE)


@router.get("/vendor/{package}/{path:path}")
def vendor(request: Request, package: str, path: FilePath) -> Response:
    """Serve a library of the page from its dist folder in node_modules."""
    if package not in _PACKAGES:
        raise NotFound(noun="file", key=package)
    inside = path.removeprefix("dist/")
    return _file(request, _MODULES / package / "dist", inside, _AN_HOUR)


@router.get("/docs")
def docs(request: Request) -> Response:
    """List the routes from the OpenAPI document, without a script and without the network."""
    document = request.app.openapi()
    info = document["info"]
    rows = "\n".join(_rows(document["paths"]))
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{info["title"]} API</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<h1>{info['title']} {info['version']}</h1><p>{html.escape(info['description'])}</p>"
        '<p><a href="/openapi.json">/openapi.json</a></p><table border="1" cellpadding="6">'
        f"<tr><th>Route<th>What<th>Parameters</tr>{rows}</table>"
    )
    return Response(body, media_type="text/html; charset=utf-8", headers=_REVALIDATE)


def _rows(paths: dict[str, Any]) -> Iterable[str]:
    for path, operations in paths.items():
        for method, operation in operations.items():
            parameters = ", ".join(p["name"] for p in operation.get("parameters", ()))
            what = f"<b>{html.escape(operation['summary'])}</b><br>" + html.escape(
                operation.get("description", "")
            )
            yield f"<tr><td><code>{method.upper()} {path}</code><td>{what}<td>{parameters}</tr>"
