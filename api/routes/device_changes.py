"""Changes of devices: particulars, places, datastreams, secrets, and the audit of them all."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from api import present
from api.dependencies import Entrant, Reading, Writing, enters, reads, writes
from api.paging import Page, paged
from api.routes.devices import detail, granted_formats, new_streams
from api.routes.places import county_at
from api.schemas.devices import (
    DatastreamsAdded,
    DatastreamsIn,
    DeviceChange,
    DeviceDetail,
    EventList,
    InstallationIn,
    InstallationList,
    SecretOut,
    UnclaimedList,
)
from api.schemas.problem import ONE_PROBLEMS, WRITE_PROBLEMS
from api.schemas.shape import Id
from ingest import claiming
from ingest.enrolment import PROVINCE
from ingest.mqtt.accounts import checked_relay
from ingest.profiles import profile, profiles
from models.device import Device
from models.person import Action
from models.store import device_changes, device_events, devices, groups, logins, unclaimed

router = APIRouter(tags=["devices"])


@router.patch(
    "/v1/devices/{device_id}",
    summary="Change a device",
    response_model=DeviceDetail,
    responses=WRITE_PROBLEMS,
)
@writes(Action.REGISTER)
def change(access: Writing, device_id: Id, given: DeviceChange) -> dict[str, Any]:
    """Change what is named, and keep who did it; a new location ends the installation before.

    An inactive device is cut off from the broker, and what comes from it by other ways is set
    aside. Topic filters of a gateway are for accounts of the province: they may name any device.
    """
    before = access.see(devices.device(access.tx, device_id))
    by = access.person.login
    named = given.model_fields_set
    after = _changed(access, before, given)
    device_changes.change(access.tx, before, after, by)
    if given.groups is not None:
        _regroup(access, before, set(given.groups))
    if given.location is not None:
        access.inside(county_at(access.tx, given.location))
        now = access.platform.clock()
        since = given.since if "since" in named and given.since else now
        device_changes.install(access.tx, before, given.location, since, given.note, by, now)
    return detail(access, devices.device(access.tx, device_id))


def _changed(access: Writing, before: Device, given: DeviceChange) -> Device:
    """Return the device as it is to be."""
    named = given.model_fields_set
    to: dict[str, Any] = {}
    if given.name is not None:
        to |= {"name_zh": given.name.zh, "name_en": given.name.en}
    if "field_id" in named:
        to["field_id"] = given.field_id
    if "profile" in named:
        to["profile"] = None if given.profile is None else profile(given.profile).key
    if given.active is not None:
        to["active"] = given.active
    if given.formats is not None:
        to["formats"] = tuple(granted_formats(access, given.formats))
    if given.relays is not None:
        access.inside(PROVINCE)
        to["relays"] = tuple(checked_relay(topic) for topic in given.relays)
    if "relay_group_id" in named:
        if given.relay_group_id is not None:
            access.see(groups.group(access.tx, given.relay_group_id))
        to["relay_group_id"] = given.relay_group_id
    return replace(before, **to)


def _regroup(access: Writing, device: Device, wanted: set[int]) -> None:
    """Make the device a member of these groups and of no other that the account may see."""
    there = set(groups.of(access.tx, [device.id]).get(device.id, []))
    by = access.person.login
    for group_id in sorted(wanted - there):
        into = access.see(groups.group(access.tx, group_id))
        groups.join(access.tx, into, [device], by)
    for group_id in sorted(there - wanted):
        access.see(groups.group(access.tx, group_id))
        groups.leave(access.tx, group_id, [device.id], by)


@router.get(
    "/v1/devices/{device_id}/installations",
    summary="Where a device has stood",
    response_model=InstallationList,
    responses=ONE_PROBLEMS,
)
@reads(Action.READ)
def installations(access: Reading, device_id: Id) -> dict[str, Any]:
    """List the places of a device, oldest first."""
    access.see(devices.device(access.tx, device_id))
    return {"items": present.installations(devices.installations(access.tx, device_id))}


@router.post(
    "/v1/devices/{device_id}/installations",
    status_code=201,
    summary="Enter where a device stands or stood",
    response_model=InstallationList,
    responses=WRITE_PROBLEMS,
)
@writes(Action.REGISTER)
def install(access: Writing, device_id: Id, given: InstallationIn) -> dict[str, Any]:
    """Enter a place from a time on; the installation before ends there, one after it stays.

    A sensor that was swapped is a new installation at the same place with a note, and a
    calibration of its datastreams from the same time (POST /v1/datastreams/{id}/calibrations).
    """
    device = access.see(devices.device(access.tx, device_id))
    access.inside(county_at(access.tx, given.location))
    device_changes.install(
        access.tx,
        device,
        given.location,
        given.since,
        given.note,
        access.person.login,
        access.platform.clock(),
    )
    return {"items": present.installations(devices.installations(access.tx, device_id))}


@router.post(
    "/v1/devices/{device_id}/datastreams",
    status_code=201,
    summary="Add datastreams to a device",
    response_model=DatastreamsAdded,
    responses=WRITE_PROBLEMS,
)
@enters(Action.REGISTER)
def add_datastreams(entrant: Entrant, device_id: Id, given: DatastreamsIn) -> dict[str, Any]:
    """Add datastreams; values that were kept under their keys become readings."""
    streams = new_streams(given.datastreams)
    with entrant.writing() as access:
        device = access.see(devices.device(access.tx, device_id))
        devices.add_streams(access.tx, device.id, streams, access.person.login)
        found = devices.datastreams(access.tx, device_ids=[device.id])
    claimed = claiming.claim(entrant.platform.database, device.id) if device.active else 0
    return {"items": [present.datastream(it) for it in found], "next": None, "claimed": claimed}


@router.post(
    "/v1/devices/{device_id}/secret",
    status_code=201,
    summary="Give a device a new secret",
    response_model=SecretOut,
    responses=WRITE_PROBLEMS,
)
@writes(Action.REGISTER)
def issue_secret(access: Writing, device_id: Id, response: Response) -> dict[str, Any]:
    """Replace the secret of a device; the one before ends, and its live connection too."""
    device = access.see(devices.device(access.tx, device_id))
    response.headers["Cache-Control"] = "no-store"
    secret = logins.issue(access.tx, device.id, access.person.login)
    return {"key": device.key, "secret": secret}


@router.delete(
    "/v1/devices/{device_id}/secret",
    status_code=204,
    summary="Revoke the secret of a device",
    response_model=None,
    responses=WRITE_PROBLEMS,
)
@writes(Action.REGISTER)
def revoke_secret(access: Writing, device_id: Id) -> None:
    """Take a device's secret away: the broker cuts its live connection and refuses it."""
    device = access.see(devices.device(access.tx, device_id))
    logins.revoke(access.tx, device.id, access.person.login)


