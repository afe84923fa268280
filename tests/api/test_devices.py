"""Devices over HTTP: changes and their audit, groups, tables, claim keys, state."""

import itertools
from datetime import timedelta

import pytest

from ingest import recalibration
from ingest.mqtt.accounts import known_formats
from models.person import Role
from models.store import groups as group_store
from models.store import presence, readings, unclaimed
from models.store.presence import Presence
from tests.api.conftest import opened
from tests.api.world import DUNHUA, NOW, SPOTS, YUSHU

LON, LAT = SPOTS[YUSHU]
NAME = {"zh": "探头", "en": "Probe"}


@pytest.fixture(scope="module")
def world(postgres, seed):
    """A world of this module: its devices come and go under names of their own."""
    with opened(postgres, seed) as made:
        yield made


_numbers = itertools.count(7)


def registered(world, **more):
    body = {
        "key": f"probe-{next(_numbers)}",
        "farm_id": world.places[YUSHU].farm,
        "name": NAME,
        "location": [LON, LAT],
        "profile": "dragino-lse01",
        "depth_cm": 10,
        **more,
    }
    made = world.post("/v1/devices", json=body)
    assert made.status_code == 201, made.text
    return made.json()


def events(world, device, **more):
    items = world.get(f"/v1/devices/{device['id']}/events", **more).json()["items"]
    return [(it["by"], it["what"]) for it in items]


def test_a_profile_gives_a_device_its_datastreams(world):
    known = {it["key"]: it for it in world.get("/v1/profiles").json()["items"]}
    assert "soil_moisture" in {c["name"] for c in known["dragino-lse01"]["channels"]}
    made = registered(world)
    streams = {s["channel"]: s for s in made["datastreams"]}
    assert streams["soil_moisture"]["depth_cm"] == 10
    assert made["profile"] == "dragino-lse01"
    assert made["formats"] == ["heitu"]
    body = {"key": "x", "farm_id": 1, "name": NAME, "location": [LON, LAT]}
    got = world.post("/v1/devices", json=body | {"farm_id": world.places[YUSHU].farm})
    assert got.status_code == 422
    assert "profile" in got.json()["detail"]
    got = world.post("/v1/devices", json=body | {"profile": "nobody"})
    assert got.status_code in {404, 422}


def test_a_change_is_kept_with_who_made_it(world):
    made = registered(world)
    path = f"/v1/devices/{made['id']}"
    changed = world.send(
        "PATCH", path, json={"name": {"zh": "新", "en": "New"}, "active": False}, scope=YUSHU
    ).json()
    assert changed["name"] == {"zh": "新", "en": "New"}
    assert changed["active"] is False
    assert changed["profile"] == "dragino-lse01"
    assert world.send("PATCH", path, json={}).json() == changed
    first = world.get(f"{path}/events").json()["items"][0]
    assert first["by"] == f"operator-{YUSHU}"
    assert first["what"] == "changed"
    assert first["detail"]["active"] == [True, False]
    assert events(world, made)[-2:] == [
        ("operator-220000", "added datastream"),
        ("operator-220000", "registered"),
    ]


def test_the_audit_never_changes_and_has_no_secret(world):
    made = registered(world)
    secret = world.post(f"/v1/devices/{made['id']}/secret").json()["secret"]
    told = world.get(f"/v1/devices/{made['id']}/events").text
    assert secret not in told
    assert made["secret"] not in told
    with world.platform.database.connect() as connection:
        for statement in ("UPDATE device_event SET by = 'x'", "DELETE FROM device_event"):
            with pytest.raises(Exception, match="append-only"):
                connection.execute(statement)
            connection.rollback()


def test_events_are_paged_newest_first(world):
    made = registered(world)
    path, seen = f"/v1/devices/{made['id']}/events?limit=2", []
    following = ""
    while following is not None:
        page = world.get(path + (f"&after={following}" if following else "")).json()
        seen += [it["id"] for it in page["items"]]
        following = page["next"]
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == len(set(seen)) == len(made["datastreams"]) + 2


