"""Sparkplug B 3.0, as a host application sees it.

An edge node tells once, in its birth certificates, what its metrics are called, of which
type and in which unit they are; later messages may name them by number only. So births are
remembered (`Memory`), and data that nothing explains waits in the quarantine while the node
is asked for its births again. Every message but the node's death carries a number 0 to 255;
a missing one means that something was lost, so the births are asked for too, but readings
that can be read are taken.

Births have a time from which they hold, and the one before is remembered with them, so that
messages that come twice or late are read by the birth of their own time.
"""

from typing import Any

from ingest.mqtt.format import NOTHING, Address, Decoded, Format, Memory, Signs, Undecodable
from ingest.mqtt.harvest import Harvest, storable
from ingest.mqtt.naming import key_of
from ingest.mqtt.protobuf import Malformed
from ingest.mqtt.sparkplug import (
    COMPRESSED,
    Metric,
    Payload,
    kind_of,
    read,
    rebirth,
    value_of,
)
from models import units
from models.reading import Reason

_Document = dict[str, Any]
_CONTROL = ("Node Control/", "Device Control/")
_BIRTH_AND_DEATH = "bdSeq"
_FAR_MS = 1 << 52  # the year 144,683: impossible anyway, and still fits in microseconds


def decode(address: Address, payload: bytes) -> Decoded:
    """Read a message of an edge node or of a device behind it.

    Raises
    ------
    Undecodable
        No Sparkplug B payload, or data that no birth certificate explains.
    """
    try:
        message = read(payload)
    except Malformed as fault:
        raise Undecodable(Reason.UNREADABLE, f"not Sparkplug B: {fault}") from None
    if message.uuid == COMPRESSED:
        raise Undecodable(Reason.UNDECODED, "a compressed payload")
    return _BY_KIND[address.levels[2]](_Node(address), message)


class _Node:
    """What is remembered of an edge node, and of the part of it that a topic names.

    ``session`` follows every message: ``at`` and ``bd`` of the birth [ms, number], ``since``
    when it holds [ms], ``alive``, the last ``seq`` with its time ``ts`` [ms], and ``orphan``,
    the time of the first data that nothing explains.
    """

    def __init__(self, address: Address) -> None:
        self._memory: Memory = address.memory
        levels = [storable(level) for level in address.levels]
        self._session = f"sparkplug/{levels[1]}/{levels[3]}"
        self._part = f"{self._session}/{''.join(levels[4:])}"
        self._command = f"{'/'.join((*levels[:2], 'NCMD', levels[3]))}"
        self.is_device = len(levels) > 4
        self.session: _Document = self._memory.get(self._session) or {}
        self.birth: _Document = self._memory.get(self._part) or {}

    def note(self, **changed: object) -> None:
        """Remember something of the session."""
        self.session = {**self.session, **changed}
        self._memory.put(self._session, self.session)

    def name(self, message: Payload) -> None:
        """Remember the names, types and units of a birth certificate."""
        at, told = self.session.get("at"), self.birth
        first = not told or told["at"] != at  # of this session
        again = not first and told["ts"] == message.timestamp
        named = [metric for metric in message.metrics if metric.name]
        self.birth = {
            "at": at,
            "ts": message.timestamp,
            "since": self.session.get("since") if first else message.timestamp,
            "metrics": {_name(m): [m.datatype, storable(m.unit or "")] for m in named},
            "aliases": {str(m.alias): _name(m) for m in named if m.alias is not None},
            "earlier": told.get("earlier") if again else _without_earlier(told),
        }
        if again:
            self.birth["since"] = told["since"]
        self._memory.put(self._part, self.birth, explains=not again)

    def bury(self) -> None:
        """Remember that the device is gone."""
        if self.birth:
            self.birth = {**self.birth, "dead": True}
            self._memory.put(self._part, self.birth)

    def explanation(self, message: Payload) -> _Document | None:
        """Return the birth certificate that holds for a message, if there is one."""
        born, alive = self.birth, self.session.get("alive", False)
        # what a node held back while it was cut off is sent, and named, by the newest birth
        history = all(metric.is_historical for metric in message.metrics)
        time = None if history and self._is_next(message) else message.timestamp
        if time is not None and born and time < (born["since"] or 0):
            earlier: _Document | None = born.get("earlier")
            return earlier if earlier and time >= (earlier["since"] or 0) else None
        if not alive or not born or born.get("dead"):
            return None
        # the births of devices follow that of their node: those of before hold no longer
        before = time is not None and time < (self.session.get("at") or 0)
        return born if before or born["at"] == self.session.get("at") else None

    def _is_next(self, message: Payload) -> bool:
        last = self.session.get("seq")
        return last is not None and message.seq == (last + 1) % 256

    def follow(self, message: Payload) -> bool:
        """Note the number of a message and tell whether one before it is missing."""
        seq, last, newest = message.seq, self.session.get("seq"), self.session.get("ts")
        if seq is None or last is None or newest is None:
            return False
        time: int = newest if message.timestamp is None else message.timestamp
        missing = False
        if not self._is_next(message):
            behind = (last - seq) % 256 < 128
            if time < newest or (time == newest and behind):
                return False  # it came before, or late
            missing = True
        self.note(seq=seq, ts=time)
        return missing

    def ask(self) -> tuple[tuple[str, bytes]]:
        """Ask for the births; whoever publishes it sees that it is not asked too often."""
        return ((self._command, rebirth()),)

    def orphaned(self, message: Payload, why: str) -> Undecodable:
        """Note that data cannot be explained; return what to raise."""
        time, known = message.timestamp, self.session.get("orphan")
        if time is not None and (known is None or time < known):
            self.note(orphan=time)
        return Undecodable(Reason.NO_BIRTH, why, self.ask())


