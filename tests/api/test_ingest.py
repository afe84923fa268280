"""Readings handed in over HTTP: outcomes, account, idempotence, devices, webhooks, SensorThings."""

import base64
import json
import threading
from datetime import datetime

import pytest

from models.calendar import HOUR, SHANGHAI
from models.person import Role
from models.store import ledger, logins, quarantine
from tests.api.conftest import opened
from tests.api.world import DUNHUA, PROVINCE, YUSHU

KEY, OTHER = f"probe-{YUSHU}", f"probe-{DUNHUA}"
AT = "2026-05-01T14:00:00+08:00"


@pytest.fixture(scope="module")
def world(postgres, seed):
    """A world of this module; each test writes into an hour of its own."""
    with opened(postgres, seed) as made:
        yield made


def reading(minute=0, value=21.5, device=KEY, channel="w", hour=13, **more):
    time = f"2026-05-01T{hour:02}:{minute:02}:00+08:00"
    return {"device": device, "time": time, "channel": channel, "value": value, **more}


def account(world, key=KEY):
    with world.platform.database.reading() as tx:
        return ledger.totals(tx, ledger.Selection(device_key=key))


def rows(world, stream, hour):
    """Value and raw value of the minutes of an hour but its first, which the world has filled."""
    query = """SELECT value, raw FROM reading WHERE datastream_id = %s AND time > %s AND time < %s
               ORDER BY time"""
    since = datetime(2026, 5, 1, hour, tzinfo=SHANGHAI)
    with world.platform.database.reading() as tx:
        return tx.driver.execute(query, (stream, since, since + HOUR)).fetchall()


def outcomes(got):
    return [item["outcome"] for item in got.json()["items"]]


def post(world, body, path="/v1/observations", **more):
    if isinstance(body, bytes):
        return world.post(path, content=body, **more)
    return world.post(path, json=body, **more)


@pytest.mark.parametrize(
    ("minute", "shape"),
    list(
        enumerate(
            [
                lambda one: one,
                lambda one: [one],
                lambda one: {"readings": [one]},
                lambda one: {"device": KEY, "readings": [one | {"device": None}]},
                lambda one: {"device": KEY, "time": one["time"], "values": {"w": 21.5}},
            ],
            start=1,
        )
    ),
)
def test_every_shape_of_a_body(world, minute, shape):
    before = account(world)
    got = post(world, shape(reading(minute, hour=1)))
    assert got.status_code == 200, got.text
    assert outcomes(got) == ["stored"]
    assert got.json()["stored"] == got.json()["received"] == 1
    assert rows(world, world.places[YUSHU].moisture, 1)[minute - 1 :] == [(0.215, 21.5)]
    assert account(world).stored == before.stored + 1


def test_lines_of_json_by_datastream_with_one_that_cannot_be_read(world):
    stream = world.places[YUSHU].moisture
    items = [
        {"datastream": stream, "time": AT, "value": 19},
        {"datastream": 999_999, "time": AT, "value": 21},
        {"datastream": stream, "device": OTHER, "time": AT, "value": 21},
    ]
    body = "\n".join(map(json.dumps, items)) + '\n\n{"device":"' + KEY + '","time":\n[1]\n'
    headers = {"Content-Type": "application/x-ndjson"}
    got = post(world, body.encode(), headers=headers)
    assert got.status_code == 200, got.text
    receipt = got.json()
    assert [(i["item"], i["outcome"], i["reason"]) for i in receipt["items"]] == [
        (0, "revised", None),
        (1, "quarantined", "unknown_quantity"),
        (2, "quarantined", "wrong_shape"),
        (3, "quarantined", "unreadable"),
        (4, "quarantined", "wrong_shape"),
    ]
    assert receipt["items"][1]["detail"]["en"] == "no device has a datastream 999999"
    assert receipt["items"][1]["detail"]["zh"].startswith("没有对应的数据流")
    assert (receipt["stored"], receipt["revised"], receipt["quarantined"]) == (1, 1, 4)


