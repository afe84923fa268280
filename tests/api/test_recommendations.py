"""A recommendation is asked for, read by the officer, decided on and replayed."""

import pytest

from models.person import Role
from tests.api.world import DUNHUA, YUSHU


def test_the_same_evidence_gives_the_same_recommendation(fresh_world):
    place = fresh_world.places[YUSHU]
    body = {"field_id": place.field, "kind": "sowing_window", "crop": "maize"}
    made = fresh_world.post("/v1/recommendations", json=body, role=Role.AGRONOMIST, scope=YUSHU)
    assert made.status_code == 201
    assert made.json()["id"] == place.recommendation
    shown = fresh_world.get(f"/v1/recommendations/{place.recommendation}").json()
    assert shown == made.json()
    assert shown["as_of"] == "2026-05-01"
    assert shown["expired"] is False
    assert shown["evidence"]["field"]["region"] == YUSHU
    assert shown["provenance"] == "relocated"
    assert all(r["text"]["zh"] and r["text"]["en"] and r["source"] for r in shown["reasons"])


@pytest.mark.parametrize("as_of", ["2026-05-02", "1999-12-31", "0001-01-01", "9999-12-31"])
def test_advice_for_a_day_without_evidence_is_refused(world, as_of):
    body = {"field_id": world.places[YUSHU].field, "as_of": as_of}
    assert world.post("/v1/recommendations", json=body).status_code == 422


def test_the_officer_of_the_county_reads_and_confirms(fresh_world):
    officer = {"role": Role.OFFICER, "scope": YUSHU}
    (letter,) = fresh_world.get("/v1/inbox", **officer).json()["items"]
    assert letter["read_at"] is None
    assert letter["recommendation"]["id"] == fresh_world.places[YUSHU].recommendation
    assert fresh_world.post(f"/v1/inbox/{letter['id']}/read", **officer).status_code == 204
    (read,) = fresh_world.get("/v1/inbox", **officer).json()["items"]
    assert read["read_at"] is not None
    assert fresh_world.get("/v1/inbox?unread=1", **officer).json()["items"] == []
    # the receipt is this person's only
    other = fresh_world.get("/v1/inbox?unread=1", role=Role.OFFICER, scope="220100").json()["items"]
    assert len(other) == 1
    path = f"/v1/recommendations/{letter['recommendation']['id']}/decision"
    said = fresh_world.post(path, json={"decision": "confirmed"}, **officer).json()
    assert said["decision"]["decision"] == "confirmed"
    assert said["decision"]["by"] == f"officer-{YUSHU}"
    assert said["decision"]["at"] == "2026-05-01T06:30:00Z"


def test_an_override_says_why(fresh_world):
    path = f"/v1/recommendations/{fresh_world.places[YUSHU].recommendation}/decision"
    assert fresh_world.post(path, json={"decision": "overridden"}).status_code == 422
    blank = fresh_world.post(path, json={"decision": "overridden", "note": "  "})
    assert blank.status_code == 422
    said = fresh_world.post(path, json={"decision": "overridden", "note": "低洼地，再等三天"})
    assert said.json()["decision"]["note"] == "低洼地，再等三天"


def test_a_replay_is_identical_or_says_that_it_is_not(fresh_world):
    place = fresh_world.places[DUNHUA]
    path = f"/v1/recommendations/{place.recommendation}/replay"
    said = fresh_world.post(path).json()
    assert said["identical"] is True
    assert len(said["input_hash"]) == 64
    with fresh_world.platform.database.writing() as tx:
        tx.connection.exec_driver_sql(
            "UPDATE recommendation SET evidence = replace(evidence, '12.0', '13.0') WHERE id = %s",
            (place.recommendation,),
        )
    broken = fresh_world.post(path)
    assert broken.status_code == 409
    assert broken.json()["type"] == "urn:heitu:problem:audit-broken"


def test_recommendations_are_listed_by_field_and_status(world):
    place = world.places[YUSHU]
    ours = world.get("/v1/recommendations", params={"field": place.field}).json()["items"]
    assert {r["field"]["id"] for r in ours} == {place.field}
    refused = world.get("/v1/recommendations", params={"status": "refused"}).json()["items"]
    assert {r["status"] for r in refused} <= {"refused"}
    assert world.get("/v1/recommendations?status=maybe").status_code == 422
