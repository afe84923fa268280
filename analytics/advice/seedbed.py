"""What the soil readings say about sowing: warm enough, fit to work, fit to be trusted."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from analytics.advice.rules import SowingRules
from analytics.advice.wording import ORIGIN, Finding, percent, reason
from analytics.agronomy.soil import Moisture, field_capacity_of, moisture_state, run_at_end
from models.place import Provenance
from models.recommendation import Reason

Json = dict[str, Any]
_NAMES = {
    "soil_temperature": ("土壤温度", "soil temperature"),
    "soil_moisture": ("土壤水分", "soil moisture"),
}


@dataclass(frozen=True, slots=True)
class Warmth(Finding):
    """`run`: consecutive days at or above the threshold up to the newest one."""

    run: int = 0


@dataclass(frozen=True, slots=True)
class Water(Finding):
    """`state`: the seedbed's moisture against field capacity."""

    state: Moisture | None = None


def warmth(found: Json | None, rules: SowingRules) -> Warmth:
    """Judge the soil temperature against the five-day rule."""
    broken = _unusable("soil_temperature", found, rules)
    if broken or found is None:
        return Warmth(broken, refused=True)
    means = [d["mean"] for d in _known_span(found)]
    run = run_at_end(np.array([np.nan if m is None else m for m in means]), rules.warm_soil)
    weak = _weaknesses("soil_temperature", found, rules, rules.depth_high)
    return Warmth((_warm_reason(found, run, rules), *weak), weak=bool(weak), run=run)


def _known_span(found: Json) -> list[Json]:
    """Days up to the newest good one, with the days between that have no reading."""
    by_day = {d["day"]: d for d in found["days"]}
    newest = max(d["day"] for d in found["days"] if d["mean"] is not None)
    day, last = date.fromisoformat(min(by_day)), date.fromisoformat(newest)
    span = [(day + timedelta(days=i)).isoformat() for i in range((last - day).days + 1)]
    return [by_day.get(d, {"day": d, "mean": None}) for d in span]


def _warm_reason(found: Json, run: int, rules: SowingRules) -> Reason:
    recent = [d for d in found["days"] if d["mean"] is not None][-rules.warm_days :]
    means = [d["mean"] for d in recent]
    mean, depth = round(sum(means) / len(means), 1), found["depth_cm"]
    return reason(
        "soil_warm" if run >= rules.warm_days else "soil_cold",
        f"{depth:g} 厘米地温已连续 {run} 天日均 ≥ {rules.warm_soil:g} ℃(需 {rules.warm_days} 天);"
        f"最近 {len(means)} 天平均 {mean} ℃,最新一天 {means[-1]:.1f} ℃。",
        f"Soil at {depth:g} cm has had {run} consecutive days with a mean of at least "
        f"{rules.warm_soil:g} C ({rules.warm_days} needed); the last {len(means)} days average "
        f"{mean} C, the newest is {means[-1]:.1f} C.",
        "soil_temperature",
        "warm_soil",
        run_days=run,
        needed_days=rules.warm_days,
        threshold_c=rules.warm_soil,
        mean_c=mean,
        newest_c=means[-1],
        depth_cm=depth,
        age_days=found["age_days"],
        readings=found["n"],
    )


def water(found: Json | None, soil: str | None, rules: SowingRules) -> Water:
    """Judge the soil moisture as a share of field capacity."""
    broken = _unusable("soil_moisture", found, rules)
    if broken or found is None:
        return Water(broken, refused=True)
    theta = next(d["mean"] for d in reversed(found["days"]) if d["mean"] is not None)
    capacity, texture = field_capacity_of(soil)
    share = round(theta / capacity, 3)
    state = moisture_state(share, rules.dry_below, rules.wet_above)
    weak = _weaknesses("soil_moisture", found, rules, rules.moisture_high)
    assumed = texture is None or state is not Moisture.FIT
    return Water(
        (_water_reason(found, theta, share, capacity, texture, state), *weak),
        weak=bool(weak) or assumed,
        state=state,
    )


_STATE = {
    Moisture.DRY: (
        "偏干,播前需补墒(坐水种)或等雨",
        "too dry: water the furrow first, or wait for rain",
    ),
    Moisture.FIT: ("适耕", "fit to work"),
    Moisture.WET: ("过湿,下地会压实土壤", "too wet: working it would compact it"),
}


def _water_reason(
    found: Json, theta: float, share: float, capacity: float, texture: str | None, state: Moisture
) -> Reason:
    zh, en = _STATE[state]
    origin_zh = (
        f"按质地 {texture} 取值,未经核实" if texture else "土壤质地未登记,借用一处粉壤土实测值"
    )
    origin_en = (
        f"taken from the texture, {texture}: unverified"
        if texture
        else "no texture is registered: borrowed from one measured silt loam"
    )
    depth, full = found["depth_cm"], round(share * 100)
    return reason(
        f"moisture_{state}",
        f"{depth:g} 厘米体积含水量 {theta:.3f} m³/m³,约为田间持水量的 {full} %"
        f"({capacity:.2f} m³/m³,{origin_zh}):{zh}。",
        f"Soil at {depth:g} cm holds {theta:.3f} m3/m3, about {full} % of "
        f"field capacity ({capacity:.2f} m3/m3, {origin_en}): {en}.",
        "soil_moisture",
        "wet" if state is Moisture.WET else "dry",
        moisture_m3_m3=theta,
        field_capacity_m3_m3=capacity,
        share=share,
        depth_cm=depth,
        age_days=found["age_days"],
        texture=texture,
    )


