"""Datastreams by what they are called, for those who choose them from a list."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.engine import Row

from models.store.database import ReadTx


def metrics(tx: ReadTx, prefix: str, text: str, limit: int) -> Sequence[Row[Any]]:
    """Return datastreams of a region that hold a text in one of their names.

    Rows: id, quantity, depth_cm, name_zh, name_en, key (of device or field).
    """
    return tx.rows("grafana", "metrics", prefix=prefix, text=text, limit=limit)


def named(tx: ReadTx, ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Return what some datastreams are called; rows as those of `metrics`."""
    return tx.rows("grafana", "named", ids=list(ids))
