"""Accounts of the broker: who may log in, and which topics are whose.

A device may publish under the topics that its formats give it: those in which its own key
stands where the format names the device. A gateway may publish for the members of a group,
and under filters that the province has granted. Nobody subscribes but the ingestor, and a
device to the answers to itself.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ingest.mqtt.format import Format
from ingest.mqtt.payloads import formats
from models.device import Account, Login
from models.errors import Invalid

# where an ingestor speaks beside its answers: commands to devices, its state as a host
_COMMANDS = ("spBv1.0/+/DCMD/+/+", "spBv1.0/STATE/+")
_SPARKPLUG = "spBv1.0"
# formats whose messages carry those of other devices, in topics of the sender's own
_CARRIERS = frozenset({"edge"})
MANAGED = "heitu:"  # prefix of the roles that are ours at a broker


def known_formats() -> tuple[str, ...]:
    """Return the names of the formats that have a topic of each device."""
    return tuple(f.name for f in formats() if any(own_topics("x", [f.name])))


def speaks_for_others(names: Iterable[str]) -> bool:
    """Tell whether who publishes in these formats can speak for any device."""
    return not _CARRIERS.isdisjoint(names)


def own_topics(key: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the topic filters in which formats name a device of that key."""
    chosen = set(names)
    return tuple(
        own
        for format_ in formats()
        if format_.name in chosen
        for own in _own(key, format_, format_.subscriptions)
        if own not in _own(key, format_, format_.gateways)
    )


def own_answers(key: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the topic filters in which formats answer a device of that key."""
    chosen = set(names)
    return tuple(
        own
        for format_ in formats()
        if format_.name in chosen
        for own in _own(key, format_, format_.answers)
    )


def _own(key: str, format_: Format, filters: Iterable[str]) -> Iterator[str]:
    for topic in filters:
        levels = topic.split("/")
        level = _device_level(format_, levels)
        if level is not None:
            yield "/".join([*levels[:level], key, *levels[level + 1 :]])


def _device_level(format_: Format, levels: list[str]) -> int | None:
    """Return which level of a topic filter names the device; None when no single one does."""
    if isinstance(format_.device_level, int):
        level = format_.device_level
        return level if level < len(levels) and levels[level] == "+" else None
    # ask the format about a topic in which every free level says its own place
    said = format_.device_level(tuple(str(at) if it == "+" else it for at, it in enumerate(levels)))
    return int(said) if said.isdecimal() and levels[int(said)] == "+" else None


def checked_relay(topic: str) -> str:
    """Return a topic filter for a gateway, or raise Invalid when no broker should take it."""
    levels = topic.split("/")
    wild = any(it not in ("+", "#") and ("+" in it or "#" in it) for it in levels)
    if (
        wild
        or "#" in levels[:-1]
        or any(sign.isspace() or not sign.isprintable() for sign in topic)
        or (topic.startswith("$") and not topic.startswith("$oc/"))
        or not 1 <= len(topic) <= 200
    ):
        raise Invalid(why=f"{topic!r} is no topic filter that a gateway may publish under")
    return topic


def of_device(login: Login) -> Account:
    """Return the account of a device."""
    own = own_topics(login.key, login.formats)
    relayed = (
        topic for key, names in login.relayed for topic in own_topics(key, set(names) - _CARRIERS)
    )
    publishes = tuple(dict.fromkeys([*own, *login.relays, *relayed]))
    hears = (*own_answers(login.key, login.formats), *_commands(login.relays))
    return Account(login.key, login.secret_hash, publishes, hears)


def _commands(relays: Sequence[str]) -> Iterator[str]:
    """Give the topics on which a Sparkplug node is told to be born again."""
    for topic in relays:
        name, group, _, node, *_ = [*topic.split("/"), "", "", ""]
        if name == _SPARKPLUG and group not in {"", "+", "#"} and node not in {"", "#"}:
            yield f"{_SPARKPLUG}/{group}/NCMD/{node}"
            yield f"{_SPARKPLUG}/{group}/DCMD/{node}/+"


def of_ingestor(name: str, secret_hash: str) -> Account:
    """Return the account of an ingestor: it hears every format and answers."""
    heard = tuple(topic for format_ in formats() for topic in format_.subscriptions)
    answers = tuple(topic for format_ in formats() for topic in format_.answers)
    return Account(name, secret_hash, (*_COMMANDS, *answers), tuple(dict.fromkeys(heard)))


def password_file(accounts: Iterable[Account]) -> str:
    """Return the accounts as mosquitto's password file: hashes, one line each."""
    return "".join(f"{it.name}:{it.secret_hash}\n" for it in accounts)


def acl_file(accounts: Iterable[Account]) -> str:
    """Return what the accounts may do as mosquitto's file of access control."""
    lines = ["# written by python -m deploy broker-sync; a forbidden publish is dropped silently"]
    for it in accounts:
        lines += ["", f"user {it.name}"]
        lines += [f"topic write {topic}" for topic in it.publishes]
        lines += [f"topic read {topic}" for topic in it.subscribes]
    return "\n".join(lines) + "\n"


def role(account: Account) -> dict[str, Any]:
    """Return the role of an account, in the words of mosquitto's dynamic security."""
    kinds = (
        ("publishClientSend", account.publishes),
        ("subscribePattern", account.subscribes),
        ("publishClientReceive", account.subscribes),
    )
    return {
        "rolename": MANAGED + account.name,
        "acls": [
            {"acltype": kind, "topic": topic, "priority": 0, "allow": True}
            for kind, topics in kinds
            for topic in topics
        ],
    }


def client(account: Account, *, bound: bool) -> dict[str, Any]:
    """Return an account as a client of dynamic security, bound to its name as client id.

    It has no password there: the plugin then leaves the check to the password file, whose
    hashes come from the store. (mosquitto 2.0 takes passwords in the clear only.)
    """
    own = {"clientid": account.name} if bound else {}
    return {
        "username": account.name,
        **own,
        "roles": [{"rolename": MANAGED + account.name, "priority": 0}],
    }


DENIED = {
    "publishClientSend": False,
    "publishClientReceive": False,
    "subscribe": False,
    "unsubscribe": True,
}


def control_role(name: str) -> dict[str, Any]:
    """Return the role of the account that changes the others."""
    topic = "$CONTROL/dynamic-security/#"
    kinds = ("publishClientSend", "publishClientReceive", "subscribePattern")
    acls = [{"acltype": it, "topic": topic, "priority": 0, "allow": True} for it in kinds]
    return {"rolename": f"control:{name}", "acls": acls}


def dynamic_security(devices: Sequence[Account], others: Sequence[Account], control: str) -> str:
    """Return the whole state of dynamic security, for a broker that has none yet.

    Written before the first start it spares thousands of commands: the plugin writes its
    file again after each one (2,000 devices: 9 s by command).

    Parameters
    ----------
    control : str
        Name of the account that changes the others.
    """
    clients = [client(it, bound=True) for it in devices]
    clients += [client(it, bound=False) for it in others]
    role_of_control = control_role(control)
    named = {"rolename": role_of_control["rolename"], "priority": 0}
    state = {
        "defaultACLAccess": DENIED,
        "clients": [*clients, {"username": control, "roles": [named]}],
        "groups": [],
        "roles": [*(role(it) for it in (*devices, *others)), role_of_control],
    }
    return json.dumps(state, indent=1, ensure_ascii=False)