def test_a_secret_is_renewed_and_revoked(world):
    made = registered(world)
    path = f"/v1/devices/{made['id']}"
    again = world.post(f"{path}/secret")
    assert again.headers["Cache-Control"] == "no-store"
    assert again.json()["key"] == made["key"]
    assert again.json()["secret"] != made["secret"]
    assert world.get(path).json()["has_secret"] is True
    assert world.send("DELETE", f"{path}/secret").status_code == 204
    assert world.get(path).json()["has_secret"] is False
    assert [what for _, what in events(world, made)[:2]] == ["revoked secret", "issued secret"]


def test_a_device_moves_and_its_past_is_told_as_it_was(world):
    made = registered(world)
    path = f"/v1/devices/{made['id']}"
    there = [LON + 0.01, LAT]
    moved = world.send(
        "PATCH", path, json={"location": there, "since": "2026-05-01T08:00:00+08:00"}
    ).json()
    # registered just now by the clock of the database, which is later than the clock of the test
    assert [i["location"] for i in moved["installations"]] == [there, [LON, LAT]]
    past = {"location": [LON, LAT + 0.01], "since": "2026-04-01", "note": "旧探头 old probe"}
    items = world.post(f"{path}/installations", json=past).json()["items"]
    assert [i["since"] for i in items[:2]] == ["2026-03-31T16:00:00Z", "2026-05-01T00:00:00Z"]
    assert all(a["until"] == b["since"] for a, b in itertools.pairwise(items))
    assert items[-1]["until"] is None
    assert world.get(f"{path}/installations").json()["items"] == items
    assert world.get(path).json()["location"] == there
    # the same beginning again corrects it
    fixed = world.post(f"{path}/installations", json=past | {"location": [LON, LAT]}).json()
    assert len(fixed["items"]) == len(items)
    assert fixed["items"][0]["location"] == [LON, LAT]


def test_a_device_cannot_be_moved_out_of_the_region_of_the_account(world):
    made = registered(world)
    got = world.send(
        "PATCH", f"/v1/devices/{made['id']}", json={"location": SPOTS[DUNHUA]}, scope=YUSHU
    )
    assert got.status_code == 403
    other = world.places[DUNHUA].field
    got = world.send("PATCH", f"/v1/devices/{made['id']}", json={"field_id": other})
    assert got.status_code == 422


def test_only_the_province_lets_a_gateway_publish_for_anyone(world):
    path = f"/v1/devices/{registered(world)['id']}"
    relays = {"relays": ["application/7/device/+/event/+"]}
    assert world.send("PATCH", path, json=relays, scope=YUSHU).status_code == 403
    assert world.send("PATCH", path, json=relays).json()["relays"] == relays["relays"]
    for wrong in ("$CONTROL/#", "$SYS/x", "a/#/b", "a+/b", "a b", "", "#x", "a\x7f"):
        got = world.send("PATCH", path, json={"relays": [wrong]})
        assert got.status_code == 422, wrong
    group = world.places[YUSHU].group
    got = world.send("PATCH", path, json={"relay_group_id": group}, scope=YUSHU)
    assert got.json()["relay_group_id"] == group
    other = world.places[DUNHUA].group
    got = world.send("PATCH", path, json={"relay_group_id": other}, scope=YUSHU)
    assert got.status_code == 403
    assert world.send("PATCH", path, json={"formats": ["nonsense"]}).status_code == 422
    # a sender that carries the messages of others
    if "edge" in known_formats():
        edge = {"formats": ["heitu", "edge"]}
        assert world.send("PATCH", path, json=edge, scope=YUSHU).status_code == 403
        assert world.send("PATCH", path, json=edge).json()["formats"] == ["heitu", "edge"]
        row = {"key": "st", "farm": f"farm-{YUSHU}", "name_zh": "站", "formats": "edge"}
        row |= {"datastreams": "t:air_temperature:Cel"}
        said = world.post("/v1/devices/bulk", json=[row], scope=YUSHU).json()
        assert said["refused"] == 1


