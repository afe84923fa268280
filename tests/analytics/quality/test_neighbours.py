import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analytics.quality import neighbours
from analytics.quality.limits import NeighbourLimit
from analytics.quality.neighbours import Station, median_of_others, neighbour_flags, thinned

DAY = 86_400_000_000
LIMIT = NeighbourLimit(1.5, 4.0, 60)
somewhere = st.one_of(st.just(np.nan), st.floats(-50, 50))


@pytest.mark.filterwarnings("ignore:All-NaN slice")
@given(arrays(np.float64, (5, 3), elements=somewhere))
def test_the_median_of_the_others_is_that_without_the_station(values):
    found = median_of_others(values)
    for number in range(5):
        expected = np.nanmedian(np.delete(values, number, axis=0), axis=0)
        assert np.allclose(found[number], expected, equal_nan=True)


def field(stations, days=100, seed=0):
    rng = np.random.default_rng(seed)
    course = 10 + np.cumsum(rng.normal(0, 0.5, days))
    times = np.arange(days) * DAY
    return [
        Station(times, course + rng.uniform(-2, 2) + rng.normal(0, 0.1, days))
        for _ in range(stations)
    ]


@pytest.mark.parametrize("n", [3, 4, 10])
def test_only_the_station_that_leaves_is_flagged(n):
    stations = field(n)
    stations[1].value[70:80] += 4
    flags = neighbour_flags(stations, LIMIT)
    assert np.flatnonzero(flags[1]).tolist() == list(range(70, 80))
    assert not any(own.any() for number, own in enumerate(flags) if number != 1)


def test_a_usual_offset_is_no_fault_and_a_weather_front_for_all_neither():
    stations = field(4)
    stations[0].value[:] += 8
    for station in stations:
        station.value[80:] -= 12
    assert not any(own.any() for own in neighbour_flags(stations, LIMIT))


def test_two_stations_are_no_field():
    stations = field(2)
    stations[0].value[70:] += 40
    assert not any(own.any() for own in neighbour_flags(stations, LIMIT))


def test_a_station_without_a_past_is_not_judged():
    stations = field(4)
    late = Station(stations[0].time[-5:], stations[0].value[-5:] + 30)
    assert not neighbour_flags([late, *stations[1:]], LIMIT)[0].any()


def test_a_thinned_past_gives_the_same_flags_as_the_whole_one():
    rng = np.random.default_rng(4)
    n = 100 * 24 * 6
    times = np.arange(n) * 600_000_000
    course = 10 + 4 * np.sin(np.arange(n) * 2 * np.pi / 144)
    whole = [Station(times, course + i + rng.normal(0, 0.2, n)) for i in range(4)]
    whole[2].value[-400:-200] += 5
    since = int(times[-500])
    before = times < since - 3_600_000_000
    part = []
    for station in whole:
        keep = thinned(station.time) | ~before
        part.append(Station(station.time[keep], station.value[keep]))
    judged = (since, int(times[-1]))
    for full, thin, own in zip(
        neighbour_flags(whole, LIMIT, judged),
        neighbour_flags(part, LIMIT, judged),
        part,
        strict=True,
    ):
        assert full[np.isin(times, own.time)].tolist() == thin.tolist()
    assert neighbours.neighbour_flags(whole, LIMIT, judged)[2][-400:-200].all()
