"""How fresh the readings are."""

from datetime import datetime

from models.store.database import ReadTx


def by_county(tx: ReadTx) -> dict[str, datetime]:
    """Return the phenomenon time of the newest reading of each county that has any."""
    return {r.region_code: r.newest for r in tx.rows("freshness", "by_county")}
