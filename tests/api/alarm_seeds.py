"""Alarms of the known province: a rule of each county, and one alarm that it has open."""

from dataclasses import replace
from datetime import timedelta

from analytics.alarms import wording
from ingest.alarms import ground
from models.alarm import AlarmRule, Kind, Severity, Side, Term, Trust
from models.store import alarm_rules, excursions
from models.store.excursions import Opening

RULE = AlarmRule(
    key="wet",
    kind=Kind.THRESHOLD,
    severity=Severity.INFO,
    title_zh="土壤过湿",
    title_en="Wet soil",
    text_zh="检查排水沟。",
    text_en="Check the drains.",
    source="a test",
    trust=Trust.RECALLED,
    terms=(Term("soil_moisture", Side.ABOVE, 0.2, 0.01),),
)


def keep_rule(tx, at, **more):
    """Keep a rule and switch it on."""
    kept = alarm_rules.add(tx, replace(RULE, **more), "test", at)
    return alarm_rules.enable(tx, kept, "test", at, force=True)


def raise_alarm(tx, kept, stream, now, *, after=timedelta(0)):
    """Open the alarm of a rule at a datastream; gives its id."""
    about = next(w.about for w in ground.load(tx, [kept]).by_key.values() if w.streams[0] == stream)
    opened = now - timedelta(hours=2) + after
    opening = Opening(opened, opened, opened, 0.31, 0.33, opened)
    return excursions.begin(tx, kept, about, opening, wording.facts(kept.rule))


def add_alarms(database, places, now):
    """One rule and one open alarm in each county; of a severity that writes no letter."""
    for code, place in places.items():
        with database.writing() as tx:
            kept = keep_rule(tx, now, key=f"wet-{code}", scope=f"region:{code}")
            place.rule = kept.id
            place.alarm = raise_alarm(tx, kept, place.moisture, now)
            begun = alarm_rules.begin_backtest(tx, kept, now - timedelta(days=1), now, "test")
            place.backtest = begun.id
