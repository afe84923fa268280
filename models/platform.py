"""The parts a running platform is made of, handed to whoever serves it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from models import calendar
from models.store.database import Database


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """A login that the demonstration shows openly; none exists outside it."""

    login: str
    password: str
    role: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class PartHealth:
    """Whether one part of the platform works, and why not."""

    name: str
    ready: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Platform:
    """Store, raster archive and clock, plus the probes of parts that run elsewhere.

    Attributes
    ----------
    archive : Path
        Folder that the relative paths of layers start from.
    probes : tuple of callable
        Each returns the `PartHealth` of one part beyond database and archive (broker,
        ingestor).
    demo_accounts : tuple of DemoAccount
        Empty outside the demonstration.
    map_approval_number : str or None
        审图号 of the boundaries, shown on the page when set.
    """

    database: Database
    archive: Path
    clock: Callable[[], datetime] = calendar.now
    probes: tuple[Callable[[], PartHealth], ...] = ()
    demo_accounts: tuple[DemoAccount, ...] = field(default=(), repr=False)
    map_approval_number: str | None = None
    version: str = "0.1.0"
