"""Shapes of the loss ledger and of quarantine."""

from datetime import date, datetime

from pydantic import Field

from api.schemas.shape import Answer, Cursor
from models.reading import Reason


class LedgerRow(Answer):
    """What became of the readings of a device on an Asia/Shanghai day of receipt."""

    device: str
    day: date
    received: int
    stored: int
    duplicate: int
    quarantined: int
    balanced: bool = Field(description="received = stored + duplicate + quarantined")


class LedgerTotals(Answer):
    """Sums over every row asked for, not only over this page."""

    received: int
    stored: int
    duplicate: int
    quarantined: int
    balanced: bool


class Tables(Answer):
    """What the tables hold, counted now, against the ledger since the beginning."""

    stored_rows: int
    quarantine_open: int
    agrees: bool


class Ledger(Answer):
    """A page of the ledger."""

    items: list[LedgerRow]
    totals: LedgerTotals
    tables: Tables | None
    next: Cursor


class QuarantineItem(Answer):
    """A message that was put aside, with the beginning of its payload as text."""

    id: int
    received: datetime
    device: str
    topic: str
    reason: Reason
    detail: str
    n: int = Field(description="Readings it counts for")
    payload_preview: str


class QuarantineList(Answer):
    """A page of quarantine."""

    items: list[QuarantineItem]
    next: Cursor
