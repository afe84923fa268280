"""From the outbox to a village station: once, whole, and again after a failure."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from api.delivery.advisory import compose, sms
from api.delivery.spool import Spool
from api.delivery.worker import BACK_OFF, deliver_due
from models.place import Provenance
from models.store import places, recommendations
from tests.api.world import NOW, YUSHU


class Flaky:
    """A channel that refuses a number of times, and remembers what it took."""

    name = "flaky"

    def __init__(self, refusals=0):
        self.refusals = refusals
        self.taken = []

    def send(self, advisory):
        if self.refusals:
            self.refusals -= 1
            raise OSError("line is down")
        self.taken.append(advisory)


class Clock:
    """Ahead of the database's own clock, by which entries become due."""

    def __init__(self):
        self.now = NOW.replace(year=2100)

    def __call__(self):
        return self.now


def outbox(world):
    with world.platform.database.reading() as tx:
        return tx.connection.exec_driver_sql(
            "SELECT state, attempts, last_error FROM outbox ORDER BY id"
        ).all()


def test_every_advisory_is_delivered_once(fresh_world, tmp_path):
    channel, clock = Flaky(), Clock()
    channels = [Spool(tmp_path), channel]
    first = deliver_due(fresh_world.platform.database, channels, clock=clock)
    again = deliver_due(fresh_world.platform.database, channels, clock=clock)
    assert (first.delivered, again.delivered) == (2, 0)
    assert len(channel.taken) == 2
    assert [row.state for row in outbox(fresh_world)] == ["delivered"] * 2


def test_a_station_finds_json_text_and_a_text_message(fresh_world, tmp_path):
    deliver_due(fresh_world.platform.database, [Spool(tmp_path)], clock=Clock())
    folder = tmp_path / YUSHU
    names = sorted(path.name for path in folder.iterdir())
    assert [name.split(".", 1)[1] for name in names] == ["json", "sms.txt", "txt"]
    facts = json.loads((folder / names[0]).read_text("utf-8"))
    assert facts["region_name"] == "榆树市"
    assert facts["recommendation_id"] == fresh_world.places[YUSHU].recommendation
    message = (folder / names[1]).read_text("utf-8")
    assert message == facts["sms"]
    assert len(message) <= 70
    assert "（演示）" in message  # the field is not where its data were measured
    text = (folder / names[2]).read_text("utf-8")
    assert "No advice on sowing" in text
    assert "暂不给出播种建议" in text


def test_a_failure_waits_longer_each_time_and_is_given_up(fresh_world):
    channel, clock, waits = Flaky(refusals=10**6), Clock(), []
    database = fresh_world.platform.database
    for _ in range(len(BACK_OFF) + 1):
        done = deliver_due(database, [channel], clock=clock)
        assert done.failed == 2
        assert deliver_due(database, [channel], clock=clock).failed == 0
        waits.append(clock.now)
        clock.now += BACK_OFF[min(len(waits), len(BACK_OFF)) - 1]
    assert done.given_up == 2
    rows = outbox(fresh_world)
    assert {(r.state, r.attempts) for r in rows} == {("given_up", len(BACK_OFF) + 1)}
    assert rows[0].last_error == "flaky: line is down"
    clock.now += timedelta(days=365)
    assert deliver_due(database, [Flaky()], clock=clock).delivered == 0


def test_a_channel_that_comes_back_gets_what_it_missed(fresh_world):
    channel, clock = Flaky(refusals=2), Clock()
    database = fresh_world.platform.database
    assert deliver_due(database, [channel], clock=clock).failed == 2
    clock.now += BACK_OFF[0]
    assert deliver_due(database, [channel], clock=clock).delivered == 2
    assert len({advisory.number for advisory in channel.taken}) == 2


def test_a_second_sending_changes_nothing_at_the_station(fresh_world, tmp_path):
    database, clock = fresh_world.platform.database, Clock()
    flaky = Flaky(refusals=2)
    deliver_due(database, [Spool(tmp_path), flaky], clock=clock)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*.*")}
    clock.now += BACK_OFF[0]
    deliver_due(database, [Spool(tmp_path), flaky], clock=clock)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*.*")} == before


def test_a_folder_that_cannot_be_written_is_a_reason_to_wait(fresh_world, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    done = deliver_due(fresh_world.platform.database, [Spool(blocked)], clock=Clock())
    assert done.failed == 2
    assert outbox(fresh_world)[0].last_error.startswith("spool: ")


@pytest.mark.parametrize("length", [1, 40, 60, 200])
@pytest.mark.parametrize("name", ["地", "一块名字特别特别特别特别特别特别长的地"])
def test_a_text_message_keeps_signature_label_and_number(world, length, name):
    with world.platform.database.reading() as tx:
        it = recommendations.get(tx, world.places[YUSHU].recommendation)
        plot = replace(places.field(tx, it.field_id), name_zh=name, provenance=Provenance.SYNTHETIC)
    it = replace(it, advice=replace(it.advice, action_zh="播" * length))
    message = sms(it, plot)
    assert len(message) <= 70
    assert message.startswith("【黑土】（模拟）")
    assert message.endswith(f" #{it.id}")
    assert compose(1, it, plot, "榆树市").sms == message