def test_one_bad_reading_costs_no_other_and_all_are_accounted_for(world):
    sent = [
        reading(1, hour=3),
        reading(2, hour=3, value="wet"),
        reading(3, hour=3, device="nobody"),
        reading(4, hour=3, channel="x"),
        reading(5, hour=3, unit="mm"),
        reading(6, time="1970-01-01T00:00:00Z"),
        {k: v for k, v in reading(7).items() if k != "time"},
        reading(8, hour=3, value=float("nan")),
        reading(1, hour=3),
        reading(11, hour=3, value=22),
    ]
    before = account(world)
    got = post(world, json.dumps(sent).encode(), headers={"Content-Type": "application/json"})
    assert [(i["outcome"], i["reason"]) for i in got.json()["items"]] == [
        ("stored", None),
        ("quarantined", "wrong_shape"),
        ("quarantined", "unknown_device"),
        ("quarantined", "unknown_quantity"),
        ("quarantined", "unknown_unit"),
        ("quarantined", "impossible_time"),
        ("quarantined", "missing_time"),
        ("quarantined", "not_a_number"),
        ("duplicate", None),
        ("stored", None),
    ]
    after = account(world)
    assert after.received - before.received == 9  # and one in the account of the unknown
    assert (after.stored - before.stored, after.duplicate - before.duplicate) == (2, 1)
    with world.platform.database.reading() as tx:
        kept = quarantine.open_ones(tx, device_key=KEY)[-6:]
    assert all(json.loads(e.payload)["device"] == KEY for e in kept)


def test_what_was_put_aside_goes_through_once_its_cause_is_fixed(world):
    from ingest import rejects
    from models.device import NewStream
    from models.store import devices

    post(world, [reading(1, hour=4, channel="new", value=3.0)])
    with world.platform.database.writing() as tx:
        device = world.places[YUSHU].device
        devices.add_streams(tx, device, [NewStream("new", "soil_temperature", "Cel")], "test")
    report = rejects.replay(world.platform.database, world.platform.clock, device_key=KEY)
    assert report.stored == 1


def test_the_same_body_again_changes_nothing_and_another_value_is_a_revision(world):
    batch = [reading(minute, hour=5, value=20 + minute) for minute in range(10)]
    assert outcomes(post(world, batch))[1:] == ["stored"] * 9
    again = post(world, batch)
    assert again.json()["duplicate"] == 10
    assert outcomes(post(world, reading(1, 33, hour=5)))[0] == "revised"
    assert rows(world, world.places[YUSHU].moisture, 5)[0][1] == 33
    with world.platform.database.reading() as tx:
        by = tx.driver.execute("SELECT DISTINCT source FROM reading_revision").fetchall()
    assert by == [(f"http:operator-{PROVINCE}",)]


def test_many_at_once_from_several_threads(world):
    batches = [[reading(m, t, hour=6) for m in range(1, 60)] for t in range(6)]
    got = []
    threads = [
        threading.Thread(target=lambda batch=batch: got.append(post(world, batch).json()))
        for batch in batches
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(receipt["received"] for receipt in got) == 6 * 59
    assert all(receipt["quarantined"] == 0 for receipt in got)
    with world.platform.database.reading() as tx:
        assert ledger.reconciliation(tx, device_key=KEY).totals.balanced


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"  \n\n", "application/x-ndjson", 400),
        (b"[]", "application/json", 422),
        (b'"x"', "application/json", 422),
        (b'{"readings": []}', "application/json", 422),
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b"[" + b",".join([b"{}"] * 10_001) + b"]", "application/json", 413),
        (b" " * (8 * 2**20 + 1), "application/json", 413),
    ],
)
def test_a_body_that_cannot_be_read_at_all(world, body, kind, status):
    before = account(world, "(unknown)")
    got = post(world, body, headers={"Content-Type": kind})
    assert got.status_code == status, got.text
    assert got.headers["content-type"] == "application/problem+json"
    assert account(world, "(unknown)") == before


