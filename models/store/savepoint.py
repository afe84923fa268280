"""A part of a transaction that can be undone by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from models.store.database import WriteTx


@contextmanager
def attempt(tx: WriteTx) -> Iterator[None]:
    """Undo what the block did when it ends with an exception, and nothing before it."""
    with tx.connection.begin_nested():
        yield
