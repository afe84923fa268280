"""Readings, their quality flags, and what becomes of a received one."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag, StrEnum

import numpy as np


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
    CONFLICTING_VALUE = "conflicting_value"  # another value is stored for that instant
    UNDECODED = "undecoded"  # raw bytes only, no codec yet
    POISON = "poison"  # an unexpected error while handling it


# One row per reading: the layout every store path shares.
# phenomenon_time: microseconds since 1970-01-01T00:00Z. quality: bits of `Quality`.
BLOCK = np.dtype(
    [
        ("datastream_id", np.int32),
        ("phenomenon_time", np.int64),
        ("value", np.float64),
        ("quality", np.int16),
    ]
)


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest value of a datastream by phenomenon time."""

    datastream_id: int
    time: datetime
    value: float
    quality: Quality


@dataclass(frozen=True, slots=True)
class Bucket:
    """An aggregate of one datastream over [start, start + width)."""

    start: datetime
    n: int
    n_good: int
    mean: float | None
    min: float | None
    max: float | None
