"""Back-tests: the rule, the machine and the stored readings, before anybody is woken at night."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from analytics.alarms import season
from analytics.alarms.conditions import SECOND
from analytics.alarms.engine import Excursion, State, Transition, advance, paired
from analytics.alarms.season import Tally
from analytics.alarms.silence import Outage, gaps, together
from ingest.alarms import ground as compiled
from ingest.alarms.ground import Ground, Watched
from ingest.alarms.values import bad_for
from models.alarm import KeptRule, Kind
from models.errors import HeituError
from models.store import alarm_rules, cadences, readings, watching
from models.store.alarm_rules import Backtest
from models.store.database import Database, ReadTx
from models.store.watching import microseconds

Progress = Callable[[int, int], None]
_CHUNK = timedelta(days=62)  # of one subject in memory: 90,000 readings at one a minute
_LEAST = 8  # values of a device before its interval is believed
_NO_HISTORY = (
    "该类规则判断平台自身的状态，历史读数中没有依据，无法回测。",
    "Rules of this kind judge the intake itself; stored readings say nothing about it.",
)


def run(
    database: Database,
    kept: KeptRule,
    since: datetime,
    until: datetime,
    progress: Progress | None = None,
) -> Tally:
    """Run a rule over the readings of [since, until); nothing is stored and nobody notified."""
    tell = progress or (lambda done, total: None)
    with database.reading() as tx:
        ground = compiled.load(tx, [kept])
    if kept.rule.kind is Kind.NO_DATA:
        return _silences(database, ground, kept, (since, until), tell)
    if kept.rule.kind in (Kind.FLOODING, Kind.INTAKE):
        zh, en = _NO_HISTORY
        return replace(season.tally({}, 0, 0, 0), note_zh=zh, note_en=en)
    watched = list(ground.by_key.values())
    found, n = {}, 0
    for done, one in enumerate(watched):
        tell(done, len(watched))
        spans, looked_at = _excursions(database, one, since, until)
        found[one.about.subject] = (one.about.name_zh, one.about.name_en, spans)
        n += looked_at
    tell(len(watched), len(watched))
    return season.tally(found, microseconds(until), len(watched), n)


def _excursions(
    database: Database, one: Watched, since: datetime, until: datetime
) -> tuple[list[Excursion], int]:
    state, made, n = State(microseconds(since) - 1), list[Transition](), 0
    start = since
    while start < until:
        end = min(start + _CHUNK, until)
        with database.reading() as tx:
            block = readings.window(tx, list(one.streams), start, end)
        kept = block[block["quality"] & bad_for(one) == 0]
        kept = kept[np.argsort(kept["phenomenon_time"], kind="stable")]
        inputs = np.zeros(len(kept), np.int64)
        for number, stream in enumerate(one.streams):
            inputs[kept["datastream_id"] == stream] = number
        state, steps = season.sweep(one.it, state, kept["phenomenon_time"], kept["value"], inputs)
        made += steps
        n += len(block)
        start = end
    made += advance(one.it, state, [], microseconds(until))[1]
    return paired(made), n


def _silences(
    database: Database,
    ground: Ground,
    kept: KeptRule,
    span: tuple[datetime, datetime],
    tell: Progress,
) -> Tally:
    """Judge gaps in the data: of the past nobody knows when a value arrived."""
    expected = [about for _, about in ground.expected.values()]
    streams: dict[str, list[int]] = {}
    for stream in ground.streams.values():
        streams.setdefault(f"device:{stream.device}", []).append(stream.id)
        streams[f"datastream:{stream.id}"] = [stream.id]
    silences: dict[str, list[Excursion]] = {}
    n, upto = 0, microseconds(span[1])
    for done, about in enumerate(expected):
        tell(done, len(expected))
        with database.reading() as tx:
            own = streams.get(about.subject, [])
            times = watching.signs_of_life(tx, own, *span)
            usual = _usual(tx, own, times)
        n += len(times)
        silences[about.subject] = [] if usual is None else gaps(kept.rule, times, usual, upto)
    tell(len(expected), len(expected))
    names = {about.subject: (about.name_zh, about.name_en) for about in expected}
    if kept.rule.per == "device":
        silences, names = _grouped(ground, silences, names)
    found = {subject: (*names[subject], spans) for subject, spans in silences.items()}
    return season.tally(found, upto, len(expected), n)


def _usual(tx: ReadTx, streams: Sequence[int], times: Sequence[int]) -> float | None:
    known = cadences.of(tx, streams)
    if known:
        return min(known.values())
    if len(times) < _LEAST:
        return None
    return float(np.median(np.diff(np.array(times)))) / SECOND


Names = dict[str, tuple[str, str]]


def _grouped(
    ground: Ground, silences: dict[str, list[Excursion]], names: Names
) -> tuple[dict[str, list[Excursion]], Names]:
    """Tell silences of a farm that began together as one, as the watch would have."""
    by_device = {int(subject.partition(":")[2]): spans for subject, spans in silences.items()}
    farm_of = {device: f"farm:{ground.devices[device].farm}" for device in by_device}
    told: dict[str, list[Excursion]] = {}
    for outage in together(by_device, farm_of):
        told.setdefault(outage.group, []).append(_whole(outage, by_device))
    for group in told:
        if group in ground.places:
            names[group] = (ground.places[group].name_zh, ground.places[group].name_en)
    return told, names


def _whole(outage: Outage, by_device: dict[int, list[Excursion]]) -> Excursion:
    """Return the span of an outage: from the first notice to the last device that returned."""
    spans = [
        min((s for s in by_device[device] if s.since >= outage.since), key=lambda s: s.since)
        for device in outage.devices
    ]
    ends = [span.until for span in spans if span.until is not None]
    until = max(ends) if len(ends) == len(spans) else None
    opened = min(span.opened for span in spans)
    return Excursion(outage.since, opened, until, float(len(spans)))


def told(tally: Tally) -> dict[str, Any]:
    """Return what a back-test found as plain data."""
    return asdict(tally)


def carry_out(
    database: Database, it: Backtest, kept: KeptRule, clock: Callable[[], datetime]
) -> None:
    """Run a back-test that was begun, noting how far it is, and what it found."""
    noted = 0.0

    def note(done: int, total: int) -> None:
        nonlocal noted
        if time.monotonic() - noted >= 1.0 or done == total:
            noted = time.monotonic()
            with database.writing() as tx:
                alarm_rules.progress(tx, it.id, done, total)

    try:
        result = told(run(database, kept, it.since, it.until, note))
        failed = False
    except HeituError as error:
        result, failed = {"error": error.message}, True
    with database.writing() as tx:
        alarm_rules.end_backtest(tx, it, result, clock(), failed=failed)
