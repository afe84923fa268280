"""Signs of life of the platform's parts, so that one process can report on another."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.store.database import ReadTx, WriteTx


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last sign of life of a part; `age_s` in seconds at the time of reading."""

    part: str
    at: datetime
    age_s: float
    detail: dict[str, Any]


def beat(tx: WriteTx, part: str, detail: dict[str, Any]) -> None:
    """Record that ``part`` is alive, with figures worth reporting."""
    tx.run("platform", "beat", part=part, detail=json.dumps(detail))


def beats(tx: ReadTx) -> list[Heartbeat]:
    """Return the last sign of life of every part."""
    return [Heartbeat(r.part, r.at, r.age_s, r.detail) for r in tx.rows("platform", "beats")]
