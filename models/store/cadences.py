"""The usual interval between the readings of a datastream, learnt from the readings."""

from collections.abc import Sequence

from models.store.database import ReadTx, WriteTx


def learn(tx: WriteTx, limit: int = 500) -> int:
    """Learn the cadence of datastreams with new readings; return how many were looked at.

    The median interval of the newest 200 readings: a gap or a burst does not move it. A
    datastream is looked at again after an hour at the earliest.
    """
    ids = [r.datastream_id for r in tx.rows("companions", "to_learn", limit=limit)]
    if ids:
        tx.run("companions", "learn_cadences", datastreams=ids)
    return len(ids)


def of(tx: ReadTx, datastream_ids: Sequence[int] | None = None) -> dict[int, float]:
    """Return the cadence of some datastreams, or of all, seconds; unknown ones are left out."""
    ids = None if datastream_ids is None else list(datastream_ids)
    return {r.datastream_id: r.seconds for r in tx.rows("companions", "cadences", datastreams=ids)}
