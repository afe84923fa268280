"""What a channel carries: a recommendation in words short enough for its reader."""

from dataclasses import dataclass
from datetime import date

from models.place import Field, Provenance
from models.recommendation import Recommendation

_SMS = 70  # characters of one Chinese text message (UCS-2)
_SIGN = "【黑土】"
_LABEL = {Provenance.RELOCATED: "（演示）", Provenance.SYNTHETIC: "（模拟）"}


@dataclass(frozen=True, slots=True)
class Advisory:
    """A recommendation addressed to the officers of a county.

    Attributes
    ----------
    number : int
        Of the outbox entry: a channel that takes it twice keeps one.
    sms : str
        At most 70 characters, one text message.
    text_zh, text_en : str
        The action with all its reasons.
    """

    number: int
    recommendation_id: int
    region_code: str
    region_name: str
    field_zh: str
    field_en: str
    kind: str
    crop: str
    status: str
    action: str
    expires: date
    sms: str
    text_zh: str
    text_en: str


def compose(number: int, it: Recommendation, field: Field, region_name: str) -> Advisory:
    """Put a recommendation into the words of an advisory."""
    return Advisory(
        number=number,
        recommendation_id=it.id,
        region_code=it.region_code,
        region_name=region_name,
        field_zh=field.name_zh,
        field_en=field.name_en,
        kind=it.kind,
        crop=it.crop,
        status=it.advice.status.value,
        action=it.advice.action,
        expires=it.advice.expires,
        sms=sms(it, field),
        text_zh=_text(it, region_name, field.name_zh, zh=True),
        text_en=_text(it, region_name, field.name_en, zh=False),
    )


def sms(it: Recommendation, field: Field) -> str:
    """Write the action as one text message: at most 70 characters, cut with an ellipsis.

    The signature, the label of anything not real and the number survive a cut.
    """
    head = _SIGN + _LABEL.get(field.provenance, "")
    tail = f" #{it.id}"
    name = field.name_zh if len(field.name_zh) <= 12 else field.name_zh[:11] + "…"
    body = f"{name}：{it.advice.action_zh}"
    room = _SMS - len(head) - len(tail)
    return head + (body if len(body) <= room else body[: room - 1] + "…") + tail


def _text(it: Recommendation, region_name: str, field_name: str, *, zh: bool) -> str:
    advice = it.advice
    action = advice.action_zh if zh else advice.action_en
    reasons = [f"- {reason.zh if zh else reason.en}" for reason in advice.reasons]
    chance = advice.probability_of_zh if zh else advice.probability_of_en
    if advice.probability is not None:
        reasons.append(f"- {chance}: {advice.probability:.0%}")
    until = f"有效期至 {advice.expires}" if zh else f"Valid until {advice.expires}"
    method = f"{it.method} {it.method_version}, {it.input_hash[:12]}"
    return "\n".join([f"{region_name} {field_name}", action, *reasons, until, method]) + "\n"
