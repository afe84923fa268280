"""Verbs on data: migrate, scene, replay."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import wiring
from deploy.settings import Settings
from deploy.verbs import verb

if TYPE_CHECKING:
    from deploy.verbs import Verbs

_SCENE = """\
PATH is a folder or file of a Sentinel-2 scene. It is opened, checked, masked, turned into
NDVI, written to the archive with its lineage, and averaged over every field it covers.
A scene that cannot be used changes nothing and says why."""
_REPLAY = """\
Put messages that were set aside through the intake again, after the cause is fixed (a
device registered, a unit corrected). Readings stored already count as duplicates."""


def add(verbs: Verbs) -> None:
    """Add the verbs of this group."""
    verb(verbs, "migrate", migrate, "bring the database's schema up to date", "Safe to repeat.")
    own = verb(verbs, "scene", scene, "take satellite scenes in", _SCENE)
    own.add_argument("path", type=Path, nargs="+", metavar="PATH")
    own = verb(verbs, "replay", replay, "put quarantined messages through again", _REPLAY)
    own.add_argument("--reason", help="only those set aside for this reason")
    own.add_argument("--device", help="only those of this device key")


def migrate(asked: argparse.Namespace, settings: Settings) -> None:
    """Bring the schema to head."""
    from models.store import migrations

    with wiring.database_url(settings) as url:
        migrations.migrate(url)


def scene(asked: argparse.Namespace, settings: Settings) -> None:
    """Take scenes in."""
    raise NotImplementedError


def replay(asked: argparse.Namespace, settings: Settings) -> None:
    """Put quarantined messages through again."""
    raise NotImplementedError
