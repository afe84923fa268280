"""The smooth series of a field: flagged where filled, never in the future, and its season."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from analytics.remote.period import Period
from analytics.remote.smoothing import whittaker
from ingest.satellite.seasons import STRENGTH, smooth_all, smooth_field
from models.place import Provenance
from models.reading import Quality
from models.scene import Scene, ZonalValue
from models.store import scenes
from tests.ingest.satellite.test_pipeline import add_field, box

NOW = datetime(2025, 12, 31, tzinfo=UTC)


def curve(period):
    """Return a synthetic maize season: NDVI from 0.15 to 0.85 with its top at the end of July."""
    day = period.first.timetuple().tm_yday
    return 0.15 + 0.7 * np.exp(-(((day - 210) / 45) ** 2))


def put(database, field, period, mean):
    scene = Scene(
        f"heitu-ndvi-dekad_{period}_test",
        "heitu-ndvi-dekad",
        period.bounds[0],
        (125, 43, 126, 44),
        32651,
        1.0,
        Provenance.SYNTHETIC,
        {},
        "合成",
        "synthetic",
    )
    share = 0.1 if mean is None else 1.0
    value = ZonalValue(field.id, scene.id, "ndvi_dekad", scene.time, mean, 100, 100, share, None)
    with database.writing() as tx:
        scenes.add_scene(tx, scene)
        scenes.add_zonal(tx, [value])


@pytest.fixture
def field(province):
    """A field with a composite for every ten days of 2025 from March to October, save three."""
    it = add_field(province, "maize", box(300, 100, 500, 200))
    period = Period(2025, 3, 1)
    while period <= Period(2025, 10, 3):
        if period not in (Period(2025, 5, 2), Period(2025, 7, 2)):
            hidden = period == Period(2025, 6, 3)  # composed, but under cloud
            put(province, it, period, None if hidden else curve(period))
        period = period.following
    return it


def test_the_series_is_kept_as_readings_and_what_is_filled_is_flagged(province, field):
    assert smooth_all(province, "ndvi", now=NOW) == 24
    assert smooth_all(province, "ndvi", now=NOW) == 0
    with province.reading() as tx:
        rows = tx.connection.exec_driver_sql(
            "SELECT r.time, r.value, r.quality FROM reading r"
            " JOIN datastream d ON d.id = r.datastream_id"
            " WHERE d.channel = 'heitu-ndvi-smooth' ORDER BY r.time"
        ).all()
    flagged = {Period.dekad_of(t) for t, _, flags in rows if flags & Quality.INTERPOLATED}
    assert flagged == {Period(2025, 5, 2), Period(2025, 6, 3), Period(2025, 7, 2)}
    given = [
        np.nan if Period.dekad_of(t) in flagged else curve(Period.dekad_of(t)) for t, *_ in rows
    ]
    assert [v for _, v, _ in rows] == pytest.approx(
        list(whittaker(np.array(given), STRENGTH)[0]), abs=1e-4
    )
    # what is filled lies near the truth, and nothing beyond the last composite is said
    assert max(abs(v - curve(Period.dekad_of(t))) for t, v, _ in rows) < 0.05
    assert rows[-1].time == Period(2025, 10, 3).bounds[0]


def test_nothing_lies_after_the_present(province, field):
    july = datetime(2025, 7, 15, tzinfo=UTC)
    with province.reading() as tx:
        made = smooth_field(tx, field.id, "ndvi", july)
    # the composite of 11 to 20 July is missing: the series ends with what was seen before
    assert made.periods[-1] == Period(2025, 7, 1)
    assert not made.filled[-1]


def test_a_field_without_composites_has_no_series(province, field):
    other = add_field(province, "other", box(300, 300, 500, 400))
    with province.reading() as tx:
        assert smooth_field(tx, other.id, "ndvi", NOW).periods == []
    assert smooth_all(province, "ndvi", now=NOW) == 24


def test_the_season_of_the_curve():
    from analytics.remote import phenology

    periods = [Period(2025, 3, 1)]
    while periods[-1] < Period(2025, 10, 3):
        periods.append(periods[-1].following)
    days = np.array([one.first.toordinal() for one in periods], float)
    found = phenology.season(np.array([curve(one) for one in periods]), days)
    # exp(-x^2) is a fifth at x = 1.269: 57 days before and after the top on day 210
    start, end = (date.fromordinal(round(it.item())) for it in (found.start, found.end))
    assert abs(start.timetuple().tm_yday - 153) <= 4
    assert abs(end.timetuple().tm_yday - 267) <= 4
