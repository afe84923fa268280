"""Readiness says which part fails; metrics say what was taken in; a lost database is a 503."""

import re

import httpx
import pytest

from api.app import create_app
from models.platform import PartHealth, Platform
from models.reading import block
from models.store import heartbeats, readings
from models.store.database import Database
from tests.api.world import NOW, YUSHU, clock, served


def parts(answer):
    return {part["name"]: part for part in answer.json()["parts"]}


def test_a_whole_platform_is_ready(world):
    got = world.client.get("/health/ready")
    assert got.status_code == 200
    assert {"database", "schema", "archive"} <= set(parts(got))
    assert world.client.get("/health/live").json() == {"live": True}


def test_each_part_that_fails_is_named(fresh_world, tmp_path, monkeypatch):
    def broker():
        return PartHealth("broker", ready=False, why="127.0.0.1:1883 does not answer")

    def careless():
        raise RuntimeError("probe fell over")

    with fresh_world.platform.database.writing() as tx:
        heartbeats.beat(tx, "ingestor", {"ready": False, "why": "no commit for 60 s"})
        heartbeats.beat(tx, "deliverer", {})
        tx.connection.exec_driver_sql(
            "UPDATE heartbeat SET at = at - interval '31 s' WHERE part = 'deliverer'"
        )
    fresh_world.app.state.platform = Platform(
        database=fresh_world.platform.database,
        archive=tmp_path / "gone",
        probes=(broker, careless),
    )
    got = fresh_world.client.get("/health/ready")
    assert got.status_code == 503
    assert got.headers["Retry-After"]
    assert got.json()["ready"] is False
    found = parts(got)
    assert found["broker"]["why"] == "127.0.0.1:1883 does not answer"
    assert found["careless"]["why"] == "probe fell over"
    assert found["archive"]["ready"] is False
    assert found["ingestor"]["why"] == "no commit for 60 s"
    assert "31 s ago" in found["deliverer"]["why"]
    assert found["database"]["ready"] is True


def test_a_schema_that_is_behind_is_not_ready(fresh_world):
    with fresh_world.platform.database.writing() as tx:
        tx.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    got = fresh_world.client.get("/health/ready")
    assert got.status_code == 503
    assert "migrate" in parts(got)["schema"]["why"]


def test_without_a_database_every_route_says_503_and_lives(world, tmp_path):
    nowhere = Database("host=127.0.0.1 port=1 dbname=none", pool_size=1)
    app = create_app(Platform(database=nowhere, archive=tmp_path, clock=clock))

    with served(app) as url, httpx.Client(base_url=url) as client:
        assert client.get("/health/live").status_code == 200
        ready = client.get("/health/ready")
        assert ready.status_code == 503
        assert parts(ready)["database"]["ready"] is False
        for path in ("/v1/farms", "/v1/latest", "/v1/regions", "/v1/layers/x/tiles/0/0/0.png"):
            got = client.get(path, headers={"Authorization": "Bearer x"})
            assert got.status_code == 503, got.text
            assert got.headers["content-type"] == "application/problem+json"
            assert got.headers["Retry-After"]
        logged = client.post("/v1/auth/token", json={"login": "a", "password": "b"})
        assert logged.status_code == 503
        figures = client.get("/metrics")
        assert figures.status_code == 200
        assert "heitu_database_up 0.0" in figures.text
    nowhere.close()


def test_figures_count_by_route_and_not_by_address(world):
    world.get("/v1/farms/999999")
    world.get("/v1/farms/999998")
    world.get("/a/scanner/was/here")
    text = world.client.get("/metrics").text
    line = r'heitu_http_requests_total{method="GET",route="/v1/farms/{farm_id}",status="404"} (\d+)'
    assert int(re.search(line, text)[1]) >= 2
    assert "scanner" not in text
    assert 'route="(other)"' in text


def test_figures_tell_ledger_quarantine_and_freshness(world):
    text = world.client.get("/metrics").text
    assert 'heitu_readings_today{outcome="received"}' in text.replace("_total", "")
    assert 'heitu_quarantine_open{reason="unreadable"} 4.0' in text
    age = re.search(rf'heitu_newest_reading_age_seconds{{county="{YUSHU}"}} (\S+)', text)
    assert float(age[1]) == pytest.approx(NOW.minute * 60)
    assert 'heitu_build_info{version="' in text


def test_figures_tell_what_ingestors_say_and_what_waits(fresh_world):
    said = {"ready": False, "lag_s": 3.5, "waiting": 120, "connected": True, "received": 10,
            "stored": 7, "duplicate": 1, "quarantined": {"unreadable": 2}}  # fmt: skip
    stream = fresh_world.places[YUSHU].moisture
    with fresh_world.platform.database.writing() as tx:
        heartbeats.beat(tx, "ingestor-a", said)
        heartbeats.beat(tx, "deliverer", {})
        readings.add(tx, block([stream], [0], [0.3]))
    text = fresh_world.client.get("/metrics").text
    for line in (
        'heitu_ingest_lag_seconds{part="ingestor-a"} 3.5',
        'heitu_ingest_waiting_messages{part="ingestor-a"} 120.0',
        'heitu_ingest_readings_total{outcome="stored",part="ingestor-a",reason=""} 7.0',
        '{outcome="quarantined",part="ingestor-a",reason="unreadable"} 2.0',
        'heitu_part_ready{part="ingestor-a"} 0.0',
        'heitu_part_ready{part="deliverer"} 1.0',
        'heitu_queue_length{queue="rollup"} 1.0',
    ):
        assert line in text, line
    assert 'heitu_ingest_lag_seconds{part="deliverer"}' not in text
    assert 'heitu_heartbeat_age_seconds{part="ingestor-a"}' in text


def test_a_missing_raster_is_503_and_not_a_fault(fresh_world):
    layer = fresh_world.layer
    with fresh_world.platform.database.writing() as tx:
        tx.connection.exec_driver_sql("UPDATE layer SET display_path = 'gone.tif'")
    x, y = 3487, 1482
    got = fresh_world.get(f"/v1/layers/{layer}/tiles/12/{x}/{y}.png")
    assert got.status_code == 503
    assert got.json()["type"] == "urn:heitu:problem:unavailable"
