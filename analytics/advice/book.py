"""The book of advisors: to add one, write its module and list it here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from analytics.advice import sowing
from models.errors import Invalid
from models.recommendation import Advice


@dataclass(frozen=True, slots=True)
class Advisor:
    """A method of advice: what it is called, which crops it knows, and its rule."""

    kind: str
    crops: tuple[str, ...]
    method: str
    version: str
    advise: Callable[[dict[str, Any]], Advice]


ADVISORS: dict[str, Advisor] = {
    advisor.kind: advisor
    for advisor in (
        Advisor("sowing_window", sowing.CROPS, sowing.METHOD, sowing.VERSION, sowing.advise),
    )
}


def advisor_for(kind: str, crop: str) -> Advisor:
    """Look an advisor up.

    Raises
    ------
    Invalid
        There is no such kind of advice, or it does not know the crop.
    """
    advisor = ADVISORS.get(kind)
    if advisor is None:
        raise Invalid(why=f"kind must be one of: {', '.join(ADVISORS)}")
    if crop not in advisor.crops:
        raise Invalid(why=f"crop must be one of: {', '.join(advisor.crops)}")
    return advisor