def test_a_group_holds_devices_of_its_region_and_narrows_the_list(world):
    made = registered(world)
    group = world.post("/v1/groups", json={"key": "west", "name": NAME}, scope=YUSHU).json()
    assert group["region"]["code"] == YUSHU
    path = f"/v1/groups/{group['id']}"
    joined = world.send("PATCH", path, json={"add": [made["id"]]}, scope=YUSHU).json()
    assert joined["members"] == 1
    there = world.get(f"/v1/devices?group={group['id']}").json()["items"]
    assert [it["key"] for it in there] == [made["key"]]
    assert there[0]["groups"] == [group["id"]]
    other = world.places[DUNHUA].device
    assert world.send("PATCH", path, json={"add": [other]}).status_code == 422
    assert world.send("DELETE", path).status_code == 409
    changed = world.send("PATCH", f"/v1/devices/{made['id']}", json={"groups": []}).json()
    assert changed["groups"] == []
    assert [what for _, what in events(world, made)[:2]] == ["left group", "joined group"]
    assert world.send("DELETE", path).status_code == 204
    assert world.get(f"/v1/devices?group={group['id']}").status_code == 404


def test_a_datastream_is_added_and_changed(world):
    made = registered(world)
    new = {"channel": "air", "quantity": "air_temperature", "unit": "Cel"}
    path = f"/v1/devices/{made['id']}/datastreams"
    added = world.post(path, json={"datastreams": [new]})
    assert added.status_code == 201
    stream = next(s for s in added.json()["items"] if s["channel"] == "air")
    assert world.post(path, json={"datastreams": [new]}).status_code == 409
    one = f"/v1/datastreams/{stream['id']}"
    changed = world.send("PATCH", one, json={"unit": "[degF]", "depth_cm": 200}).json()
    assert (changed["wire_unit"], changed["depth_cm"], changed["channel"]) == (
        "[degF]",
        200,
        "air",
    )
    assert world.send("PATCH", one, json={"unit": "%"}).status_code == 422
    assert world.send("PATCH", one, json={"channel": "soil_moisture"}).status_code == 409
    assert world.send("PATCH", one, json={"depth_cm": None}).json()["depth_cm"] is None
    assert [what for _, what in events(world, made)[:2]] == ["changed datastream"] * 2


def test_a_device_is_there_while_it_is_heard_in_its_usual_interval(world):
    place = world.places[YUSHU]

    def state():
        return world.get(f"/v1/devices/{place.device}").json()["status"]

    def listed(online):
        items = world.get(f"/v1/devices?online={online}&farm={place.farm}").json()["items"]
        return [it["id"] for it in items]

    def heard(ago, **signs):
        with world.platform.database.writing() as tx:
            note = Presence(place.device, NOW - timedelta(seconds=ago), **signs)
            tx.connection.exec_driver_sql("DELETE FROM presence")
            presence.note(tx, [note])

    assert state() == {"online": False} | dict.fromkeys(
        ["seen", "battery_pct", "battery_v", "rssi_dbm", "snr_db", "skew_s", "gateway"]
    )
    assert place.device in listed("false")
    with world.platform.database.writing() as tx:
        tx.connection.exec_driver_sql("DELETE FROM cadence")
        tx.connection.exec_driver_sql(
            f"INSERT INTO cadence (datastream_id, seconds) VALUES ({place.moisture}, 600)"
        )
    heard(1790, battery_pct=71.0, rssi_dbm=-101.0, snr_db=6.5, skew_s=-2.0, gateway="gw-1")
    told = state()
    assert told["online"] is True
    assert told["seen"] == "2026-05-01T06:00:10Z"
    assert (told["battery_pct"], told["rssi_dbm"], told["snr_db"]) == (71.0, -101.0, 6.5)
    assert (told["skew_s"], told["gateway"]) == (-2.0, "gw-1")
    assert listed("true") == [place.device]
    heard(1810)
    assert state()["online"] is False
    heard(1810, online=True)  # its own word
    assert (state()["online"], listed("true")) == (True, [place.device])
    heard(10, online=False)
    assert (state()["online"], listed("true")) == (False, [])


