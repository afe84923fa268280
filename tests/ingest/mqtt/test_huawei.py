import pytest

from ingest.mqtt import topics
from models.reading import Reason
from tests.ingest.mqtt.decoding import (
    GARBAGE,
    decode,
    kept,
    parts,
    refused_for,
    sample,
    values,
)

TOPIC = "$oc/devices/64f0_probe-7/sys/properties/report"
GATEWAY = "$oc/devices/gateway/sys/gateway/sub_devices/properties/report"


def service(**more):
    return {"service_id": "soil", "properties": {"t": 1}} | more


def test_values_are_named_by_service_and_property():
    decoded = decode(TOPIC, sample("huawei_iotda_property_report")["payload"])
    assert topics.parse(TOPIC).device_key == "64f0_probe-7"
    assert values(decoded) == {
        "Temperature.value": 57,
        "Temperature.value2": 60,
        "Battery.level": 80,
        "Battery.level2": 90,
    }
    assert {s.time for s in decoded.sent} == {1_449_922_332_000_000}


def test_the_other_form_of_time():
    decoded = decode(TOPIC, sample("huawei_iotda_property_report_ms")["payload"])
    assert values(decoded) == {"serviceId.Height": 124, "serviceId.Speed": 23.24}
    assert {s.time for s in decoded.sent} == {1_628_849_410_555_000}


@pytest.mark.parametrize("time", [None, "", "20151312T121212Z", "yesterday", 7, {}])
def test_a_missing_or_bad_time_is_that_of_arrival(time):
    assert [s.time for s in decode(TOPIC, {"services": [service(event_time=time)]}).sent] == [None]


def test_numbers_may_come_as_text_and_other_texts_are_kept():
    properties = {"t": "1.5", "name": "soil", "open": False, "deep": {"x": 2}}
    decoded = decode(TOPIC, {"services": [service(properties=properties)]})
    assert values(decoded) == {"soil.t": 1.5, "soil.deep.x": 2}
    assert kept(decoded) == {"soil.name": "soil", "soil.open": "false"}


def test_a_gateway_speaks_for_the_devices_behind_it():
    devices = [
        {"device_id": "a", "services": [service()]},
        {"device_id": "b", "services": [service(properties={"t": 2})]},
        {"device_id": "a", "services": [service(service_id="air")]},
    ]
    found = dict(parts(GATEWAY, {"devices": devices}))
    a, b = (f"$oc/devices/{name}/sys/properties/report" for name in "ab")
    assert set(found) == {a, b}
    assert values(decode(a, found[a])) == {"soil.t": 1, "air.t": 1}
    assert values(decode(b, found[b])) == {"soil.t": 2}
    assert topics.parse(a).device_key == "a"
    assert parts(TOPIC, {"devices": devices}) == ()


@pytest.mark.parametrize(
    "devices",
    [None, 7, [7], [{"device_id": 7, "services": []}], [{"device_id": "a/b", "services": []}]],
)
def test_a_gateway_report_of_another_shape_is_refused(devices):
    assert parts(GATEWAY, {"devices": devices}) == ()
    assert refused_for(GATEWAY, {"devices": devices}) is Reason.WRONG_SHAPE


@pytest.mark.parametrize(
    "services", [None, 7, {}, [7], [{}], [service(properties=7)], [service(service_id=None)]]
)
def test_a_report_of_another_shape_is_refused(services):
    assert refused_for(TOPIC, {"services": services}) is Reason.WRONG_SHAPE


@pytest.mark.parametrize("payload", [*GARBAGE, b"[]", b"{}"])
@pytest.mark.parametrize("topic", [TOPIC, GATEWAY])
def test_garbage_is_refused(payload, topic):
    assert refused_for(topic, payload) in (Reason.UNREADABLE, Reason.WRONG_SHAPE)
    assert parts(topic, payload) == ()
