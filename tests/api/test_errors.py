"""Errors are problem documents in the reader's language, whatever is sent."""

import json
import socket
from urllib.parse import urlsplit

import pytest

from api.errors import kind_of
from api.language import language_of
from models import errors
from tests.api.world import YUSHU

PROBLEM = "application/problem+json"
HUGE = 10**30


def assert_problem(got, status, slug=None):
    assert got.status_code == status, got.text
    assert got.headers["content-type"] == PROBLEM
    said = got.json()
    assert said["status"] == status
    assert said["title"]
    assert said["detail"]
    assert said["instance"] == urlsplit(str(got.url)).path or "%" in str(got.url)
    if slug:
        assert said["type"] == f"urn:heitu:problem:{slug}"
    return said


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        ("/v1/farms?nonsense=1", 400, "unknown-parameter"),
        ("/v1/farms?limit=1&limit=2", 400, "repeated-parameter"),
        ("/v1/farms?after=xyz", 400, "bad-cursor"),
        ("/v1/farms?after=WyJmaWVsZHMiLDFd", 400, "bad-cursor"),  # a cursor of /v1/fields
        ("/v1/farms?after=WyJmYXJtcyIsLTFd", 400, "bad-cursor"),  # a negative id
        ("/v1/farms?after=%00", 400, "bad-cursor"),
        ("/v1/observations?datastream=1&after=WyJvYnNlcnZhdGlvbnMiLDk5OTk5OTk5OTksMV0", 400, None),
        ("/v1/ledger?after=WyJsZWRnZXIiLDAsIngiXQ", 400, "bad-cursor"),  # day 0
        ("/v1/farms/999999", 404, "not-found"),
        ("/v1/nothing", 404, "not-found"),
        ("/v1/layers/none/tilejson.json", 404, "not-found"),
        ("/v1/layers/none/tiles/1/1/1.png", 404, "not-found"),
        ("/v1/scenes/none/tiles/1/1/1.png", 404, "not-found"),
        ("/v1/observations?datastream=999999", 404, "not-found"),
        ("/v1/regions/999999", 404, "not-found"),
        (f"/v1/farms/{HUGE}", 422, "invalid"),
        (f"/v1/farms/{2**31}", 422, "invalid"),
        ("/v1/farms/-1", 422, "invalid"),
        ("/v1/farms/%00", 422, "invalid"),
        ("/v1/farms/%ff%fe", 422, "invalid"),
        ("/v1/farms/%ed%a0%80", 422, "invalid"),  # a lone surrogate
        ("/v1/farms?limit=-1", 422, "invalid"),
        ("/v1/farms?limit=nan", 422, "invalid"),
        ("/v1/farms?limit=%00", 422, "invalid"),
        ("/v1/fields?bbox=1,2,3", 422, "invalid"),
        ("/v1/fields?bbox=nan,nan,nan,nan", 422, "invalid"),
        ("/v1/fields?bbox=9e999,0,1,1", 422, "invalid"),
        ("/v1/fields?bbox=-inf,0,inf,1", 422, "invalid"),
        ("/v1/observations?datastream=1&start=0001-01-01T00:00:00%2B23:59", 422, "invalid"),
        ("/v1/observations?datastream=1&end=9999-12-31T23:59:59-23:59", 422, "invalid"),
        ("/v1/observations?datastream=1&start=0001-01-01", 422, "invalid"),
        ("/v1/observations?datastream=1&start=2026-02-30", 422, "invalid"),
        ("/v1/observations?datastream=1&start=2026-05-01T00:00:00", 422, "invalid"),  # no zone
        ("/v1/observations?datastream=1&start=1e400", 422, "invalid"),
        ("/v1/observations?datastream=1&start=2026-05-02&end=2026-05-01", 422, "invalid"),
        (f"/v1/observations?datastream={HUGE}", 422, "invalid"),
        ("/v1/observations", 422, "invalid"),
        ("/v1/ledger?start=99999-01-01", 422, "invalid"),
        ("/v1/ledger?device=%00", 422, "invalid"),
        ("/v1/scenes?collection=%00", 422, "invalid"),
        ("/v1/scenes/%00", 422, "invalid"),
        (f"/v1/layers/x/tiles/{HUGE}/0/0.png", 422, "invalid"),
        ("/web/%2e%2e/app.py", 404, "not-found"),
        ("/web/..%2fapp.py", 404, "not-found"),
        ("/vendor/left-pad/index.js", 404, "not-found"),
        ("/vendor/uplot/%2e%2e/package.json", 404, "not-found"),
    ],
)
def test_whatever_is_asked_is_answered_by_a_problem(world, path, status, slug):
    assert_problem(world.get(path), status, slug)


