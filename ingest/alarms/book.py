"""Rule files: what is shipped, and what people bring."""

import tomllib
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path

from analytics.alarms.season import Tally
from ingest.alarms import backtest
from models.alarm import AlarmRule, rule_from
from models.errors import Invalid
from models.store import alarm_rules
from models.store.database import Database, WriteTx

_YEAR = timedelta(days=365)
FILE = "a rule file"  # who wrote a rule that came from one


def shipped() -> list[AlarmRule]:
    """Return the rules that come with the platform."""
    folder = resources.files("analytics.alarms").joinpath("rules")
    names = sorted(one.name for one in folder.iterdir() if one.name.endswith(".toml"))
    return [rule for name in names for rule in parsed(folder.joinpath(name).read_text("utf-8"))]


def parsed(text: str, name: str = "rules") -> list[AlarmRule]:
    """Read the rules of a TOML file: an array of tables named ``rule``.

    Raises
    ------
    Invalid
        It is not TOML, or a rule does not make sense; says which.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise Invalid(why=f"{name} is not TOML: {problem}") from None
    found = document.get("rule")
    if not isinstance(found, list) or set(document) != {"rule"}:
        raise Invalid(why=f"{name} holds [[rule]] tables and nothing else")
    rules = []
    for number, one in enumerate(found, 1):
        try:
            rules.append(rule_from(one))
        except Invalid as problem:
            key = one.get("key", "no key")
            raise Invalid(why=f"{name}, rule {number} ({key}): {problem.facts['why']}") from None
    return rules


def read(path: Path) -> list[AlarmRule]:
    """Read a file of rules."""
    try:
        return parsed(path.read_text("utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as problem:
        raise Invalid(why=f"{path}: {problem}") from None


def keep(tx: WriteTx, rules: list[AlarmRule], at: datetime) -> dict[str, str]:
    """Keep rules: new ones are added, switched off; those that people changed are left alone.

    Returns
    -------
    dict
        Key of each rule -> "added", "changed", "same" or "edited here".
    """
    done: dict[str, str] = {}
    for rule in rules:
        kept = alarm_rules.by_key(tx, rule.key)
        if kept is None:
            alarm_rules.add(tx, rule, FILE, at)
            done[rule.key] = "added"
        elif kept.rule == rule:
            done[rule.key] = "same"
        elif kept.updated_by != FILE:
            done[rule.key] = "edited here"
        else:
            alarm_rules.change(tx, kept, rule, FILE, at)
            done[rule.key] = "changed"
    return done


def enable_tested(
    database: Database, keys: list[str], until: datetime, by: str
) -> dict[str, Tally]:
    """Run rules over the year before ``until`` and switch them on; return what was found."""
    found = {}
    for key in keys:
        with database.writing() as tx:
            kept = alarm_rules.by_key(tx, key)
            if kept is None or kept.enabled:
                continue
            begun = alarm_rules.begin_backtest(tx, kept, until - _YEAR, until, by)
        tally = backtest.run(database, kept, begun.since, until)
        with database.writing() as tx:
            alarm_rules.end_backtest(tx, begun, backtest.told(tally), until)
            alarm_rules.enable(tx, alarm_rules.get(tx, kept.id), by, until)
        found[key] = tally
    return found