def test_keys_without_a_datastream_are_told_once_each(world):
    made = registered(world)
    at = round(NOW.timestamp() * 1_000_000)
    with world.platform.database.writing() as tx:
        values = [
            unclaimed.Value(made["id"], key, at + k, str(k), at)
            for key in ("temp_DS18B20", "Mod")
            for k in range(3)
        ]
        unclaimed.keep(tx, values)
    items = world.get(f"/v1/devices/{made['id']}/unclaimed").json()["items"]
    assert [(it["channel"], it["n"], it["example"], it["suggestion"]) for it in items] == [
        ("Mod", 3, "2", None),
        ("temp_DS18B20", 3, "2", "outer_temperature"),
    ]


def test_a_new_datastream_claims_what_was_kept_under_its_key(world):
    made = registered(world)
    at = round((NOW - timedelta(hours=2)).timestamp() * 1_000_000)
    with world.platform.database.writing() as tx:
        texts = ["1.5", "2.5", "closed"]
        unclaimed.keep(
            tx,
            [
                unclaimed.Value(made["id"], "extra", at + k * 60_000_000, text, at)
                for k, text in enumerate(texts)
            ],
        )
    new = {"channel": "extra", "quantity": "air_temperature", "unit": "Cel"}
    path = f"/v1/devices/{made['id']}"
    added = world.post(f"{path}/datastreams", json={"datastreams": [new]}).json()
    assert added["claimed"] == 2  # a text is no air temperature
    stream = next(s["id"] for s in added["items"] if s["channel"] == "extra")
    told = world.get(f"/v1/observations?datastream={stream}").json()["items"]
    assert [it["value"] for it in told] == [1.5, 2.5]
    assert world.get(f"{path}/unclaimed").json()["items"] == []


def test_a_swapped_sensor_is_corrected_from_that_time_on_and_what_was_sent_stays(fresh_world):
    world = fresh_world
    stream = world.places[YUSHU].moisture
    path = f"/v1/datastreams/{stream}/calibrations"

    def rows():
        with world.platform.database.reading() as tx:
            found = readings.window(tx, [stream], NOW - timedelta(days=40), NOW)
        return found["phenomenon_time"], found["value"], found["raw"]

    times, before, raw = rows()
    since = NOW - timedelta(days=10)
    late = times >= since.timestamp() * 1e6
    sent = {"since": since.isoformat(), "gain": 1.1, "bias": -0.01, "note": "换传感器 swapped"}
    made = world.post(path, json=sent, scope=YUSHU)
    assert made.status_code == 201, made.text
    assert made.json()["applied"] is not None
    assert made.json()["rederived"] == late.sum() == 240
    _, after, raw_after = rows()
    assert (raw_after == raw).all()
    assert (after[~late] == before[~late]).all()
    assert after[late] == pytest.approx(before[late] * 1.1 - 0.01)
    days = world.get(f"/v1/observations?datastream={stream}&bucket=day&start=2026-04-30").json()
    assert days["items"][0]["mean"] == pytest.approx(0.265, abs=0.012)
    told = world.get(path).json()["items"]
    assert [(it["gain"], it["by"], it["until"]) for it in told] == [(1.1, "operator-220182", None)]
    device = {"id": world.places[YUSHU].device}
    assert events(world, device)[0] == ("operator-220182", "calibrated")
    assert world.post(path, json=sent).status_code == 409
    assert world.post(path, json=sent | {"gain": 0, "since": NOW.isoformat()}).status_code == 422


