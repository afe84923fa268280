"""Thresholds of the sowing-window method, each with its source."""

from dataclasses import dataclass

from analytics.agronomy.emergence import EMERGENCE_UNITS

# trust marks as in the agronomy reference: S source opened, R recalled and unverified
SOURCES: dict[str, str] = {
    "warm_soil": "10 cm soil steadily >= 10 C [S zbfsgm.com; chaxiaohao.com]",
    "warm_days": "5 days by analogy with 五日滑动平均 [S 777doc 4686923]; a choice",
    "depth": "soil at 5-10 cm [S chaxiaohao.com]; 15 cm still accepted, a choice",
    "window": "NE China guidance 25 Apr-15 May [S chaxiaohao.com]",
    "frost": "frost: screen minimum <= 0 C [S cnenc.net]; limit 1 year in 5, a choice after the "
    "80 % guarantee of Chinese agroclimatic zoning",
    "ground_frost": "screen minimum <= 2 C [R: recalled, unverified]; shown, never decides",
    "emergence": "100-120 F-GDU planting to emergence, 86/50 method [S OSU 2023]; x 5/9",
    "heat": "maize can be grown from 1900 C.d [S 玉米种植适宜气候区]",
    "zone": "maturity classes by >= 10 C active sum [S 玉米种植适宜气候区]",
    "dry": ">= 60 % of field capacity [S handmsg.com 3008207]",
    "wet": "work soil below field capacity [S eco-gem.com, AHDB]",
    "capacity": "field capacity by texture, FAO-56 Table 19 [R: recalled, unverified]",
    "stale": "a choice: the 5-day rule needs the last days",
    "distance": "a choice: beyond 50 km frost dates are another place's",
    "years": "a choice: 20 years give a chance of 1 in 5 to +-9 points",
    "stuck": "a choice: soil at seed depth is never still for 3 days of hourly readings",
}


@dataclass(frozen=True, slots=True)
class SowingRules:
    """What the method compares its evidence with; `SOURCES` says where each comes from.

    Attributes
    ----------
    warm_soil, warm_days :
        Soil at seed depth at least this warm [C] for so many consecutive days.
    depth_low, depth_high, moisture_high, depth_limit :
        Probe depths taken at face value (up to `moisture_high` for moisture), and the
        deepest used at all [cm].
    window_opens, window_closes :
        Guidance window, MM-DD.
    frost_limit :
        Largest accepted chance of frost after emergence, 0..1.
    emergence_units :
        Heat from sowing to emergence [C.d].
    heat_need :
        Active sum that any maize needs after emergence [C.d].
    dry_below, wet_above :
        Limits of workable moisture as shares of field capacity.
    stale_days :
        Soil data older than this at as_of are refused [d].
    soil_days :
        Days of soil readings looked at.
    good_share :
        A day counts when at least this share of its readings is unflagged.
    few_hours :
        Fewer hours than this a day make the daily mean doubtful.
    near_km, enough_years, fewest_years :
        A weather station farther away, or with fewer years, weakens the advice; below
        `fewest_years` there is no ground for a chance of frost.
    season_opens :
        Before this day (MM-DD) the advice is about a season that has not begun.
    """

    warm_soil: float = 10.0
    warm_days: int = 5
    depth_low: float = 5.0
    depth_high: float = 15.0
    depth_limit: float = 30.0
    moisture_high: float = 20.0
    window_opens: str = "04-25"
    window_closes: str = "05-15"
    frost_limit: float = 0.2
    emergence_units: float = round(EMERGENCE_UNITS, 4)
    heat_need: float = 1900.0
    dry_below: float = 0.6
    wet_above: float = 1.0
    stale_days: int = 3
    soil_days: int = 15
    good_share: float = 0.5
    few_hours: int = 6
    near_km: float = 50.0
    enough_years: int = 20
    fewest_years: int = 10
    season_opens: str = "03-01"
