"""What ``python -m deploy`` can do, one module per group of verbs.

Rooms are imported inside the functions that need them: ``--help`` answers in 0.3 s and the
API process does not carry the ingestor's libraries.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from deploy.settings import Settings

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]

Act = Callable[[argparse.Namespace, Settings], int | None]


def verb(verbs: Verbs, name: str, act: Act, told: str, more: str = "") -> argparse.ArgumentParser:
    """Add a verb; ``told`` is its line in the list of verbs, ``more`` its own explanation."""
    own = verbs.add_parser(
        name,
        help=told,
        description=f"{told[0].upper()}{told[1:]}.\n\n{more}".strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    own.set_defaults(verb=act)
    return own


def hidden(verbs: Verbs, name: str, act: Act) -> argparse.ArgumentParser:
    """Add a verb that only the supervisor calls: it is not listed."""
    own = verbs.add_parser(name)
    own.set_defaults(verb=act)
    return own
