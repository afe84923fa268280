"""Long series piece by piece, and aggregates over any width, on both engines."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from models.device import NewStream
from models.predicate import Constant, Operation, Options, Order, Path
from models.reading import BAD, Quality, block
from models.store import devices, live, readings, rollups, series
from models.store.sensorthings import entities
from models.store.sensorthings.model import ENTITIES
from models.store.series import Width
from tests.models.store.seeds import plant_device, plant_farm

BEGIN = datetime(2026, 3, 30, 17, tzinfo=UTC)
SPAN = BEGIN - timedelta(days=2), BEGIN + timedelta(days=9)
N = 3000


@pytest.fixture
def filled(province):
    """A stream with a reading every 4 minutes, every ninth one bad, two at some instants."""
    with province.writing() as tx:
        plant_device(tx, plant_farm(tx), streams=[NewStream("t", "air_temperature", "Cel")])
        (stream,) = (of.id for of in devices.datastreams(tx))
    at = series.microseconds(BEGIN) + np.arange(N) // 2 * 2 * 240_000_000
    value = 12 + np.sin(np.arange(N) / 50)
    flags = np.where(np.arange(N) % 9 == 0, int(Quality.SPIKE), 0)
    made = block(stream, at, value, seq=np.arange(N) % 2, quality=flags, unit="Cel")
    with province.writing() as tx:
        readings.add(tx, made)
    while rollups.refresh(province):
        pass
    return province, stream, made


@pytest.mark.parametrize("size", [1, 7, 1000, N - 1, N, N + 1])
def test_pages_of_any_size_are_the_whole(filled, size):
    database, stream, made = filled
    found, after = [], None
    while True:
        with database.reading() as tx:
            page = series.page(tx, stream, SPAN, limit=size, after=after)
        found.append(page)
        if len(page["time"]) < size or (size == 1 and len(found) == 20):
            break
        after = series.instant_of(int(page["time"][-1])), int(page["seq"][-1])
    n = sum(len(page["time"]) for page in found)
    assert n == (20 if size == 1 else N)
    for name, of in (("time", "phenomenon_time"), ("value", "value"), ("seq", "seq"),
                     ("raw", "raw"), ("received", "received"), ("quality", "quality")):  # fmt: skip
        column = np.concatenate([page[name] for page in found])
        assert (column == made[of][:n]).all(), name
    with database.reading() as tx:
        codes = series.unit_codes(tx)
    assert {codes[int(k)] for page in found for k in page["unit"]} == {"Cel"}


def test_flags_are_left_out_where_it_is_asked(filled):
    database, stream, made = filled
    with database.reading() as tx:
        good = series.page(tx, stream, SPAN, limit=N, excluded=int(BAD))
        none = series.page(tx, stream, (SPAN[1], SPAN[1]), limit=N)
    assert (good["value"] == made["value"][made["quality"] == 0]).all()
    assert len(none["time"]) == 0


@pytest.mark.parametrize(
    "width", [Width(600), Width(5400), Width(6 * 3600), Width(10 * 86_400), Width(months=1)]
)
def test_aggregates_equal_a_recompute_from_either_source(filled, width):
    database, stream, made = filled
    with database.reading() as tx:
        said = series.aggregates(tx, stream, SPAN, width, limit=10_000)
        raw = series.aggregates(tx, stream, SPAN, width, limit=10_000, excluded=int(BAD))
    assert said == raw
    starts = [width.begin(series.instant_of(int(us))) for us in made["phenomenon_time"]]
    good = made["quality"] == 0
    first, end = width.first(SPAN[0]), width.first(SPAN[1])
    known = sorted({start for start in starts if first <= start < end})
    assert [row[0] for row in said] == known
    for start, n, n_good, mean, low, high, last, coverage, total, counted in said:
        inside = np.array([s == start for s in starts])
        values = made["value"][inside & good]
        assert (n, n_good, counted) == (inside.sum(), len(values), len(values))
        assert (low, high, last) == (values.min(), values.max(), values[-1])
        assert mean == pytest.approx(values.mean(), rel=1e-12)
        assert total == pytest.approx(values.sum(), rel=1e-12)
        assert coverage is None


def test_live_values_come_by_their_stamps(filled):
    database, stream, _ = filled
    with database.reading() as tx:
        now = live.clock(tx)
        stamps = live.stamps(tx, now - timedelta(minutes=5), piece=1)
        rows = live.values(tx, [of for of, _ in stamps])
    assert [of for of, _ in stamps] == [stream]
    assert rows[0][0] == stream
    assert rows[0][17] == stamps[0][1] <= now


def test_sensorthings_filters_and_pages(filled):
    database, _, made = filled
    bad = Operation("gt", Path(("result",)), Constant(12.5))
    property_id = Path(("Datastream", "ObservedProperty", "id"))
    here = Operation("eq", property_id, Constant("air_temperature"))
    options = Options(
        filter=Operation("and", bad, here), orderby=(Order(Path(("phenomenonTime",)), True),)
    )
    found, after = [], None
    while True:
        with database.reading() as tx:
            page = entities.page(tx, ENTITIES["Observation"], "22", options, 100, after=after)
        found += [(row["time"], row["seq"]) for row in page.rows]
        if (after := page.following) is None:
            break
    expected = made[made["value"] > 12.5][::-1]
    assert found == [
        (series.instant_of(int(r["phenomenon_time"])), int(r["seq"])) for r in expected
    ]
