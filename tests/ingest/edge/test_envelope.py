"""The envelope: opened at the province, the message inside it is as it was."""

import pytest

from ingest.intake import digest, parted
from ingest.mqtt import accounts, topics
from ingest.mqtt.envelope import opened, wrapped
from ingest.mqtt.inbox import Message
from ingest.placement import Placement
from models.device import NewStream
from models.reading import Quality, Reason
from models.store import catalogue
from tests import probes
from tests.probes import encode, reading

NOW = 1_777_600_000_000_000
HOURS_72 = 72 * 3_600_000_000


def arriving(topic, payload):
    return Message(topic, payload, NOW, len(payload))


@pytest.mark.parametrize("topic", ["heitu/v1/p/readings", "/sys/a/b/x", "$oc/devices/d", "a"])
@pytest.mark.parametrize("payload", [b"", b"\n", b'{"a":1}\n', bytes(range(256))])
def test_what_is_inside_is_as_it_was(topic, payload):
    sent = wrapped("station", topic, payload, arrived=NOW - HOURS_72, retained=True)
    found = opened(arriving(*sent))
    assert (found.topic, found.payload, found.size) == (topic, payload, len(payload))
    assert (found.received, found.retained) == (NOW - HOURS_72, True)


@pytest.mark.parametrize("arrived", [0, NOW + 700_000_000])
def test_a_clock_that_was_never_set_does_not_count(arrived):
    assert opened(arriving(*wrapped("s", "t", b"", arrived=arrived))).received == NOW


def test_a_payload_without_a_time_gets_that_of_its_arrival_at_the_station(province):
    streams = [NewStream("soil_temperature", "soil_temperature", "Cel")]
    probes.plant(province, 1, streams)
    with province.reading() as tx:
        placement = Placement(catalogue.load(tx))
    topic = "probe-0/sensor/soil_temperature/state"  # ESPHome: a bare number
    batch = digest(
        parted([arriving(*wrapped("s", topic, b"21.5", arrived=NOW - HOURS_72))]), placement
    )
    assert batch.refused == []
    assert batch.block["phenomenon_time"].tolist() == [NOW - HOURS_72]
    assert batch.block["quality"][0] & Quality.ARRIVAL


def test_a_reading_keeps_its_own_time_and_goes_to_its_own_account(province):
    probes.plant(province)
    with province.reading() as tx:
        placement = Placement(catalogue.load(tx))
    sent = wrapped("s", probes.topic(), encode(reading(7)), arrived=NOW - 3_600_000_000)
    batch = digest(parted([arriving(*sent)]), placement)
    assert batch.accounts == ["probe-0"]
    assert batch.messages[0].topic == probes.topic()
    assert batch.block["phenomenon_time"][0] == probes.START.timestamp() * 1e6 + 7 * 60e6


@pytest.mark.parametrize(
    "payload", [b"", b"no header", b"{}\n1", b'{"arrived":"x"}\n1', b'{"arrived":1,"n":2}\n1']
)
def test_a_broken_envelope_goes_to_quarantine_whole(province, payload):
    with province.reading() as tx:
        placement = Placement(catalogue.load(tx))
    batch = digest(parted([arriving("heitu/v1/edge/s/heitu/v1/p/readings", payload)]), placement)
    assert [refused.reason for refused in batch.refused] == [Reason.WRONG_SHAPE]
    assert batch.messages[0].payload == payload


def test_who_an_envelope_is_of(province):
    assert topics.parse("heitu/v1/edge/s/heitu/v1/probe-0/readings").device_key == "probe-0"
    assert topics.parse("heitu/v1/edge/s/unknown/topic/of/some/device").device_key == "s"
    assert topics.parse("heitu/v1/s/status").device_key == "s"
    own = accounts.own_topics("station-1", ["edge"])
    assert own == ("heitu/v1/edge/station-1/#", "heitu/v1/station-1/status")


@pytest.mark.parametrize(("payload", "online"), [(b'{"online":false}', False), (b"{}", True)])
def test_the_state_of_a_station(province, payload, online):
    probes.plant(province)
    with province.reading() as tx:
        placement = Placement(catalogue.load(tx))
    batch = digest(parted([arriving("heitu/v1/probe-0/status", payload)]), placement)
    assert (batch.refused, len(batch.block)) == ([], 0)
    assert batch.signs[0].online is online
