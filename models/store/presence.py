"""What is known of devices themselves: when last heard, clock, battery, signal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models.store.database import ReadTx, WriteTx


@dataclass(frozen=True, slots=True)
class Presence:
    """The newest signs of a device.

    Attributes
    ----------
    seen : datetime
        Arrival of its newest message.
    skew_s : float or None
        Its clock less ours, seconds, by the smallest delay lately: positive is ahead for
        certain; negative is behind, or a network that is never faster than that.
    lag_s : float or None
        Smallest delay between phenomenon time and arrival lately, seconds.
    online : bool or None
        As it said itself (birth, will); None when it never says.
    """

    device_id: int
    seen: datetime
    skew_s: float | None = None
    lag_s: float | None = None
    battery_pct: float | None = None
    battery_v: float | None = None
    rssi_dbm: float | None = None
    snr_db: float | None = None
    gateway: str | None = None
    online: bool | None = None


def note(tx: WriteTx, signs: Sequence[Presence]) -> None:
    """Note signs; what is None stays as it was."""
    if signs:
        tx.run(
            "companions",
            "note_presence",
            devices=[s.device_id for s in signs],
            seen=[s.seen.timestamp() for s in signs],
            skew=[s.skew_s for s in signs],
            lag=[s.lag_s for s in signs],
            battery_pct=[s.battery_pct for s in signs],
            battery_v=[s.battery_v for s in signs],
            rssi=[s.rssi_dbm for s in signs],
            snr=[s.snr_db for s in signs],
            gateway=[s.gateway for s in signs],
            online=[s.online for s in signs],
        )


def of(tx: ReadTx, device_ids: Sequence[int] | None = None) -> dict[int, Presence]:
    """Return what is known of some devices, or of all, by device."""
    ids = None if device_ids is None else list(device_ids)
    return {
        r.device_id: Presence(
            r.device_id,
            r.seen,
            r.skew_s,
            r.lag_s,
            r.battery_pct,
            r.battery_v,
            r.rssi_dbm,
            r.snr_db,
            r.gateway,
            r.online,
        )
        for r in tx.rows("companions", "presence", devices=ids)
    }
