"""The intake: messages in, a batch of canonical, checked readings and refusals out.

Pure but for the catalogue it is given. Python handles a message and its readings by
dictionary lookups; everything numerical is done once for the whole batch (`conversion`).
"""

from collections.abc import Sequence

from ingest.batch import Batch
from ingest.conversion import AHEAD_US, FIRST_US, Rows, convert
from ingest.mqtt import topics
from ingest.mqtt.envelope import opened
from ingest.mqtt.format import Address, Decoded, Memory, NotMine, Refusal, Undecodable
from ingest.mqtt.inbox import Message
from ingest.placement import Device, Placement, Unplaced
from models.reading import UNKNOWN, Reason
from models.store.unclaimed import Value
from models.store.uplinks import Frame

MAX_PAYLOAD = 262_144  # bytes: 3,000 readings of Heitu JSON
_LARGEST_SEQ = 2**31 - 1


def digest(
    messages: Sequence[Message],
    placement: Placement,
    *,
    judged_at: int | None = None,
    only: Sequence[set[int] | None] | None = None,
) -> Batch:
    """Decode, place and check messages.

    Parameters
    ----------
    messages : sequence of Message
        In order of arrival; a gateway's message in its parts (see `parted`).
    placement : Placement
        The compiled catalogue.
    judged_at : int, optional
        Present instant of the time rule, microseconds; a message's arrival by default.
    only : sequence of (set of int or None), optional
        For each message the positions of the readings to take, the others being settled
        already; None takes all.
    """
    batch = Batch(messages, [UNKNOWN] * len(messages), calibration=placement.calibration_version)
    batch.memory = Memory(placement.announcements)
    rows = _Taking(batch, placement)
    for number, message in enumerate(messages):
        try:
            rows.take(number, message, only[number] if only else None)
        except Undecodable as fault:
            batch.refuse_whole(number, fault.reason, fault.detail)
            batch.replies.extend(fault.replies)
    convert(batch, rows.columns, placement, judged_at)
    return batch


def parted(messages: Sequence[Message]) -> list[Message]:
    """Open envelopes of edge stations, and split what gateways say for several devices."""
    found: list[Message] = []
    for message in map(opened, messages):
        found.extend(_parts(message) or (message,))
    return found


def _parts(message: Message) -> list[Message]:
    try:
        format_ = topics.parse(message.topic).format
    except Undecodable:
        return []
    if format_.parts is None or message.flooding or message.size > MAX_PAYLOAD:
        return []
    levels = tuple(message.topic.split("/"))
    return [
        message._replace(topic=topic, payload=payload, size=len(payload))
        for topic, payload in format_.parts(levels, message.payload)
    ]


def unknown(batch: Batch) -> bool:
    """Tell whether a newer catalogue might cure some refusals of a batch."""
    curable = (Reason.UNKNOWN_DEVICE, Reason.UNKNOWN_QUANTITY, Reason.NO_BIRTH)
    return any(refused.reason in curable for refused in batch.refused)


