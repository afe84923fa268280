"""The verb advise: a recommendation for a field, or the replay of a stored one."""

from __future__ import annotations

import argparse
from datetime import date
from typing import TYPE_CHECKING

from deploy import wiring
from deploy.settings import Settings
from deploy.verbs import verb

if TYPE_CHECKING:
    from deploy.verbs import Verbs

_ADVISE = """\
Gathers the evidence of the field, applies the rules, stores the recommendation and puts it
into the inbox of the officer of its county. `--replay ID` computes a stored one again from
its stored evidence and says whether the result is identical to the bit."""


def add(verbs: Verbs) -> None:
    """Add the verb."""
    own = verb(verbs, "advise", advise, "recommend a maize sowing window for a field", _ADVISE)
    own.add_argument("field", nargs="?", help="id or key of the field")
    own.add_argument(
        "--as-of", type=date.fromisoformat, metavar="YYYY-MM-DD", help="default: today"
    )
    own.add_argument("--replay", type=int, metavar="ID", help="replay a stored recommendation")


def advise(asked: argparse.Namespace, settings: Settings) -> None:
    """Recommend, or replay."""
    with wiring.open_platform(settings):
        raise NotImplementedError
