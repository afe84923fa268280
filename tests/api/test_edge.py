"""HEAD, compression, security headers, static files, and the document of the API."""

import gzip
import json
import re
from pathlib import Path

import pytest

from analytics.remote.indices import INDICES
from api.routes.tiles import IndexKey

MODULES = Path(__file__).parents[2] / "node_modules"


@pytest.mark.parametrize("path", ["/v1/farms", "/v1/regions", "/health/live", "/", "/openapi.json"])
def test_head_is_get_without_its_body(world, path):
    headers = {"Accept-Encoding": "identity"}
    got = world.get(path, headers=headers)
    head = world.client.head(path, headers=world.headers() | headers)
    assert head.status_code == got.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == got.headers["content-type"]
    assert head.headers["content-length"] == str(len(got.content))


def test_large_answers_are_zipped_for_who_wants_it(world):
    plain = world.client.get("/v1/regions", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["Vary"]
    with world.client.stream("GET", "/v1/regions", headers={"Accept-Encoding": "gzip"}) as got:
        raw = b"".join(got.iter_raw())
        assert got.headers["content-encoding"] == "gzip"
        assert got.headers["content-length"] == str(len(raw))
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 2
    small = world.client.get("/health/live", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in small.headers
    refused = world.client.get("/v1/regions", headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers


@pytest.mark.parametrize("path", ["/", "/v1/farms", "/v1/nothing", "/docs", "/health/live"])
def test_every_answer_carries_the_security_headers(world, path):
    headers = world.get(path).headers
    policy = dict(
        part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'self'"
    assert policy["script-src"] == "'self'"
    assert policy["worker-src"] == "blob: 'self'"
    assert "http" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_page_and_its_files_are_served_with_their_types(world):
    page = world.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-cache"
    files = re.findall(r'(?:src|href)="(/web/[^"]+)"', page.text)
    assert files
    for path in files:
        got = world.client.get(path)
        assert got.status_code == 200, path
        kind = {"js": "text/javascript", "css": "text/css"}.get(path.rsplit(".", 1)[-1])
        assert kind is None or got.headers["content-type"].startswith(kind)
        again = world.client.get(path, headers={"If-None-Match": got.headers["ETag"]})
        assert again.status_code == 304


@pytest.mark.skipif(not MODULES.is_dir(), reason="node_modules is not installed (make page)")
def test_libraries_come_from_dist_folders_only(world):
    got = world.client.get("/vendor/maplibre-gl/maplibre-gl.mjs")
    assert got.status_code == 200
    assert got.headers["content-type"].startswith("text/javascript")
    assert "max-age" in got.headers["cache-control"]
    assert world.client.get("/vendor/uplot/dist/uPlot.min.css").status_code == 200
    for path in ("maplibre-gl/package.json", "maplibre-gl/../uplot/package.json", "uplot/dist/"):
        assert world.client.get(f"/vendor/{path}").status_code == 404


def references(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def test_the_document_stands_alone(world):
    document = world.client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    found = set(references(document))
    assert found
    for ref in found:
        assert ref.startswith("#/components/schemas/")
        assert ref.rsplit("/", 1)[-1] in document["components"]["schemas"], ref
    assert "://" not in json.dumps(document)


def test_every_operation_says_what_it_does_and_how_it_fails(world):
    document = world.app.openapi()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], path
            assert operation["description"], path
            if path.startswith("/v1/"):
                assert {"422", "503"} <= set(operation["responses"]), (method, path)
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_what_is_sent_in_is_shown_by_example(world):
    document = world.app.openapi()
    examples = [
        key
        for name in ("FarmIn", "FieldIn", "DeviceIn", "Credentials")
        for key, prop in document["components"]["schemas"][name]["properties"].items()
        if "examples" in prop
    ]
    assert len(examples) >= 6


def test_the_list_of_routes_needs_no_network(world):
    page = world.client.get("/docs")
    assert page.status_code == 200
    assert "/v1/observations" in page.text
    assert "<script" not in page.text
    assert "://" not in page.text


def test_the_indices_of_the_live_tiles_are_those_of_the_register():
    assert set(IndexKey.__args__) == set(INDICES)


def test_tiles_are_drawn_cached_and_empty_outside(world):
    layer = world.get("/v1/layers").json()["items"][0]
    assert layer["legend"]["stops"]
    box, zoom = layer["bbox"], 12
    x = int((box[0] + box[2] + 360) / 720 * 2**zoom)
    y = 1480
    drawn = {}
    for row in range(y - 4, y + 5):
        path = layer["tiles"].format(z=zoom, x=x, y=row)
        got = world.get(path)
        assert got.status_code in {200, 204}
        if got.status_code == 200:
            drawn[path] = got
    assert drawn
    for path, got in drawn.items():
        assert got.content.startswith(b"\x89PNG")
        assert got.headers["cache-control"].startswith("private")
        same = world.get(path, headers={"If-None-Match": got.headers["ETag"]})
        assert same.status_code == 304
        live = world.get(path.replace(f"layers/{layer['id']}", f"scenes/{layer['scene']}"))
        assert live.status_code == 200
        assert live.headers["ETag"] != got.headers["ETag"]
    assert world.get(layer["tiles"].format(z=12, x=0, y=0)).status_code == 204
    document = world.get(layer["tilejson"]).json()
    assert document["tilejson"] == "3.0.0"
    assert document["bounds"] == layer["bbox"]
    assert document["tiles"][0].startswith(world.url)


def test_the_page_takes_a_query_of_its_own_and_the_api_does_not(world):
    assert world.get("/?wall=1").status_code == 200
    assert world.get("/v1/farms?wall=1").status_code == 400
