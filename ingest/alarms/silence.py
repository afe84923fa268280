"""Rules about silence: who brought nothing new for too long, told once for each outage."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from analytics.alarms import wording
from analytics.alarms.conditions import SECOND
from analytics.alarms.silence import BACK, Member, Outage, collapse, limit_us, usual
from ingest.alarms.ears import Ears, Quiet, by_subject
from ingest.alarms.ground import Device, Ground
from ingest.alarms.values import Moment
from models.alarm import KeptRule
from models.place import common
from models.store import excursions, watching
from models.store.database import WriteTx
from models.store.excursions import Opening, Subject
from models.store.watching import Key, Sign, instant

_UNKNOWN_US = 600 * SECOND  # when a device of unknown rhythm is looked at again


@dataclass(frozen=True, slots=True)
class _Found:
    """A device or datastream that is due, as it stands."""

    key: Key
    kept: KeptRule
    about: Subject
    quiet: Quiet
    heard: int
    usual_s: float | None

    @property
    def limit(self) -> int:
        """How long it may be silent, microseconds."""
        return _UNKNOWN_US if self.usual_s is None else limit_us(self.kept.rule, self.usual_s)

    def silent(self, now: int) -> bool:
        """Tell whether it has been silent for too long; of an unknown rhythm nobody knows."""
        return self.usual_s is not None and now - self.heard > self.limit


_decoder = msgspec.json.Decoder(Quiet)
_encode = msgspec.json.Encoder().encode


def judge(
    tx: WriteTx, ground: Ground, ears: Ears, heard: Mapping[str, int], due: Iterable[Key],
    resumed: int, at: Moment,
) -> None:  # fmt: skip
    """Clear the silence of those who were heard, open that of those who were not."""
    _clear(tx, ground, ears, heard, at)
    keys = [key for key in due if key in ground.expected]
    if at.settling or not keys:
        return
    found = _found(tx, ground, ears, keys, resumed)
    silent: list[_Found] = []
    waiting: list[_Found] = []
    for one in found:
        (silent if one.silent(at.now) else waiting).append(one)
    _keep(tx, [(one, one.quiet, max(one.heard, at.now - one.limit) + one.limit) for one in waiting])
    by_rule: dict[int, list[_Found]] = {}
    for one in silent:
        by_rule.setdefault(one.kept.id, []).append(one)
    for own in by_rule.values():
        _open(tx, ground, ears, own, resumed, at)


def _found(
    tx: WriteTx, ground: Ground, ears: Ears, keys: Sequence[Key], resumed: int
) -> list[_Found]:
    states = watching.states(tx, keys)
    devices = sorted({ground.expected[key][1].device_id or 0 for key in keys})
    signs = by_subject(watching.signs(tx, by_stream=True, devices=devices))
    found = []
    for key in keys:
        kept, about = ground.expected[key]
        quiet = _decoder.decode(states[key].state) if key in states else Quiet()
        sign = signs.get(about.subject)
        gaps = ears.gaps(about.subject, quiet.gaps)
        heard = max(sign.heard if sign else 0, resumed, quiet.since)
        known = usual(sign.cadence_s, gaps) if sign else None
        found.append(_Found(key, kept, about, replace(quiet, gaps=gaps), heard, known))
    return found


def _keep(tx: WriteTx, rows: Sequence[tuple[_Found, Quiet, int | None]]) -> None:
    watching.keep_states(
        tx,
        sorted(
            (one.key, one.heard, due, bool(quiet.told), _encode(quiet).decode())
            for one, quiet, due in rows
        ),
    )


def _open(
    tx: WriteTx, ground: Ground, ears: Ears, silent: Sequence[_Found], resumed: int, at: Moment
) -> None:
    kept = silent[0].kept
    signs = by_subject(watching.signs(tx))
    if kept.rule.per == "datastream":
        for one in silent:
            whole = signs[f"device:{one.about.device_id}"].heard
            # the device itself is silent: that is told of the device, not of each quantity
            alive = at.now - max(whole, resumed) <= one.limit
            _alone(tx, one, at) if alive else _keep(tx, [(one, one.quiet, at.now + one.limit)])
        return
    groups = excursions.open_groups(tx)
    members = _members(ground, ears, kept, signs, resumed)
    told = {group for rule, group in groups if rule == kept.id}
    left = {}
    for one in silent:
        own = _groups(ground.devices[one.about.device_id or 0], signs.get(one.about.subject))
        joined = next((group for group in own if group in told), None)
        if joined is None:
            left[one.about.device_id or 0] = one
        else:
            _join(tx, kept, groups[kept.id, joined], joined, {one.about.device_id or 0: one}, at)
    free = [m for m in members if told.isdisjoint(m.groups)]
    outages, alone = collapse(left, free, at.now)
    for outage in outages:
        _outage(tx, ground, kept, outage, left, {m.device: m for m in free}, at)
    for device in alone:
        _alone(tx, left[device], at)


def _groups(device: Device, sign: Sign | None) -> tuple[str, ...]:
    """Return what a device shares with others, the narrowest first."""
    gateway = (f"gateway:{sign.gateway}",) if sign and sign.gateway else ()
    county, province = device.region, device.region[:2] + "0000"
    return (*gateway, f"farm:{device.farm}", f"region:{county}", f"region:{province}")


def _members(
    ground: Ground, ears: Ears, kept: KeptRule, signs: Mapping[str, Sign], resumed: int
) -> list[Member]:
    found = []
    for rule, subject in ground.expected:
        sign = signs.get(subject)
        if rule == kept.id and sign is not None:
            known = usual(sign.cadence_s, ears.gaps(subject, []))
            groups = _groups(ground.devices[sign.device_id], sign)
            found.append(Member(sign.device_id, groups, max(sign.heard, resumed), known))
    return found


def _alone(tx: WriteTx, one: _Found, at: Moment) -> None:
    opened = instant(one.heard + one.limit)
    opening = Opening(instant(one.heard), opened, instant(at.now))
    excursions.begin(tx, one.kept, one.about, opening, wording.facts(one.kept.rule))
    _keep(tx, [(one, replace(one.quiet, told="own"), None)])


def _outage(
    tx: WriteTx, ground: Ground, kept: KeptRule, outage: Outage, left: Mapping[int, _Found],
    members: Mapping[int, Member], at: Moment,
) -> None:  # fmt: skip
    about = _group_subject(ground, outage)
    opening = Opening(
        instant(outage.since), instant(at.now), instant(at.now), members=len(outage.devices)
    )
    alarm = excursions.begin(tx, kept, about, opening, wording.facts(kept.rule))
    if alarm is None:
        return
    silent = {}
    for device in outage.devices:
        key = (kept.id, f"device:{device}")
        found = left.get(device)
        if found is None:
            member = members[device]
            about = ground.expected[key][1]
            found = _Found(key, kept, about, Quiet(), member.heard, member.usual_s)
        silent[device] = found
    _join(tx, kept, alarm, outage.group, silent, at)


def _join(
    tx: WriteTx, kept: KeptRule, alarm: int, group: str, silent: Mapping[int, _Found], at: Moment
) -> None:
    heard = {device: one.heard for device, one in silent.items()}
    excursions.join(tx, alarm, kept.id, heard, instant(at.now))
    _keep(tx, [(one, replace(one.quiet, told=group), None) for one in silent.values()])


def _group_subject(ground: Ground, outage: Outage) -> Subject:
    if outage.group in ground.places:
        place = ground.places[outage.group]
        farm = outage.group.partition(":")[2] if outage.group.startswith("farm:") else None
        return replace(place, farm_id=None if farm is None else int(farm))
    name = outage.group.partition(":")[2]
    devices = [ground.devices[device] for device in outage.devices]
    n = len(devices)
    return Subject(
        outage.group,
        common({device.region for device in devices}),
        f"网关 {name}",
        f"Gateway {name}",
        devices[0].provenance,
        farm_id=devices[0].farm if len({d.farm for d in devices}) == 1 else None,
        lon=sum(d.lon for d in devices) / n,
        lat=sum(d.lat for d in devices) / n,
    )


def _clear(tx: WriteTx, ground: Ground, ears: Ears, heard: Mapping[str, int], at: Moment) -> None:
    """Let those who were heard again be heard: their alarm, or that of their group, clears."""
    back = [k for k in watching.open_keys(tx) if k in ground.expected and k[1] in heard]
    if not back:
        return
    states = watching.states(tx, back)
    rows, devices = [], []
    for key in back:
        quiet = _decoder.decode(states[key].state)
        since = heard[key[1]]
        if quiet.told == "own":
            excursions.end(tx, key, instant(since), instant(at.now))
        else:
            devices.append(ground.expected[key][1].device_id or 0)
        rows.append(_speaking(ground, key, replace(quiet, told=""), since, at))
    watching.keep_states(tx, sorted(rows))
    for alarm, key, members, returned in excursions.heard(tx, devices, instant(at.now)):
        if returned >= BACK * members:
            _over(tx, ground, alarm, key, at)


def _over(tx: WriteTx, ground: Ground, alarm: int, key: Key, at: Moment) -> None:
    """End an outage once; who is still silent is judged alone, from now on."""
    excursions.end(tx, key, instant(at.now), instant(at.now))
    keys = [(key[0], f"device:{device}") for device in excursions.left_behind(tx, alarm)]
    keys = [one for one in keys if one in ground.expected]
    states = watching.states(tx, keys)
    rows = []
    for one in keys:
        quiet = _decoder.decode(states[one].state) if one in states else Quiet()
        fresh = replace(quiet, told="", since=at.now)
        rows.append(_speaking(ground, one, fresh, at.now, at))
    watching.keep_states(tx, sorted(rows))


def _speaking(
    ground: Ground, key: Key, quiet: Quiet, since: int, at: Moment
) -> tuple[Key, int, int | None, bool, str]:
    # looked at again at the next round: its limit is worked out there
    return key, since, at.now, False, _encode(quiet).decode()
