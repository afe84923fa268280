"""Who may publish what, as the broker is told."""

import pytest

from ingest.mqtt import accounts, dynsec
from models.device import Account, Login
from models.errors import Invalid

HASH = "$7$101$c2FsdA==$aGFzaA=="


def login(**more):
    facts = {"formats": ("heitu",), "relays": (), "relayed": ()}
    return Login("probe-1", HASH, **facts | more)


def test_a_device_has_the_topics_that_name_it():
    made = accounts.of_device(login())
    assert made.publishes == ("heitu/v1/probe-1/readings", "heitu/v1/+/probe-1/readings")
    made = accounts.of_device(login(formats=("tasmota", "chirpstack")))
    assert "tele/probe-1/SENSOR" in made.publishes
    assert "application/+/device/probe-1/event/+" in made.publishes
    assert all("probe-1" in topic.split("/") for topic in made.publishes)


@pytest.mark.parametrize("name", accounts.known_formats())
def test_no_format_gives_a_device_the_topics_of_another(name):
    assert all("probe-1" in t.split("/") for t in accounts.own_topics("probe-1", [name]))


def test_a_gateway_of_a_group_does_not_speak_for_everyone_by_way_of_a_station():
    relayed = (("probe-2", ("heitu",)), ("station", ("heitu", "edge")))
    made = accounts.of_device(login(relayed=relayed))
    assert "heitu/v1/probe-2/readings" in made.publishes
    assert "heitu/v1/station/readings" in made.publishes
    assert not any(topic.startswith("heitu/v1/edge/") for topic in made.publishes)
    assert accounts.speaks_for_others(["heitu", "edge"])
    assert not accounts.speaks_for_others(["heitu", "tasmota"])


def test_a_sparkplug_node_hears_its_own_commands_only():
    made = accounts.of_device(login(relays=("spBv1.0/farm/+/node-1/#",)))
    assert "spBv1.0/farm/NCMD/node-1" in made.subscribes
    wide = accounts.of_device(login(relays=("spBv1.0/#", "spBv1.0/+/+/+/#")))
    assert wide.subscribes == accounts.of_device(login()).subscribes


@pytest.mark.parametrize("topic", ["$SYS/#", "$CONTROL/x", "a b", "a/#/b", "a+", "#a", "", "a\n"])
def test_filters_that_no_gateway_gets(topic):
    with pytest.raises(Invalid):
        accounts.checked_relay(topic)


@pytest.mark.parametrize("topic", ["a/+/b/#", "$oc/devices/x/sys/properties/report", "+/x"])
def test_filters_that_a_gateway_may_get(topic):
    assert accounts.checked_relay(topic) == topic


def test_a_broker_that_is_equal_is_told_nothing_and_a_stranger_is_left_alone():
    mine = Account("probe-1", HASH, ("heitu/v1/probe-1/readings",))
    role = accounts.role(mine)
    state = dynsec.State(
        {
            "probe-1": accounts.client(mine, bound=True),
            "somebody": {"username": "somebody", "roles": [{"rolename": "theirs"}]},
            "gone": {"username": "gone", "roles": [{"rolename": "heitu:gone"}]},
            "long-gone": {
                "username": "long-gone",
                "disabled": True,
                "roles": [{"rolename": "heitu:long-gone"}],
            },
        },
        {role["rolename"]: role},
        accounts.DENIED,
    )
    told = dynsec.commands(state, [mine], [])
    assert told == [{"command": "disableClient", "username": "gone"}]
    state.clients.pop("gone")
    assert dynsec.commands(state, [mine], []) == []
