"""Alarms: rules as data, and what became of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from math import inf, isfinite
from typing import Any, Literal

import msgspec

from models.errors import Invalid
from models.place import FarmKind
from models.quantity import QUANTITIES


class Kind(StrEnum):
    """What a rule looks at."""

    THRESHOLD = "threshold"  # a value beyond a limit
    RATE = "rate"  # change per hour over `window_s`, falling is negative
    FLAT_LINE = "flat_line"  # values within `limit` of each other for `window_s`
    COMBINATION = "combination"  # two quantities of one device, both beyond their limits
    INDEX = "index"  # a formula over two quantities of one device
    NO_DATA = "no_data"  # silent for `cadences` x the usual interval
    FLOODING = "flooding"  # messages refused because a device sends far too many
    INTAKE = "intake"  # the intake itself stands still or lags behind


class Side(StrEnum):
    """Which side of the limit is the bad one."""

    BELOW = "below"
    ABOVE = "above"


class Severity(StrEnum):
    """How much it matters; `INFO` stays on the page, the others send a letter."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Trust(StrEnum):
    """How far the threshold can be leaned on; the alarm says so when it is `RECALLED`."""

    SOURCE = "S"  # read in the source that is named
    COMPUTED = "C"  # computed from a stated formula
    RECALLED = "R"  # recalled and not checked
    CHOICE = "D"  # a choice of ours about operation, no claim about nature


# formula -> quantities it takes, in order; computed in analytics.alarms.indices
INDICES = {"thi_mader_2006": ("air_temperature", "air_humidity")}
_ONE_TERM = {Kind.THRESHOLD, Kind.RATE, Kind.FLAT_LINE, Kind.INDEX}
_WINDOWED = {Kind.RATE, Kind.FLAT_LINE}
_SCOPES = ("region", "farm", "field", "device", "datastream")
_YEAR_S = 366 * 86_400.0


@dataclass(frozen=True, slots=True)
class Term:
    """One quantity and its limit, in the canonical unit.

    Attributes
    ----------
    quantity : str
        Key of the register, or of `INDICES` in an index rule.
    hysteresis : float
        How far back beyond the limit the value must come before the excursion is over.
    depth_cm : tuple of float or None
        Depths it is about, inclusive, centimetres; None is any.
    """

    quantity: str
    side: Side
    limit: float
    hysteresis: float = 0.0
    depth_cm: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule:
    """When an alarm opens and clears, for whom, and how well founded it is.

    Attributes
    ----------
    scope : str
        "all", or "region:220182", "farm:3", "field:4", "device:5", "datastream:6".
    farm_kind : FarmKind or None
        Only devices of farms of this kind.
    months : tuple of int
        Asia/Shanghai months in which it holds; empty is the whole year.
    hold_s : float
        How long the condition must last, seconds.
    clear_delay_s : float
        How long it must be over, seconds.
    max_age_s : float
        A value older than this says nothing, seconds.
    window_s : float
        Span of a rate or a flat line, seconds.
    cadences, at_least_s : float
        Silence: so many usual intervals, and no less than so many seconds.
    per : str
        Whether silence is judged by device or by datastream.
    escalate_after_s : float or None
        Repeat an unacknowledged critical alarm once to the region above, seconds.
    """

    key: str
    kind: Kind
    severity: Severity
    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    source: str
    trust: Trust
    terms: tuple[Term, ...] = ()
    scope: str = "all"
    farm_kind: FarmKind | None = None
    months: tuple[int, ...] = ()
    hold_s: float = 0.0
    clear_delay_s: float = 0.0
    max_age_s: float = 21_600.0
    window_s: float = 0.0
    cadences: float = 3.0
    at_least_s: float = 900.0
    per: Literal["device", "datastream"] = "device"
    escalate_after_s: float | None = None

    @property
    def inputs(self) -> tuple[Term, ...]:
        """Terms by the quantities that are read: those of its formula for an index."""
        if self.kind is not Kind.INDEX:
            return self.terms
        given = self.terms[0]
        names = INDICES[given.quantity]
        return tuple(Term(name, given.side, given.limit, 0.0, given.depth_cm) for name in names)


@dataclass(frozen=True, slots=True)
class KeptRule:
    """A stored rule.

    Attributes
    ----------
    region_code : str
        Division of its scope: who may change it.
    version : int
        Grows with every change of the document.
    tested : datetime or None
        When this version was last run over stored readings.
    """

    id: int
    rule: AlarmRule
    enabled: bool
    region_code: str
    version: int
    tested: datetime | None
    updated: datetime
    updated_by: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """One excursion of one rule at one subject.

    Attributes
    ----------
    subject : str
        "datastream:6", "device:5", "gateway:a84041", "farm:3", "region:220182", "platform:".
    since : datetime
        When the condition began; `opened` comes `hold_s` later.
    value, peak : float or None
        At the opening, and the furthest beyond the limit.
    facts : dict
        What the rule said when it opened: words, limit, unit, source, trust.
    members, returned : int
        Devices of a group that fell silent together, and those heard again.
    """

    id: int
    rule_id: int
    rule_key: str
    kind: Kind
    severity: Severity
    subject: str
    datastream_id: int | None
    device_id: int | None
    farm_id: int | None
    region_code: str
    state: Literal["open", "cleared"]
    since: datetime
    opened: datetime
    noticed: datetime
    cleared: datetime | None
    value: float | None
    peak: float | None
    peak_at: datetime | None
    facts: dict[str, Any] = field(compare=False)
    members: int
    returned: int
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    note: str | None
    escalated: datetime | None
    location: tuple[float, float] | None
    name_zh: str
    name_en: str
    provenance: str


