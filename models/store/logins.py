"""Who may log in to the broker: the secrets of devices, kept as hashes only."""

import secrets
from itertools import groupby

from models.device import Login
from models.errors import NotFound
from models.store import device_events
from models.store.credentials import broker_hash
from models.store.database import ReadTx, WriteTx


def issue(tx: WriteTx, device_id: int, by: str = "system") -> str:
    """Give a device a new secret, shown this once; the one before no longer works."""
    secret = secrets.token_urlsafe(24)
    _keep(tx, device_id, broker_hash(secret))
    device_events.record(tx, device_id, by, "issued secret")
    return secret


def revoke(tx: WriteTx, device_id: int, by: str = "system") -> None:
    """Take the secret of a device away: the broker cuts its connection and lets it in no more."""
    _keep(tx, device_id, None)
    device_events.record(tx, device_id, by, "revoked secret")


def _keep(tx: WriteTx, device_id: int, secret_hash: str | None) -> None:
    if not tx.run("devices", "keep_secret", id=device_id, secret_hash=secret_hash):
        raise NotFound(noun="device", key=device_id)
    tx.run("devices", "accounts_changed")


def logins(tx: ReadTx) -> list[Login]:
    """Return every device that may log in to the broker, by key, with what it may publish."""
    found = []
    for _, rows in groupby(tx.rows("devices", "logins"), key=lambda r: r.key):
        several = list(rows)
        one = several[0]
        relayed = tuple((r.member, tuple(r.member_formats)) for r in several if r.member)
        found.append(
            Login(one.key, one.secret_hash, tuple(one.formats), tuple(one.relays), relayed)
        )
    return found


def version(tx: ReadTx) -> int:
    """Return a number that grows when the accounts of the broker change."""
    row = tx.row("devices", "accounts_version")
    assert row is not None
    return int(row.version)
