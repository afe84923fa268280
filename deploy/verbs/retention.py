"""The verb ``retention``: how long what is kept, what would go, and its going."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import wiring
from deploy.settings import Settings
from deploy.verbs import verb
from models import calendar
from models.errors import Invalid

if TYPE_CHECKING:
    from datetime import datetime

    from deploy.verbs import Verbs
    from models.store.database import Database
    from models.store.retention import Expiry

_MORE = """\
Says for each kind (reading, revision, quarantine, uplink, unclaimed) how long it is kept and what
would go now. Nothing is removed without --apply, and no reading without --export FOLDER: readings
are written there as Parquet first. Aggregates by hour, day and month stay for ever."""
_PAGE = 100_000  # rows of one Parquet group


def add(verbs: Verbs) -> None:
    """Add the verb."""
    own = verb(verbs, "retention", retain, "show or apply how long data are kept", _MORE)
    own.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KIND=DAYS",
        dest="policies",
        help="keep a kind so many days ('ever' for ever); may be repeated",
    )
    own.add_argument("--apply", action="store_true", help="remove what the policies name")
    own.add_argument("--export", type=Path, metavar="FOLDER", help="write readings here first")


def retain(asked: argparse.Namespace, settings: Settings) -> None:
    """Change policies, say what would go, and with ``--apply`` let it go."""
    from models.store import retention

    now = calendar.now()
    with wiring.open_database(settings) as database:
        with database.writing() as tx:
            for policy in asked.policies:
                kind, _, days = policy.partition("=")
                retention.keep(tx, kind, _days(days))
        with database.reading() as tx:
            plans = retention.plan(tx, now)
        for plan in plans:
            print(_told(plan))
        if not asked.apply:
            print("nothing was removed; --apply removes it")
            return
        for plan in plans:
            _apply(database, plan, asked.export, now)


def _days(text: str) -> int | None:
    if text == "ever":
        return None
    try:
        return int(text)
    except ValueError:
        raise Invalid(why=f"say KIND=DAYS or KIND=ever, not {text!r} days") from None


def _told(plan: Expiry) -> str:
    if plan.days is None:
        return f"{plan.kind:<12} kept for ever"
    told = f"{plan.kind:<12} kept {plan.days} days; {plan.n:,} would go"
    return f"{told}, {plan.first:%Y-%m-%d} to {plan.last:%Y-%m-%d}" if plan.n else told


def _apply(database: Database, plan: Expiry, folder: Path | None, now: datetime) -> None:
    from models.store import retention

    if not plan.n or plan.before is None:
        return
    if plan.kind == "reading":
        if folder is None:
            raise Invalid(why="readings go only after --export FOLDER has taken them")
        path = folder / f"readings_before_{plan.before:%Y%m%d}_at_{now:%Y%m%dT%H%M%SZ}.parquet"
        n = _export(database, plan.before, path)
        if n != plan.n:
            why = f"{n:,} of {plan.n:,} readings are in {path}: readings came meanwhile; run again"
            raise Invalid(why=why)
        print(f"wrote {n:,} readings to {path}")
    print(f"removed {retention.expire(database, plan):,} of {plan.kind}")


def _export(database: Database, before: datetime, path: Path) -> int:
    """Write readings to a file that appears only when it is whole; return how many."""
    from itertools import islice

    import pyarrow as pa
    import pyarrow.parquet as pq
    from rich.progress import track

    from models.store import retention

    time = pa.timestamp("us", tz="UTC")
    columns = [
        ("datastream_id", pa.int32()),
        ("seq", pa.int32()),
        ("time", time),
        ("value", pa.float64()),
        ("raw", pa.float64()),
        ("received", time),
        ("quality", pa.int16()),
        ("unit", pa.string()),
    ]
    schema = pa.schema(columns)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside, n = path.with_suffix(".part"), 0
    with database.reading() as tx, pq.ParquetWriter(beside, schema) as writer:
        rows = retention.export(tx, before)
        pages = iter(lambda: list(islice(rows, _PAGE)), [])
        for page in track(pages, description="exporting", transient=True):
            values = [
                pa.array(column, kind)
                for column, (_, kind) in zip(zip(*page, strict=True), columns, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(values, schema=schema))
            n += len(page)
    beside.replace(path)
    return n
