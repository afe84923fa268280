"""What an alarm says, in both languages, with its numbers and how well founded its limit is."""

from typing import Any

from models.alarm import Alarm, AlarmRule, Kind, Side, Trust
from models.calendar import SHANGHAI
from models.quantity import QUANTITIES

_UNITS = {"Cel": "°C", "m3/m3": "m³/m³", "W/m2": "W/m²", "[ppm]": "ppm", "[NTU]": "NTU", "1": ""}
_INDEX = {"thi_mader_2006": ("温湿指数 THI", "Temperature-humidity index")}
_WARNING = {
    Trust.RECALLED: ("（阈值为经验值，未经核实）", " (limit recalled, not verified)"),
}


def facts(rule: AlarmRule) -> dict[str, Any]:
    """Return what an alarm keeps of its rule: words, limits, source and trust."""
    return {
        "title_zh": rule.title_zh,
        "title_en": rule.title_en,
        "text_zh": rule.text_zh,
        "text_en": rule.text_en,
        "source": rule.source,
        "trust": rule.trust.value,
        "hold_s": rule.hold_s,
        "terms": [
            {
                "quantity": term.quantity,
                "side": term.side.value,
                "limit": term.limit,
                "unit": _unit(term.quantity),
                "label_zh": _label(term.quantity, zh=True),
                "label_en": _label(term.quantity, zh=False),
            }
            for term in rule.terms
        ],
    }


def reason(alarm: Alarm, *, zh: bool) -> str:
    """Say in one sentence why the alarm opened."""
    if alarm.kind is Kind.NO_DATA:
        return _silence(alarm, zh=zh)
    if alarm.kind is Kind.FLOODING:
        n = 0 if alarm.value is None else round(alarm.value)
        told = (f"发送过快，{n} 条消息被搁置", f"sends too fast, {n} messages set aside")
        return told[0 if zh else 1]
    if alarm.kind is Kind.INTAKE:
        return "数据接入中断或滞后" if zh else "the intake stands still or lags behind"
    said = [_term(alarm, n, term, zh=zh) for n, term in enumerate(alarm.facts.get("terms", []))]
    trust = _WARNING.get(Trust(alarm.facts.get("trust", Trust.CHOICE)), ("", ""))
    return ("，且" if zh else " and ").join(said) + trust[0 if zh else 1]


def _silence(alarm: Alarm, *, zh: bool) -> str:
    since = alarm.since.astimezone(SHANGHAI).strftime("%m-%d %H:%M")
    if alarm.members:
        n = alarm.members
        return f"{n} 台设备自 {since} 起同时无数据" if zh else f"{n} devices silent since {since}"
    return f"自 {since} 起无数据" if zh else f"no data since {since}"


def _term(alarm: Alarm, number: int, term: dict[str, Any], *, zh: bool) -> str:
    label = term["label_zh" if zh else "label_en"]
    unit = f" {term['unit']}" if term["unit"] else ""
    limit, value = term["limit"], alarm.value if number == 0 else None
    if alarm.kind is Kind.FLAT_LINE:
        shown = "" if value is None else f" {value:.4g}{unit}"
        return f"{label}{shown} 长时间不变" if zh else f"{label}{shown} does not change"
    per = ("/小时" if zh else " per hour") if alarm.kind is Kind.RATE else ""
    below = term["side"] == Side.BELOW
    side = ("低于" if below else "高于") if zh else ("below" if below else "above")
    figure = "" if value is None else f" {value:.4g}{unit}{per}"
    comma = "，" if zh and figure else "," if figure else ""
    return f"{label}{figure}{comma}{'' if zh else ' '}{side} {limit:g}{unit}{per}"


def _label(quantity: str, *, zh: bool) -> str:
    if quantity in _INDEX:
        return _INDEX[quantity][0 if zh else 1]
    known = QUANTITIES[quantity]
    return known.zh if zh else known.en


def _unit(quantity: str) -> str:
    if quantity in _INDEX:
        return ""
    unit = QUANTITIES[quantity].unit
    return _UNITS.get(unit, unit.strip("[]"))
