"""The device profiles of this platform: one TOML file for each device model.

A file may begin with ``base``, another profile whose facts it takes over.
"""

import tomllib
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from models.errors import UnknownProfile
from models.profile import Profile, ProfileChannel

_FOLDER = Path(__file__).parent
_KNOWN = {field.name for field in fields(Profile)} | {"base"} - {"key"}
_KNOWN_OF_CHANNEL = {field.name for field in fields(ProfileChannel)}


@cache
def profiles() -> dict[str, Profile]:
    """Return every profile by its key, the name of its file."""
    return {path.stem: _profile(path.stem) for path in sorted(_FOLDER.glob("*.toml"))}


def profile(key: str) -> Profile:
    """Look a profile up.

    Raises
    ------
    UnknownProfile
        There is none of that key.
    """
    try:
        return profiles()[key]
    except KeyError:
        raise UnknownProfile(key=key, known=", ".join(profiles())) from None


def _profile(key: str) -> Profile:
    facts = _facts(key)
    strange = facts.keys() - _KNOWN
    for channel in facts.get("channels", ()):
        strange |= channel.keys() - _KNOWN_OF_CHANNEL
    if strange:
        raise ValueError(f"{key}.toml: unknown {', '.join(sorted(strange))}")
    return msgspec.convert(facts | {"key": key}, Profile)


def _facts(key: str) -> dict[str, Any]:
    facts = tomllib.loads((_FOLDER / f"{key}.toml").read_text("utf-8"))
    base = facts.pop("base", None)
    return facts if base is None else _facts(base) | facts
