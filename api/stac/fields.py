"""Choosing members of an item (STAC API fields extension)."""

from typing import Any, Final

# without them a client cannot tell what it holds
_ALWAYS: Final = ("id", "collection", "type", "stac_version")
_USUAL: Final = ("geometry", "bbox", "links", "assets", "properties.datetime")


def picked(
    item: dict[str, Any], include: tuple[str, ...], exclude: tuple[str, ...]
) -> dict[str, Any]:
    """Keep the members asked for; those to leave out win."""
    if not include and not exclude:
        return item
    made: dict[str, Any] = item if not include else {}
    for path in (*_ALWAYS, *_USUAL, *include) if include else ():
        made = _with(made, item, path.split("."))
    for path in exclude:
        if path not in _ALWAYS:
            made = _without(made, path.split("."))
    return made


def _with(made: dict[str, Any], item: dict[str, Any], steps: list[str]) -> dict[str, Any]:
    head, *rest = steps
    if head not in item:
        return made
    if not rest or not isinstance(item[head], dict):
        return {**made, head: item[head]}
    return {**made, head: _with(made.get(head) or {}, item[head], rest)}


def _without(made: dict[str, Any], steps: list[str]) -> dict[str, Any]:
    head, *rest = steps
    if head not in made:
        return made
    if not rest:
        return {name: value for name, value in made.items() if name != head}
    inner = made[head]
    return {**made, head: _without(inner, rest)} if isinstance(inner, dict) else made
