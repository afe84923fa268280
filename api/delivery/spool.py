"""A folder for a village station: one JSON, one text, one text message per advisory.

The folder may be a synchronised one or a USB stick; the station's own program takes what
it finds. A file appears whole or not at all.
"""

import json
import os
from dataclasses import asdict
from pathlib import Path

from api.delivery.advisory import Advisory


class Spool:
    """Drops advisories into ``<folder>/<region code>/``."""

    name = "spool"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, advisory: Advisory) -> None:
        """Write the three files of an advisory; the JSON comes last and completes it."""
        place = self.folder / advisory.region_code
        place.mkdir(parents=True, exist_ok=True)
        stem = f"advisory-{advisory.number:08d}"
        text = f"{advisory.text_zh}\n{advisory.text_en}"
        facts = json.dumps(asdict(advisory), ensure_ascii=False, indent=1, default=str)
        for suffix, content in ((".txt", text), (".sms.txt", advisory.sms), (".json", facts)):
            _write(place / f"{stem}{suffix}", content)


def _write(path: Path, content: str) -> None:
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