@router.get(
    "/v1/devices/{device_id}/events",
    summary="What was done to a device",
    response_model=EventList,
    responses=ONE_PROBLEMS,
)
@reads(Action.OPERATE)
def events(
    access: Reading, device_id: Id, page: Annotated[Page, Depends(paged("device events"))]
) -> dict[str, Any]:
    """List who did what to a device and when, newest first."""
    access.see(devices.device(access.tx, device_id))
    found = device_events.of(access.tx, device_id, before=page.number(), limit=page.one_more)
    rows, following = page.cut(found, lambda it: (it.id,))
    return {"items": rows, "next": following}


@router.get(
    "/v1/devices/{device_id}/unclaimed",
    summary="Keys of a device that have no datastream",
    response_model=UnclaimedList,
    responses=ONE_PROBLEMS,
)
@reads(Action.READ)
def unclaimed_keys(access: Reading, device_id: Id) -> dict[str, Any]:
    """List each key of the device's payloads without a datastream once, with its newest value."""
    device = access.see(devices.device(access.tx, device_id))
    model = profiles().get(device.profile or "")
    items = [
        {
            "channel": it.channel,
            "first": it.first,
            "last": it.last,
            "n": it.n,
            "example": it.example,
            "suggestion": model.aliases.get(it.channel) if model else None,
        }
        for it in unclaimed.channels(access.tx, device.id)
    ]
    return {"items": items}
