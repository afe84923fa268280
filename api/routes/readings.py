"""Newest values of sensors."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api import present
from api.answers import Json
from api.dependencies import Reading, reads
from api.paging import Page, paged
from api.routes.devices import DeviceQuery, FarmQuery, FieldQuery, inside_device
from api.routes.places import inside_farm, inside_field
from api.schemas.problem import ONE_PROBLEMS
from api.schemas.readings import LatestList
from api.schemas.shape import Instant
from models.person import Action
from models.store import readings as store

router = APIRouter(tags=["readings"])
_OVERLAP = timedelta(seconds=5)  # a commit that began before the last poll may land after it


@router.get(
    "/v1/latest",
    summary="Newest value of every sensor",
    response_model=LatestList,
    responses=ONE_PROBLEMS,
)
@reads(Action.READ)
def latest(
    access: Reading,
    page: Annotated[Page, Depends(paged("latest", usual=1000, most=10_000))],
    farm: FarmQuery = None,
    field: FieldQuery = None,
    device: DeviceQuery = None,
    updated_after: Annotated[
        Instant | None,
        Query(description="Only what was stored since: `server_time` of the last answer"),
    ] = None,
) -> Json:
    """List the newest value of each datastream by phenomenon time, not by arrival."""
    inside_farm(access, farm)
    inside_field(access, field)
    inside_device(access, device)
    now = access.platform.clock()
    found = store.latest_rows(
        access.tx,
        prefix=access.prefix,
        farm_id=farm,
        field_id=field,
        device_id=device,
        updated_after=updated_after,
        after=page.key,
        limit=page.one_more,
    )
    rows, following = page.cut(found, lambda r: (r[0],))
    items = [present.latest(row, now) for row in rows]
    return Json({"items": items, "next": following, "server_time": now - _OVERLAP})
