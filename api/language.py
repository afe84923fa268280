"""Which of the platform's two languages a reader asked for."""

from typing import Literal

Language = Literal["zh", "en"]


def language_of(accept_language: str | None) -> Language:
    """Choose Chinese or English from an Accept-Language header; English when it names neither.

    Parameters
    ----------
    accept_language : str or None
        Value of the header, e.g. ``zh-CN,zh;q=0.9,en;q=0.8``.
    """
    best: Language = "en"
    best_weight = 0.0
    for part in (accept_language or "").lower().split(","):
        tag, _, parameters = part.strip().partition(";")
        weight = _weight(parameters)
        if weight > best_weight and tag[:2] in ("zh", "en"):
            best, best_weight = ("zh" if tag[:2] == "zh" else "en"), weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
