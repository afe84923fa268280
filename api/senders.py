"""Who hands readings in: a person with the right to, or a device with its own secret."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.dependencies import Bearer
from api.errors import WrongMediaType
from ingest.reception import Reception
from models.device import Device
from models.errors import BadBody, Forbidden, Unauthenticated
from models.person import Action, Person, permit
from models.platform import Platform
from models.store import people, senders

_TOLD = (
    "Unknown device or wrong secret: send 'Authorization: Basic' with the key and the secret of a "
    "device, or 'Bearer <key>:<secret>'."
)
_TOLD_ZH = "设备未注册或密钥错误：以 Basic 方式发送设备编号与密钥，或 'Bearer <编号>:<密钥>'。"


@dataclass(frozen=True, slots=True)
class Sender:
    """Someone who may hand readings in; ``whose`` is a person or a device."""

    platform: Platform
    reception: Reception
    whose: Person | Device

    @property
    def name(self) -> str:
        """How it is named as the source of a revision."""
        whose = self.whose
        return f"http:{whose.login if isinstance(whose, Person) else whose.key}"

    @property
    def own_key(self) -> str | None:
        """Key of the device that sends for itself; None of a person."""
        return self.whose.key if isinstance(self.whose, Device) else None

    def admit(self, keys: Iterable[str]) -> None:
        """Pass if readings of all these devices may be handed in.

        Keys that no device has pass for a person: their readings go to quarantine.

        Raises
        ------
        Forbidden
            A device names another, or one lies outside the region of the account.
        """
        wanted = set(keys)
        if isinstance(self.whose, Device):
            for key in sorted(wanted - {self.whose.key}):
                needs = f"the secret of device {key[:100]!r}"
                raise Forbidden(action=Action.INGEST.value, needs=needs)
            return
        with self.platform.database.reading() as tx:
            regions = senders.regions_of_keys(tx, sorted(wanted))
        for region in sorted(set(regions.values())):
            permit(self.whose, Action.INGEST, region)


def sender(request: Request, bearer: Bearer) -> Sender:
    """Find out who sends: 'Bearer <token>' is a person, 'Bearer key:secret' or Basic a device."""
    state = request.app.state
    platform: Platform = state.platform
    pair = _device_pair(request, bearer.credentials if bearer else "")
    whose: Person | Device
    if pair is not None:
        whose = _device(request, *pair)
    elif bearer is None:
        raise Unauthenticated
    else:
        with platform.database.reading() as tx:
            token = bearer.credentials
            found = people.person_of(tx, token) if token.isascii() else None
        if found is None:
            raise Unauthenticated
        permit(found, Action.INGEST)
        whose = found
    return Sender(platform, state.reception, whose)


def _device_pair(request: Request, token: str) -> tuple[str, str] | None:
    """Return the key and the secret of a device, if that is what the request carries."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            token = base64.b64decode(given.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise Unauthenticated(_TOLD, zh=_TOLD_ZH) from None
    key, colon, secret = token.partition(":")
    return (key, secret) if colon else None


def _device(request: Request, key: str, secret: str) -> Device:
    state = request.app.state
    address = request.client.host if request.client else ""
    name = f"device {key[:100]}"
    state.attempts.check(address, name)
    with state.platform.database.reading() as tx:
        found = senders.device_of(tx, key, secret)
    if found is None:
        state.attempts.failed(address, name)
        raise Unauthenticated(_TOLD, zh=_TOLD_ZH)
    state.attempts.succeeded(address, name)
    return found


AnySender = Annotated[Sender, Depends(sender)]


async def body(request: Request) -> bytes:
    """Read the body; it was limited on its way in.

    Raises
    ------
    WrongMediaType
        It is compressed.
    """
    packed = request.headers.get("content-encoding", "identity")
    if packed.lower() not in ("identity", ""):
        raise WrongMediaType(given=packed)
    return await request.body()


async def json_body(request: Request) -> bytes:
    """Read a body that says it is JSON."""
    given = media_type(request)
    if given != "application/json" and not given.endswith("+json"):
        raise WrongMediaType(given=given)
    found = await body(request)
    if not found.strip():
        raise BadBody(why="it is empty")
    return found


def media_type(request: Request) -> str:
    """Return the media type of the body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


Body = Annotated[bytes, Depends(body)]
JsonBody = Annotated[bytes, Depends(json_body)]