def test_a_long_correction_waits_for_the_verb(fresh_world, monkeypatch):
    world = fresh_world
    stream = world.places[YUSHU].moisture
    monkeypatch.setattr("api.routes.datastreams._AT_ONCE", 100)
    path = f"/v1/datastreams/{stream}/calibrations"
    made = world.post(path, json={"since": "2026-04-01", "bias": 0.1})
    assert made.status_code == 202
    assert (made.json()["applied"], made.json()["rederived"]) == (None, 0)
    assert recalibration.catch_up(world.platform.database) > 500
    assert world.get(path).json()["items"][0]["applied"] is not None


HEAD = "key,farm,field,name_zh,name_en,lon,lat,profile,depth_cm,datastreams,groups\n"


def bulk(world, text, query="", **more):
    return world.post(
        f"/v1/devices/bulk{query}",
        content=text.encode(),
        headers={"Content-Type": "text/csv"},
        **more,
    )


def test_a_table_of_devices_is_registered_row_by_row(world):
    rows = [
        f"bulk-1,farm-{YUSHU},field-{YUSHU},一,One,{LON},{LAT},dragino-lse01,20,,group-{YUSHU}",
        f"bulk-2,farm-{YUSHU},,二,,,,,,t:air_temperature:Cel;s:soil_moisture:%:15,",
        "bulk-3,nowhere,,三,,,,dragino-lse01,,,",
        f"bulk-4,farm-{YUSHU},,四,,,,,,t:air_temperature:kg,",
        f"bulk-5,farm-{YUSHU},,五,,{LAT},{LON},dragino-lse01,,,",
        f"bulk-1,farm-{DUNHUA},,六,,,,dragino-lse01,,,",
        f"bulk-7,farm-{YUSHU},,七,,,,dragino-lse01,,,nogroup",
        f"bulk-8,farm-{YUSHU},,八",
    ]
    text = HEAD + "\n".join(rows)
    dry = bulk(world, text, "?dry_run=true").json()
    assert (dry["registered"], dry["exists"], dry["refused"]) == (2, 0, 6)
    assert all(it["secret"] is None for it in dry["rows"])
    assert "bulk-1" not in world.get("/v1/devices").text
    said = bulk(world, text).json()
    assert [(it["line"], it["outcome"]) for it in said["rows"]] == [
        (2, "registered"),
        (3, "registered"),
        *[(line, "refused") for line in range(4, 10)],
    ]
    whys = [it["why"] for it in said["rows"][2:]]
    for why, word in zip(
        whys, ("nowhere", "kg", "lon, lat", "bulk-1", "nogroup", "columns"), strict=True
    ):
        assert word in why
    found = {it["key"]: it for it in world.get("/v1/devices").json()["items"]}
    assert "bulk-7" not in found  # its group failed: the whole row is undone
    assert found["bulk-1"]["groups"] == [world.places[YUSHU].group]
    assert {s["channel"]: s["depth_cm"] for s in found["bulk-2"]["datastreams"]} == {
        "t": None,
        "s": 15,
    }
    secrets = [it["secret"] for it in said["rows"][:2]]
    assert all(secrets)
    again = bulk(world, text).json()
    assert (again["registered"], again["exists"], again["refused"]) == (0, 2, 6)
    assert all(it["secret"] is None for it in again["rows"])


def test_a_list_of_devices_is_taken_as_a_table_is(world):
    rows = [
        {"key": "list-1", "farm": f"farm-{YUSHU}", "name_zh": "一", "profile": "dragino-lse01"},
        {"key": "list-2", "farm": f"farm-{DUNHUA}", "name_zh": "二", "profile": "dragino-lse01"},
        {"key": "list-3", "farm": 3, "name_zh": "三"},
        "nonsense",
    ]
    said = world.post("/v1/devices/bulk", json=rows, scope=YUSHU).json()
    assert [it["outcome"] for it in said["rows"]] == ["registered", *["refused"] * 3]
    assert "region 222403" in said["rows"][1]["why"]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("key,farm,name_zh,colour\n", 422),
        ("key,farm\n", 422),
        ("key,farm,name_zh,key\n", 422),
        ('key,farm,name_zh\n"a', 422),
        ("", 422),
        ("key,farm,name_zh\n", 200),
    ],
)
def test_a_table_with_other_columns_is_refused_whole(world, text, status):
    assert bulk(world, text).status_code == status


