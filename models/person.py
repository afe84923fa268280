"""People, their roles, and the one place that says who may do what."""

from dataclasses import dataclass
from enum import StrEnum

from models.errors import Forbidden
from models.place import covers


class Role(StrEnum):
    """What an account is for."""

    VIEWER = "viewer"  # sees its region
    AGRONOMIST = "agronomist"  # and requests recommendations, claims devices by their labels
    OFFICER = "officer"  # and confirms or overrides them (农技推广员)
    OPERATOR = "operator"  # and registers farms, fields, devices; sees quarantine
    GATEWAY = "gateway"  # a network server or data logger: hands readings in, sees nothing


class Action(StrEnum):
    """What can be done; worded to finish the sentence 'may not ... here'."""

    READ = "read"
    ADVISE = "request recommendations"
    DECIDE = "decide on recommendations"
    CLAIM = "claim devices"
    REGISTER = "register farms, fields and devices"
    OPERATE = "see operations"
    INGEST = "hand readings in"


_MAY: dict[Role, frozenset[Action]] = {
    Role.VIEWER: frozenset({Action.READ}),
    Role.AGRONOMIST: frozenset({Action.READ, Action.ADVISE, Action.CLAIM}),
    Role.OFFICER: frozenset({Action.READ, Action.ADVISE, Action.CLAIM, Action.DECIDE}),
    Role.OPERATOR: frozenset(Action),
    Role.GATEWAY: frozenset({Action.INGEST}),
}


@dataclass(frozen=True, slots=True)
class Person:
    """An account: role and region scope (division code; its prefix bounds the account)."""

    id: int
    login: str
    name_zh: str
    name_en: str
    role: Role
    region_code: str


def permit(person: Person, action: Action, region_code: str | None = None) -> None:
    """Pass if the person may do ``action`` in ``region_code`` (None: in its own region).

    Raises
    ------
    Forbidden
        The role does not include the action, or the region lies outside the scope.
    """
    if action not in _MAY[person.role]:
        able = " or ".join(role for role in Role if action in _MAY[role])
        raise Forbidden(action=action.value, needs=f"the role {able}")
    if region_code is not None and not covers(person.region_code, region_code):
        raise Forbidden(action=action.value, needs=f"an account for region {region_code}")