BODY = {
    "key": "hostile",
    "name": {"zh": "名", "en": "Name"},
    "kind": "field",
    "location": [126.55, 44.83],
}


def raw(change):
    return json.dumps(BODY | change)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"[]", 422),
        (b"null", 422),
        (b'{"key": "\xff"}', 400),
        (b"[" * 100_000, 400),
        (raw({"key": "a\0b"}), 422),
        (raw({"key": "\ud800"}), 422),
        (raw({"name": {"zh": "\ud800", "en": "x"}}), 422),
        (raw({"name": {"zh": "a\0", "en": "x"}}), 422),
        (raw({"name": {"zh": "x" * 101, "en": "x"}}), 422),
        (raw({"\ud800": 1}), 422),
        (raw({"surprise": 1}), 422),
        (raw({"location": [float("nan"), 44.8]}), 422),
        (raw({"location": [float("inf"), 44.8]}), 422),
        (raw({"location": [10**400, 44.8]}), 422),
        (raw({"location": ["126", "44"]}), 422),
        (raw({"location": [126.55]}), 422),
        (raw({"kind": 7}), 422),
    ],
)
def test_no_body_breaks_the_server(world, body, status):
    headers = {"Content-Type": "application/json"}
    said = assert_problem(world.post("/v1/farms", content=body, headers=headers), status)
    if status == 422:
        assert said["errors"][0]["in"] == "body"


def test_a_body_that_is_too_large_or_not_json_is_refused(world):
    headers = {"Content-Type": "application/json"}
    large = b'"' + b"x" * (1 << 20) + b'"'
    assert_problem(world.post("/v1/farms", content=large, headers=headers), 413, "too-large")
    pieces = (large[i : i + 65536] for i in range(0, len(large), 65536))  # no declared length
    assert_problem(world.post("/v1/farms", content=pieces, headers=headers), 413, "too-large")
    for kind in ("text/plain", "application/xml", ""):
        got = world.post("/v1/farms", content=b"{}", headers={"Content-Type": kind})
        assert_problem(got, 415, "media-type")
    geo = world.post("/v1/farms", content=b"{}", headers={"Content-Type": "application/geo+json"})
    assert geo.status_code == 422


def test_a_wrong_method_is_told_all_the_right_ones(world):
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        got = world.client.request(method, "/v1/farms", headers=world.headers())
        assert_problem(got, 405, "method-not-allowed")
        assert got.headers["Allow"] == "GET, HEAD, POST"


def test_bytes_that_are_no_http_path_do_not_break_the_server(world):
    where = urlsplit(world.url)
    for path in (b"/v1/farms/\xff", b"/v1/farms?limit=\xff", b"/v1/farms?\x00=1", b"/%"):
        with socket.create_connection((where.hostname, where.port), timeout=5) as wire:
            wire.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            status = wire.recv(4096).split(b" ")[1]
        assert status in {b"400", b"401", b"404"}


def test_errors_speak_the_language_of_the_reader(world):
    zh = world.get("/v1/farms/999999", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})
    en = world.get("/v1/farms/999999", headers={"Accept-Language": "en-GB"})
    assert zh.json()["title"] == "不存在"
    assert zh.headers["Content-Language"] == "zh"
    assert en.json()["detail"] == "There is no farm 999999."
    assert en.headers["Content-Language"] == "en"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("zh", "zh"),
        ("zh-TW;q=0.1", "zh"),
        ("en;q=0.2, zh;q=0.8", "zh"),
        ("fr, en;q=0.5", "en"),
        ("zh;q=x, en", "en"),
        (",,;;=", "en"),
    ],
)
def test_language_follows_the_weights(header, language):
    assert language_of(header) == language


def test_every_error_of_the_platform_has_a_status():
    def below(cls):
        for sub in cls.__subclasses__():
            yield sub
            yield from below(sub)

    # of the command line and of the village station only
    quiet = {errors.StartFailed, errors.BadSetting, errors.SpoolFull}
    for cls in set(below(errors.HeituError)) - quiet:
        assert kind_of(cls("x")).status < 500 or cls is errors.Unavailable, cls


def test_a_fault_of_our_own_is_numbered_and_tells_nothing(fresh_world, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("password=secret")

    monkeypatch.setattr("models.store.places.farms", broken)
    said = assert_problem(fresh_world.get("/v1/farms", scope=YUSHU), 500, "internal")
    assert "secret" not in json.dumps(said)
    assert said["id"] in said["detail"]
    assert any(said["id"] in record.getMessage() for record in caplog.records)
