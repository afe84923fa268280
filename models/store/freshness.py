"""How fresh the readings are, and how much work waits."""

from datetime import datetime

from models.store.database import ReadTx


def by_county(tx: ReadTx) -> dict[str, datetime]:
    """Return the phenomenon time of the newest reading of each county that has any."""
    return {r.region_code: r.newest for r in tx.rows("freshness", "by_county")}


def queues(tx: ReadTx) -> dict[str, int]:
    """Return the length of each queue that some part works off."""
    row = tx.row("freshness", "queues")
    assert row is not None
    return dict(row._mapping)
