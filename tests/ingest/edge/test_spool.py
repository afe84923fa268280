"""The spool: what it has taken survives, and beyond its limit it refuses."""

import pytest

from ingest.edge.spool import Arrived, Spool
from models.errors import SpoolFull

MEGABYTE = 1 << 20


def arrived(n, size=10):
    return [Arrived(f"topic/{i}", bytes([i % 256]) * size, 1_000 + i, i % 2 == 0) for i in range(n)]


def test_it_keeps_order_bytes_and_instants_over_a_restart(tmp_path):
    spool = Spool(tmp_path / "spool.db", MEGABYTE)
    spool.put(arrived(5))
    spool.close()
    again = Spool(tmp_path / "spool.db", MEGABYTE)
    kept = again.between(0, None, 10)
    assert [Arrived(k.topic, k.payload, k.arrived, k.retained) for k in kept] == arrived(5)
    assert again.standing().messages == 5
    again.drop([kept[0].id, kept[1].id])
    assert [k.id for k in again.between(kept[2].id, kept[3].id, 10)] == [kept[3].id]
    assert (again.standing().messages, again.standing().oldest) == (3, 1_002)
    again.close()


def test_an_id_is_never_used_again(tmp_path):
    spool = Spool(tmp_path / "spool.db", MEGABYTE)
    spool.put(arrived(3))
    newest = spool.newest()
    spool.drop([k.id for k in spool.between(0, None, 10)])
    spool.put(arrived(1))
    assert spool.newest() == newest + 1
    spool.close()


def filled(spool):
    """Put messages of a thousand bytes until no more are taken; gives their number."""
    for tens in range(1_000):
        try:
            spool.put(arrived(10, 1_000))
        except SpoolFull:
            return tens * 10
    raise AssertionError("never full")


def test_a_full_spool_refuses_and_takes_again_when_there_is_room(tmp_path):
    spool = Spool(tmp_path / "spool.db", MEGABYTE)
    taken = filled(spool)
    assert 700 < taken < 1_100
    assert spool.standing().messages == taken
    assert spool.standing().why
    oldest = spool.between(0, None, taken)
    spool.drop([k.id for k in oldest[:20]])
    with pytest.raises(SpoolFull):  # not at once: a spool at its limit would flutter
        spool.put(arrived(1))
    spool.drop([k.id for k in oldest[20 : taken // 2]])
    spool.put(arrived(1))
    assert spool.standing().why == ""
    spool.close()
