"""A Sparkplug B edge node, as simple as one can be: writes what a host application reads."""

import struct

from ingest.mqtt.protobuf import write

INT8, INT16, INT32, INT64, UINT8, UINT32, FLOAT, DOUBLE = 1, 2, 3, 4, 5, 7, 9, 10
BOOLEAN, STRING, DATE_TIME = 11, 12, 13
START_MS = 1_777_593_600_000  # 2026-05-01T00:00Z


def fixed(number, form, value):
    kind = {"<f": 5, "<d": 1}[form]
    return bytes([number << 3 | kind]) + struct.pack(form, value)


def metric(name=None, value=None, alias=None, datatype=FLOAT, at=None, unit=None, **flags):
    """A metric; ``flags`` are historical, transient, null; ``typed=False`` leaves the type out."""
    out = b"" if name is None else write(1, name.encode())
    out += b"" if alias is None else write(2, alias)
    out += b"" if at is None else write(3, at)
    out += write(4, datatype) if flags.pop("typed", True) else b""
    for field, flag in ((5, "historical"), (6, "transient"), (7, "null")):
        out += write(field, 1) if flags.get(flag) else b""
    if unit is not None:
        out += write(9, write(1, b"engUnit") + write(2, write(1, STRING) + write(8, unit.encode())))
    return out + (b"" if value is None else stated(value, datatype))


def stated(value, datatype):
    if datatype == FLOAT:
        return fixed(12, "<f", value)
    if datatype == DOUBLE:
        return fixed(13, "<d", value)
    if datatype == BOOLEAN:
        return write(14, int(value))
    if datatype == STRING:
        return write(15, value.encode())
    if datatype in (INT64, 8, DATE_TIME):
        return write(11, value % (1 << 64))
    return write(10, value % (1 << 32))


def payload(*metrics, seq=None, at=START_MS):
    out = b"" if at is None else write(1, at)
    out += b"".join(write(2, each) for each in metrics)
    return out if seq is None else out + write(3, seq)


class EdgeNode:
    """An edge node with one device: gives (topic, payload) and counts its messages."""

    def __init__(self, group="Jilin", node="node1", device="probe1"):
        self.group, self.node, self.device = group, node, device
        self.seq, self.bd, self.now = 0, 0, START_MS
        self.aliases = {"soil/moisture_20cm": 1, "air/temperature": 2}

    def topic(self, kind):
        tail = f"/{self.device}" if kind.startswith("D") else ""
        return f"spBv1.0/{self.group}/{kind}/{self.node}{tail}"

    def next(self):
        self.seq = (self.seq + 1) % 256
        self.now += 1_000
        return {"seq": self.seq, "at": self.now}

    def birth(self):
        """The births of the node and its device."""
        self.now += 1_000
        self.seq = 0
        bd = metric("bdSeq", self.bd, datatype=INT64, at=self.now)
        rebirth = metric("Node Control/Rebirth", False, datatype=BOOLEAN, at=self.now)
        supply = metric("Supply Voltage", 12.5, alias=9, at=self.now)
        node = self.topic("NBIRTH"), payload(bd, rebirth, supply, seq=0, at=self.now)
        stamp = self.next()
        units = {"soil/moisture_20cm": "%", "air/temperature": "Cel"}
        known = [metric(n, 0.0, a, at=self.now, unit=units[n]) for n, a in self.aliases.items()]
        return [node, (self.topic("DBIRTH"), payload(*known, **stamp))]

    def data(self, value, name="soil/moisture_20cm", **more):
        """Data of the device, by alias alone, as small as it gets."""
        stamp = self.next()
        sent = metric(None, value, self.aliases[name], at=self.now, typed=False, **more)
        return self.topic("DDATA"), payload(sent, **stamp)

    def death(self):
        bd = metric("bdSeq", self.bd, datatype=INT64)
        return self.topic("NDEATH"), payload(bd, at=None)

    def restart(self):
        """A new session: next birth number, other aliases."""
        self.bd += 1
        names = list(self.aliases)
        self.aliases = dict(zip(names, reversed(self.aliases.values()), strict=True))
