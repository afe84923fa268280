"""Keyset paging: a page is cut after ``limit`` rows, its cursor names the last one."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

import msgspec
from fastapi import Query

from api.errors import BadCursor

Row = TypeVar("Row")
Key = tuple[int | str, ...]
_LARGEST = 2**53  # microseconds of the year 2255; every id is smaller
_LONGEST = 300  # characters


@dataclass(frozen=True, slots=True)
class Page:
    """How far a list is to be read: at most ``limit`` rows beyond the key ``after``."""

    of: str
    limit: int
    after: Key

    @property
    def one_more(self) -> int:
        """Rows to ask for: the extra one tells whether there is a next page."""
        return self.limit + 1

    @property
    def key(self) -> int:
        """The id of the last row read, 0 at the beginning."""
        return self.number() or 0

    def number(self) -> int | None:
        """Return the first part of the key, None at the beginning."""
        first = self.after[0] if self.after else None
        return first if isinstance(first, int) else None

    def cut(
        self, rows: Sequence[Row], key: Callable[[Row], Key]
    ) -> tuple[Sequence[Row], str | None]:
        """Split off the extra row and name the cursor of the next page."""
        if len(rows) <= self.limit:
            return rows, None
        kept = rows[: self.limit]
        return kept, cursor(self.of, key(kept[-1]))


def cursor(of: str, key: Key) -> str:
    """Encode the key of a row as an opaque cursor of the list ``of``."""
    raw = msgspec.json.encode([of, *key])
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def position(of: str, text: str, shape: tuple[type, ...]) -> Key:
    """Decode a cursor.

    Raises
    ------
    BadCursor
        It was not made by this list, or not by us.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        name, *key = msgspec.json.decode(raw, type=list[str | int])
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        raise BadCursor from None
    if name != of or tuple(map(type, key)) != shape or not all(map(_bounded, key)):
        raise BadCursor
    return tuple(key)


def _bounded(part: int | str) -> bool:
    if isinstance(part, int):
        return 0 <= part <= _LARGEST
    return len(part) <= _LONGEST and "\0" not in part


Limit = Annotated[
    int, Query(ge=1, description="Rows of a page; more than the maximum is capped, not refused.")
]
After = Annotated[
    str | None, Query(max_length=400, description="Cursor: `next` of the page before.")
]


def paged(
    of: str, *, usual: int = 100, most: int = 1000, shape: tuple[type, ...] = (int,)
) -> Callable[..., Awaitable[Page]]:
    """Make the dependency that reads ``limit`` and ``after`` of a list.

    Parameters
    ----------
    of : str
        Name of the list; a cursor of another list is refused.
    usual, most : int
        Limit when none is given, and the most that is served [rows].
    shape : tuple of type
        Types of the parts of a row's key.
    """

    async def page(limit: Limit = usual, after: After = None) -> Page:
        key: Key = () if after is None else position(of, after, shape)
        return Page(of, min(limit, most), key)

    return page
