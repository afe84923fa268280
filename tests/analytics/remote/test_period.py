"""Ten-day periods and months, whose days are those of Shanghai."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.remote.period import Period
from models.errors import Invalid


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("2026-06-1", date(2026, 6, 1), date(2026, 6, 11)),
        ("2026-06-3", date(2026, 6, 21), date(2026, 7, 1)),
        ("2024-02-3", date(2024, 2, 21), date(2024, 3, 1)),
        ("2025-12-3", date(2025, 12, 21), date(2026, 1, 1)),
        ("2026-02", date(2026, 2, 1), date(2026, 3, 1)),
    ],
)
def test_a_period_is_what_it_is_written_as(text, first, after):
    period = Period.parse(text)
    assert (str(period), period.first, period.after) == (text, first, after)
    # the first day begins at 16:00 UTC of the day before
    assert period.bounds[0] == datetime.combine(first, datetime.min.time(), UTC) - timedelta(
        hours=8
    )


@pytest.mark.parametrize("text", ["2026", "2026-13", "2026-06-4", "2026-6-1", "", "2026-06-01"])
def test_others_are_refused(text):
    with pytest.raises(Invalid):
        Period.parse(text)


@given(st.integers(0, 36_500 * 86_400))
def test_every_instant_lies_in_its_ten_days_and_they_follow_without_a_gap(seconds):
    instant = datetime(1990, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    period = Period.dekad_of(instant)
    start, end = period.bounds
    assert start <= instant < end
    assert period.following.bounds[0] == end
