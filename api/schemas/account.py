"""Shapes of log-in, person and the platform's own particulars."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from api.schemas.shape import Answer, Bilingual, Given, RegionRef
from models.person import Role

_NO_NUL = r"^[^\x00]*$"


class Credentials(Given):
    """Login and password."""

    login: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_NO_NUL)] = Field(
        examples=["officer"]
    )
    password: Annotated[SecretStr, Field(max_length=200)] = Field(examples=["a long password"])


class PersonOut(Answer):
    """An account."""

    id: int
    login: str
    name: Bilingual
    role: Role
    region: RegionRef


class TokenOut(Answer):
    """A token, shown once."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105
    expires_at: datetime
    person: PersonOut


class DemoAccountOut(Answer):
    """A login of the demonstration."""

    login: str
    password: str
    role: str
    name_zh: str
    name_en: str


class About(Answer):
    """What this server is."""

    name: str
    version: str
    demo: bool
    demo_accounts: list[DemoAccountOut]
    attribution: list[Bilingual]
    map_approval_number: str | None = Field(description="审图号 of the boundaries")
    time_zone: str