def test_ten_thousand_readings_in_one_body(world):
    body = [reading(0, value=20, time=1_777_500_000 + k) for k in range(10_000)]
    receipt = post(world, body).json()
    assert (receipt["received"], receipt["stored"]) == (10_000, 10_000)


def test_readings_of_another_region_are_refused_whole(world):
    before = account(world)
    got = post(world, [reading(1), reading(1, device=OTHER)], scope=YUSHU)
    assert got.status_code == 403
    assert DUNHUA in got.json()["detail"]
    stream = world.places[DUNHUA].moisture
    got = post(world, {"datastream": stream, "time": AT, "value": 1}, scope=YUSHU)
    assert got.status_code == 403
    assert account(world) == before


def secret_of(world):
    with world.platform.database.writing() as tx:
        return logins.issue(tx, world.places[YUSHU].device)


def basic(key, secret):
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()}


@pytest.mark.parametrize("form", [basic, lambda k, s: {"Authorization": f"Bearer {k}:{s}"}])
def test_a_device_hands_in_its_own_readings_with_its_secret(world, form):
    secret = secret_of(world)
    send = reading(1 if form is basic else 2, hour=7)
    del send["device"]
    headers = form(KEY, secret)
    assert outcomes(world.client.post("/v1/observations", json=send, headers=headers)) == ["stored"]
    other = world.client.post("/v1/observations", json=reading(1, device=OTHER), headers=headers)
    assert other.status_code == 403
    stream = {"datastream": world.places[DUNHUA].moisture, "time": AT, "value": 1}
    assert world.client.post("/v1/observations", json=stream, headers=headers).status_code == 403
    assert world.client.get("/v1/latest", headers=headers).status_code == 401


def test_a_wrong_secret_is_refused_and_guessing_is_slowed_down(fresh_world):
    world, secret = fresh_world, secret_of(fresh_world)

    def send(key, word):
        headers = basic(key, word)
        return world.client.post("/v1/observations", json=reading(1), headers=headers).status_code

    assert send("nobody", secret) == 401
    assert [send(KEY, f"guess-{k}") for k in range(9)] == [401] * 8 + [429]
    assert send(KEY, secret) == 429


def test_a_revoked_secret_is_refused(fresh_world):
    world, secret = fresh_world, secret_of(fresh_world)
    with world.platform.database.writing() as tx:
        logins.revoke(tx, world.places[YUSHU].device)
    got = world.client.post("/v1/observations", json=reading(1), headers=basic(KEY, secret))
    assert got.status_code == 401
    assert got.headers["WWW-Authenticate"].startswith("Bearer")


EUI = "a8404187d187106e"


def uplink(eui=EUI, **more):
    return {
        "time": "2026-05-01T05:00:00Z",
        "deviceInfo": {"applicationId": "app", "devEui": eui},
        "devAddr": "01020304",
        "fCnt": 7,
        "object": {"w": 23.0, "t": "11.5"},
        **more,
    }


@pytest.fixture(scope="module")
def lorawan(world):
    """A LoRaWAN probe in Yushu."""
    from tests.api.test_deny import DEVICE

    place = world.places[YUSHU]
    streams = [
        {"channel": "w", "quantity": "soil_moisture", "unit": "%"},
        {"channel": "t", "quantity": "soil_temperature", "unit": "Cel"},
    ]
    body = DEVICE | {"key": EUI, "farm_id": place.farm, "datastreams": streams}
    assert world.post("/v1/devices", json=body).status_code == 201


