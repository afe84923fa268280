from ingest.judgement import Sorts
from ingest.profiles import profiles
from models.device import Datastream
from models.reading import Quality
from tests.analytics.quality.test_pointwise import judged


def stream(quantity, channel="x", unit="%"):
    return Datastream(1, 1, None, channel, quantity, unit, None)


def test_datastreams_of_one_kind_share_their_limits():
    sorts = Sorts()
    assert sorts.number(stream("soil_moisture")) == sorts.number(stream("soil_moisture", "y"))
    assert sorts.number(stream("soil_moisture")) != sorts.number(stream("soil_ec"))


def test_a_profile_adds_the_codes_and_the_scale_of_its_probe():
    found = [
        (key, channel)
        for key, profile in profiles().items()
        for channel in profile.channels
        if channel.sentinels
    ]
    assert found
    for key, channel in found:
        sorts = Sorts()
        plain = sorts.number(stream(channel.quantity, channel.name))
        own = sorts.number(stream(channel.quantity, channel.name), key)
        assert plain != own
        value = channel.sentinels[0]
        flags = judged(sorts.compiled(), own, raw=value, value=0.25)
        assert flags & Quality.SENTINEL
