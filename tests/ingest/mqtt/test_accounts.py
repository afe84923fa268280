"""Whose topics are whose, for every format: a device never speaks for another."""

import pytest

from ingest.mqtt import accounts, topics
from ingest.mqtt.payloads import formats

FORMATS = [format_ for format_ in formats() if accounts.own_topics("x", [format_.name])]


@pytest.mark.parametrize("format_", FORMATS, ids=lambda format_: format_.name)
def test_the_topics_of_a_device_name_it_and_carry_nothing_for_others(format_):
    for topic in accounts.own_topics("probe-7", [format_.name]):
        told = topic.replace("+", "x")
        assert topics.parse(told).device_key == "probe-7"
        assert format_.name in {address.format.name for address in topics.addresses(told)}
        for gateway in format_.gateways:
            assert not _covers(gateway, topic)


@pytest.mark.parametrize("format_", formats(), ids=lambda format_: format_.name)
def test_a_format_that_parts_says_where_and_only_there(format_):
    assert bool(format_.parts) == bool(format_.gateways)
    assert set(format_.gateways) <= set(format_.subscriptions)


def test_an_ingestor_may_answer_wherever_a_format_does():
    account = accounts.of_ingestor("heitu-ingestor", "hash")
    for format_ in formats():
        assert set(format_.answers) <= set(account.publishes)
        assert set(format_.subscriptions) <= set(account.subscribes)
    assert "spBv1.0/STATE/+" in account.publishes


def test_a_device_hears_the_answers_to_itself_alone():
    hears = accounts.own_answers("probe-7", ["alink", "heitu"])
    assert "/sys/+/probe-7/thing/event/property/post_reply" in hears
    assert all("/probe-7/" in topic for topic in hears)


def _covers(filter_, topic):
    pairs = list(zip(filter_.split("/"), topic.split("/"), strict=False))
    same_length = filter_.count("/") == topic.count("/")
    return same_length and all(want in ("+", have) for want, have in pairs)
