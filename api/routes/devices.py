"""Devices, datastreams and the register of quantities."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from api import present
from api.dependencies import Reading, Writing, reads, writes
from api.paging import Page, paged
from api.routes.places import county_at, inside_farm, inside_field
from api.schemas.devices import (
    DatastreamIn,
    DatastreamList,
    DeviceDetail,
    DeviceIn,
    DeviceList,
    NewDeviceOut,
    QualityList,
    QuantityList,
)
from api.schemas.problem import ONE_PROBLEMS, READ_PROBLEMS, WRITE_PROBLEMS
from api.schemas.shape import Id, Number
from ingest.enrolment import PROVINCE, checked_formats
from ingest.mqtt.accounts import speaks_for_others
from ingest.profiles import profile
from models.device import Datastream, Device, Group, NewStream, Status
from models.errors import Invalid
from models.person import Action
from models.profile import streams_of
from models.quantity import QUANTITIES
from models.reading import BAD, QUALITY_LABELS, Quality
from models.store import devices as store
from models.store import groups as groups_store
from models.store import logins, places

router = APIRouter(tags=["devices"])


@router.get(
    "/v1/quantities",
    summary="Register of quantities",
    response_model=QuantityList,
    responses=READ_PROBLEMS,
)
@reads(Action.READ)
def quantities(access: Reading) -> dict[str, Any]:
    """List every observed quantity with its canonical unit and plausible range."""
    shown = [
        {
            "key": q.key,
            "unit": q.unit,
            "low": q.low,
            "high": q.high,
            "label": present.label(q.key),
            "decimals": q.decimals,
            "source": q.source,
        }
        for q in QUANTITIES.values()
    ]
    return {"items": shown}


@router.get(
    "/v1/qualities",
    summary="Register of quality flags",
    response_model=QualityList,
    responses=READ_PROBLEMS,
)
@reads(Action.READ)
def qualities(access: Reading) -> dict[str, Any]:
    """List every quality flag that a reading may bear, and whether it spoils the value."""
    shown = [
        {
            "key": flag.name,
            "bit": int(flag),
            "bad": bool(flag & BAD),
            "label": present.bilingual(*QUALITY_LABELS[flag]),
        }
        for flag in Quality
        if flag
    ]
    return {"items": shown}


FarmQuery = Annotated[Number | None, Query(description="Of one farm")]
FieldQuery = Annotated[Number | None, Query(description="Of one field")]
DeviceQuery = Annotated[Number | None, Query(description="Of one device")]


GroupQuery = Annotated[Number | None, Query(description="Members of one group")]
OnlineQuery = Annotated[bool | None, Query(description="Those that are there, or that are not")]


def inside_group(access: Reading, group_id: int | None) -> Group | None:
    """Return the group a list is narrowed to, once the account may see it."""
    return None if group_id is None else access.see(groups_store.group(access.tx, group_id))


def inside_device(access: Reading, device_id: int | None) -> Device | None:
    """Return the device a list is narrowed to, once the account may see it."""
    return None if device_id is None else access.see(store.device(access.tx, device_id))


@router.get("/v1/devices", summary="Devices", response_model=DeviceList, responses=ONE_PROBLEMS)
@reads(Action.READ)
def devices(
    access: Reading,
    page: Annotated[Page, Depends(paged("devices"))],
    farm: FarmQuery = None,
    field: FieldQuery = None,
    group: GroupQuery = None,
    online: OnlineQuery = None,
) -> dict[str, Any]:
    """List devices with their datastreams and what their messages tell of them."""
    inside_farm(access, farm)
    inside_field(access, field)
    inside_group(access, group)
    found = store.devices(
        access.tx,
        prefix=access.prefix,
        farm_id=farm,
        field_id=field,
        group_id=group,
        online=online,
        now=access.platform.clock(),
        after=page.key,
        limit=page.one_more,
    )
    rows, following = page.cut(found, lambda it: (it.id,))
    return {"items": shown(access, rows), "next": following}


def shown(access: present.Caller, rows: Sequence[Device]) -> list[dict[str, Any]]:
    """Show devices, asking the store once for each kind of particulars."""
    ids = [it.id for it in rows]
    streams, groups = _streams_of(access, rows), groups_store.of(access.tx, ids)
    statuses = store.statuses(access.tx, ids, access.platform.clock())
    return [
        present.device(
            access, it, streams[it.id], statuses.get(it.id, Status()), groups.get(it.id, [])
        )
        for it in rows
    ]


def _streams_of(
    access: present.Caller, found: Sequence[Device]
) -> dict[int | None, list[Datastream]]:
    grouped: dict[int | None, list[Datastream]] = defaultdict(list)
    if found:
        for stream in store.datastreams(access.tx, device_ids=[it.id for it in found]):
            grouped[stream.device_id].append(stream)
    return grouped


@router.get(
    "/v1/devices/{device_id}",
    summary="One device",
    response_model=DeviceDetail,
    responses=ONE_PROBLEMS,
)
@reads(Action.READ)
def device(access: Reading, device_id: Id) -> dict[str, Any]:
    """Show one device with its datastreams and the places where it has stood."""
    return detail(access, access.see(store.device(access.tx, device_id)))


def detail(access: present.Caller, it: Device) -> dict[str, Any]:
    """Show one device with its history of places and its rights at the broker."""
    return {
        **shown(access, [it])[0],
        "installations": present.installations(store.installations(access.tx, it.id)),
        "formats": it.formats,
        "relays": it.relays,
        "relay_group_id": it.relay_group_id,
        "has_secret": it.has_secret,
    }


@router.post(
    "/v1/devices",
    status_code=201,
    summary="Register a device",
    response_model=NewDeviceOut,
    responses=WRITE_PROBLEMS,
)
@writes(Action.REGISTER)
def add_device(access: Writing, given: DeviceIn) -> dict[str, Any]:
    """Register a device; its secret is in this answer and never shown again."""
    access.see(places.farm(access.tx, given.farm_id))
    access.inside(county_at(access.tx, given.location))
    streams = new_streams(given.datastreams)
    if given.profile is not None:
        streams = [*streams_of(profile(given.profile), depth_cm=given.depth_cm), *streams]
    if not streams:
        raise Invalid(why="give a profile or datastreams", zh="请给出 profile 或 datastreams。")
    by = access.person.login
    formats = granted_formats(access, given.formats)
    made = store.add_device(
        access.tx,
        key=given.key,
        farm_id=given.farm_id,
        field_id=given.field_id,
        name_zh=given.name.zh,
        name_en=given.name.en,
        location=given.location,
        provenance=given.provenance,
        streams=streams,
        profile=given.profile,
        formats=formats,
        by=by,
    )
    secret = logins.issue(access.tx, made.id, by)
    return {**detail(access, store.device(access.tx, made.id)), "secret": secret}


def granted_formats(access: Writing, names: Sequence[str]) -> list[str]:
    """Return payload formats that the account may grant a device.

    One whose messages carry those of other devices is for the province to grant.
    """
    found = checked_formats(names)
    if speaks_for_others(found):
        access.inside(PROVINCE)
    return found


def new_streams(given: Sequence[DatastreamIn]) -> list[NewStream]:
    """Return the datastreams that are asked for."""
    return [NewStream(s.channel, s.quantity, s.unit, s.depth_cm) for s in given]


@router.get(
    "/v1/datastreams", summary="Datastreams", response_model=DatastreamList, responses=ONE_PROBLEMS
)
@reads(Action.READ)
def datastreams(
    access: Reading,
    page: Annotated[Page, Depends(paged("datastreams"))],
    device: DeviceQuery = None,
    field: FieldQuery = None,
) -> dict[str, Any]:
    """List datastreams of a device, of a field (with its satellite series) or of the region."""
    inside_device(access, device)
    inside_field(access, field)
    found = store.datastreams(
        access.tx,
        device_ids=None if device is None else [device],
        field_id=field,
        prefix=access.prefix,
        after=page.key,
        limit=page.one_more,
    )
    rows, following = page.cut(found, lambda it: (it.id,))
    return {"items": [present.datastream(it) for it in rows], "next": following}
