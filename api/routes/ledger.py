"""The loss ledger and quarantine."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from api.dependencies import Reading, reads
from api.errors import BadCursor
from api.paging import Page, paged
from api.schemas.ledger import Ledger, QuarantineList
from api.schemas.problem import ONE_PROBLEMS
from models.errors import NotFound
from models.person import Action
from models.reading import LedgerEntry, Quarantined, Reason
from models.store import devices, ledger, quarantine
from models.store.ledger import Selection

router = APIRouter(tags=["operations"])
PROVINCE = "22"
_PREVIEW = 500  # bytes of a payload

DeviceKey = Annotated[
    str | None,
    Query(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$", description="Account of one device key"),
]
Day = Annotated[date | None, Query(ge=date(1990, 1, 1), le=date(2100, 12, 31))]


def _scope(access: Reading, device: str | None) -> str | None:
    """Return the prefix an account is bounded to; None for operators of the province.

    Messages of unknown devices belong to no county: only they see those.
    """
    if access.may(Action.OPERATE) and PROVINCE.startswith(access.prefix):
        return None
    if device is not None:
        known = devices.device_by_key(access.tx, device)
        if known is None:
            raise NotFound(noun="device", key=device)
        access.see(known)
    return access.prefix


@router.get("/v1/ledger", summary="Loss ledger", response_model=Ledger, responses=ONE_PROBLEMS)
@reads(Action.READ)
def accounts(
    access: Reading,
    page: Annotated[Page, Depends(paged("ledger", shape=(int, str)))],
    device: DeviceKey = None,
    start: Day = None,
    end: Day = None,
) -> dict[str, Any]:
    """Show what became of every reading received: stored, duplicate or quarantined.

    `tables` holds the ledger against the tables over all days; it comes with the first page.
    """
    prefix = _scope(access, device)
    selection = Selection(device, start, end, prefix)
    found = ledger.rows(access.tx, selection, after=_last(page), limit=page.one_more)
    rows, following = page.cut(found, lambda it: (it.day.toordinal(), it.device_key))
    return {
        "items": [{"device": it.device_key, "day": it.day, **_counts(it)} for it in rows],
        "totals": _counts(ledger.totals(access.tx, selection)),
        "tables": None if page.after else _tables(access, device, prefix),
        "next": following,
    }


def _last(page: Page) -> tuple[date, str] | None:
    if not page.after:
        return None
    day, key = page.after
    if not (isinstance(day, int) and 1 <= day <= date.max.toordinal()):
        raise BadCursor
    return date.fromordinal(day), str(key)


def _counts(entry: LedgerEntry) -> dict[str, Any]:
    counts = asdict(entry)
    del counts["device_key"], counts["day"]
    return {**counts, "balanced": entry.balanced}


def _tables(access: Reading, device: str | None, prefix: str | None) -> dict[str, Any]:
    held = ledger.reconciliation(access.tx, device_key=device, prefix=prefix)
    return {
        "stored_rows": held.stored_rows,
        "quarantine_open": held.quarantine_open,
        "agrees": held.agrees,
    }


@router.get(
    "/v1/quarantine", summary="Quarantine", response_model=QuarantineList, responses=ONE_PROBLEMS
)
@reads(Action.OPERATE)
def set_aside(
    access: Reading,
    page: Annotated[Page, Depends(paged("quarantine"))],
    device: DeviceKey = None,
    reason: Annotated[Reason | None, Query(description="One reason only")] = None,
) -> dict[str, Any]:
    """List messages that were put aside; without a device, for operators of the province."""
    if _scope(access, device) is not None and device is None:
        access.inside(f"{PROVINCE}0000")
    found = quarantine.open_ones(
        access.tx, reason=reason, device_key=device, after=page.key, limit=page.one_more
    )
    rows, following = page.cut(found, lambda it: (it.id,))
    return {"items": [_entry(it) for it in rows], "next": following}


def _entry(it: Quarantined) -> dict[str, Any]:
    return {
        "id": it.id,
        "received": it.received,
        "device": it.device_key,
        "topic": it.topic,
        "reason": it.reason,
        "detail": it.detail,
        "n": it.n,
        "payload_preview": it.payload[:_PREVIEW].decode("utf-8", "replace"),
    }
