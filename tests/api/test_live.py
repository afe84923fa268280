"""Live values: told once committed, to whom they concern, without a gap, and not for ever."""

import json
import socket
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from api import live as hub
from api.live import Listener, Wish, event_id, instant_of
from api.routes import live as route
from models.person import Role
from models.reading import block
from models.store import people, readings
from tests.api.world import DUNHUA, NOW, PASSWORD, PROVINCE, YUSHU

ENOUGH = 15.0  # s


class Stream:
    """The events of one connection, read as they come."""

    def __init__(self, got):
        self.got = got
        self.lines = got.iter_lines()

    def next(self):
        """The next event, or comment, as a dict of its fields."""
        event = {}
        for line in self.lines:
            if not line:
                if event:
                    return event
                continue
            name, _, text = line.partition(":")
            event[name or "comment"] = text.strip()
        return None

    def value(self):
        """The next reading."""
        while (event := self.next()) is not None:
            if event.get("event") == "reading":
                return event["id"], json.loads(event["data"])
        return None, None


@contextmanager
def listening(world, *, scope=PROVINCE, role=Role.VIEWER, headers=None, token=None, **asked):
    dressed = world.headers(role, scope) if token is None else {"Authorization": f"Bearer {token}"}
    with world.client.stream(
        "GET", "/v1/live", params=asked, headers=dressed | (headers or {}), timeout=ENOUGH
    ) as got:
        assert got.status_code == 200, got.read()
        assert got.headers["content-type"].startswith("text/event-stream")
        stream = Stream(got)
        assert stream.next() == {"retry": "3000"}
        yield stream


def store(world, stream, value, minutes=1):
    at = (int(NOW.timestamp()) + 60 * minutes) * 1_000_000
    with world.platform.database.writing() as tx:
        readings.add(tx, block([stream], [at], [value]))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(hub, "_EVERY", 0.05)
    monkeypatch.setattr(hub, "_RECHECK", 0.1)
    # the world itself was stored a moment ago
    monkeypatch.setattr(hub, "_OVERLAP", timedelta(milliseconds=300))


def test_a_value_is_told_once_it_is_committed(fresh_world):
    time.sleep(0.4)
    stream = fresh_world.places[YUSHU].moisture
    with listening(fresh_world) as heard:
        time.sleep(0.3)
        began = time.perf_counter()
        store(fresh_world, stream, 0.33)
        name, value = heard.value()
        assert time.perf_counter() - began < 1
        latest = fresh_world.get("/v1/latest", params={"limit": 1}).json()["items"][0]
        assert value == latest
        assert value["value"] == 0.33
        assert name.endswith(f"-{stream}")
        # the same value is not told again, the next one is
        store(fresh_world, stream, 0.34, minutes=2)
        assert heard.value()[1]["value"] == 0.34


@pytest.mark.parametrize(
    ("scope", "asked", "told"),
    [
        (PROVINCE, {}, {YUSHU, DUNHUA}),
        (YUSHU, {}, {YUSHU}),
        (PROVINCE, {"farm": "farm"}, {YUSHU}),
        (PROVINCE, {"field": "field"}, {YUSHU}),
        (PROVINCE, {"device": "device"}, {YUSHU}),
        (PROVINCE, {"datastream": "moisture"}, {YUSHU}),
    ],
)
def test_only_what_was_asked_for_and_may_be_seen_is_told(fresh_world, scope, asked, told):
    time.sleep(0.4)
    place, other = fresh_world.places[YUSHU], fresh_world.places[DUNHUA]
    ids = {name: getattr(place, of) for name, of in asked.items()}
    with listening(fresh_world, scope=scope, **ids) as heard:
        time.sleep(0.3)
        store(fresh_world, other.moisture, 0.21)
        store(fresh_world, place.moisture, 0.22)
        seen = {heard.value()[1]["datastream"] for _ in told}
    assert seen == {fresh_world.places[code].moisture for code in told}


def test_after_a_cut_nothing_is_missing(fresh_world):
    time.sleep(0.4)
    place, other = fresh_world.places[YUSHU], fresh_world.places[DUNHUA]
    with listening(fresh_world) as heard:
        time.sleep(0.3)
        store(fresh_world, place.moisture, 0.3)
        last, _ = heard.value()
    # nobody listens: two values of one stream, one of another
    time.sleep(0.4)
    store(fresh_world, place.temperature, 11.0)
    store(fresh_world, place.temperature, 11.5, minutes=2)
    store(fresh_world, other.moisture, 0.25)
    with listening(fresh_world, headers={"Last-Event-ID": last}) as heard:
        seen = {}
        while len(seen) < 2:
            _, value = heard.value()
            if value["datastream"] != place.moisture:  # that one may come twice
                seen[value["datastream"]] = value["value"]
        store(fresh_world, place.moisture, 0.31, minutes=3)
        while heard.value()[1]["value"] != 0.31:
            pass
    assert seen == {place.temperature: 11.5, other.moisture: 0.25}


def test_from_the_answer_of_latest_on_nothing_is_missing(fresh_world):
    time.sleep(0.4)
    stream = fresh_world.places[YUSHU].moisture
    since = datetime.now(UTC).isoformat()
    store(fresh_world, stream, 0.29)
    with listening(fresh_world, since=since, scope=YUSHU) as heard:
        assert heard.value()[1]["value"] == 0.29