def test_a_body_of_another_kind_is_refused(world):
    kinds = {"text/csv": 400, "application/json": 400, "text/plain": 415, "": 415}
    for kind, status in kinds.items():
        headers = {"Content-Type": kind}
        got = world.post("/v1/devices/bulk", content=b"\xff\xfe", headers=headers)
        assert got.status_code == status, kind


def announced(world, *keys, **more):
    body = {"profile": "dragino-lse01", "devices": [{"key": key} for key in keys]}
    made = world.post("/v1/claims", json=body | more)
    assert made.status_code == 201, made.text
    return {it["key"]: it["claim_key"] for it in made.json()["items"]}


def claim(world, claim_key, county=YUSHU, role=Role.AGRONOMIST, **more):
    body = {"claim_key": claim_key, "farm_id": world.places[county].farm, "name": NAME}
    return world.post("/v1/devices/claim", json=body | more, role=role, scope=county)


def test_a_device_is_claimed_by_the_key_on_its_label_once(world):
    keys = announced(world, "new-1", "new-2")
    with world.platform.database.reading() as tx:
        kept = tx.rows("claims", "claims", prefix="", after="", limit=100)
    assert keys["new-1"].replace("-", "").encode() not in b"".join(r.digest for r in kept)
    # as somebody types it: small letters, blanks, O for 0
    typed = keys["new-1"].lower().replace("-", " ").replace("0", "o")
    made = claim(world, typed, depth_cm=20, field_id=world.places[YUSHU].field)
    assert made.status_code == 201, made.text
    said = made.json()
    assert (said["key"], said["profile"]) == ("new-1", "dragino-lse01")
    assert said["secret"]
    assert {s["depth_cm"] for s in said["datastreams"]} == {20, None}
    refusals = [
        claim(world, typed),
        claim(world, "7K2M-9QXD-4T8B-HZ3W"),
        claim(world, "x"),
    ]
    details = {(it.status_code, it.json()["detail"]) for it in refusals}
    assert len(details) == 1
    assert refusals[0].status_code == 404
    state = {it["key"]: it for it in world.get("/v1/claims").json()["items"]}
    assert state["new-1"]["claimed_by"] == f"agronomist-{YUSHU}"
    assert state["new-2"]["claimed"] is None


def test_a_claim_key_opens_nothing_in_another_region_and_guessing_is_slowed(fresh_world):
    world = fresh_world
    key = announced(world, "new-1", region=YUSHU)["new-1"]
    assert claim(world, key, county=DUNHUA).status_code == 404
    answers = [claim(world, f"{n:016}").status_code for n in range(9)]
    assert answers == [404] * 8 + [429]
    slowed = claim(world, key)
    assert slowed.status_code == 429
    assert int(slowed.headers["Retry-After"]) > 200
    assert claim(world, key, role=Role.OFFICER).status_code == 201  # another account


def test_a_device_is_announced_once_and_not_when_it_is_registered(world):
    announced(world, "new-3")
    for key in ("new-3", f"probe-{YUSHU}"):
        body = {"profile": "dragino-lse01", "devices": [{"key": key}]}
        assert world.post("/v1/claims", json=body).status_code == 409
    short = {"profile": "dragino-lse01", "devices": [{"key": "new-4", "claim_key": "short"}]}
    assert world.post("/v1/claims", json=short).status_code == 422
    unknown = {"profile": "nobody", "devices": [{"key": "new-4"}]}
    assert world.post("/v1/claims", json=unknown).status_code == 422


def test_a_group_of_another_county_takes_no_part_in_a_list(world):
    group = world.places[DUNHUA].group
    assert world.get(f"/v1/devices?group={group}", scope=YUSHU).status_code == 403
    with world.platform.database.reading() as tx:
        assert len(group_store.members(tx, group)) == 1
