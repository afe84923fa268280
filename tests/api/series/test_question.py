"""What a request for observations may say."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.series.question import chosen, excluded_by, points_of, width_of
from models.calendar import SHANGHAI
from models.errors import HeituError
from models.reading import BAD, Quality
from models.store.series import Width

MINUTE, HOUR, DAY = 60, 3600, 86_400


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("none", None),
        ("hour", Width(HOUR)),
        ("day", Width(DAY)),
        ("month", Width(months=1)),
        ("10min", Width(10 * MINUTE)),
        ("6h", Width(6 * HOUR)),
        ("10d", Width(10 * DAY)),
        ("2w", Width(14 * DAY)),
        ("3mo", Width(months=3)),
        ("1y", Width(months=12)),
        ("PT15M", Width(15 * MINUTE)),
        ("PT1H30M", Width(90 * MINUTE)),
        ("P1DT12H", Width(36 * HOUR)),
        ("P1W", Width(7 * DAY)),
        ("P1M", Width(months=1)),
        ("P1Y6M", Width(months=18)),
    ],
)
def test_a_width_is_read(text, width):
    assert width_of(text) == width


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P1M1D", "PT30S", "0h", "P0D", "30s", "11y", "4000d", "1.5h", "-1h", "PT-5M",
     "Hour", "P1H", "99999999d"],
)  # fmt: skip
def test_what_is_no_width_is_refused(text):
    with pytest.raises(HeituError):
        width_of(text)


@given(
    st.one_of(
        st.builds(Width, st.integers(60, 10_000_000)),
        st.builds(Width, months=st.integers(1, 120)),
    ),
    st.integers(0, 108 * 365 * DAY).map(
        lambda s: datetime(1992, 1, 1, tzinfo=UTC) + timedelta(0, s)
    ),
)
def test_buckets_tile_the_calendar(width, instant):
    begin = width.begin(instant)
    end = width.next(begin)
    assert begin <= instant < end
    assert width.begin(begin) == begin == width.first(begin)
    assert width.begin(end) == end
    assert width.begin(end - timedelta(microseconds=1)) == begin
    assert width.first(instant) in (begin, end)
    assert width.ahead(begin, 2) == width.next(end)
    if width.months:
        assert begin.astimezone(SHANGHAI).strftime("%d%H%M%S") == "01000000"


def test_the_quality_filter_names_flags():
    assert excluded_by(None) is None
    assert excluded_by("all") == 0
    assert excluded_by("good") == int(BAD)
    assert excluded_by("SPIKE, stuck") == int(Quality.SPIKE | Quality.STUCK)
    for wrong in ("", "nothing", "SPIKE,", "GOOD"):
        with pytest.raises(HeituError):
            excluded_by(wrong)


def test_lists_keep_their_order_and_points_are_capped():
    assert chosen("max,mean", ("mean", "min", "max"), (), "x") == ("mean", "max")
    assert chosen(None, ("mean",), ("mean",), "x") == ("mean",)
    with pytest.raises(HeituError):
        chosen("median", ("mean",), (), "aggregation")
    assert points_of(10**9, None) == 2000
    assert points_of(1, None) == 8
    with pytest.raises(HeituError):
        points_of(10, Width(HOUR))