def test_a_transaction_that_commits_late_is_told_too(fresh_world, monkeypatch):
    monkeypatch.setattr(hub, "_OVERLAP", timedelta(seconds=10))
    slow, fast = fresh_world.places[YUSHU].moisture, fresh_world.places[DUNHUA].moisture
    at = (int(NOW.timestamp()) + 60) * 1_000_000
    store(fresh_world, slow, 0.2)  # makes the partition, so that one writer waits for no other
    at += 60_000_000
    with listening(fresh_world, datastream=[slow, fast]) as heard:
        heard.next()
        with fresh_world.platform.database.writing() as tx:
            readings.add(tx, block([slow], [at], [0.26]))  # stamped before the other one
            time.sleep(0.2)
            store(fresh_world, fast, 0.27)
            while heard.value()[1]["value"] != 0.27:
                pass
        while heard.value()[1]["value"] != 0.26:
            pass


def test_the_line_ends_with_the_token(fresh_world):
    with fresh_world.platform.database.writing() as tx:
        login = f"{Role.VIEWER}-{YUSHU}"
        token, _, _ = people.log_in(tx, login, PASSWORD, timedelta(seconds=1.5))
        other, _, _ = people.log_in(tx, login, PASSWORD, timedelta(hours=1))
    with listening(fresh_world, token=token) as heard:
        while (event := heard.next()).get("event") != "end":
            pass
        assert json.loads(event["data"]) == {"why": "token"}
        assert heard.next() is None
    with listening(fresh_world, token=other) as heard:
        with fresh_world.platform.database.writing() as tx:
            people.log_out(tx, other)
        while (event := heard.next()).get("event") != "end":
            pass


def test_silence_is_filled_with_comments(fresh_world, monkeypatch):
    monkeypatch.setattr(route, "_SILENCE", 0.1)
    time.sleep(0.4)
    with listening(fresh_world) as heard:
        assert [heard.next() for _ in range(3)] == [{"comment": "still here"}] * 3


def test_an_account_has_so_many_listeners(fresh_world, monkeypatch):
    monkeypatch.setattr(hub, "_MOST_OF_ONE", 2)
    with listening(fresh_world), listening(fresh_world):
        time.sleep(0.1)
        got = fresh_world.get("/v1/live", role=Role.VIEWER)
        assert got.status_code == 429
        assert got.headers["Retry-After"] == "60"
        with listening(fresh_world, scope=YUSHU):
            pass
    time.sleep(0.3)
    with listening(fresh_world):
        pass


def test_a_listener_that_takes_nothing_is_dropped(fresh_world, monkeypatch):
    monkeypatch.setattr(route, "_PATIENCE", 0.5)
    monkeypatch.setattr(route, "_SILENCE", 0.001)
    feed = fresh_world.app.state.feed
    host, port = fresh_world.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        head = fresh_world.headers(Role.VIEWER)["Authorization"]
        wire.sendall(f"GET /v1/live HTTP/1.1\r\nHost: x\r\nAuthorization: {head}\r\n\r\n".encode())
        deadline = time.monotonic() + 5
        while not feed._listeners and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(feed._listeners) == 1
        (listener,) = feed._listeners
        stop, large = threading.Event(), b": " + b"x" * 20_000 + b"\n\n"

        def flood():
            # as many bytes as the buffers of both sides hold, and more
            while not stop.wait(0.02):
                for stream in range(200):
                    listener.waiting[stream] = datetime.now(UTC), large

        writer = threading.Thread(target=flood)
        writer.start()
        deadline = time.monotonic() + ENOUGH
        while feed._listeners and time.monotonic() < deadline:
            time.sleep(0.05)
        stop.set()
        writer.join()
    assert not feed._listeners
    assert len(listener.waiting) <= 200


def test_what_waits_is_one_value_of_each_datastream():
    listener = Listener(Wish(1, "220000", b""))
    now = datetime.now(UTC)
    for i in range(1000):
        listener.offer(i % 3, now + timedelta(seconds=i), b"%d " % i)
    listener.offer(0, now, b"old ")
    assert listener.taken() == b"997 998 999 "
    assert listener.taken() == b""


def test_a_listener_may_say_how_long(fresh_world):
    place = fresh_world.places[YUSHU]
    since = datetime.now(UTC).isoformat()
    store(fresh_world, place.moisture, 0.29)
    # a single look: what was stored since, and the end
    with listening(fresh_world, since=since, seconds=0) as heard:
        assert heard.value()[1]["value"] == 0.29
        assert json.loads(heard.next()["data"]) == {"why": "time"}


def test_head_of_an_endless_answer_ends(world):
    got = world.client.head("/v1/live", headers=world.headers())
    assert got.status_code == 200
    assert got.content == b""


def test_names_of_events_are_read_back():
    at = datetime(2026, 5, 1, 6, 30, 0, 123456, tzinfo=UTC)
    assert instant_of(event_id(at, 7)) == at
    for wrong in ("", "7", "a-b", "-1-2", "9" * 30 + "-1", "1-", "²-1"):
        assert instant_of(wrong) is None


def test_a_name_of_no_event_means_from_now_on(world):
    with listening(world, headers={"Last-Event-ID": "nonsense"}):
        pass
