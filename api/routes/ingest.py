"""Readings handed in over HTTP: batches, webhooks of network servers.

Committed before the answer. 200 says that every reading is accounted for, not that every
one is stored: the receipt names what became of each, and a quarantined one is kept and may
be put through later. There is no 207, for clients that repeat what is not 200 would repeat
what can never pass.
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from api.errors import WrongMediaType
from api.schemas import ingest as shapes
from api.schemas.ingest import Receipt
from api.schemas.problem import problems
from api.senders import AnySender, Body, JsonBody, Sender, media_type
from ingest import observations
from ingest.mqtt import topics
from ingest.mqtt.format import Undecodable
from ingest.mqtt.payloads import chirpstack, ttn
from ingest.mqtt.wire import document, micros, named
from ingest.observations import NOWHERE, Addressed, Item
from ingest.reception import Became, message, word
from models.errors import BadBody, Invalid
from models.reading import Reason
from models.store import senders

router = APIRouter(tags=["ingest"])
INGEST_PROBLEMS = problems(401, 403, 413, 415, 429)
_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
_ZH = {
    Reason.UNREADABLE: "无法解析",
    Reason.TOO_LARGE: "内容过大",
    Reason.WRONG_SHAPE: "字段缺失或类型不符",
    Reason.UNKNOWN_TOPIC: "没有这种格式",
    Reason.UNKNOWN_DEVICE: "设备未注册",
    Reason.UNKNOWN_QUANTITY: "没有对应的数据流或观测量",
    Reason.UNKNOWN_UNIT: "单位不符",
    Reason.NOT_A_NUMBER: "不是有限数值",
    Reason.MISSING_TIME: "缺少时间",
    Reason.IMPOSSIBLE_TIME: "时间不可能",
    Reason.UNDECODED: "原始字节，尚无解码器",
    Reason.POISON: "处理时出错",
    Reason.FLOODING: "发送过于频繁",
    Reason.NO_BIRTH: "缺少出生报文",
}


@router.post(
    "/v1/observations",
    summary="Hand readings in",
    response_model=Receipt,
    responses=INGEST_PROBLEMS,
    openapi_extra=shapes.OBSERVATIONS,
)
def take(request: Request, sender: AnySender, body: Body) -> dict[str, Any]:
    """Store one reading, a list, ``{"readings": [...]}`` or NDJSON, and say what became of each.

    The words are those of Heitu JSON over MQTT, with ``device`` (key) or ``datastream`` (id).
    A device logs in with its key and secret (Basic, or ``Bearer key:secret``) and hands in its
    own readings only. The same readings again are duplicates. At most 10,000 items and 8 MiB.
    """
    kind = media_type(request)
    if kind in _LINES:
        items = observations.of_lines(body)
    elif kind == "application/json" or kind.endswith("+json"):
        items = observations.of_json(body)
    else:
        raise WrongMediaType(
            "The body is {given!r}; send application/json or application/x-ndjson.",
            given=kind,
            zh=f"请求体类型为 {kind!r}；请发送 application/json 或 application/x-ndjson。",
        )
    return receipt(hand_in(sender, items))


def hand_in(sender: Sender, items: list[Item]) -> list[Became]:
    """Store items in the name of a sender; all of them must be admitted."""
    own = sender.own_key
    if own is not None:
        items = [
            item._replace(device=own) if not item.device and item.datastream is None else item
            for item in items
        ]
    return store(sender, list(observations.addressed(items, _streams(sender, items))))


def _streams(sender: Sender, items: list[Item]) -> dict[int, tuple[str, str]]:
    """Return device key and channel of the datastreams that the items name."""
    ids = sorted({it.datastream for it in items if it.datastream is not None})
    usable = [id_ for id_ in ids if 0 < id_ < 2**31]
    if not usable:
        return {}
    with sender.platform.database.reading() as tx:
        return senders.channels_of(tx, usable)


def store(sender: Sender, given: list[Addressed]) -> list[Became]:
    """Check whose the messages are, and store them."""
    sender.admit({name for it in given if it.topic != NOWHERE for name in _names(it)})
    now = micros(sender.platform.clock())
    messages = [message(it.topic, it.payload, now) for it in given]
    why = {place: it.why for place, it in enumerate(given) if it.why is not None}
    return sender.reception.take(messages, sender.name, why)


def _names(it: Addressed) -> set[str]:
    """Return every key under which the device of a message may be registered."""
    try:
        addresses = topics.addresses(it.topic)
    except Undecodable:
        return set()
    names = {address.device_key for address in addresses}
    for address in addresses:
        other = address.format.other_name
        if other is not None and (name := other(it.payload)) is not None:
            names.add(name)
    return names


def receipt(became: list[Became]) -> dict[str, Any]:
    """Show what became of the items of a body."""
    totals = dict.fromkeys(("stored", "duplicate", "revised", "quarantined"), 0)
    for one in became:
        totals[word(one.outcome)] += one.n
    totals["stored"] += totals["revised"]
    received = totals["stored"] + totals["duplicate"] + totals["quarantined"]
    return {"received": received, **totals, "items": [_item(one) for one in became]}


def _item(one: Became) -> dict[str, Any]:
    return {
        "item": one.message,
        "reading": one.item,
        "outcome": word(one.outcome),
        "reason": one.reason,
        "detail": None if one.reason is None else detail(one),
    }


def detail(one: Became) -> dict[str, str]:
    """Say in both languages why a reading was put aside."""
    assert one.reason is not None
    zh = _ZH.get(one.reason, one.reason.value)
    return {"zh": f"{zh}（{one.detail}）", "en": one.detail}


Event = Annotated[str, Query(pattern=r"^[a-z]{1,20}$", description="Kind of event, e.g. up")]


@router.post(
    "/v1/webhooks/chirpstack",
    summary="Take an event of ChirpStack",
    response_model=Receipt,
    responses=INGEST_PROBLEMS,
    openapi_extra=shapes.EVENT,
)
def from_chirpstack(sender: AnySender, body: JsonBody, event: Event) -> dict[str, Any]:
    """Take an event as the HTTP integration of ChirpStack v4 posts it (JSON)."""
    return receipt(store(sender, [_addressed(lambda: chirpstack.topic_of(event, body), body)]))


@router.post(
    "/v1/webhooks/ttn",
    summary="Take a message of The Things Stack",
    response_model=Receipt,
    responses=INGEST_PROBLEMS,
    openapi_extra=shapes.EVENT,
)
def from_ttn(sender: AnySender, body: JsonBody) -> dict[str, Any]:
    """Take a message as a webhook of The Things Stack v3 posts it (JSON).

    Its MQTT server knows QoS 0 only: this is the way on which nothing is lost.
    """
    return receipt(store(sender, [_addressed(lambda: ttn.topic_of(body), body)]))


def _addressed(topic_of: Callable[[], str], body: bytes) -> Addressed:
    """Give an event its topic; one that names no device is put aside as it is.

    Raises
    ------
    BadBody, Invalid
        It is no event at all: not JSON, or not an object.
    """
    try:
        return Addressed(topic_of(), body)
    except Undecodable as fault:
        event = document_of(body)
        if not isinstance(event, dict):
            raise Invalid(why=f"the body is {named(event)}, not an object") from None
        return Addressed(NOWHERE, body, (fault.reason, fault.detail))


def document_of(body: bytes) -> Any:  # noqa: ANN401
    """Parse a body as leniently as a message, or raise BadBody."""
    try:
        return document(body)
    except Undecodable as fault:
        raise BadBody(why=fault.detail) from None
