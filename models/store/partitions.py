"""Topic partitions: which ingestor reads which share of the topics, by leases.

Every time limit is by the clock of the database, so that the clocks of the ingestors' machines
do not matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from models.store.database import ReadTx, WriteTx

BEAT_PREFIX = "ingestor "  # an ingestor's sign of life is under this and its name


@dataclass(frozen=True, slots=True)
class Partition:
    """A share of the topics.

    Attributes
    ----------
    filters : tuple of str
        Topic filters it shall hold; none when it is retired.
    held : tuple of str
        Topic filters of its session at the broker.
    owner : str or None
        The ingestor that reads it.
    owned : bool
        Whether the owner has been heard of in time.
    """

    number: int
    filters: tuple[str, ...]
    held: tuple[str, ...]
    owner: str | None
    owned: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """How matters stand: ingestors at work, and every partition by number."""

    living: int
    partitions: tuple[Partition, ...]


def counties(tx: ReadTx) -> list[str]:
    """Return every division code, and retired code, that a topic may carry."""
    return [row.code for row in tx.rows("partitions", "counties")]


def plan(tx: WriteTx, filters: Sequence[Sequence[str]], *, first_held: Sequence[str] = ()) -> None:
    """Say what each partition shall hold; partitions beyond the given ones are retired.

    Parameters
    ----------
    filters : sequence of sequence of str
        By number of the partition.
    first_held : sequence of str
        What the session of partition 0 holds at the broker when the plan is new: that of an
        ingestor that had no partitions.
    """
    tx.run("partitions", "alone")
    for number, own in enumerate(filters):
        held = list(first_held) if number == 0 else []
        tx.run("partitions", "plan", number=number, filters=list(own), held=held)
    tx.run("partitions", "retire", count=len(filters))


def turn(tx: WriteTx, name: str, *, lease_s: float, dead_s: float) -> Turn:
    """Say that an ingestor lives, renew its leases, and look at everybody's.

    Nobody else looks or claims before the transaction ends.

    Parameters
    ----------
    lease_s : float
        Seconds until a silent ingestor loses its partitions.
    dead_s : float
        Seconds after which its last sign of life is forgotten too.
    """
    tx.run("partitions", "alone")
    tx.run("partitions", "join_in", name=name, seconds=lease_s)
    tx.run("partitions", "bury", seconds=dead_s, prefix=BEAT_PREFIX)
    tx.run("partitions", "renew", name=name, seconds=lease_s)
    living = tx.row("partitions", "living")
    assert living is not None
    return Turn(living.n, tuple(partitions(tx)))


def partitions(tx: ReadTx) -> list[Partition]:
    """Return every partition by number; none where there is only one ingestor."""
    return [
        Partition(row.number, tuple(row.filters), tuple(row.held), row.owner, row.owned)
        for row in tx.rows("partitions", "partitions")
    ]


def claim(tx: WriteTx, name: str, numbers: Sequence[int], *, lease_s: float) -> None:
    """Take partitions over, in the transaction of a `turn` that showed them free."""
    tx.run("partitions", "claim", name=name, numbers=list(numbers), seconds=lease_s)


def release(tx: WriteTx, name: str, numbers: Sequence[int]) -> None:
    """Give partitions back."""
    tx.run("partitions", "release", name=name, numbers=list(numbers))


def leave(tx: WriteTx, name: str) -> None:
    """End in good order: no longer counted, and no sign of life left behind."""
    tx.run("partitions", "leave", name=name)
    silence(tx, BEAT_PREFIX + name)


def silence(tx: WriteTx, part: str) -> None:
    """Take back the sign of life of a part that is not meant to give another one."""
    tx.run("partitions", "silence", part=part)


def hold(tx: WriteTx, name: str, number: int, held: Sequence[str]) -> None:
    """Note what the session of a partition holds now."""
    tx.run("partitions", "hold", name=name, number=number, held=list(held))


def remove(tx: WriteTx, name: str, number: int) -> None:
    """Strike out a retired partition whose session is closed."""
    tx.run("partitions", "remove", name=name, number=number)


def undo(tx: WriteTx) -> bool:
    """Do without partitions, if they are none, or one that nobody reads; tell whether so."""
    tx.run("partitions", "undo")
    return not partitions(tx)
