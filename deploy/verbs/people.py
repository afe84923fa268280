"""Verbs on people: create a login."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import wiring
from deploy.settings import Settings
from deploy.verbs import verb
from models.errors import Invalid
from models.person import Role

if TYPE_CHECKING:
    from deploy.verbs import Verbs

SHORTEST = 12  # characters; NIST SP 800-63B asks for 8 and advises longer ones

_PEOPLE = "There is no default password: it is asked for, or read from a file or a pipe."


def add(verbs: Verbs) -> None:
    """Add the verbs of this group."""
    own = verb(verbs, "people", _list_verbs, "create logins (people add LOGIN ...)", _PEOPLE)
    inner = own.add_subparsers(metavar="VERB", required=True)
    new = verb(inner, "add", add_person, "create a login", _PEOPLE)
    new.add_argument("login")
    new.add_argument("--role", required=True, choices=[role.value for role in Role])
    new.add_argument(
        "--region", required=True, help="division code that bounds the account, e.g. 220182"
    )
    new.add_argument("--name-zh", required=True, help="name in Chinese")
    new.add_argument("--name-en", default="", help="name in English (default: the Chinese one)")
    new.add_argument("--password-file", type=Path, help="file whose first line is the password")


def add_person(asked: argparse.Namespace, settings: Settings) -> None:
    """Create a login."""
    from models.store import people, places

    password = _password(asked.password_file)
    with wiring.open_database(settings) as database, database.writing() as tx:
        region = places.region(tx, asked.region)
        person = people.add_person(
            tx,
            login=asked.login,
            password=password,
            name_zh=asked.name_zh,
            name_en=asked.name_en or asked.name_zh,
            role=Role(asked.role),
            region_code=region.code,
        )
    print(f"created {person.login}: {person.role} of {region.name} ({region.code})")


def _password(file: Path | None) -> str:
    if file is not None:
        try:
            text = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise Invalid(why=f"the password file {file} cannot be read ({problem})") from None
    else:
        text = getpass.getpass("password: ") if sys.stdin.isatty() else sys.stdin.readline()
    password = text.split("\n", 1)[0].rstrip("\r")
    if len(password) < SHORTEST:
        raise Invalid(why=f"a password takes at least {SHORTEST} characters")
    return password


def _list_verbs(asked: argparse.Namespace, settings: Settings) -> None:
    """Never reached: `people` needs a verb of its own."""
