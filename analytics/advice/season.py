"""What the weather record says about sowing: frost after emergence, heat, whose record."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from analytics.advice.rules import SowingRules
from analytics.advice.wording import (
    ORIGIN,
    Finding,
    day_in,
    en_day,
    percent,
    reason,
    zh_day,
)
from models.place import Provenance
from models.recommendation import Reason

Json = dict[str, Any]

# upper limit of the >= 10 C active sum [C.d] of each maturity class. Source: agronomy
# reference 3, mark S (玉米种植适宜气候区)
_CLASSES = (
    (2100.0, "极早熟", "very early"),
    (2400.0, "早熟", "early"),
    (2700.0, "中熟", "medium"),
    (3000.0, "晚熟", "late"),
    (float("inf"), "极晚熟", "very late"),
)


@dataclass(frozen=True, slots=True)
class Ahead:
    """What the years of record say of each sowing day of one year.

    Attributes
    ----------
    first : date
        First sowing day looked up.
    """

    year: int
    first: date
    columns: Json

    def at(self, day: date, column: str) -> Any:  # noqa: ANN401
        """Return the value of a column for a sowing day (nearest day looked up)."""
        values = self.columns[column]
        return values[min(max((day - self.first).days, 0), len(values) - 1)]

    def days(self) -> list[date]:
        """Return every sowing day looked up."""
        return [self.first + timedelta(days=i) for i in range(len(self.columns["frost"]))]

    def first_safe(self, opens: date, limit: float) -> date | None:
        """First sowing day from `opens` on whose chance of frost is within the limit."""
        return next((d for d in self.days() if d >= opens and self.at(d, "frost") <= limit), None)

    def last_chance(self, need: float) -> date | None:
        """Last sowing day that leaves maize its heat in 80 % of years."""
        return max((d for d in self.days() if self.at(d, "heat_left") >= need), default=None)


def ahead_of(weather: Json, year: int) -> Ahead:
    """Place the outlook of a weather record in a year."""
    columns = weather["climate"]["outlook"]
    return Ahead(year, day_in(year, columns["first"]), columns)


def missing(weather: Json | None, rules: SowingRules) -> Finding:
    """Say that the weather record is no ground for a chance of frost, if it is none."""
    years = 0 if weather is None or weather["climate"] is None else weather["climate"]["years"]
    if years >= rules.fewest_years:
        return Finding(())
    told = reason(
        "weather_missing",
        f"没有至少 {rules.fewest_years} 年的气象序列(现有 {years} 年),无法估计出苗后的霜冻风险。",
        f"There is no weather record of at least {rules.fewest_years} years ({years} at hand), so "
        "frost after emergence cannot be estimated.",
        "weather",
        "years",
        years=years,
        needed=rules.fewest_years,
    )
    return Finding((told,), refused=True)


def frost(weather: Json, ahead: Ahead, day: date, rules: SowingRules) -> Finding:
    """Give the chance of frost after emergence for a sowing day."""
    chance, ground = ahead.at(day, "frost"), ahead.at(day, "ground_frost")
    up = day_in(day.year, ahead.at(day, "emergence"))
    years, hit = weather["climate"]["years"], ahead.at(day, "frost_years")
    high = chance > rules.frost_limit
    verdict_zh, verdict_en = ("高于", "above") if high else ("不高于", "within")
    limit = percent(rules.frost_limit)
    main = reason(
        "frost_risk_high" if high else "frost_risk_low",
        f"{zh_day(day)}播种约 {zh_day(up)}出苗;{years} 年记录中 {hit} 年出苗后仍有霜冻"
        f"(百叶箱最低气温 ≤ 0 ℃),概率 {percent(chance)},{verdict_zh}限值 {limit}。"
        f"最低气温 ≤ 2 ℃ 的概率 {percent(ground)}(该指标未经核实,不参与决策)。",
        f"Sown on {en_day(day)}, maize emerges about {en_day(up)}; in {hit} of {years} years a "
        f"frost (screen minimum <= 0 C) still came after that: {percent(chance)}, {verdict_en} "
        f"the limit of {limit}. A minimum <= 2 C: {percent(ground)} (an unverified index; it does "
        "not decide).",
        "weather",
        "frost",
        chance=chance,
        limit=rules.frost_limit,
        years=years,
        frost_years=hit,
        sowing=day.isoformat(),
        emergence=up.isoformat(),
        ground_frost_chance=ground,
        last_frost_p80=weather["climate"]["last_frost_p80"],
    )
    return Finding((main,))


def heat(weather: Json, ahead: Ahead, day: date, rules: SowingRules) -> Finding:
    """Give the heat zone, what this season has had, and what a sowing day leaves."""
    climate, season = weather["climate"], weather["season"]
    zone = climate["active_p80"]
    _, zh, en = next(row for row in _CLASSES if zone < row[0])
    left, so_far = ahead.at(day, "heat_left"), season["active_sum"]
    has_season = so_far is not None and season["missing"] <= rules.stale_days
    so_far_zh = f"本季至今 {so_far:g} ℃·d" if has_season else "该站没有本季数据"
    so_far_en = f"this season so far {so_far:g} C.d" if has_season else "no data of this season"
    told = reason(
        "heat",
        f"≥ 10 ℃ 活动积温 80 % 保证率 {zone:g} ℃·d({zh}带),{so_far_zh};"
        f"{zh_day(day)}播种出苗后还有 {left:g} ℃·d(玉米至少需 {rules.heat_need:g})。",
        f">= 10 C active sum reached in 80 % of years: {zone:g} C.d ({en} class), {so_far_en}; "
        f"sowing on {en_day(day)} leaves {left:g} C.d after emergence (maize needs "
        f"{rules.heat_need:g} at least).",
        "weather",
        "zone",
        active_p80=zone,
        season_so_far=so_far,
        heat_left=left,
        need=rules.heat_need,
        years=climate["years"],
    )
    return Finding((told,), weak=not has_season)


def source(weather: Json, rules: SowingRules) -> Finding:
    """Name the station, and say what keeps its record from describing this field."""
    station, climate = weather["station"], weather["climate"]
    weak = (
        station["provenance"] != Provenance.REAL
        or station["distance_km"] > rules.near_km
        or not station["in_jilin"]
        or climate["years"] < rules.enough_years
    )
    return Finding((_source_reason(weather, rules),), weak=weak)


def _source_reason(weather: Json, rules: SowingRules) -> Reason:
    station, climate = weather["station"], weather["climate"]
    far = station["distance_km"] > rules.near_km
    origin = ORIGIN[station["provenance"]]
    zh = [origin[0], f"距地块 {station['distance_km']:.0f} 公里" + ("(太远)" if far else "")]
    en = [origin[1], f"{station['distance_km']:.0f} km away" + (" (too far)" if far else "")]
    if not station["in_jilin"]:
        zh.append("不在吉林省")
        en.append("not in Jilin")
    zh.append(f"{climate['first_year']}–{climate['last_year']} 年共 {climate['years']} 年")
    en.append(f"{climate['years']} years of {climate['first_year']}-{climate['last_year']}")
    return reason(
        "weather_source",
        f"气象序列:{station['name_zh']}({','.join(zh)})。",
        f"Weather record: {station['name_en']} ({', '.join(en)}).",
        "weather",
        "distance",
        station=station["key"],
        provenance=station["provenance"],
        distance_km=station["distance_km"],
        years=climate["years"],
        limit_km=rules.near_km,
    )
