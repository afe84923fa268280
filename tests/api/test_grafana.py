"""What Grafana's JSON data source asks, and what it gets (simpod-json-datasource 0.6 and 0.7)."""

import pytest

from models.person import Role
from tests.api.world import DUNHUA, PROVINCE, YUSHU


def query(
    world, *targets, start="2026-04-29T00:00:00.000Z", end="2026-05-01T00:00:00.000Z", **more
):
    # as Grafana 10 sends it, with what we do not read
    body = {
        "app": "dashboard",
        "requestId": "Q100",
        "range": {"from": start, "to": end, "raw": {"from": "now-2d", "to": "now"}},
        "interval": "5m",
        "intervalMs": 300_000,
        "maxDataPoints": 600,
        "targets": list(targets),
        "scopedVars": {"__interval": {"text": "5m", "value": "5m"}},
        **more,
    }
    got = world.post("/grafana/query", role=Role.VIEWER, json=body)
    assert got.status_code == 200, got.text
    return got.json()


def test_the_connection_test_needs_a_token(world):
    assert world.get("/grafana/", role=Role.VIEWER).json()["status"] == "ok"
    assert world.get("/grafana", role=Role.VIEWER).status_code == 200
    assert world.client.get("/grafana/").status_code == 401


@pytest.mark.parametrize("scope", [YUSHU, DUNHUA, PROVINCE])
def test_metrics_are_the_datastreams_of_the_region(world, scope):
    said = world.post("/grafana/metrics", role=Role.VIEWER, scope=scope, json={}).json()
    ids = {s["id"] for s in world.get("/v1/datastreams", scope=scope).json()["items"]}
    assert {int(metric["value"]) for metric in said} == ids
    assert {field["name"] for field in said[0]["payloads"]} == {"aggregation", "quality"}


def test_metrics_are_found_by_name_in_both_languages(world):
    def found(text, **headers):
        got = world.post("/grafana/search", json={"target": text}, headers=headers).json()
        return {metric["text"] for metric in got}

    assert len(found("墒情站")) == 4
    assert len(found("MOISTURE")) == 2
    assert found("%") == found("_") - found("_") == set()
    assert found("probe-220182", **{"Accept-Language": "zh"}) == {
        "墒情站 (probe-220182) 土壤体积含水量 10 cm [m3/m3]",
        "墒情站 (probe-220182) 土壤温度 10 cm [Cel]",
    }
    english = found("moisture", **{"Accept-Language": "en"})
    assert "Soil probe (probe-220182) Soil moisture 10 cm [m3/m3]" in english


def test_a_short_span_shows_readings_without_bad_ones(world):
    stream = world.places[YUSHU].moisture
    (line,) = query(world, {"refId": "A", "target": str(stream), "type": "timeserie"})
    assert line["refId"] == "A"
    raw = world.get(
        "/v1/observations",
        params={"datastream": stream, "start": "2026-04-29T00:00:00Z",
                "end": "2026-05-01T00:00:00Z"},
    ).json()["items"]  # fmt: skip
    good = [r["value"] for r in raw if not r["quality"]]
    assert [value for value, _ in line["datapoints"]] == good
    assert len(good) < len(raw)
    assert all(ms % 3_600_000 == 0 for _, ms in line["datapoints"])
    (everything,) = query(world, {"target": str(stream), "payload": {"quality": "all"}})
    assert len(everything["datapoints"]) == len(raw)


def test_a_long_span_shows_aggregates_within_the_points(world):
    stream = world.places[YUSHU].temperature
    asked = {"start": "2026-03-20T00:00:00Z", "end": "2026-05-02T00:00:00Z", "maxDataPoints": 100}
    mean, high = query(
        world, {"target": f"{stream}"}, {"target": f"{stream}:max", "refId": "B"}, **asked
    )
    assert 50 < len(mean["datapoints"]) <= 100
    assert all(
        a <= b for (a, _), (b, _) in zip(mean["datapoints"], high["datapoints"], strict=True)
    )
    by_payload = query(
        world, {"target": str(stream), "payload": {"aggregation": "max"}, "refId": "B"}, **asked
    )
    assert by_payload == [high]


def test_hidden_and_empty_targets_are_left_out(world):
    stream = world.places[YUSHU].moisture
    assert query(world, {"target": str(stream), "hide": True}, {"target": None}, {}) == []
    back = {"start": "2026-05-02T00:00:00Z", "end": "2026-05-01T00:00:00Z"}
    assert query(world, {"target": str(stream)}, **back)[0]["datapoints"] == []


@pytest.mark.parametrize("target", ["soil", "0", "-1", "99999999999999999999", "1:median", "1:"])
def test_what_is_no_metric_is_refused(world, target):
    body = {"range": {"from": "2026-05-01", "to": "2026-05-02"}, "targets": [{"target": target}]}
    got = world.post("/grafana/query", json=body)
    assert got.status_code == (200 if target == "1:" else 422)


def test_the_builder_and_what_there_is_not(world):
    chosen = world.post("/grafana/metric-payload-options", json={"name": "aggregation"}).json()
    assert {"label": "max", "value": "max"} in chosen
    for path in ("tag-keys", "tag-values", "annotations"):
        assert world.post(f"/grafana/{path}", json={"key": "a"}).json() == []
    found = world.post("/grafana/variable", json={"payload": {"target": "moisture"}}).json()
    assert [set(entry) for entry in found] == [{"__text", "__value"}] * 2
