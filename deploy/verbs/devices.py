"""Verbs on devices: import a table, announce claim keys, derive values again."""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import wiring
from deploy.settings import Settings
from deploy.verbs import verb
from models.errors import Invalid

if TYPE_CHECKING:
    from deploy.verbs import Verbs
    from ingest.enrolment import Outcome

_AT_ONCE = 200  # devices a transaction, about a second
_BY = "command line"
BAD_ROWS = 3  # exit status: some rows were refused, the others are registered

_DEVICES = "Each has more to say: python -m deploy devices VERB --help."
_IMPORT = """\
FILE is CSV in UTF-8 whose first line names the columns: key, farm, name_zh, and any of field,
name_en, lon, lat, profile, datastreams (channel:quantity:unit[:depth in cm], parted by ;),
depth_cm, formats, groups (parted by ;), provenance. Farms and fields go by key or id.
A row is registered whole or not at all; a row that is refused is told with its line number and
stops no other one. Run again it registers what is missing and leaves what exists alone.
The secrets of new devices are appended to --secrets (CSV, mode 600) and are nowhere else.
Exit status 0: every row is registered; 3: some were refused; 1: it could not be done."""
_ANNOUNCE = """\
FILE names the keys of devices (serials, devEUIs), one a line. Each gets a claim key, written to
--labels (CSV, mode 600) to be printed; the store keeps only hashes. Whoever has the label and an
account in that region may claim the device, once: POST /v1/devices/claim."""
_RECALIBRATE = """\
Applies the calibrations that stored values do not follow yet, from what was sent; that itself is
never touched. Safe to stop and to run again."""


def add(verbs: Verbs) -> None:
    """Add the verbs of this group."""
    own = verb(verbs, "devices", _never, "register devices (devices import FILE)", _DEVICES)
    inner = own.add_subparsers(metavar="VERB", required=True)
    table = verb(inner, "import", take_in, "register the devices of a CSV table", _IMPORT)
    table.add_argument("file", type=Path, metavar="FILE")
    table.add_argument("--dry-run", action="store_true", help="say what would happen, and stop")
    table.add_argument("--secrets", type=Path, metavar="CSV", help="where new secrets go")
    new = verb(inner, "announce", announce, "make claim keys for labels", _ANNOUNCE)
    new.add_argument("file", type=Path, metavar="FILE")
    new.add_argument("--profile", required=True, help="what the devices are (GET /v1/profiles)")
    new.add_argument("--region", required=True, help="division code in which they may be claimed")
    new.add_argument("--labels", type=Path, required=True, metavar="CSV")
    verb(verbs, "recalibrate", recalibrate, "derive stored values again", _RECALIBRATE)


def take_in(asked: argparse.Namespace, settings: Settings) -> int:
    """Register the devices of a table."""
    from ingest import enrolment

    if asked.secrets is None and not asked.dry_run:
        raise Invalid(why="say where new secrets are to go: --secrets FILE")
    given = enrolment.of_csv(_text(asked.file))
    told: Counter[str] = Counter()
    with wiring.open_database(settings) as database:
        for at in range(0, len(given), len(given) if asked.dry_run else _AT_ONCE):
            rows = given[at:] if asked.dry_run else given[at : at + _AT_ONCE]
            with database.writing() as tx:
                done = enrolment.enrol(tx, rows, _BY, dry=asked.dry_run)
                # before the commit: a secret that is nowhere would be lost
                if not asked.dry_run:
                    _append(asked.secrets, ("key", "secret"), _secrets(done))
            _tell(asked.file, done)
            told.update(it.outcome for it in done)
    would = "would be " if asked.dry_run else ""
    print(
        f"{told['registered']} {would}registered, {told['exists']} exist already, "
        f"{told['refused']} {would}refused"
    )
    return BAD_ROWS if told["refused"] else 0


def _secrets(done: Sequence[Outcome]) -> list[tuple[str, ...]]:
    return [(it.key, it.secret) for it in done if it.secret]


def _tell(file: Path, done: Sequence[Outcome]) -> None:
    for it in done:
        if it.outcome == "refused":
            print(f"{file}:{it.line}: {it.key or '(no key)'}: {it.why}", file=sys.stderr)


def announce(asked: argparse.Namespace, settings: Settings) -> None:
    """Make claim keys for the devices of a list."""
    from ingest.profiles import profile
    from models.store import claims

    model = profile(asked.profile)
    keys = [line.strip() for line in _text(asked.file).splitlines() if line.strip()]
    labels = []
    with wiring.open_database(settings) as database, database.writing() as tx:
        for key in keys:
            claim_key = claims.new_key()
            claims.announce(
                tx,
                device_key=key,
                claim_key=claim_key,
                profile=model.key,
                region_code=asked.region,
                by=_BY,
            )
            labels.append((key, model.key, claim_key))
        _append(asked.labels, ("key", "profile", "claim_key"), labels)
    print(f"{len(labels)} devices announced; labels in {asked.labels}")


def recalibrate(asked: argparse.Namespace, settings: Settings) -> None:
    """Bring stored values to their calibrations."""
    from ingest import recalibration
    from models.store import rollups

    with wiring.open_database(settings) as database:
        changed = recalibration.catch_up(database, _progress)
        rollups.refresh(database)
    print(f"{changed} values derived again")


def _progress(looked: int) -> None:
    print(f"{looked} readings looked at", file=sys.stderr, flush=True)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise Invalid(why=f"{file} cannot be read ({problem})") from None


def _append(file: Path, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Append rows to a CSV file that only we may read; a new one gets its head first."""
    if not rows:
        return
    try:
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as problem:
        raise Invalid(why=f"{file} cannot be written ({problem})") from None
    with os.fdopen(opened, "a", encoding="utf-8", newline="") as out:
        whole = rows if os.fstat(opened).st_size else [head, *rows]
        csv.writer(out, lineterminator="\n").writerows(whole)
        out.flush()
        os.fsync(opened)


def _never(asked: argparse.Namespace, settings: Settings) -> None:
    """Never reached: `devices` needs a verb of its own."""
