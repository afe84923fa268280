"""What a channel carries: a recommendation or an alarm in words short enough for its reader."""

from dataclasses import dataclass
from datetime import date, timedelta

from analytics.alarms import wording
from models.alarm import Alarm, Severity
from models.calendar import SHANGHAI, day_of
from models.place import Field, Provenance
from models.recommendation import Recommendation

_SMS = 70  # characters of one Chinese text message (UCS-2)
_SIGN = "【黑土】"
_LABEL = {Provenance.RELOCATED: "（演示）", Provenance.SYNTHETIC: "（模拟）"}


@dataclass(frozen=True, slots=True)
class Advisory:
    """A recommendation or an alarm addressed to the officers of a region.

    Attributes
    ----------
    number : int
        Of the outbox entry: a channel that takes it twice keeps one.
    sms : str
        At most 70 characters, one text message.
    text_zh, text_en : str
        The action with all its reasons.
    recommendation_id, alarm_id : int or None
        What it is about: one of the two.
    field_zh, field_en : str
        Name of the field, or of what the alarm is about.
    kind, status, action : str
        Of an alarm: "alarm", its severity, and "opened", "cleared" or "escalated".
    """

    number: int
    recommendation_id: int | None
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
    alarm_id: int | None = None


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
    return _fitted(head, f"{_short(field.name_zh, 12)}：{it.advice.action_zh}", f" #{it.id}")


def _fitted(head: str, body: str, tail: str) -> str:
    return head + _short(body, _SMS - len(head) - len(tail)) + tail


def _short(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


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


_OCCASION = {
    "opened": ("报警", "Alarm"),
    "cleared": ("解除", "Cleared"),
    "escalated": ("无人处理", "Not acknowledged"),
}
_SEVERITY = {
    Severity.INFO: ("提示", "info"),
    Severity.WARNING: ("警告", "warning"),
    Severity.CRITICAL: ("紧急", "critical"),
}
_VALID = timedelta(days=7)  # an alarm in a letter a week old says nothing about today


def compose_alarm(
    number: int, it: Alarm, occasion: str, region_code: str, region_name: str
) -> Advisory:
    """Put what happened to an alarm into the words of an advisory."""
    at = it.cleared if occasion == "cleared" and it.cleared else it.opened
    return Advisory(
        number=number,
        recommendation_id=None,
        region_code=region_code,
        region_name=region_name,
        field_zh=it.name_zh,
        field_en=it.name_en,
        kind="alarm",
        crop="",
        status=it.severity.value,
        action=occasion,
        expires=day_of(at + _VALID),
        sms=alarm_sms(it, occasion),
        text_zh=_alarm_text(it, occasion, region_name, zh=True),
        text_en=_alarm_text(it, occasion, region_name, zh=False),
        alarm_id=it.id,
    )


def alarm_sms(it: Alarm, occasion: str) -> str:
    """Write an alarm as one text message: at most 70 characters."""
    head = _SIGN + _LABEL.get(Provenance(it.provenance), "")
    title = it.facts["title_zh"]
    body = f"{_OCCASION[occasion][0]}：{_short(it.name_zh, 18)} {title}"
    if occasion != "cleared":
        body += f"，{wording.reason(it, zh=True)}"
    return _fitted(head, body, f" A{it.id}")


def _alarm_text(it: Alarm, occasion: str, region_name: str, *, zh: bool) -> str:
    which = 0 if zh else 1
    title, text = (it.facts[f"{part}_{'zh' if zh else 'en'}"] for part in ("title", "text"))
    label = _LABEL.get(Provenance(it.provenance), "") if zh else ""
    colon = "：" if zh else ": "
    said = f"{_OCCASION[occasion][which]} [{_SEVERITY[it.severity][which]}]{label}{colon}{title}"
    when = it.opened.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    lines = [
        said if len(said) <= _SMS else said[: _SMS - 1] + "…",
        f"{region_name} {it.name_zh if zh else it.name_en}",
        f"- {wording.reason(it, zh=zh)}",
        f"- {'开始于' if zh else 'opened'} {when}",
    ]
    if it.cleared is not None:
        over = it.cleared.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
        lines.append(f"- {'解除于' if zh else 'cleared'} {over}")
    elif text:
        lines.append(text)
    lines.append(f"{'依据' if zh else 'Source'}{colon}{it.facts['source']}")
    return "\n".join([*lines, f"A{it.id} {it.rule_key}"]) + "\n"
