"""The verb alarms: rules from files, back-tests, switching on and off, open alarms."""

from __future__ import annotations

import argparse
import getpass
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import wiring
from deploy.settings import Settings
from deploy.verbs import verb
from models import calendar
from models.errors import Invalid, NotFound

if TYPE_CHECKING:
    from analytics.alarms.season import Tally
    from deploy.verbs import Verbs
    from models.alarm import KeptRule
    from models.store.database import Database

_ABOUT = """\
Rules are data: `load` keeps those that are shipped, or those of your own TOML files, switched
off. `backtest` runs a rule over stored readings with the code of the live watch and says when
it would have fired; nobody is notified. A rule is switched on when its present version was
back-tested within 30 days, or with --force. The ingestor watches; `watch` looks once by hand."""
_SEASON = (date(1, 4, 1), date(1, 11, 1))  # the growing season of Jilin, end excluded
_LISTED = 10


def add(verbs: Verbs) -> None:
    """Add the verb."""
    own = verb(verbs, "alarms", rules, "alarm rules, their back-tests, open alarms", _ABOUT)
    steps = own.add_subparsers(metavar="STEP", title="steps")
    steps.add_parser("rules", help="list the rules (the default)").set_defaults(verb=rules)
    one = steps.add_parser("load", help="keep rules of TOML files; the shipped ones without FILE")
    one.add_argument("files", nargs="*", type=Path, metavar="FILE")
    one.add_argument("--enable", action="store_true", help="back-test each and switch it on")
    one.set_defaults(verb=load)
    one = steps.add_parser("backtest", help="run a rule over stored readings")
    one.add_argument("rule", metavar="RULE", help="its key")
    one.add_argument("--season", type=int, metavar="YEAR", help="1 April to 31 October")
    one.add_argument("--start", type=date.fromisoformat, metavar="YYYY-MM-DD")
    one.add_argument("--end", type=date.fromisoformat, metavar="YYYY-MM-DD", help="excluded")
    one.set_defaults(verb=backtest)
    one = steps.add_parser("enable", help="switch a rule on")
    one.add_argument("rule", metavar="RULE")
    one.add_argument("--force", action="store_true", help="without a back-test")
    one.set_defaults(verb=enable)
    one = steps.add_parser("disable", help="switch a rule off; its open alarms are withdrawn")
    one.add_argument("rule", metavar="RULE")
    one.set_defaults(verb=disable)
    steps.add_parser("open", help="list open alarms").set_defaults(verb=open_ones)
    steps.add_parser("watch", help="look once").set_defaults(verb=watch)


def rules(asked: argparse.Namespace, settings: Settings) -> None:
    """List the rules."""
    from models.store import alarm_rules

    with wiring.open_database(settings) as database, database.reading() as tx:
        kept = alarm_rules.listed(tx)
    for it in kept:
        tested = "not back-tested" if it.tested is None else f"back-tested {it.tested:%Y-%m-%d}"
        state = "on " if it.enabled else "off"
        rule = it.rule
        print(f"{state} {rule.key:24} {rule.severity:9} [{rule.trust}] {rule.title_en}; {tested}")
    if not kept:
        print("no rules; `alarms load` keeps those that are shipped")


def load(asked: argparse.Namespace, settings: Settings) -> None:
    """Keep rules of files, or the shipped ones."""
    from ingest.alarms import book

    given = [rule for path in asked.files for rule in book.read(path)] or book.shipped()
    with wiring.open_database(settings) as database:
        with database.writing() as tx:
            done = book.keep(tx, given, calendar.now())
        for key, what in done.items():
            print(f"{what:12} {key}")
        if asked.enable:
            until = calendar.now()
            tried = book.enable_tested(database, list(done), until, _author())
            for key, tally in tried.items():
                print(f"on           {key}: {_line(tally)} in the last year")


def _author() -> str:
    try:
        return f"command line ({getpass.getuser()})"
    except (KeyError, OSError):  # a user id without a name
        return "command line"


