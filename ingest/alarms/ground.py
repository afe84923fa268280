"""Which rule watches which datastream: rules and the catalogue, compiled."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from analytics.alarms.conditions import VALUE_KINDS
from analytics.alarms.engine import Timing, timing
from models.alarm import AlarmRule, KeptRule, Kind, Term
from models.place import covers
from models.quantity import QUANTITIES
from models.store import alarm_rules, watching
from models.store.database import ReadTx
from models.store.excursions import Subject
from models.store.watching import Key


@dataclass(frozen=True, slots=True)
class Stream:
    """A datastream as rules see it."""

    id: int
    quantity: str
    depth_cm: float | None
    device: int


@dataclass(frozen=True, slots=True)
class Device:
    """A device as rules see it."""

    id: int
    key: str
    name_zh: str
    name_en: str
    farm: int
    field: int | None
    region: str
    lon: float
    lat: float
    provenance: str
    farm_kind: str


@dataclass(frozen=True, slots=True)
class Watched:
    """A rule about values at one subject: the datastreams are its inputs, in order."""

    kept: KeptRule
    it: Timing
    about: Subject
    streams: tuple[int, ...]

    @property
    def key(self) -> Key:
        """Rule and subject."""
        return self.kept.id, self.about.subject


@dataclass(slots=True)
class Ground:
    """Everything that is watched."""

    rules: Sequence[KeptRule]
    streams: dict[int, Stream]
    devices: dict[int, Device]
    places: dict[str, Subject]
    by_key: dict[Key, Watched] = field(default_factory=dict)
    by_stream: dict[int, list[Watched]] = field(default_factory=dict)
    expected: dict[Key, tuple[KeptRule, Subject]] = field(default_factory=dict)

    def rules_of(self, kind: Kind) -> list[KeptRule]:
        """Return the rules of a kind."""
        return [kept for kept in self.rules if kept.rule.kind is kind]


def load(tx: ReadTx, rules: Sequence[KeptRule] | None = None) -> Ground:
    """Read the catalogue and compile rules; by default every enabled one."""
    streams, devices, places = watching.ground(tx)
    chosen = alarm_rules.listed(tx, enabled=True) if rules is None else rules
    ground = Ground(
        chosen,
        {s.id: Stream(*s) for s in streams},
        {d.id: _device(d) for d in devices},
        {p.subject: _place(p) for p in places},
    )
    for kept in chosen:
        if kept.rule.kind in VALUE_KINDS:
            for watched in _watched(kept, ground):
                ground.by_key[watched.key] = watched
                for stream in watched.streams:
                    ground.by_stream.setdefault(stream, []).append(watched)
        elif kept.rule.kind is Kind.NO_DATA:
            for about in _expected(kept.rule, ground):
                ground.expected[kept.id, about.subject] = kept, about
    return ground


def _device(row: object) -> Device:
    names = ("id", "key", "name_zh", "name_en", "farm_id", "field_id", "region_code")
    more = ("lon", "lat", "provenance", "farm_kind")
    return Device(*(getattr(row, name) for name in names + more))


def _place(row: object) -> Subject:
    names = ("subject", "region_code", "name_zh", "name_en", "provenance", "lon", "lat")
    return Subject(**{name: getattr(row, name) for name in names})


def device_subject(device: Device) -> Subject:
    """Describe a device as the subject of an alarm."""
    return Subject(
        f"device:{device.id}",
        device.region,
        device.name_zh,
        device.name_en,
        device.provenance,
        None,
        device.id,
        device.farm,
        device.lon,
        device.lat,
    )


def stream_subject(device: Device, stream: Stream) -> Subject:
    """Describe a datastream as the subject of an alarm: its device, depth and quantity."""
    known = QUANTITIES[stream.quantity]
    depth = "" if stream.depth_cm is None else f" {stream.depth_cm:g} cm"
    return Subject(
        f"datastream:{stream.id}",
        device.region,
        f"{device.name_zh}{depth} {known.zh}",
        f"{device.name_en}{depth} {known.en}",
        device.provenance,
        stream.id,
        device.id,
        device.farm,
        device.lon,
        device.lat,
    )


def _watched(kept: KeptRule, ground: Ground) -> Iterable[Watched]:
    rule, it = kept.rule, timing(kept.rule)
    of_device: dict[int, list[Stream]] = defaultdict(list)
    for stream in ground.streams.values():
        if _applies(rule, ground.devices[stream.device], stream):
            of_device[stream.device].append(stream)
    for device, own in of_device.items():
        inputs = [[s for s in own if fits(term, s)] for term in rule.inputs]
        for first in inputs[0]:
            others = tuple(min(more, key=lambda s: s.id).id for more in inputs[1:] if more)
            if len(others) == len(inputs) - 1:
                about = stream_subject(ground.devices[device], first)
                yield Watched(kept, it, about, (first.id, *others))


def _expected(rule: AlarmRule, ground: Ground) -> Iterable[Subject]:
    if rule.per == "device":
        for device in ground.devices.values():
            if _applies(rule, device, None):
                yield device_subject(device)
        return
    for stream in ground.streams.values():
        device = ground.devices[stream.device]
        if _applies(rule, device, stream):
            yield stream_subject(device, stream)


def fits(term: Term, stream: Stream) -> bool:
    """Tell whether a datastream measures what a term is about."""
    if stream.quantity != term.quantity:
        return False
    if term.depth_cm is None:
        return True
    low, high = term.depth_cm
    return stream.depth_cm is not None and low <= stream.depth_cm <= high


def _applies(rule: AlarmRule, device: Device, stream: Stream | None) -> bool:
    if rule.farm_kind is not None and device.farm_kind != rule.farm_kind:
        return False
    kind, _, number = rule.scope.partition(":")
    if kind == "region":
        return covers(number, device.region)
    own = {"farm": device.farm, "field": device.field, "device": device.id}
    if kind == "datastream":
        return stream is not None and stream.id == int(number)
    return kind == "all" or own[kind] == int(number)