def _unusable(key: str, found: Json | None, rules: SowingRules) -> tuple[Reason, ...]:
    """Why the readings of a quantity are no ground for advice; empty when they are."""
    zh, en = _NAMES[key]
    if found is None:
        return (
            reason(
                f"{key}_missing",
                f"该地块没有登记深度的{zh}测点,无从判断。",
                f"This field has no {en} probe with a stated depth: no ground to judge by.",
                key,
                "depth",
                wanted_cm=rules.depth_low,
            ),
        )
    depth = found["depth_cm"]
    if not rules.depth_low <= depth <= rules.depth_limit:
        return (
            reason(
                f"{key}_depth",
                f"只有 {depth:g} 厘米的{zh},不能代表种床"
                f"({rules.depth_low:g}–{rules.depth_limit:g} 厘米)。",
                f"The only {en} is at {depth:g} cm, which does not stand for the seedbed "
                f"({rules.depth_low:g}-{rules.depth_limit:g} cm).",
                key,
                "depth",
                depth_cm=depth,
            ),
        )
    return _bad_data(key, found, rules)


def _bad_data(key: str, found: Json, rules: SowingRules) -> tuple[Reason, ...]:
    zh, en = _NAMES[key]
    age, n, n_good = found["age_days"], found["n"], found["n_good"]
    if found["stuck"]:
        return (
            reason(
                f"{key}_stuck",
                f"{zh}测值至少 3 天一动不动,传感器可能卡死。",
                f"The {en} has not moved for 3 days or more: the probe is probably stuck.",
                key,
                "stuck",
                readings=n,
            ),
        )
    if age is not None and age <= rules.stale_days:
        return ()
    if n and n_good < rules.good_share * n:
        return (
            reason(
                f"{key}_flagged",
                f"近 {rules.soil_days} 天 {n} 个{zh}读数中只有 {n_good} 个质量合格。",
                f"Of {n} {en} readings of the last {rules.soil_days} days only {n_good} are "
                "unflagged.",
                key,
                "stale",
                readings=n,
                good=n_good,
            ),
        )
    newest = (
        f"最新合格读数已有 {age} 天" if age is not None else f"近 {rules.soil_days} 天没有合格读数"
    )
    newest_en = (
        f"the newest good one is {age} days old"
        if age is not None
        else f"there is none of the last {rules.soil_days} days"
    )
    return (
        reason(
            f"{key}_stale",
            f"{zh}数据过期:{newest}(最多 {rules.stale_days} 天)。",
            f"The {en} is stale: {newest_en} (at most {rules.stale_days} days are accepted).",
            key,
            "stale",
            age_days=age,
            limit_days=rules.stale_days,
        ),
    )


def _weaknesses(
    key: str, found: Json, rules: SowingRules, deepest_good: float
) -> tuple[Reason, ...]:
    weak = []
    if found["depth_cm"] > deepest_good:
        weak.append(_deep(key, found["depth_cm"], deepest_good))
    if found["provenance"] != Provenance.REAL:
        weak.append(_foreign(key, found))
    if found["hours"] < rules.few_hours or found["n_good"] < found["n"]:
        weak.append(_thin(key, found))
    return tuple(weak)


def _deep(key: str, depth: float, deepest_good: float) -> Reason:
    zh, en = _NAMES[key]
    lag_zh, lag_en = (
        (
            "春季深层升温落后于 10 厘米,据此得出的日期偏晚",
            "in spring it warms later than 10 cm, so the date is late-biased",
        )
        if key == "soil_temperature"
        else (
            "表层干湿变化先于深层,种床可能更干或更湿",
            "the seedbed dries and wets first, so it may be drier or wetter",
        )
    )
    return reason(
        f"{key}_deep",
        f"{zh}来自 {depth:g} 厘米(宜 ≤ {deepest_good:g} 厘米):{lag_zh}。",
        f"The {en} comes from {depth:g} cm (at most {deepest_good:g} cm is wanted): {lag_en}.",
        key,
        "depth",
        depth_cm=depth,
        wanted_cm=deepest_good,
    )


def _foreign(key: str, found: Json) -> Reason:
    zh, en = _NAMES[key]
    origin = ORIGIN[found["provenance"]]
    return reason(
        f"{key}_provenance",
        f"{zh}数据为“{origin[0]}”,不代表该地块的真实情况。",
        f"The {en} is {origin[1]}: it does not describe this field.",
        key,
        "depth",
        provenance=found["provenance"],
        streams=float(len(found["streams"])),
    )


def _thin(key: str, found: Json) -> Reason:
    zh, en = _NAMES[key]
    good = percent(found["n_good"] / found["n"]) if found["n_good"] < found["n"] else "100 %"
    return reason(
        f"{key}_thin",
        f"{zh}日均值依据每天约 {found['hours']:g} 个小时的读数,合格率 {good}。",
        f"Daily means of {en} rest on readings of about {found['hours']:g} hours a day, "
        f"{good} of them unflagged.",
        key,
        "stale",
        hours=found["hours"],
        readings=found["n"],
        good=found["n_good"],
    )
