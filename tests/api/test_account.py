"""Logging in and out, and what happens to those who guess."""

from datetime import timedelta

import pytest

from api.attempts import Attempts
from api.errors import TooManyAttempts
from api.visitors import Visitors
from models.person import Person, Role
from models.platform import DemoAccount
from models.store import people
from tests.api.world import PASSWORD, YUSHU

LOGIN = f"officer-{YUSHU}"


def log_in(world, password=PASSWORD, login=LOGIN):
    return world.client.post("/v1/auth/token", json={"login": login, "password": password})


def test_a_password_becomes_a_token_that_opens_and_a_log_out_closes(fresh_world):
    got = log_in(fresh_world)
    assert got.status_code == 200
    assert got.headers["Cache-Control"] == "no-store"
    said = got.json()
    assert said["token_type"] == "bearer"
    assert said["expires_at"].endswith("Z")
    assert said["person"]["region"] == {"code": YUSHU, "name": "榆树市"}
    headers = {"Authorization": f"Bearer {said['access_token']}"}
    tile = f"/v1/layers/{fresh_world.layer}/tiles/0/0/0.png"
    assert fresh_world.client.get("/v1/me", headers=headers).json() == said["person"]
    assert fresh_world.client.get(tile, headers=headers).status_code in {200, 204}
    assert fresh_world.client.delete("/v1/auth/token", headers=headers).status_code == 204
    assert fresh_world.client.get("/v1/me", headers=headers).status_code == 401
    assert fresh_world.client.get(tile, headers=headers).status_code == 401


def test_a_token_ends_when_its_time_is_over(fresh_world):
    with fresh_world.platform.database.writing() as tx:
        token, _, _ = people.log_in(tx, LOGIN, PASSWORD, timedelta(seconds=-1))
    headers = {"Authorization": f"Bearer {token}"}
    assert fresh_world.client.get("/v1/me", headers=headers).status_code == 401


def test_the_same_is_said_of_a_wrong_password_and_an_unknown_login(fresh_world):
    wrong, unknown = log_in(fresh_world, "no"), log_in(fresh_world, login="nobody")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["detail"] == unknown.json()["detail"]
    assert wrong.headers["WWW-Authenticate"]
    for body in ({"login": "a\0b", "password": "x"}, {"login": "x" * 101, "password": "x"}, {}):
        assert fresh_world.client.post("/v1/auth/token", json=body).status_code == 422


def test_who_guesses_has_to_wait_and_others_need_not(fresh_world):
    answers = [log_in(fresh_world, "guess").status_code for _ in range(9)]
    assert answers == [401] * 8 + [429]
    late = log_in(fresh_world)
    assert late.status_code == 429
    assert 0 < int(late.headers["Retry-After"]) <= 301
    assert log_in(fresh_world, login=f"viewer-{YUSHU}").status_code == 200


def test_attempts_are_forgotten_after_the_window_and_after_a_success():
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    for _ in range(8):
        attempts.check("a", "x")
        attempts.failed("a", "x")
    with pytest.raises(TooManyAttempts, match="in 301 s"):
        attempts.check("a", "x")
    attempts.check("b", "x")  # from elsewhere
    now[0] = 301.0
    attempts.check("a", "x")
    attempts.failed("a", "x")
    attempts.succeeded("a", "x")
    for _ in range(7):
        attempts.failed("a", "x")
    attempts.check("a", "x")


def test_one_address_cannot_try_many_logins():
    attempts = Attempts(lambda: 0.0)
    for i in range(60):
        attempts.check("a", f"login-{i}")
        attempts.failed("a", f"login-{i}")
    with pytest.raises(TooManyAttempts):
        attempts.check("a", "another")


def test_a_visitor_is_known_for_a_moment_only():
    now = [0.0]
    visitors = Visitors(lambda: now[0])
    person = Person(1, "x", "x", "x", Role.VIEWER, YUSHU)
    visitors.saw("t", person)
    assert visitors.recent("t") == person
    now[0] = 5.1
    assert visitors.recent("t") is None


def test_logins_are_shown_in_the_demonstration_only(world):
    plain = world.client.get("/v1/about").json()
    assert plain["demo"] is False
    assert plain["demo_accounts"] == []
    assert plain["attribution"][0]["zh"]
    assert plain["time_zone"] == "Asia/Shanghai"
    account = DemoAccount("officer", "a-long-password", "officer", "农技员", "Officer")
    before = world.app.state.platform
    try:
        world.app.state.platform = type(before)(
            before.database, before.archive, demo_accounts=(account,)
        )
        shown = world.client.get("/v1/about").json()
    finally:
        world.app.state.platform = before
    assert shown["demo"] is True
    assert shown["demo_accounts"][0]["login"] == "officer"