class _Taking:
    """Messages one after the other into the columns of a batch."""

    def __init__(self, batch: Batch, placement: Placement) -> None:
        self.columns = Rows()
        self._batch, self._placement = batch, placement

    def take(self, number: int, message: Message, only: set[int] | None) -> None:
        """Decode one message and place its readings.

        Raises
        ------
        Undecodable
            The message as a whole is refused.
        """
        batch = self._batch
        addresses = topics.addresses(message.topic)
        device = self._placement.device(addresses[0].device_key)
        if device is not None:
            batch.accounts[number] = device.key
        if message.flooding:
            raise Undecodable(Reason.FLOODING, "more messages than the device may send")
        if message.size > MAX_PAYLOAD:
            detail = f"{message.size} bytes; {MAX_PAYLOAD} are allowed"
            raise Undecodable(Reason.TOO_LARGE, detail)
        decoded, address, device = self._decoded(addresses, message)
        if device is not None:
            self._known(number, device, decoded)
        batch.replies.extend(decoded.replies)
        if message.retained:
            decoded = self._dated(decoded)
        if device is None:
            return _refuse_unregistered(batch, number, address, decoded)
        if decoded.selective:
            decoded = self._registered(message, decoded, device)
        if only is not None:
            decoded = _selected(decoded, only)
        if decoded.uplink is not None:
            batch.frames[number] = Frame(device.id, *decoded.uplink, message.received)
        return self._place(number, decoded, device)

    def _dated(self, decoded: Decoded) -> Decoded:
        """Leave out what tells no time, of a message that the broker had in store.

        It came when it was new, or is older than our session; now it would be a reading of
        the present. It comes again at every connection, so it is counted, not quarantined.
        """
        sent = [s for s in decoded.sent if s.time is not None]
        if sent or decoded.refused:
            self._batch.undated += len(decoded.sent) - len(sent)
            return decoded._replace(sent=sent)
        self._batch.undated += len(decoded.sent) + len(decoded.kept)
        return decoded._replace(sent=[], kept=(), selective=False)

    def _known(self, number: int, device: Device, decoded: Decoded) -> None:
        self._batch.accounts[number] = device.key
        self._batch.devices[number] = device.id
        if decoded.signs is not None:
            self._batch.signs[number] = decoded.signs

    def _decoded(
        self, addresses: tuple[Address, ...], message: Message
    ) -> tuple[Decoded, Address, Device | None]:
        """Ask the formats of the topic, the most specific first, until one has the message."""
        for plain in addresses:
            device = self._placement.device(plain.device_key)
            if device is None and plain.format.other_name is not None:
                name = plain.format.other_name(message.payload)
                device = None if name is None else self._placement.device(name)
            address = self._informed(plain, device)
            try:
                return address.format.decode(address, message.payload), address, device
            except NotMine:
                continue
        detail = f"no format under {message.topic[:200]!r} has this shape"
        raise Undecodable(Reason.WRONG_SHAPE, detail)

    def _informed(self, address: Address, device: Device | None) -> Address:
        """Add what the format may want to know beside the topic."""
        if device is not None and device.zone is not None:
            address = address._replace(zone=device.zone, profile=device.profile)
        if not address.format.alone:
            address = address._replace(memory=self._batch.memory)
        return address

    def _registered(self, message: Message, decoded: Decoded, device: Device) -> Decoded:
        """Take what has a datastream and keep the rest unclaimed.

        If nothing has one, the message is of no use yet and goes to quarantine.
        """
        streams, at = device.streams, message.received
        sent = [s for s in decoded.sent if s.channel in streams]
        refused = [r for r in decoded.refused if r.channel in streams]
        # positions below 0, for they are none of the readings'
        refused += [
            Refusal(-place, Reason.WRONG_SHAPE, f"{k.channel!r} is {k.text[:80]}", k.channel)
            for place, k in enumerate(decoded.kept, 1)
            if k.channel in streams
        ]
        if not sent and not refused and (decoded.sent or decoded.refused):
            names = [str(s.channel) for s in decoded.sent]
            names += [str(r.channel) for r in decoded.refused]
            detail = f"none of {', '.join(names)[:300]} is a channel of the device"
            raise Undecodable(Reason.UNKNOWN_QUANTITY, detail)
        time = next((s.time for s in decoded.sent if s.time is not None), at)
        kept = [
            Value(device.id, s.channel or "", at if s.time is None else s.time, repr(s.value), at)
            for s in decoded.sent
            if s.channel not in streams
        ]
        kept += [
            Value(device.id, k.channel, time, k.text, at)
            for k in decoded.kept
            if k.channel not in streams
        ]
        # at an impossible time not even a registered key would have a value
        self._batch.unclaimed += [v for v in kept if FIRST_US <= v.time <= at + AHEAD_US]
        return decoded._replace(sent=sent, refused=refused)

    def _place(self, number: int, decoded: Decoded, device: Device) -> None:
        channels, rows = device.rows, self.columns
        for sent in decoded.sent:
            row: int | Unplaced | None = None
            if sent.unit is None and sent.quantity is None:
                row = channels.get(sent.channel)
            if row is None:
                row = self._placement.row(device, sent)
            if isinstance(row, Unplaced):
                self._batch.refuse(number, sent.item, row.reason, row.detail)
                continue
            if sent.seq and not -_LARGEST_SEQ <= sent.seq <= _LARGEST_SEQ:
                detail = f"the sequence number {sent.seq} does not fit 32 bits"
                self._batch.refuse(number, sent.item, Reason.WRONG_SHAPE, detail)
                continue
            if sent.time is None:
                rows.untimed[len(rows.row)] = sent.ago
            rows.row.append(row)
            rows.time.append(sent.time)
            rows.value.append(sent.value)
            rows.message.append(number)
            rows.item.append(sent.item)
            rows.seq.append(sent.seq)
        for refused in decoded.refused:
            self._batch.refuse(number, refused.item, refused.reason, refused.detail)


def _selected(decoded: Decoded, only: set[int]) -> Decoded:
    return decoded._replace(
        sent=[sent for sent in decoded.sent if sent.item in only],
        refused=[refused for refused in decoded.refused if refused.item in only],
    )


def _refuse_unregistered(batch: Batch, number: int, address: Address, decoded: Decoded) -> None:
    n = 1 if decoded.selective else len(decoded.sent) + len(decoded.refused)
    if n:
        detail = f"no device {address.device_key[:80]!r} is registered"
        batch.refuse_whole(number, Reason.UNKNOWN_DEVICE, detail, n)
