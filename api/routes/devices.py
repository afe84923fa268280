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
    DatastreamList,
    DeviceDetail,
    DeviceIn,
    DeviceList,
    NewDeviceOut,
    QuantityList,
)
from api.schemas.problem import ONE_PROBLEMS, READ_PROBLEMS, WRITE_PROBLEMS
from api.schemas.shape import Id, Number
from models.device import Datastream, Device, NewStream
from models.person import Action
from models.quantity import QUANTITIES
from models.store import devices as store
from models.store import places

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


FarmQuery = Annotated[Number | None, Query(description="Of one farm")]
FieldQuery = Annotated[Number | None, Query(description="Of one field")]
DeviceQuery = Annotated[Number | None, Query(description="Of one device")]


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
) -> dict[str, Any]:
    """List devices with their datastreams."""
    inside_farm(access, farm)
    inside_field(access, field)
    found = store.devices(
        access.tx,
        prefix=access.prefix,
        farm_id=farm,
        field_id=field,
        after=page.key,
        limit=page.one_more,
    )
    rows, following = page.cut(found, lambda it: (it.id,))
    streams = _streams_of(access, rows)
    items = [present.device(access, it, streams[it.id]) for it in rows]
    return {"items": items, "next": following}


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
    return _detail(access, access.see(store.device(access.tx, device_id)))


def _detail(access: present.Caller, it: Device) -> dict[str, Any]:
    history = [
        {"location": i.location, "since": i.since, "until": i.until, "note": i.note}
        for i in store.installations(access.tx, it.id)
    ]
    streams = _streams_of(access, [it])[it.id]
    return {**present.device(access, it, streams), "installations": history}


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
    made = store.add_device(
        access.tx,
        key=given.key,
        farm_id=given.farm_id,
        field_id=given.field_id,
        name_zh=given.name.zh,
        name_en=given.name.en,
        location=given.location,
        provenance=given.provenance,
        streams=[NewStream(s.channel, s.quantity, s.unit, s.depth_cm) for s in given.datastreams],
    )
    secret = store.issue_secret(access.tx, made.id)
    return {**_detail(access, made), "secret": secret}


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
    )
    later = [stream for stream in found if stream.id > page.key]
    rows, following = page.cut(later, lambda it: (it.id,))
    return {"items": [present.datastream(it) for it in rows], "next": following}
