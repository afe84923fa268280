"""The allowance of a device: what goes beyond is marked, and only that."""

from ingest.flood import Allowance, Limiter
from ingest.mqtt.inbox import Message
from tests.probes import topic


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def messages(n, key="a"):
    return [Message(topic(key), b"{}", i, 2, 1, i + 1) for i in range(n)]


def rig(rate=10, burst=100, known=("a", "b")):
    clock = Clock()
    limiter = Limiter(Allowance(rate, burst), clock)
    return clock, limiter, lambda sent: limiter.judge(sent, lambda k: k if k in known else None)


def marked(judged):
    return [message.flooding for message in judged].count(True)


def test_a_backlog_passes_and_what_goes_beyond_is_marked_in_order():
    clock, limiter, judge = rig()
    assert marked(judge(messages(100))) == 0
    assert limiter.flooding() == {}
    clock.now += 1
    judged = judge(messages(30))
    assert [message.flooding for message in judged] == [False] * 10 + [True] * 20
    assert [message.mid for message in judged] == list(range(1, 31))
    assert limiter.flooding() == {"a": 20}


def test_others_are_not_touched():
    _, limiter, judge = rig()
    judged = judge(messages(300, "a") + messages(90, "b"))
    assert {message.topic for message in judged if message.flooding} == {topic("a")}
    assert marked(judged) == 200
    assert set(limiter.flooding()) == {"a"}


def test_the_allowance_grows_back_to_the_burst_and_no_further():
    clock, limiter, judge = rig()
    judge(messages(150))
    clock.now += 61
    assert limiter.flooding() == {}
    assert marked(judge(messages(101))) == 1


def test_devices_nobody_registered_share_one_allowance():
    _, limiter, judge = rig()
    for i in range(2_000):
        judge(messages(1, f"made-up-{i}"))
    assert limiter.flooding() == {"": 1_900}
    assert len(limiter._buckets) == 1


def test_a_device_with_several_topics_has_one_allowance():
    _, _, judge = rig()
    both = messages(80) + [m._replace(topic="heitu/v1/220182/a/readings") for m in messages(80)]
    assert marked(judge(both)) == 60


def test_no_limit():
    _, limiter, judge = rig(rate=float("inf"))
    assert marked(judge(messages(10_000))) == 0
    assert limiter.flooding() == {}