def backtest(asked: argparse.Namespace, settings: Settings) -> None:
    """Run a rule over stored readings."""
    from ingest.alarms import backtest as trial
    from models.store import alarm_rules

    since, until = _span(asked)
    with wiring.open_database(settings) as database:
        kept = _named(database, asked.rule)
        with database.writing() as tx:
            begun = alarm_rules.begin_backtest(tx, kept, since, until, _author())
        tally = trial.run(database, kept, since, until, _progress)
        with database.writing() as tx:
            alarm_rules.end_backtest(tx, begun, trial.told(tally), calendar.now())
    first, last = calendar.day_of(since), calendar.day_of(until - timedelta(seconds=1))
    print(f"{asked.rule}, {first} to {last}: {_line(tally)}")
    _print_days(tally)


def _span(asked: argparse.Namespace) -> tuple[datetime, datetime]:
    if asked.season is not None and (asked.start or asked.end):
        raise Invalid(why="give --season YEAR, or --start and --end")
    if asked.season is not None:
        if not 1970 <= asked.season <= 2100:
            raise Invalid(why="a season is a year between 1970 and 2100")
        first, last = (day.replace(year=asked.season) for day in _SEASON)
    else:
        last = asked.end or calendar.day_of(calendar.now()) + calendar.DAY
        first = asked.start or last - timedelta(days=365)
    if first >= last:
        raise Invalid(why="--start comes before --end")
    return calendar.day_start(first), calendar.day_start(last)


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total}", end="" if done < total else "\n", file=sys.stderr, flush=True)


def _line(tally: Tally) -> str:
    if tally.note_en:
        return tally.note_en
    fired = len(tally.subjects)
    return (
        f"would have fired {tally.n} times on {len(tally.days)} days, {tally.hours:g} h in all, "
        f"at {fired} of {tally.judged} subjects ({tally.readings} readings)"
    )


def _print_days(tally: Tally) -> None:
    if tally.days:
        days = [f"{day} ({n})" if n > 1 else day for day, n in tally.days.items()]
        print("days: " + ", ".join(days[:60]) + (" ..." if len(days) > 60 else ""))
    for one in tally.subjects[:_LISTED]:
        print(f"  {one.n:4} x {one.hours:8.1f} h  {one.name_zh} {one.name_en} ({one.subject})")
    if len(tally.subjects) > _LISTED:
        print(f"  ... and {len(tally.subjects) - _LISTED} more")


def _named(database: Database, key: str) -> KeptRule:
    from models.store import alarm_rules

    with database.reading() as tx:
        kept = alarm_rules.by_key(tx, key)
    if kept is None:
        raise NotFound(noun="alarm rule", key=key)
    return kept


def enable(asked: argparse.Namespace, settings: Settings) -> None:
    """Switch a rule on."""
    from models.store import alarm_rules

    with wiring.open_database(settings) as database:
        kept = _named(database, asked.rule)
        with database.writing() as tx:
            alarm_rules.enable(tx, kept, _author(), calendar.now(), force=asked.force)
    print(f"{asked.rule} is on")


def disable(asked: argparse.Namespace, settings: Settings) -> None:
    """Switch a rule off."""
    from models.store import alarm_rules

    with wiring.open_database(settings) as database:
        kept = _named(database, asked.rule)
        with database.writing() as tx:
            alarm_rules.disable(tx, kept, _author(), calendar.now())
    print(f"{asked.rule} is off")


def open_ones(asked: argparse.Namespace, settings: Settings) -> None:
    """List open alarms."""
    from analytics.alarms import wording
    from models.store import alarms

    with wiring.open_database(settings) as database, database.reading() as tx:
        found = alarms.listed(tx, state="open", limit=1000)
    for it in found:
        when = it.opened.astimezone(calendar.SHANGHAI)
        reason = wording.reason(it, zh=False)
        print(f"{it.id:6} {when:%m-%d %H:%M} {it.severity:9} {it.rule_key}: {it.name_en}: {reason}")
    print(f"{len(found)} open" if found else "no open alarm")


def watch(asked: argparse.Namespace, settings: Settings) -> None:
    """Look once; the ingestor does it every two seconds."""
    from ingest.alarms.watch import Watchman

    with wiring.open_database(settings) as database:
        print(f"looked at {Watchman(database).look()} datastreams")
