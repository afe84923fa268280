import json

import pytest

from ingest import codecs
from ingest.mqtt import topics
from ingest.profiles import profile, profiles
from models.errors import UnknownProfile
from models.profile import streams_of
from models.units import conversion
from tests.conftest import DATA


@pytest.fixture(params=sorted(profiles()))
def each(request):
    return profile(request.param)


def test_every_channel_measures_something_the_platform_knows(each):
    for channel in each.channels:
        conversion(channel.unit, channel.quantity)


def test_every_spelling_means_one_channel(each):
    spelt = [key for c in each.channels for key in {c.name, *c.keys}]
    assert len(set(spelt)) == len(spelt)
    assert all(each.channel(key) is not None for key in spelt)


def test_every_profile_is_named_sourced_and_decodable(each):
    assert each.zh
    assert each.en
    assert each.maker
    assert each.source
    assert each.cadence_s is None or each.cadence_s > 0
    assert each.codec in ("", *codecs.names())
    assert each.channels


def test_scales_are_in_order(each):
    for channel in each.channels:
        if channel.floor is not None and channel.ceiling is not None:
            assert channel.floor < channel.ceiling


def test_every_codec_but_the_shared_part_has_a_profile():
    assert {p.codec for p in profiles().values()} >= set(codecs.names()) - {"milesight"}


def test_an_unknown_profile_is_named():
    with pytest.raises(UnknownProfile, match="'nope' is not a device profile"):
        profile("nope")


@pytest.mark.parametrize(
    ("sample", "path"),
    [
        ("chirpstack_v4_up_dragino_lse01", ("object",)),
        ("tts_v3_decoded_dragino_lse01", ()),
    ],
)
def test_two_network_servers_spell_one_soil_probe(sample, path):
    found = json.loads((DATA / "mqtt" / f"{sample}.json").read_text("utf-8"))["payload"]
    for step in path:
        found = found[step]
    lse01 = profile("dragino-lse01")
    channels = {lse01.aliases[key] for key in found}
    assert channels == {c.name for c in lse01.channels}


@pytest.mark.parametrize(
    ("sample", "key"),
    [
        ("milesight_em500_smtc", "milesight-em500-smtc"),
        ("milesight_em500_co2", "milesight-em500-co2"),
        ("milesight_wts506_weather", "milesight-wts506"),
    ],
)
def test_bytes_and_decoded_objects_name_the_same_channels(sample, key):
    found = json.loads((DATA / "mqtt" / f"{sample}.json").read_text("utf-8"))["payload"]
    known = profile(key)
    values = codecs.decode(known.codec, bytes.fromhex(found["hex"]))
    by_bytes = {known.aliases[v.name] for v in values if v.name in known.aliases}
    by_object = {known.aliases[name] for name in found["decoded"] if name in known.aliases}
    assert by_bytes == by_object


@pytest.mark.parametrize(
    ("sample", "key", "channels"),
    [
        ("tasmota_dht22", "tasmota-dht22", {"air_temperature", "air_humidity"}),
        ("tasmota_scd40_co2", "tasmota-scd40", {"co2", "air_temperature", "air_humidity"}),
        (
            "zigbee2mqtt_soil",
            "zigbee-soil-meter",
            {"soil_moisture", "air_temperature", "air_humidity", "illuminance"},
        ),
    ],
)
def test_the_keys_of_other_gateways_find_their_channels(sample, key, channels):
    found = json.loads((DATA / "mqtt" / f"{sample}.json").read_text("utf-8"))
    address = topics.parse(found["topic"])
    decoded = address.format.decode(address, json.dumps(found["payload"]).encode())
    aliases = profile(key).aliases
    assert {aliases[s.channel] for s in decoded.sent if s.channel in aliases} == channels


def test_a_failure_code_is_a_sentinel_of_the_profile():
    known = profile("milesight-em500-smtc")
    values = codecs.decode(known.codec, bytes.fromhex("0367FFFF04CAFFFF057FFFFF"))
    assert all(v.value in known.channel(v.name).sentinels for v in values)


def test_streams_by_profile_take_the_depth_of_the_probe():
    lse01 = profile("dragino-lse01")
    streams = {s.channel: s for s in streams_of(lse01, depth_cm=10)}
    assert set(streams) == {"soil_moisture", "soil_temperature", "soil_ec", "battery"}
    assert streams["soil_moisture"].depth_cm == 10
    assert streams["battery"].depth_cm is None
    fitted = streams_of(
        lse01,
        depth_cm=10,
        depths={"outer_temperature": 30},
        optional=frozenset(["outer_temperature"]),
    )
    assert {s.channel: s.depth_cm for s in fitted}["outer_temperature"] == 30


def test_a_profile_may_build_on_another():
    newer, older = profile("dragino-lse01-121"), profile("dragino-lse01")
    assert newer.channels == older.channels
    assert newer.codec != older.codec
