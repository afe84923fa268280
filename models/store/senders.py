"""Who hands readings in over HTTP: devices with their secrets, and what they may name."""

import secrets
from collections.abc import Sequence

from models.device import Device
from models.store import devices
from models.store.credentials import broker_hash, broker_matches
from models.store.database import ReadTx

# checked when there is no such device, so that the answer takes as long as a wrong secret
_NOBODY = broker_hash(secrets.token_urlsafe(16))


def device_of(tx: ReadTx, key: str, secret: str) -> Device | None:
    """Return the device with that key if the secret is its own and it is in use, else None."""
    if "\0" in key:
        return None
    row = tx.row("senders", "secret", key=key)
    right = broker_matches(secret, _NOBODY if row is None else row.secret_hash)
    return devices.device_by_key(tx, key) if row is not None and right else None


def regions_of_keys(tx: ReadTx, keys: Sequence[str]) -> dict[str, str]:
    """Return the county code of devices by key; unknown keys are left out.

    A LoRaWAN devEUI in small letters is also looked for in capitals, as the intake does.
    """
    named = [key for key in keys if "\0" not in key]
    both = sorted({*named, *(key.upper() for key in named)})
    return {r.key: r.region_code for r in tx.rows("senders", "regions", keys=both)}


def channels_of(tx: ReadTx, datastream_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Return device key and channel of datastreams that are a device's."""
    rows = tx.rows("senders", "channels", ids=list(datastream_ids))
    return {r.id: (r.key, r.channel) for r in rows}
