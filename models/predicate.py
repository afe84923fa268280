"""A question about entities as a tree: what a filter, an order and an expansion say.

The parser (in `api`) makes it, the store turns it into SQL with bound values.
"""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal; None is ``null``."""

    value: int | float | str | bool | datetime | None


@dataclass(frozen=True, slots=True)
class Path:
    """A property, reached over navigations: ``Datastream/ObservedProperty/name``."""

    steps: tuple[str, ...]

    def __str__(self) -> str:
        return "/".join(self.steps)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of expressions; ``not`` and the unary ``-`` are written as calls too."""

    name: str
    given: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """Two expressions joined: and or eq ne gt ge lt le add sub mul div mod."""

    sign: str
    left: "Expression"
    right: "Expression"


Expression = Constant | Path | Call | Operation


@dataclass(frozen=True, slots=True)
class Order:
    """One term of an order."""

    by: Expression
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Expansion:
    """A navigation whose entities come along, with options of its own."""

    navigation: str
    options: "Options"


@dataclass(frozen=True, slots=True)
class Options:
    """How a collection is asked for.

    Attributes
    ----------
    top : int or None
        Entities of a page as asked.
    select : tuple of str
        Properties shown; empty for all.
    said : dict
        Each option as it was written, to be repeated in the link to the next page.
    """

    filter: Expression | None = None
    expand: tuple[Expansion, ...] = ()
    orderby: tuple[Order, ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    select: tuple[str, ...] = ()
    said: dict[str, str] = field(default_factory=dict, compare=False)


def paths(expression: Expression) -> list[Path]:
    """Return every property that an expression names."""
    found, waiting = [], [expression]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Path):
            found.append(part)
        elif isinstance(part, Call):
            waiting += part.given
        elif isinstance(part, Operation):
            waiting += (part.left, part.right)
    return found
