"""Observations and latest values: numbers, flags, days, CSV."""

import csv
import io
from datetime import UTC, datetime

import numpy as np
import pytest

from models.reading import BLOCK
from models.store import readings
from tests.api.world import DAYS, NOW, YUSHU


def observations(world, **asked):
    got = world.get("/v1/observations", params=asked)
    assert got.status_code == 200, got.text
    return got


def test_raw_readings_carry_value_flag_and_unit(world):
    stream = world.places[YUSHU].moisture
    said = observations(world, datastream=stream, start="2026-04-01", limit=5000).json()
    assert said["series"] == [
        {
            "datastream": stream,
            "quantity": "soil_moisture",
            "unit": "m3/m3",
            "depth_cm": 10.0,
            "label": {"zh": "土壤体积含水量", "en": "Soil moisture"},
        }
    ]
    assert said["items"][0]["time"] == "2026-03-31T16:00:00Z"  # 00:00 in Jilin
    flagged = [row for row in said["items"] if row["quality"]]
    assert {tuple(row["quality"]) for row in flagged} == {("RANGE",)}
    assert 0 < len(flagged) < len(said["items"]) / 50


def test_without_a_range_the_last_thirty_days_are_read(world):
    stream = world.places[YUSHU].moisture
    items = observations(world, datastream=stream, limit=20_000).json()["items"]
    assert len(items) == 30 * 24 < DAYS * 24
    assert items[-1]["time"] == "2026-05-01T06:00:00Z"


def test_a_bucket_is_the_mean_of_its_good_readings(world):
    stream = world.places[YUSHU].temperature
    asked = {"datastream": stream, "start": "2026-04-20", "end": "2026-04-22"}
    raw = observations(world, **asked, limit=5000).json()["items"]
    days = observations(world, **asked, bucket="day").json()["items"]
    assert [row["start"] for row in days] == ["2026-04-19T16:00:00Z", "2026-04-20T16:00:00Z"]
    for i, row in enumerate(days):
        of_day = raw[24 * i : 24 * (i + 1)]
        good = [r["value"] for r in of_day if not r["quality"]]
        assert (row["n"], row["n_good"]) == (24, len(good))
        assert row["mean"] == pytest.approx(sum(good) / len(good), rel=1e-12)
        assert (row["min"], row["max"]) == (min(good), max(good))
    hours = observations(world, **asked, bucket="hour").json()["items"]
    assert len(hours) == 48
    alone = [h["mean"] for h in hours if h["n_good"]]
    assert alone == pytest.approx([r["value"] for r in raw if not r["quality"]], rel=1e-12)
    assert all(h["mean"] is None and h["n"] == 1 for h in hours if not h["n_good"])


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ("2026-04-30T08:00:00+08:00", "2026-04-30T00:00:00Z"),
        ("2026-04-30T08:00:00 08:00", "2026-04-30T00:00:00Z"),  # the plus got lost in the URL
        ("2026-04-30T00:00:00Z", "2026-04-30T00:00:00Z"),
        ("2026-04-30", "2026-04-29T16:00:00Z"),
        ("1970-01-01T00:00:00Z", "2026-03-27T07:00:00Z"),
    ],
)
def test_times_are_read_as_people_write_them(world, given, first):
    stream = world.places[YUSHU].moisture
    items = observations(world, datastream=stream, start=given).json()["items"]
    assert items[0]["time"] == first


def rows_of(got):
    return list(csv.DictReader(io.StringIO(got.text.removeprefix("\ufeff"))))


def test_csv_says_utc_local_time_and_zone(world):
    place = world.places[YUSHU]
    asked = {"datastream": [place.moisture, place.temperature], "start": "2026-04-30"}
    got = observations(world, **asked, format="csv")
    assert got.headers["content-type"] == "text/csv; charset=utf-8"
    assert not got.content.startswith(b"\xef\xbb\xbf")
    rows = rows_of(got)
    assert rows[0] == {
        "time_utc": "2026-04-29T16:00:00Z",
        "time_local": "2026-04-30T00:00:00",
        "zone": "Asia/Shanghai",
        "datastream": str(place.moisture),
        "quantity": "soil_moisture",
        "label_zh": "土壤体积含水量",
        "label_en": "Soil moisture",
        "depth_cm": "10.0",
        "unit": "m3/m3",
        "value": rows[0]["value"],
        "quality": "",
    }
    raw = observations(world, **asked).json()["items"]
    assert [float(row["value"]) for row in rows] == [item["value"] for item in raw]
    daily = rows_of(observations(world, **asked, format="csv", bucket="day"))
    assert set(daily[0]) >= {"start_utc", "start_local", "zone", "n", "n_good", "mean"}


def test_csv_for_excel_begins_with_a_mark_and_pages_by_link(world):
    stream = world.places[YUSHU].moisture
    asked = {"datastream": stream, "bom": 1, "limit": 10}
    got = world.get("/v1/observations", params=asked, headers={"Accept": "text/csv"})
    assert got.content.startswith(b"\xef\xbb\xbftime_utc,")
    link = got.headers["Link"]
    assert link.endswith('; rel="next"')
    following = world.get(link[1 : link.index(">")], headers={"Accept": "text/csv"})
    assert rows_of(following)[0]["time_utc"] > rows_of(got)[-1]["time_utc"]


def test_an_empty_csv_still_names_its_columns(world):
    stream = world.places[YUSHU].moisture
    asked = {"datastream": stream, "start": "2020-01-01", "end": "2020-01-02", "format": "csv"}
    assert observations(world, **asked).text.startswith("time_utc,time_local,zone,")
    assert observations(world, **asked, bucket="day").text.startswith("start_utc,start_local,")


def test_at_most_fifty_streams_are_read_at_once(world):
    got = world.get("/v1/observations", params={"datastream": list(range(1, 52))})
    assert got.status_code == 422


def test_latest_is_by_phenomenon_time_and_tells_its_age(fresh_world):
    stream = fresh_world.places[YUSHU].moisture
    late = np.zeros(1, BLOCK)
    late["datastream_id"], late["value"] = stream, 0.4
    late["phenomenon_time"] = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * 1_000_000
    with fresh_world.platform.database.writing() as tx:
        readings.add(tx, late)
    said = fresh_world.get("/v1/latest").json()
    row = next(item for item in said["items"] if item["datastream"] == stream)
    assert row["time"] == "2026-05-01T06:00:00Z"
    assert row["age_s"] == 1800
    assert row["device"]["key"] == f"probe-{YUSHU}"
    assert row["provenance"] == "relocated"
    assert row["unit"] == "m3/m3"


def test_asking_again_since_the_last_answer_misses_nothing(fresh_world):
    stream = fresh_world.places[YUSHU].moisture
    assert len(fresh_world.get("/v1/latest").json()["items"]) == 4
    # the store stamps changes with its own clock, so ask from before the change
    before = datetime.now(UTC).isoformat()
    newer = np.zeros(1, BLOCK)
    newer["datastream_id"], newer["value"] = stream, 0.3
    newer["phenomenon_time"] = int(NOW.timestamp()) * 1_000_000
    with fresh_world.platform.database.writing() as tx:
        readings.add(tx, newer)
    changed = fresh_world.get("/v1/latest", params={"updated_after": before}).json()
    assert [item["datastream"] for item in changed["items"]] == [stream]
    assert changed["server_time"] == "2026-05-01T06:29:55Z"