def _node_birth(node: _Node, message: Payload) -> Decoded:
    at, bd = message.timestamp or 0, _bd_seq(message)
    known = node.session.get("at"), node.session.get("bd")
    if known != (at, bd) or not node.session.get("alive"):
        # data that came unexplained since the last death is of this very session
        orphan = node.session.get("orphan")
        since = at if orphan is None else min(at, orphan)
        seq = (message.seq or 0) % 256
        node.note(at=at, bd=bd, since=since, alive=True, seq=seq, ts=at, orphan=None)
        node.name(message)
    return _readings(message, node.birth, Signs(online=True))


def _device_birth(node: _Node, message: Payload) -> Decoded:
    missing = not node.session.get("alive") or node.follow(message)
    node.name(message)
    found = _readings(message, node.birth, Signs(online=True))
    return found._replace(replies=node.ask()) if missing else found


def _data(node: _Node, message: Payload) -> Decoded:
    birth = node.explanation(message)
    missing = node.follow(message)
    if birth is None:
        raise node.orphaned(message, "no birth certificate is known that explains it")
    for metric in message.metrics:
        if not metric.name and not _explains(birth, metric):
            why = f"no birth certificate gives alias {metric.alias} a name and this type"
            raise node.orphaned(message, why)
    found = _readings(message, birth)
    return found._replace(replies=node.ask()) if missing else found


def _node_death(node: _Node, message: Payload) -> Decoded:
    told, born = _bd_seq(message), node.session.get("bd")
    if told is not None and born is not None and 0 < (born - told) % 256 < 128:
        return NOTHING  # the will of a session that has ended long ago
    if node.session:
        node.note(alive=False, orphan=None)
    return Decoded([], [], signs=Signs(online=False))


def _device_death(node: _Node, message: Payload) -> Decoded:
    missing = node.follow(message)
    node.bury()
    return Decoded([], [], signs=Signs(online=False), replies=node.ask() if missing else ())


_BY_KIND = {
    "NBIRTH": _node_birth,
    "DBIRTH": _device_birth,
    "NDATA": _data,
    "DDATA": _data,
    "NDEATH": _node_death,
    "DDEATH": _device_death,
}


def _explains(birth: _Document, metric: Metric) -> bool:
    """Tell whether an alias is known, as a metric of the same kind."""
    name = birth["aliases"].get(str(metric.alias))
    if name is None:
        return False
    born = birth["metrics"][name][0]
    return not (metric.datatype and born) or kind_of(metric.datatype) == kind_of(born)


def _readings(message: Payload, birth: _Document, signs: Signs | None = None) -> Decoded:
    harvest = Harvest()
    for metric in message.metrics:
        name = _name(metric) or birth["aliases"].get(str(metric.alias), "")
        if name == _BIRTH_AND_DEATH or name.startswith(_CONTROL) or metric.is_transient:
            harvest.take(name or "?", None, None)  # it keeps its place among the items
            continue
        datatype, unit = birth["metrics"].get(name, (None, ""))
        stated_at = message.timestamp if metric.timestamp is None else metric.timestamp
        time = None if stated_at is None else min(stated_at, _FAR_MS) * 1_000
        try:
            value = value_of(metric, metric.datatype or datatype)
        except Malformed as fault:
            harvest.refuse(name, f"{name!r}: {fault}")
            continue
        harvest.take(name, value, time, unit if units.known(unit) else None)
    return harvest.decoded(signs)


def _name(metric: Metric) -> str:
    return storable(metric.name or "")


def _bd_seq(message: Payload) -> int | None:
    found = (m.stated for m in message.metrics if m.name == _BIRTH_AND_DEATH)
    return next((stated for stated in found if isinstance(stated, int)), None)


def _without_earlier(birth: _Document) -> _Document | None:
    return {**birth, "earlier": None} if birth else None


def _device_key(levels: tuple[str, ...]) -> str:
    return key_of(levels[1], *levels[3:])


_FILTERS = tuple(
    f"spBv1.0/+/{kind}/+" + ("/+" if kind.startswith("D") else "") for kind in _BY_KIND
)
FORMAT = Format(
    "sparkplug", _FILTERS, _device_key, decode, alone=False, answers=("spBv1.0/+/NCMD/+",)
)
