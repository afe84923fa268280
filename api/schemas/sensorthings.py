"""Shapes of SensorThings 1.1: loose, for a selection may leave any property out."""

from typing import Any

from pydantic import ConfigDict

from api.schemas.shape import Answer


class EntitySet(Answer):
    """A collection and its address."""

    name: str
    url: str


class Settings(Answer):
    """What the service conforms to."""

    conformance: list[str]


class Root(Answer):
    """The service document."""

    value: list[EntitySet]
    serverSettings: Settings  # noqa: N815


class Collection(Answer):
    """An entity, a property, or a page of a collection in `value`."""

    model_config = ConfigDict(extra="allow")

    value: Any = None
