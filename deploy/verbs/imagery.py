"""Verbs on what is made of scenes: composite, growth, smooth, archive."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from deploy import wiring
from deploy.settings import Settings
from deploy.verbs import verb
from models import calendar
from models.errors import Invalid
from models.store import places

if TYPE_CHECKING:
    from deploy.verbs import Verbs
    from ingest.satellite.composite import Area
    from models.store.database import ReadTx

_COMPOSITE = """\
One picture of ten days (2026-06-1: days 1-10, -2: 11-20, -3: 21-end) or of a month (2026-06)
out of all scenes that meet the area, with the number of valid views and the age of the newest.
Every field gets its statistics. The same again changes nothing; when scenes were added since, the
composite is made anew and replaces the old one."""

_GROWTH = """\
Compares the composite of a period with those of the same period of earlier years over the same
area: grade, z, percentile, difference to last year, VCI. With fewer than five earlier years only
the difference to last year, and the lineage says so."""
_SMOOTH = """\
Smooths the ten-day composites of every field (Whittaker) into the channel heitu-KEY-smooth; what
is interpolated is flagged, and nothing is said after the last composite."""

_ARCHIVE = """\
Compares the files of the archive with the catalogue: files that no row names, rows whose files
are lost, files whose SHA-256 is not the one in the lineage. Exit status 1 if anything is found.
--remove deletes files that no row names and that are older than an hour."""


def add(verbs: Verbs) -> None:
    """Add the verbs of this group."""
    own = verb(
        verbs, "composite", composite, "compose the scenes of ten days or a month", _COMPOSITE
    )
    own.add_argument("--product", default="ndvi", metavar="KEY", help="index; default ndvi")
    own.add_argument("--period", required=True, metavar="YYYY-MM[-N]")
    where = own.add_mutually_exclusive_group()
    where.add_argument("--region", metavar="CODE", help="county, city or province")
    where.add_argument("--bbox", metavar="W,S,E,N", help="degrees; default: around all fields")
    own.add_argument("--method", choices=["median", "max", "latest"], default="median")
    own = verb(verbs, "growth", growth, "judge growth and drought from composites", _GROWTH)
    own.add_argument("--product", default="ndvi", metavar="KEY", help="index; default ndvi")
    own.add_argument("--period", required=True, metavar="YYYY-MM[-N]")
    own.add_argument("--area", default="fields", help="region code; default: around all fields")
    own = verb(verbs, "archive", archive, "check the files of the archive", _ARCHIVE)
    own.add_argument("--remove", action="store_true", help="delete files that no row names")
    own = verb(verbs, "smooth", smooth, "smooth the ten-day series of every field", _SMOOTH)
    own.add_argument("--product", default="ndvi", metavar="KEY", help="index; default ndvi")


def composite(asked: argparse.Namespace, settings: Settings) -> None:
    """Make one composite."""
    from analytics.remote.period import Period
    from ingest.satellite.composite import compose_period

    period = Period.parse(asked.period)
    with wiring.open_platform(settings) as platform:
        with platform.database.reading() as tx:
            area = _area(tx, asked.region, asked.bbox)
        made = compose_period(
            platform.database,
            platform.archive,
            asked.product,
            period,
            area,
            now=calendar.now(),
            method=asked.method,
        )
    if made.unchanged:
        print(f"{made.scene.id} was made before; nothing changed")
        return
    sources = len(made.scene.lineage["derived_from"])
    share = f"{made.scene.valid_share:.0%} of its pixels valid"
    print(f"{made.scene.id} of {sources} scenes: {share}; {made.fields} fields judged")


def growth(asked: argparse.Namespace, settings: Settings) -> None:
    """Judge one period."""
    from analytics.remote.period import Period
    from ingest.satellite.condition import judge_period

    period = Period.parse(asked.period)
    with wiring.open_platform(settings) as platform:
        made = judge_period(
            platform.database,
            platform.archive,
            asked.product,
            period,
            asked.area,
            now=calendar.now(),
        )
    if made.unchanged:
        print(f"{made.scene.id} was made before; nothing changed")
        return
    against = made.scene.lineage["against"]
    print(f"{made.scene.id} against {against}: {', '.join(one.product for one in made.layers)}")
    print("\n".join(made.scene.lineage["notes"]), end="")


def smooth(asked: argparse.Namespace, settings: Settings) -> None:
    """Smooth the series of every field."""
    from ingest.satellite.seasons import smooth_all

    with wiring.open_database(settings) as database:
        stored = smooth_all(database, asked.product, now=calendar.now())
    print(f"{stored} readings stored")


def archive(asked: argparse.Namespace, settings: Settings) -> int:
    """Check the archive."""
    from ingest.satellite import orphans

    with wiring.open_platform(settings) as platform:
        found = orphans.check(platform.database, platform.archive)
        for path in found.orphans:
            print(f"no row names {path.relative_to(platform.archive)}")
        for layer in found.lost:
            print(f"files are lost: {layer}; take its scene in again")
        for name in found.spoilt:
            print(f"not as it was written: {name}")
        if asked.remove:
            orphans.remove(platform.archive, found.orphans)
            print(f"{len(found.orphans)} removed")
    print(f"{found.checked} layers checked")
    return 1 if found.lost or found.spoilt or (found.orphans and not asked.remove) else 0


def _area(tx: ReadTx, region: str | None, bbox: str | None) -> Area:
    from ingest.satellite.composite import Area

    if region:
        one = places.region(tx, region)
        west, south, east, north = one.geometry.bounds
        box = (west, south, east, north)
        return Area(one.code, box, one.geometry, one.name, one.name)
    if bbox:
        return Area(f"box {bbox}".replace(" ", "-").replace(",", "-"), _box(bbox))
    bounds = [one.geometry.bounds for one in places.fields(tx, limit=10_000_000)]
    if not bounds:
        raise Invalid(why="no field is registered: give --region or --bbox")
    west, south, east, north = zip(*bounds, strict=True)
    box = (min(west), min(south), max(east), max(north))
    return Area("fields", box, None, "全部地块", "all fields")


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = map(float, text.split(","))
    except ValueError:
        raise Invalid(why=f"{text!r} is not W,S,E,N in degrees") from None
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise Invalid(why=f"{text!r}: west and south come first, degrees")
    return west, south, east, north