def test_a_chirpstack_event(world, lorawan):
    gateway = {"role": Role.GATEWAY, "scope": YUSHU}
    path = "/v1/webhooks/chirpstack?event="
    assert outcomes(post(world, uplink(), path + "up", **gateway)) == ["stored"] * 2
    assert outcomes(post(world, uplink(), path + "up", **gateway)) == ["duplicate"] * 2
    join = {"time": "2026-05-01T05:00:00Z", "deviceInfo": uplink()["deviceInfo"]}
    assert post(world, join, path + "join", **gateway).json()["received"] == 0
    other = post(world, uplink("0101010101010101"), path + "up", **gateway).json()
    assert [i["reason"] for i in other["items"]] == ["unknown_device"]
    nobody = post(world, {"object": {}}, path + "up", **gateway).json()
    assert [i["reason"] for i in nobody["items"]] == ["wrong_shape"]
    assert post(world, uplink(), path + "up", role=Role.GATEWAY, scope=DUNHUA).status_code == 403
    totals = account(world, EUI)
    assert (totals.received, totals.stored, totals.duplicate) == (4, 2, 2)


def test_a_message_of_the_things_stack_by_either_name(world, lorawan):
    message = {
        "end_device_ids": {
            "device_id": "dev1",
            "application_ids": {"application_id": "app1"},
            "dev_eui": EUI.upper(),
            "dev_addr": "01020304",
        },
        "received_at": "2026-05-01T05:10:00.123456789Z",
        "uplink_message": {
            "session_key_id": "s1",
            "f_cnt": 9,
            "decoded_payload": {"w": 24.5},
            "received_at": "2026-05-01T05:10:00.1Z",
        },
    }
    path = "/v1/webhooks/ttn"
    assert outcomes(post(world, message, path, role=Role.GATEWAY)) == ["stored"]
    refused = post(world, message, path, role=Role.GATEWAY, scope=DUNHUA)
    assert refused.status_code == 403


def test_creating_sensorthings_observations(world):
    stream = world.places[YUSHU].moisture
    entity = {
        "phenomenonTime": "2026-05-01T00:01:00Z",
        "resultTime": "2026-05-01T00:01:01Z",
        "result": 21.5,
        "Datastream": {"@iot.id": stream},
        "parameters": {},
    }
    got = post(world, entity, "/sta/v1.1/Observations")
    assert got.status_code == 201, got.text
    identity = f"{stream}-1777593660000000-0"
    assert got.json()["@iot.id"] == identity
    assert got.headers["Location"].endswith(f"/sta/v1.1/Observations('{identity}')")
    del entity["Datastream"]
    again = post(world, entity, f"/sta/v1.1/Datastreams({stream})/Observations")
    assert (again.status_code, again.headers["Location"]) == (201, got.headers["Location"])
    assert rows(world, stream, 8) == [(0.215, 21.5)]
    without = post(world, {"result": 22}, f"/sta/v1.1/Datastreams({stream})/Observations")
    assert without.status_code == 201
    assert world.get(got.headers["Location"]).json()["result"] == 0.215


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Datastream": None}, 422),
        ({"Datastream": {"@iot.id": 999_999}}, 404),
        ({"result": "wet"}, 422),
        ({"phenomenonTime": "2026-05-01T05:00:00Z/2026-05-01T06:00:00Z"}, 422),
    ],
)
def test_sensorthings_observations_that_cannot_be_created(world, change, status):
    entity = {"result": 1, "Datastream": {"@iot.id": world.places[YUSHU].moisture}} | change
    got = post(world, entity, "/sta/v1.1/Observations")
    assert got.status_code == status, got.text


def test_sensorthings_data_arrays(world):
    place = world.places[YUSHU]
    array = {
        "Datastream": {"@iot.id": place.moisture},
        "components": ["phenomenonTime", "result", "FeatureOfInterest/id"],
        "dataArray@iot.count": 2,
        "dataArray": [["2026-05-01T01:01:00Z", 21, 1], ["2026-05-01T01:11:00Z", "x", 1]],
    }
    other = array | {"Datastream": {"@iot.id": place.temperature}}
    got = post(world, [array, other], "/sta/v1.1/CreateObservations")
    assert got.status_code == 201
    links = got.json()
    assert [link == "error" for link in links] == [False, True, False, True]
    assert f"'{place.temperature}-1777597260000000-0'" in links[2]
