"""Claim keys: who holds the label of an announced device may register it, once.

A key has 80 random bits, so SHA-256 is enough, and a lookup by its hash tells nothing.
"""

import re
import secrets
from typing import Any

from sqlalchemy.engine import Row

from models.device import Claim, checked_key
from models.errors import Conflict, Invalid
from models.store import places
from models.store.credentials import digest
from models.store.database import ReadTx, WriteTx

# Crockford's base 32: nothing that is read as something else on a label (no I, L, O, U)
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SIGNS, _GROUP = 16, 4
_READ_AS = str.maketrans("OIL", "011")


def new_key() -> str:
    """Return a new claim key as printed: ``XXXX-XXXX-XXXX-XXXX``, 80 random bits."""
    signs = "".join(secrets.choice(_ALPHABET) for _ in range(_SIGNS))
    return "-".join(signs[at : at + _GROUP] for at in range(0, _SIGNS, _GROUP))


def normal(claim_key: str) -> str:
    """Return a claim key as it is hashed: capitals without blanks and hyphens, O read as 0."""
    return re.sub(r"[\s-]", "", claim_key).upper().translate(_READ_AS)


def announce(
    tx: WriteTx, *, device_key: str, claim_key: str, profile: str, region_code: str, by: str
) -> None:
    """Announce a device that may be claimed once, by its claim key, in a region.

    Raises
    ------
    Conflict
        The device is announced or registered already, or the claim key is taken.
    Invalid
        The claim key is too short, or the device key cannot be a topic level.
    """
    if len(normal(claim_key)) < _SIGNS:
        raise Invalid(why=f"a claim key has at least {_SIGNS} letters and digits")
    code = places.region(tx, region_code).code
    taken = tx.row("devices", "device_by_key", key=checked_key(device_key)) is not None
    if taken or not tx.rows(
        "claims",
        "announce",
        digest=digest(normal(claim_key)),
        device_key=device_key,
        profile=profile,
        region_code=code,
        by=by,
    ):
        raise Conflict(noun="device or claim key", key=device_key)


def announced(tx: WriteTx, claim_key: str) -> Claim | None:
    """Return the device that a claim key still opens, held for this transaction, or None."""
    row = tx.row("claims", "open", digest=digest(normal(claim_key)))
    return None if row is None else _claim(row)


def use(tx: WriteTx, claim_key: str, device_id: int, by: str) -> None:
    """Close a claim key behind the device it was used for."""
    tx.run("claims", "use", digest=digest(normal(claim_key)), device_id=device_id, by=by)


def claims(tx: ReadTx, *, prefix: str = "", after: str = "", limit: int = 100) -> list[Claim]:
    """Return announced devices of a region in order of their keys."""
    rows = tx.rows("claims", "claims", prefix=prefix, after=after, limit=limit)
    return [_claim(r) for r in rows]


def _claim(r: Row[Any]) -> Claim:
    return Claim(
        r.device_key,
        r.profile,
        r.region_code,
        r.announced,
        r.announced_by,
        r.claimed,
        r.claimed_by,
        r.device_id,
    )
