"""Recommendations: an action with its window, reasons, evidence and audit trail."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How far a recommendation can be leaned on."""

    OK = "ok"
    DEGRADED = "degraded"  # usable, with a stated weakness of its evidence
    REFUSED = "refused"  # no ground to stand on; says which evidence is missing


class Decision(StrEnum):
    """What the officer made of it."""

    CONFIRMED = "confirmed"
    OVERRIDDEN = "overridden"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason with its numbers, in both languages.

    `code` is stable for machines; `numbers` holds what the sentences quote; `evidence`
    names the key of the evidence it rests on; `source` cites the threshold.
    """

    code: str
    zh: str
    en: str
    numbers: dict[str, float | str | None]
    evidence: str
    source: str


@dataclass(frozen=True, slots=True)
class Advice:
    """What a pure advisor concludes from its evidence.

    Attributes
    ----------
    action : str
        Stable code: ``sow``, ``wait``, ``do_not_sow``, ``none`` (when refused).
    action_zh, action_en : str
        The action in one sentence.
    window : tuple of date or None
        First and last day of the window, Asia/Shanghai days.
    probability : float or None
        Chance, 0..1, of what `probability_of_zh` and `probability_of_en` say.
    """

    status: Status
    action: str
    action_zh: str
    action_en: str
    window: tuple[date, date] | None
    probability: float | None
    probability_of_zh: str
    probability_of_en: str
    reasons: tuple[Reason, ...]
    expires: date


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A stored advice with its evidence, so that it can be replayed to the bit."""

    id: int
    kind: str
    crop: str
    field_id: int
    region_code: str
    as_of: date
    issued: datetime
    method: str
    method_version: str
    input_hash: str
    advice: Advice
    evidence: dict[str, Any] = field(compare=False)
    decision: Decision | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_note: str | None = None


def canonical_json(evidence: dict[str, Any]) -> str:
    """Serialise evidence so that equal evidence gives equal bytes (sorted keys, no NaN)."""
    return json.dumps(
        evidence, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )


def input_hash(evidence: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON of the evidence, hexadecimal."""
    return hashlib.sha256(canonical_json(evidence).encode()).hexdigest()
