"""A device registered by a profile: whatever a network server calls a value, it is placed."""

import base64
import json
from datetime import UTC, datetime

import pytest

from ingest.intake import digest
from ingest.mqtt.inbox import Message
from ingest.mqtt.wire import micros
from ingest.placement import Placement
from ingest.profiles import profile
from models.device import Datastream, DeviceCatalogue
from models.profile import streams_of
from models.reading import Reason
from tests.conftest import DATA

NOW_US = micros(datetime(2026, 5, 1, tzinfo=UTC))
EUI = "a8404187d187106e"


def placement(model, key=EUI, names=None):
    """A catalogue of one device with the datastreams of its profile, or of these channels."""
    known = profile(model)
    made = streams_of(known) if names is None else [known.by_name[n] for n in names.values()]
    channels = [s.channel for s in made] if names is None else list(names)
    streams = {
        c: Datastream(11 + i, 1, None, c, s.quantity, s.unit, None)
        for i, (c, s) in enumerate(zip(channels, made, strict=True))
    }
    return Placement(DeviceCatalogue({key: 1}, {1: streams}, 1, profiles={1: model}))


def taken(place, topic, payload):
    """Digest one message; gives (channel -> canonical value) and the batch."""
    data = json.dumps(payload).encode()
    batch = digest([Message(topic, data, NOW_US, len(data))], place)
    (device,) = place._devices.values()
    names = {s.id: s.channel for s in device.streams.values()}
    ids = batch.block["datastream_id"].tolist()
    values = batch.block["value"].tolist()
    return {names[i]: v for i, v in zip(ids, values, strict=True)}, batch


def sample(name):
    return json.loads((DATA / "mqtt" / f"{name}.json").read_text("utf-8"))


def up(told, **more):
    event = {"time": "2026-04-30T23:00:00Z", "deviceInfo": {"devEui": EUI}, "fPort": 2}
    return f"application/1/device/{EUI}/event/up", event | told | more


WANTED = {"soil_moisture": 0.1957, "soil_temperature": 24.59, "soil_ec": 28.2, "battery": 3.625}


def test_the_real_soil_probe_by_its_profile():
    found = sample("chirpstack_v4_up_dragino_lse01")
    values, batch = taken(placement("dragino-lse01"), found["topic"], found["payload"])
    assert values == pytest.approx(
        {"soil_moisture": 0.1374, "soil_temperature": 13.25, "soil_ec": 0.035, "battery": 3.301}
    )
    # the outer probe is not fitted, so it has no datastream: kept, and in nobody's way
    assert [(v.channel, v.text) for v in batch.unclaimed] == [("temp_DS18B20", "0.0")]
    assert not batch.refused


def test_bytes_and_objects_of_both_network_servers_are_one_device():
    data = base64.b64encode(bytes.fromhex("CE2900F107A5099B6E2890")).decode()
    decoded = sample("tts_v3_decoded_dragino_lse01")["payload"]
    uplink = {"f_port": 2, "f_cnt": 7, "received_at": "2026-04-30T23:00:00Z"}
    ids = {"device_id": "field-7", "dev_eui": EUI.upper()}
    place = placement("dragino-lse01")
    for topic, payload in [
        up({"data": data}),
        up({"object": decoded}),
        *(
            ("v3/a@t/devices/field-7/up", {"end_device_ids": ids, "uplink_message": uplink | told})
            for told in ({"frm_payload": data}, {"decoded_payload": decoded})
        ),
    ]:
        values, batch = taken(place, topic, payload)
        assert values == pytest.approx(WANTED)
        assert batch.accounts == [EUI]


def test_a_device_registered_under_another_spelling_keeps_it():
    names = {"water_SOIL_f": "soil_moisture", "Bat": "battery"}
    place = placement("dragino-lse01", names=names)
    decoded = sample("tts_v3_decoded_dragino_lse01")["payload"]
    values, _ = taken(place, *up({"object": decoded}))
    assert values == pytest.approx({"water_SOIL_f": 0.1957, "Bat": 3.625})


def test_a_quantity_is_found_once_for_all_its_spellings():
    payload = {"time": "2026-04-30T23:00:00Z", "quantity": "soil_moisture", "value": 20}
    place = placement("dragino-lse01", key="probe")
    values, _ = taken(place, "heitu/v1/probe/readings", payload)
    assert values == {"soil_moisture": 0.2}


def test_normalized_values_bring_their_unit():
    ids = {"device_id": EUI}
    normalized = [{"soil": {"ec": 0.24, "moisture": 11.5}}]
    uplink = {"received_at": "2026-04-30T23:00:00Z", "normalized_payload": normalized}
    message = {"end_device_ids": ids, "uplink_message": uplink}
    values, _ = taken(placement("milesight-em500-smtc"), f"v3/a/devices/{EUI}/up", message)
    assert values == pytest.approx({"soil_ec": 0.24, "soil_moisture": 0.115})


def test_late_records_are_placed_at_their_own_time():
    data = base64.b64encode(bytes.fromhex("20CE9E74466310015D00")).decode()
    place = placement("milesight-em300-th")
    values, batch = taken(place, *up({"data": data}, fPort=85))
    assert values == {"air_temperature": 27.2, "air_humidity": 46.5}
    assert set(batch.block["phenomenon_time"].tolist()) == {1665561758_000000}


def test_bytes_no_table_fits_wait_for_the_replay():
    place = placement("milesight-em300-th")
    _, batch = taken(place, *up({"data": "fwEC"}, fPort=85))
    assert [(r.reason, r.items) for r in batch.refused] == [(Reason.UNDECODED, None)]
    assert "unknown entry 7F01" in batch.refused[0].detail
