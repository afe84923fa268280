"""Rules about the intake itself: a device that floods, and an intake that stands still.

They are levels seen at each look, not readings: the machine is the same, without a grace.
"""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from analytics.alarms import wording
from analytics.alarms.conditions import Judged, Memory, Sample, Verdict
from analytics.alarms.engine import Phase, State, Transition, advance, timing
from ingest.alarms.ground import Ground, device_subject
from ingest.alarms.values import Moment
from models.alarm import AlarmRule, KeptRule, Kind, Side, Term
from models.place import Provenance
from models.store import excursions, watching
from models.store.alarm_rules import PROVINCE
from models.store.database import WriteTx
from models.store.excursions import Opening, Subject
from models.store.watching import Key, Part, instant

PLATFORM = Subject("platform:", PROVINCE, "平台数据接入", "Intake of the platform", Provenance.REAL)
_decoder = msgspec.json.Decoder(State)
_encode = msgspec.json.Encoder().encode


def judge(
    tx: WriteTx, ground: Ground, parts: Sequence[Part], why: str, slept: int | None, at: Moment
) -> None:
    """Judge what the ingestors say of themselves and of devices that flood.

    Parameters
    ----------
    why : str
        What is wrong with the intake.
    slept : int or None
        Since when nobody looked, microseconds: the intake was down with the watch.
    """
    for kept in ground.rules_of(Kind.INTAKE):
        before = [] if slept is None else [Sample(slept, 1.0)]
        level = Sample(at.now, 1.0 if why else 0.0)
        _step(tx, kept, {PLATFORM.subject: (PLATFORM, [*before, level])}, at)
    flooding = flooded(parts)
    for kept in ground.rules_of(Kind.FLOODING):
        levels = {
            device.key: (device_subject(device), [Sample(at.now, float(flooding[device.key]))])
            for device in ground.devices.values()
            if device.key in flooding
        }
        _step(tx, kept, {s.subject: (s, own) for s, own in levels.values()}, at)


def flooded(parts: Sequence[Part]) -> dict[str, int]:
    """Return the devices that flood, with the messages set aside, from every ingestor."""
    found: dict[str, int] = {}
    for part in parts:
        if part.age_s <= 60:
            for key, n in part.detail.get("flooding", {}).items():
                found[key] = found.get(key, 0) + int(n)
    return {key: n for key, n in found.items() if key and n > 0}


def _step(
    tx: WriteTx, kept: KeptRule, levels: dict[str, tuple[Subject, list[Sample]]], at: Moment
) -> None:
    """Judge the levels of a rule; a subject that is going and gave none stands at nothing."""
    going = {subject for rule, subject in watching.open_keys(tx) if rule == kept.id}
    keys = [(kept.id, subject) for subject in sorted(going | set(levels))]
    states = watching.states(tx, keys)
    it = replace(timing(_levelled(kept.rule)), judge=_level)
    rows = []
    for key in keys:
        about, samples = levels.get(key[1], (None, [Sample(at.now, 0.0)]))
        known = states.get(key)
        before = _decoder.decode(known.state) if known else State(samples[0].time - 1)
        fresh = [sample for sample in samples if sample.time > before.evaluated]
        state, steps = advance(it, before, fresh, at.now)
        for step in steps:
            _tell(tx, kept, key, about, step, at)
        # whatever is not quiet is asked again at the next look
        asked = state.phase is not Phase.QUIET
        rows.append((key, state.evaluated, None, asked, _encode(state).decode()))
    watching.keep_states(tx, rows)


def _tell(
    tx: WriteTx, kept: KeptRule, key: Key, about: Subject | None, step: Transition, at: Moment
) -> None:
    noticed, when = instant(at.now), instant(step.at)
    if step.what == "cleared":
        excursions.end(tx, key, when, noticed, peak=step.peak, peak_at=instant(step.peak_at))
    elif about is not None:
        opening = Opening(instant(step.since), when, noticed, step.value, step.peak)
        excursions.begin(tx, kept, about, opening, wording.facts(kept.rule))


def _level(memory: Memory, sample: Sample) -> Judged:
    return (Verdict.FIRE if sample.value > 0 else Verdict.CLEAR), sample.value


def _levelled(rule: AlarmRule) -> AlarmRule:
    """Give a rule without terms one that the machine can ask; the level is the figure."""
    return replace(rule, kind=Kind.THRESHOLD, terms=(Term("level", Side.ABOVE, 0.0),))
