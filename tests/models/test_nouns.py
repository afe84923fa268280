from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calendar import DAY, day_bounds, day_of
from models.errors import Forbidden, NotFound
from models.person import Action, Person, Role, permit
from models.place import covers
from models.quantity import QUANTITIES
from models.recommendation import canonical_json, input_hash


def test_a_day_ends_at_midnight_in_shanghai():
    start, end = day_bounds(date(2026, 5, 1))
    assert start == datetime(2026, 4, 30, 16, tzinfo=UTC)
    assert day_of(end - timedelta(seconds=1)) == date(2026, 5, 1)
    assert day_of(end) == date(2026, 5, 2)


@given(st.dates(date(1995, 1, 1), date(2100, 1, 1)))
def test_every_day_has_24_hours(day):
    start, end = day_bounds(day)
    assert end - start == DAY
    assert day_of(start) == day


@pytest.mark.parametrize(
    ("scope", "code", "inside"),
    [
        ("220000", "222401", True),
        ("220100", "220182", True),
        ("220100", "220282", False),
        ("220182", "220182", True),
        ("220182", "220100", False),
        ("222400", "222401", True),
        ("220200", "222401", False),
    ],
)
def test_a_scope_covers_the_divisions_under_it(scope, code, inside):
    assert covers(scope, code) is inside


def person(role, region="220182"):
    return Person(1, "p", "人", "P", role, region)


def test_roles_grow_and_only_officers_and_operators_decide():
    permit(person(Role.OFFICER), Action.DECIDE, "220182")
    with pytest.raises(Forbidden, match="officer or operator"):
        permit(person(Role.AGRONOMIST), Action.DECIDE, "220182")
    for role in set(Role) - {Role.GATEWAY}:
        permit(person(role), Action.READ)


def test_a_gateway_hands_readings_in_and_sees_nothing():
    permit(person(Role.GATEWAY), Action.INGEST, "220182")
    for action in set(Action) - {Action.INGEST}:
        with pytest.raises(Forbidden):
            permit(person(Role.GATEWAY), action)


def test_the_region_bounds_every_role():
    for role in Role:
        action = Action.INGEST if role == Role.GATEWAY else Action.READ
        with pytest.raises(Forbidden, match="220184"):
            permit(person(role), action, "220184")


def test_every_quantity_has_a_range_a_unit_and_both_names():
    for q in QUANTITIES.values():
        assert q.low < q.high
        assert all((q.unit, q.zh, q.en, q.source))


def test_an_error_says_what_its_docstring_says():
    assert str(NotFound(noun="farm", key="x{y}")) == "There is no farm 'x{y}'."


def test_equal_evidence_has_equal_hashes_and_nan_is_refused():
    assert input_hash({"a": 1.0, "b": [0.1]}) == input_hash({"b": [0.1], "a": 1.0})
    assert input_hash({"a": 1.0}) != input_hash({"a": 1.0000001})
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})
