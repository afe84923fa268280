"""Shapes of groups of devices."""

from typing import Annotated

from pydantic import Field

from api.schemas.devices import Ref
from api.schemas.places import BilingualName
from api.schemas.shape import Answer, Bilingual, Cursor, Given, Key, RegionRef


class GroupOut(Answer):
    """A group of devices."""

    id: int
    key: str
    name: Bilingual
    region: RegionRef
    members: int = Field(description="How many devices it has; list them by /v1/devices?group=")


class GroupList(Answer):
    """A page of groups."""

    items: list[GroupOut]
    next: Cursor


class GroupIn(Given):
    """A group to register; without a region it lies in the account's own."""

    key: Key = Field(examples=["yushu-west"])
    name: BilingualName
    region: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = None


class GroupChange(Given):
    """What is to be changed of a group; what is not named stays."""

    name: BilingualName | None = None
    add: Annotated[list[Ref], Field(max_length=1000)] = Field(
        default=[], description="Devices that join"
    )
    remove: Annotated[list[Ref], Field(max_length=1000)] = Field(
        default=[], description="Devices that leave"
    )
