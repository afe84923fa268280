"""The audit of devices: who did what and when; append-only (a trigger sees to it)."""

import json
from typing import Any

from models.device import Event
from models.store.database import ReadTx, WriteTx


def record(tx: WriteTx, device_id: int, by: str, what: str, **detail: Any) -> None:  # noqa: ANN401
    """Keep what was done to a device; `detail` takes JSON types, and never a secret."""
    text = json.dumps(detail, ensure_ascii=False, default=str)
    tx.run("device_events", "record", device_id=device_id, by=by, what=what, detail=text)


def of(tx: ReadTx, device_id: int, *, before: int | None = None, limit: int = 100) -> list[Event]:
    """Return what was done to a device, newest first."""
    rows = tx.rows("device_events", "of", device_id=device_id, before=before, limit=limit)
    return [Event(r.id, r.device_id, r.at, r.by, r.what, json.loads(r.detail)) for r in rows]
