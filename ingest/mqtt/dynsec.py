"""Mosquitto's dynamic security: bring the broker's clients and roles equal to the store.

Commands go over the topic $CONTROL/dynamic-security/v1. What is equal is left alone: the
plugin cuts the connections of every client whose role is changed. An account that is no longer
wanted is disabled, which cuts its connection at once and refuses it from then on.
"""

import json
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from ingest.mqtt.accounts import DENIED, MANAGED, client, role
from ingest.mqtt.link import Link
from models.device import Account
from models.errors import Unavailable

_TOPIC = "$CONTROL/dynamic-security/v1"
_RESPONSE = f"{_TOPIC}/response"
_AT_ONCE = 50  # commands in a message: 0.6 s of the broker's time at 1,000 devices, 3 s at 5,000
_PAGE = 1000  # clients in an answer
_PATIENCE_S = 30.0

Command = dict[str, Any]


@dataclass(slots=True)
class State:
    """What a broker knows: clients and roles by name, and the rights of everyone."""

    clients: dict[str, Command] = field(default_factory=dict)
    roles: dict[str, Command] = field(default_factory=dict)
    everyone: dict[str, bool] = field(default_factory=dict)


def commands(state: State, devices: Sequence[Account], others: Sequence[Account]) -> list[Command]:
    """Return the commands that bring a broker to the accounts; none when it is there.

    Parameters
    ----------
    devices, others : sequence of Account
        Devices are bound to their key as client id; ingestors are not.
    """
    found = list(_everyone(state))
    wanted = {it.name: it for it in (*devices, *others)}
    bound = {it.name for it in devices}
    for name, known in state.clients.items():
        if name not in wanted and _managed(name, known) and not known.get("disabled"):
            found.append({"command": "disableClient", "username": name})
    for name, account in wanted.items():
        found += _role(state, account)
        found += _client(state, account, bound=name in bound)
    return found


def _managed(name: str, known: Command) -> bool:
    return MANAGED + name in {it["rolename"] for it in known.get("roles", ())}


def _everyone(state: State) -> Iterator[Command]:
    if state.everyone != DENIED:
        acls = [{"acltype": kind, "allow": allow} for kind, allow in DENIED.items()]
        yield {"command": "setDefaultACLAccess", "acls": acls}


def _role(state: State, account: Account) -> Iterator[Command]:
    wanted = role(account)
    known = state.roles.get(wanted["rolename"])
    if known is None:
        yield {"command": "createRole", **wanted}
    elif _rights(known) != _rights(wanted):
        yield {"command": "modifyRole", **wanted}


def _rights(of: Command) -> set[tuple[str, str, bool]]:
    return {(it["acltype"], it["topic"], it["allow"]) for it in of.get("acls", ())}


def _client(state: State, account: Account, *, bound: bool) -> Iterator[Command]:
    wanted, known = client(account, bound=bound), state.clients.get(account.name)
    if known is None:
        yield {"command": "createClient", **wanted}
        return
    if not _managed(account.name, known):
        yield {"command": "modifyClient", "username": account.name, "roles": wanted["roles"]}
    if known.get("clientid") != wanted.get("clientid"):
        named = {"username": account.name, "clientid": wanted.get("clientid", "")}
        yield {"command": "setClientId", **named}
    if known.get("disabled"):
        yield {"command": "enableClient", "username": account.name}


class Control:
    """A connection to the control topic of a broker.

    Parameters
    ----------
    link : Link
        The broker, with the name and password of an account that may change the others.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._answers: queue.SimpleQueue[list[Command] | None] = queue.SimpleQueue()
        self._ready = threading.Event()
        self._why = "no answer"
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=link.client_id)
        self._client.username_pw_set(link.username, link.password)
        if link.tls:
            self._client.tls_set(ca_certs=str(link.ca) if link.ca else None)
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._answered
        # who waits for an answer need not wait until his patience ends
        self._client.on_disconnect = lambda *_: self._answers.put(None)

    def _connected(self, _c: Any, _d: Any, _f: Any, reason: Any, _p: Any) -> None:  # noqa: ANN401
        if reason.is_failure:
            self._why = str(reason)
            self._ready.set()
        else:
            self._why = ""
            self._client.subscribe(_RESPONSE, 1)

    def _answered(self, _c: Any, _d: Any, message: Any) -> None:  # noqa: ANN401
        self._answers.put(json.loads(message.payload)["responses"])

    def __enter__(self) -> Self:
        try:
            self._client.connect(self._link.host, self._link.port, self._link.keepalive)
        except OSError as problem:
            address = f"{self._link.host}:{self._link.port}"
            raise Unavailable(part="broker", why=f"{address}: {problem}") from None
        self._client.loop_start()
        if not self._ready.wait(_PATIENCE_S) or self._why:
            self.__exit__(None, None, None)
            raise Unavailable(part="broker's control", why=self._why)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def ask(self, asked: Sequence[Command]) -> list[Command]:
        """Send commands and return their answers.

        Raises
        ------
        Unavailable
            The broker does not answer, or refuses a command.
        """
        self._client.publish(_TOPIC, json.dumps({"commands": list(asked)}), qos=1)
        try:
            answers = self._answers.get(timeout=_PATIENCE_S)
        except queue.Empty:
            answers = None
        if answers is None:
            raise Unavailable(part="broker's control", why="no answer to commands")
        refused = [f"{it['command']}: {it['error']}" for it in answers if "error" in it]
        if refused:
            raise Unavailable(part="broker's control", why="; ".join(refused[:3]))
        return answers

    def state(self) -> State:
        """Return what the broker knows."""
        defaults = self.ask([{"command": "getDefaultACLAccess"}])[0]["data"]["acls"]
        return State(
            {it["username"]: it for it in self._listed("listClients", "clients")},
            {it["rolename"]: it for it in self._listed("listRoles", "roles")},
            {it["acltype"]: it["allow"] for it in defaults},
        )

    def _listed(self, command: str, what: str) -> Iterator[Command]:
        offset, total = 0, 1
        while offset < total:
            page = {"command": command, "verbose": True, "count": _PAGE, "offset": offset}
            data = self.ask([page])[0]["data"]
            yield from data[what]
            offset, total = offset + _PAGE, data["totalCount"]

    def sync(self, devices: Sequence[Account], others: Sequence[Account]) -> int:
        """Bring the broker to the accounts and return how many commands that took."""
        needed = commands(self.state(), devices, others)
        for at in range(0, len(needed), _AT_ONCE):
            self.ask(needed[at : at + _AT_ONCE])
        return len(needed)
