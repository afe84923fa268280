from ingest.mqtt import pace
from ingest.mqtt.pace import Pace

REBIRTH = ("spBv1.0/Jilin/NCMD/node1", b"x")
OTHER = ("spBv1.0/Jilin/NCMD/node2", b"x")
ANSWER = ("/sys/pk/a1/thing/event/property/post_reply", b"{}")


def test_a_node_is_asked_once_a_minute_and_every_answer_is_given(monkeypatch):
    now = [1_000.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    kept = Pace()
    assert kept.due([REBIRTH, REBIRTH, OTHER, ANSWER, ANSWER]) == [REBIRTH, OTHER, ANSWER, ANSWER]
    now[0] += 59
    assert kept.due([REBIRTH]) == []
    now[0] += 1
    assert kept.due([REBIRTH]) == [REBIRTH]


def test_it_remembers_a_bounded_number_of_nodes(monkeypatch):
    now = [1_000.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(pace, "_MOST", 10)
    kept = Pace()
    for i in range(100):
        now[0] += 30
        assert kept.due([(f"spBv1.0/g/NCMD/{i}", b"")])
    assert len(kept._asked) <= 11
