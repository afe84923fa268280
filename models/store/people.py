"""Accounts and their tokens."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Row

from models import calendar
from models.errors import Conflict, Invalid, Unauthenticated
from models.person import Person, Role
from models.store import places
from models.store.credentials import digest, hashed, matches
from models.store.database import ReadTx, WriteTx

_SHORTEST_PASSWORD = 10
# checked when there is no such login, so that the answer takes as long as a wrong password
_NOBODY = hashed(secrets.token_urlsafe(16))


def _person(r: Row[Any]) -> Person:
    return Person(r.id, r.login, r.name_zh, r.name_en, Role(r.role), r.region_code)


def add_person(
    tx: WriteTx,
    *,
    login: str,
    password: str,
    name_zh: str,
    name_en: str,
    role: Role,
    region_code: str,
) -> Person:
    """Open an account.

    Raises
    ------
    Conflict
        The login is taken.
    Invalid
        The password has fewer than 10 characters.
    """
    if len(password) < _SHORTEST_PASSWORD:
        raise Invalid(why=f"a password has at least {_SHORTEST_PASSWORD} characters")
    row = tx.row(
        "people",
        "add_person",
        login=login,
        password_hash=hashed(password),
        name_zh=name_zh,
        name_en=name_en,
        role=role,
        region_code=places.region(tx, region_code).code,
    )
    if row is None:
        raise Conflict(noun="login", key=login)
    return _person(row)


def log_in(
    tx: WriteTx, login: str, password: str, lifetime: timedelta
) -> tuple[str, datetime, Person]:
    """Check a password and return a new token, its expiry and the person.

    Raises
    ------
    Unauthenticated
        Login or password is wrong; which of them is not said.
    """
    row = tx.row("people", "by_login", login=login)
    right = matches(password, row.password_hash if row is not None else _NOBODY)
    if row is None or not right:
        raise Unauthenticated("The login or the password is wrong.")
    token, expires = secrets.token_urlsafe(32), calendar.now() + lifetime
    tx.run("people", "keep_token", digest=digest(token), person_id=row.id, expires=expires)
    return token, expires, _person(row)


def person_of(tx: ReadTx, token: str) -> Person | None:
    """Return the person a token belongs to, or None when it is unknown or expired."""
    row = tx.row("people", "by_token", digest=digest(token))
    return None if row is None else _person(row)


def person_by_login(tx: ReadTx, login: str) -> Person | None:
    """Return the active account with this login, or None."""
    row = tx.row("people", "by_login", login=login)
    return None if row is None else _person(row)


def log_out(tx: WriteTx, token: str) -> None:
    """Revoke a token."""
    tx.run("people", "drop_token", digest=digest(token))
