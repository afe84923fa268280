"""``python -m deploy VERB``: every way to run and operate the platform."""

import argparse
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from deploy import settings
from deploy.embedded import parent
from deploy.verbs import (
    advise,
    alarms,
    broker,
    check,
    data,
    devices,
    edge,
    files,
    imagery,
    operate,
    people,
    retention,
    run,
)
from models.errors import HeituError
from models.platform import Platform

# in the order in which --help lists them
_GROUPS = (
    run,
    edge,
    data,
    imagery,
    files,
    advise,
    alarms,
    people,
    devices,
    broker,
    operate,
    retention,
    check,
)
_ABOUT = """\
Heitu (黑土), the agriculture data platform of Jilin.

Settings come from the environment (HEITU_...); none is needed for the demonstration:
  {names}
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    top = argparse.ArgumentParser(
        prog="python -m deploy",
        description=_ABOUT.format(names="\n  ".join(settings.names())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"Heitu {_version()}")
    top.add_argument("--attached", action="store_true", help=argparse.SUPPRESS)
    verbs = top.add_subparsers(metavar="VERB", required=True, title="verbs")
    for group in _GROUPS:
        group.add(verbs)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; an error of ours is one line on stderr and exit status 1."""
    asked = parser().parse_args(arguments)
    if asked.attached:
        parent.die_with_it()
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return int(asked.verb(asked, settings.load()) or 0)
    except HeituError as problem:
        print(f"heitu: {problem.message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output went away (| head)
        return 141


def _version() -> str:
    return str(Platform.__dataclass_fields__["version"].default)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
