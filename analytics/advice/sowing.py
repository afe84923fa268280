"""The sowing window of maize: warm soil, fit to work, frost after emergence unlikely.

The method compares soil at seed depth with the five-day rule, moisture with field
capacity, and the chance of frost after emergence, from years of record, with a limit; it
keeps to the guidance window and to the heat that is left. Without soil readings it refuses.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from analytics.advice import season, seedbed
from analytics.advice.rules import SowingRules
from analytics.advice.season import Ahead
from analytics.advice.wording import Finding, day_in, en_day, reason, zh_day
from analytics.agronomy.soil import Moisture
from models.recommendation import Advice, Reason, Status

METHOD = "sowing-window"
VERSION = "1.0.0"
CROPS = ("maize",)

Json = dict[str, Any]
Window = tuple[date, date]

_LATE_DAYS = 7  # a window that opens after the guidance one still offers a week
_VALID_DAYS = {"sow": 2, "wait": 7, "do_not_sow": 30, "none": 1}  # within the 3-day stale limit


@dataclass(frozen=True, slots=True)
class Case:
    """Everything judged: the findings of each kind of evidence on one day."""

    as_of: date
    rules: SowingRules
    warmth: seedbed.Warmth
    water: seedbed.Water
    weather: Json | None
    gap: Finding


def advise(evidence: Json) -> Advice:
    """Judge the evidence of a field on a day (see `evidence` for its shape)."""
    rules = SowingRules(**evidence["rules"])
    weather = evidence["weather"]
    case = Case(
        date.fromisoformat(evidence["as_of"]),
        rules,
        seedbed.warmth(evidence["soil_temperature"], rules),
        seedbed.water(evidence["soil_moisture"], evidence["field"]["soil"], rules),
        weather,
        season.missing(weather, rules),
    )
    if case.gap.refused or case.warmth.refused or case.water.refused or weather is None:
        return _refusal(case)
    return _decided(case, weather, season.ahead_of(weather, case.as_of.year))


def _decided(case: Case, weather: Json, ahead: Ahead) -> Advice:
    rules, today = case.rules, case.as_of
    last = ahead.last_chance(rules.heat_need)
    if last is None or today > last:
        return _over(case, weather)
    if _ready(case, ahead):
        return _advice("sow", case, weather, (today, _closing(today, last, rules)))
    opens = _opening(case, weather, ahead)
    if opens is None or opens > last:
        return _over(case, weather)
    return _advice("wait", case, weather, (opens, _closing(opens, last, rules)))


def _ready(case: Case, ahead: Ahead) -> bool:
    rules, today = case.rules, case.as_of
    return (
        today >= day_in(today.year, rules.window_opens)
        and case.warmth.run >= rules.warm_days
        and case.water.state is Moisture.FIT
        and ahead.at(today, "frost") <= rules.frost_limit
    )


def _closing(opens: date, last: date, rules: SowingRules) -> date:
    closes = day_in(opens.year, rules.window_closes)
    return min(max(closes, opens + timedelta(days=_LATE_DAYS)) if opens > closes else closes, last)


def _opening(case: Case, weather: Json, ahead: Ahead) -> date | None:
    """First day on which sowing can be expected to be right; None when there is none."""
    rules, today = case.rules, case.as_of
    safe = ahead.first_safe(day_in(today.year, rules.window_opens), rules.frost_limit)
    if safe is None:
        return None
    days = [safe, today + timedelta(days=max(rules.warm_days - case.warmth.run, 1))]
    if case.warmth.run == 0:
        # cold soil: no sooner than the air usually passes 10 C for good
        days.append(_usual_passing(weather, today.year) or safe)
    return max(days)


def _usual_passing(weather: Json, year: int) -> date | None:
    passing = weather["climate"]["passing_median"]
    return None if passing is None else day_in(year, passing)


def _over(case: Case, weather: Json) -> Advice:
    """Too late for this season: say when the next one is expected."""
    rules, year = case.rules, case.as_of.year + 1
    ahead = season.ahead_of(weather, year)
    last = ahead.last_chance(rules.heat_need)
    safe = ahead.first_safe(day_in(year, rules.window_opens), rules.frost_limit)
    if last is None or safe is None or safe > last:
        return _advice("do_not_sow", case, weather, None)
    opens = max(safe, _usual_passing(weather, year) or safe)
    return _advice("do_not_sow", case, weather, (opens, _closing(opens, last, rules)))


def _advice(action: str, case: Case, weather: Json, window: Window | None) -> Advice:
    ahead = season.ahead_of(weather, case.as_of.year if window is None else window[0].year)
    # the day whose chances are quoted: when the window opens
    day = case.as_of if window is None else window[0]
    findings = (
        case.warmth,
        case.water,
        season.frost(weather, ahead, day, case.rules),
        season.heat(weather, ahead, day, case.rules),
        season.source(weather, case.rules),
    )
    off_season = action == "do_not_sow" or case.as_of < day_in(
        case.as_of.year, case.rules.season_opens
    )
    weak = off_season or any(finding.weak for finding in findings)
    zh, en = _sentence(action, window)
    return Advice(
        status=Status.DEGRADED if weak else Status.OK,
        action=action,
        action_zh=zh,
        action_en=en,
        window=window,
        probability=None if window is None else round(1 - ahead.at(day, "frost"), 4),
        probability_of_zh=f"若 {zh_day(day)}播种,出苗后不再遇霜冻(最低气温 ≤ 0 ℃)的概率",
        probability_of_en="chance of no frost (minimum <= 0 C) after emergence if sown on "
        + en_day(day),
        reasons=(
            *_calendar(action, case),
            *(told for finding in findings for told in finding.reasons),
        ),
        expires=_expiry(action, case.as_of, window),
    )


def _expiry(action: str, as_of: date, window: Window | None) -> date:
    until = as_of + timedelta(days=_VALID_DAYS[action])
    return min(until, window[0]) if action == "wait" and window is not None else until


def _sentence(action: str, window: Window | None) -> tuple[str, str]:
    if window is None:
        return "该地热量不足,不宜种植玉米。", "Do not sow maize: the heat here does not suffice."
    year = window[0].year
    zh = f"{zh_day(window[0])}至{zh_day(window[1])}"
    en = f"{en_day(window[0])} to {en_day(window[1])}"
    return {
        "sow": (f"现在可以播种玉米,播期 {zh}。", f"Sow maize now; the window is {en}."),
        "wait": (
            f"暂缓播种;预计播期 {zh},临近时请再查。",
            f"Wait; sowing is expected to be right from {en}. Ask again nearer the day.",
        ),
        "do_not_sow": (
            f"本季已过,不宜再播玉米;按历年气候,下一季播期约为 {year} 年 {zh}。",
            f"Do not sow maize now: the season is over. The next window is about {en} {year}.",
        ),
    }[action]


def _calendar(action: str, case: Case) -> tuple[Reason, ...]:
    """Say where the day lies against the guidance window."""
    rules, today = case.rules, case.as_of
    opens, closes = (day_in(today.year, d) for d in (rules.window_opens, rules.window_closes))
    span_zh, span_en = f"{zh_day(opens)}至{zh_day(closes)}", f"{en_day(opens)} to {en_day(closes)}"
    if opens <= today <= closes:
        code, zh, en = (
            "in_window",
            f"正值春玉米适播期({span_zh})",
            f"Within the guidance ({span_en})",
        )
    elif today < opens:
        left = (opens - today).days
        code = "before_window"
        zh, en = (
            f"距适播期({span_zh})还有 {left} 天",
            f"{left} days before the guidance ({span_en})",
        )
    else:
        late = (today - closes).days
        code = "out_of_season" if action in ("do_not_sow", "none") else "after_window"
        zh = f"适播期({span_zh})已过 {late} 天"
        en = f"{late} days after the guidance window ({span_en})"
    return (
        reason(
            code,
            zh + "。",
            en + ".",
            "as_of",
            "window",
            as_of=today.isoformat(),
            opens=opens.isoformat(),
            closes=closes.isoformat(),
        ),
    )


def _refusal(case: Case) -> Advice:
    """Give no action; say what is missing, and what is known all the same."""
    lacking = [
        (case.warmth.refused, "土壤温度", "soil temperature"),
        (case.water.refused, "土壤水分", "soil moisture"),
        (case.gap.refused, "多年气象序列", "years of weather"),
    ]
    zh = "、".join(name for refused, name, _ in lacking if refused)
    en = ", ".join(name for refused, _, name in lacking if refused)
    known: tuple[Reason, ...] = ()
    if case.weather is not None and not case.gap.refused:
        known = _climate_reasons(case, case.weather)
    broken = [case.warmth, case.water, case.gap]
    reasons = [told for finding in broken if finding.refused for told in finding.reasons]
    reasons += [told for finding in broken if not finding.refused for told in finding.reasons]
    return Advice(
        status=Status.REFUSED,
        action="none",
        action_zh=f"证据不足,暂不给出播种建议;缺少可用的{zh}。",
        action_en=f"No advice on sowing: there is no usable {en}.",
        window=None,
        probability=None,
        probability_of_zh="",
        probability_of_en="",
        reasons=(*reasons, *_calendar("none", case), *known),
        expires=_expiry("none", case.as_of, None),
    )


def _climate_reasons(case: Case, weather: Json) -> tuple[Reason, ...]:
    guidance = day_in(case.as_of.year, case.rules.window_opens)
    day = max(case.as_of, guidance)
    ahead = season.ahead_of(weather, case.as_of.year)
    if day > ahead.days()[-1]:
        day = day_in(case.as_of.year + 1, case.rules.window_opens)
        ahead = season.ahead_of(weather, day.year)
    return (
        *season.frost(weather, ahead, day, case.rules).reasons,
        *season.source(weather, case.rules).reasons,
    )
