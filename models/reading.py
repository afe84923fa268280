"""Readings, their quality flags, and what becomes of a received one."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import IntFlag, StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models import units


class Quality(IntFlag):
    """Flags of a stored value; 0 is good. Kept through rollups (n_good) and the API."""

    GOOD = 0
    RANGE = 1  # outside the plausible range of the quantity
    STEP = 2
    STUCK = 4
    SPIKE = 8
    NEIGHBOUR = 16
    SENTINEL = 32
    CLOCK = 64  # device clock up to 10 min ahead of ours
    FEW_PIXELS = 128  # zonal value over a field with part of its pixels masked
    GAP = 256  # the first value after a gap
    SATURATED = 512  # the probe stands at the end of its scale
    REVISED = 1024  # another value was stored there before, and is kept as a revision
    ARRIVAL = 2048  # no time in the payload: the time of arrival
    INTERPOLATED = 4096  # computed from its neighbours in time


class Reason(StrEnum):
    """Why a message or a reading went to quarantine."""

    UNREADABLE = "unreadable"  # not UTF-8, not JSON, cut, too deep, number too large
    TOO_LARGE = "too_large"
    WRONG_SHAPE = "wrong_shape"  # valid JSON, but a field is missing or of the wrong type
    UNKNOWN_TOPIC = "unknown_topic"
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_QUANTITY = "unknown_quantity"
    UNKNOWN_UNIT = "unknown_unit"
    NOT_A_NUMBER = "not_a_number"
    MISSING_TIME = "missing_time"
    IMPOSSIBLE_TIME = "impossible_time"
    CONFLICTING_VALUE = "conflicting_value"  # of old: such a value is now kept as a revision
    UNDECODED = "undecoded"  # raw bytes only, no codec yet
    POISON = "poison"  # an unexpected error while handling it
    FLOODING = "flooding"  # the device sends far more than it may
    NO_BIRTH = "no_birth"  # Sparkplug data before the birth certificate that names it


# One row per reading: the layout every store path shares. Key: the first three.
# seq: the device's own number where it sends one, else 0. phenomenon_time, received:
# microseconds since 1970-01-01T00:00Z. value: canonical unit, calibrated; raw: as sent, in
# the wire unit numbered by `models.units.number`. quality: bits of `Quality`.
BLOCK = np.dtype(
    [
        ("datastream_id", np.int32),
        ("seq", np.int32),
        ("phenomenon_time", np.int64),
        ("value", np.float64),
        ("raw", np.float64),
        ("received", np.int64),
        ("quality", np.int16),
        ("unit", np.int16),
    ]
)


# What a batch holds of a datastream: the oldest and newest phenomenon time, microseconds.
SPAN = np.dtype([("datastream_id", "<i4"), ("oldest", "<i8"), ("newest", "<i8")])


def block(
    datastream_id: ArrayLike,
    phenomenon_time: ArrayLike,
    value: ArrayLike,
    *,
    quality: ArrayLike = 0,
    seq: ArrayLike = 0,
    raw: ArrayLike | None = None,
    received: ArrayLike | None = None,
    unit: str = "",
) -> NDArray[np.void]:
    """Put columns together as a `BLOCK`; single values are repeated.

    Parameters
    ----------
    datastream_id, phenomenon_time, value, quality, seq : array_like, shape (n,) or ()
        See `BLOCK`.
    raw, received : array_like, optional
        The value as sent, by default ``value``; the arrival, by default the phenomenon time.
    unit : str
        Wire unit of ``raw``; empty means the canonical one.

    Returns
    -------
    ndarray of BLOCK, shape (n,)
    """
    columns = np.broadcast_arrays(datastream_id, phenomenon_time, value, quality, seq)
    made = np.zeros(columns[0].size, BLOCK)
    names = ("datastream_id", "phenomenon_time", "value", "quality", "seq")
    for name, column in zip(names, columns, strict=True):
        made[name] = column.ravel()
    made["raw"] = made["value"] if raw is None else raw
    made["received"] = made["phenomenon_time"] if received is None else received
    made["unit"] = units.number(unit)
    return made


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest value of a datastream by phenomenon time."""

    datastream_id: int
    time: datetime
    value: float
    quality: Quality


@dataclass(frozen=True, slots=True)
class Bucket:
    """An aggregate of one datastream over [start, start + width).

    Attributes
    ----------
    n, n_good : int
        Readings, and those without a `BAD` flag; the rest is about the good ones.
    last : float or None
        The newest one by phenomenon time.
    coverage : float or None
        Share of the values expected by the cadence of the datastream that are there and
        good, percent; None while the cadence is not known.
    """

    start: datetime
    n: int
    n_good: int
    mean: float | None
    min: float | None
    max: float | None
    last: float | None = None
    coverage: float | None = None


# flags that take a value out of aggregates; the others only annotate. 575 in the SQL files
BAD = (
    Quality.RANGE
    | Quality.STEP
    | Quality.STUCK
    | Quality.SPIKE
    | Quality.NEIGHBOUR
    | Quality.SENTINEL
    | Quality.SATURATED
)
# flags that depend on other readings: set by the review, not at arrival
CONTEXT = Quality.STEP | Quality.STUCK | Quality.SPIKE | Quality.NEIGHBOUR | Quality.GAP

UNKNOWN = "(unknown)"  # ledger account of messages whose device is not known


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A message, or some readings of it, set aside with a reason.

    Attributes
    ----------
    items : list of int or None
        Positions of the readings in the decoded message; None is the whole message.
    n : int
        Readings it stands for; an undecodable message counts as one.
    """

    received: datetime
    device_key: str
    topic: str
    payload: bytes
    items: list[int] | None
    n: int
    reason: Reason
    detail: str
    id: int = 0


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """Readings received from one device on one Asia/Shanghai day, by what became of them."""

    device_key: str
    day: date
    received: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0

    @property
    def balanced(self) -> bool:
        """Whether received = stored + duplicate + quarantined."""
        return self.received == self.stored + self.duplicate + self.quarantined


@dataclass(frozen=True, slots=True)
class StreamDay:
    """One Asia/Shanghai day of a datastream's raw readings, as evidence of an advice.

    Attributes
    ----------
    n, n_good, hours : int
        Readings, unflagged ones, and hours that have an unflagged one.
    mean, low, high : float or None
        Of unflagged readings; the mean is the mean of hourly means. None without any.
    """

    datastream_id: int
    day: date
    n: int
    n_good: int
    hours: int
    mean: float | None
    low: float | None
    high: float | None


# what a flag means, in Chinese and English
QUALITY_LABELS: dict[Quality, tuple[str, str]] = {
    Quality.RANGE: ("超出合理范围", "Outside the plausible range"),
    Quality.STEP: ("突变", "Jump"),
    Quality.STUCK: ("数值卡滞", "Stuck value"),
    Quality.SPIKE: ("尖峰", "Spike"),
    Quality.NEIGHBOUR: ("与邻近站点不符", "Departs from neighbouring stations"),
    Quality.SENTINEL: ("无效码(非测量值)", "Code for no measurement"),
    Quality.CLOCK: ("设备时钟超前", "Device clock ahead"),
    Quality.FEW_PIXELS: ("有效像元不足", "Few valid pixels"),
    Quality.GAP: ("中断后首值", "First value after a gap"),
    Quality.SATURATED: ("达到量程极限", "Sensor at the end of its scale"),
    Quality.REVISED: ("已修订", "Replaced an earlier value"),
    Quality.ARRIVAL: ("采用到达时间", "Time of arrival, none was sent"),
    Quality.INTERPOLATED: ("插补值", "Interpolated"),
}
