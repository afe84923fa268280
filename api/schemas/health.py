"""Shapes of liveness and readiness."""

from typing import Literal

from api.schemas.shape import Answer


class Live(Answer):
    """The process answers."""

    live: Literal[True] = True


class Part(Answer):
    """Whether one part works, and why not."""

    name: str
    ready: bool
    why: str


class Ready(Answer):
    """Whether the platform can serve, part by part."""

    ready: bool
    parts: list[Part]