@dataclass(frozen=True, slots=True)
class AlarmEvent:
    """One step in the life of an alarm."""

    at: datetime
    what: str  # opened, cleared, acknowledged, escalated, joined, returned
    noticed: datetime
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Annotation:
    """An excursion that only late data show; nobody was notified of it."""

    id: int
    since: datetime
    until: datetime
    peak: float | None
    noted: datetime


def rule_from(document: Mapping[str, Any]) -> AlarmRule:
    """Make a rule of plain data (TOML, JSON).

    Raises
    ------
    Invalid
        A member is missing, unknown, of the wrong type, or does not make sense.
    """
    known = {f.name for f in fields(AlarmRule)}
    unknown = sorted(set(document) - known)
    if unknown:
        raise _bad(f"a rule has no {', '.join(unknown)}", f"规则没有字段 {'、'.join(unknown)}")
    try:
        made = msgspec.convert(dict(document), AlarmRule)
    except msgspec.ValidationError as problem:
        raise _bad(str(problem), str(problem)) from None
    return checked(made)


def document_of(rule: AlarmRule) -> dict[str, Any]:
    """Return a rule as plain data; `rule_from` gives it back."""
    made: dict[str, Any] = msgspec.to_builtins(rule)
    return made


def checked(rule: AlarmRule) -> AlarmRule:
    """Pass a rule that makes sense, or raise Invalid with the reason."""
    _check_terms(rule)
    _check_times(rule)
    kind, _, number = rule.scope.partition(":")
    if rule.scope != "all" and (kind not in _SCOPES or not number.isdigit() or len(number) > 9):
        raise _bad(
            f"scope {rule.scope!r} is neither all nor one of {', '.join(_SCOPES)} with a number",
            f"scope {rule.scope!r} 无效：应为 all，或 {'、'.join(_SCOPES)} 加编号",
        )
    if not all(1 <= month <= 12 for month in rule.months):
        raise _bad("months are 1 to 12", "months 应为 1 至 12")
    return rule


def _check_terms(rule: AlarmRule) -> None:
    wanted = 1 if rule.kind in _ONE_TERM else 2 if rule.kind is Kind.COMBINATION else 0
    if len(rule.terms) != wanted:
        raise _bad(
            f"a rule of kind {rule.kind} takes {wanted} term(s), not {len(rule.terms)}",
            f"{rule.kind} 规则需要 {wanted} 个条件，给出了 {len(rule.terms)} 个",
        )
    register = INDICES if rule.kind is Kind.INDEX else QUANTITIES
    for term in rule.terms:
        if term.quantity not in register:
            raise _bad(
                f"{term.quantity!r} is none of {', '.join(register)}",
                f"未知的观测量 {term.quantity!r}；可用：{'、'.join(register)}",
            )
        if not (isfinite(term.limit) and 0 <= term.hysteresis < inf):
            raise _bad("limit is finite, hysteresis 0 or more", "阈值应有限，回差不能为负")
        if term.depth_cm and term.depth_cm[0] > term.depth_cm[1]:
            raise _bad("depth_cm goes from shallow to deep", "depth_cm 应由浅到深")
        _check_reach(rule, term)
    if rule.kind is Kind.COMBINATION and rule.terms[0].quantity == rule.terms[1].quantity:
        raise _bad("a combination takes two different quantities", "组合条件需要两个不同的观测量")


def _check_reach(rule: AlarmRule, term: Term) -> None:
    """Refuse a limit outside the plausible range: values there are flagged, it never fires."""
    if rule.kind not in (Kind.THRESHOLD, Kind.COMBINATION):
        return
    quantity = QUANTITIES[term.quantity]
    if not quantity.low <= term.limit <= quantity.high:
        span = f"{quantity.low:g}..{quantity.high:g} {quantity.unit}"
        raise _bad(
            f"limit {term.limit:g} of {term.quantity} lies outside {span}, where no good value is",
            f"{term.quantity} 的阈值 {term.limit:g} 超出合理范围 {span}，永远不会触发",
        )


def _check_times(rule: AlarmRule) -> None:
    spans = {
        "hold_s": rule.hold_s,
        "clear_delay_s": rule.clear_delay_s,
        "max_age_s": rule.max_age_s,
        "window_s": rule.window_s,
        "at_least_s": rule.at_least_s,
        "escalate_after_s": rule.escalate_after_s or 0.0,
    }
    for name, seconds in spans.items():
        if not 0 <= seconds <= _YEAR_S:
            raise _bad(f"{name} is between 0 and a year", f"{name} 应在 0 到一年之间")
    if rule.kind in _WINDOWED and rule.window_s < 60:
        raise _bad(f"a {rule.kind} rule takes window_s of 60 or more", "window_s 至少 60 秒")
    if rule.kind is Kind.NO_DATA and not 1 <= rule.cadences <= 1000:
        raise _bad("cadences is between 1 and 1000", "cadences 应在 1 到 1000 之间")
    if rule.hold_s > 0 and rule.max_age_s < rule.hold_s:
        raise _bad(
            "max_age_s is shorter than hold_s: a slow sensor could never hold that long",
            "max_age_s 小于 hold_s：采样慢的传感器永远无法满足持续时间",
        )


def _bad(why: str, zh: str) -> Invalid:
    return Invalid(why=f"alarm rule: {why}", zh=f"报警规则无效：{zh}。")
