"""Changes of datastreams: channel, unit, depth, and corrections by valid-time."""

from dataclasses import asdict, replace
from typing import Any

from fastapi import APIRouter, Response

from api import present
from api.dependencies import Entrant, Reading, Writing, enters, reads, writes
from api.schemas.devices import (
    CalibrationIn,
    CalibrationList,
    CalibrationMade,
    DatastreamChange,
    DatastreamOut,
)
from api.schemas.problem import ONE_PROBLEMS, WRITE_PROBLEMS
from api.schemas.shape import Id
from ingest import recalibration
from models.calibration import Calibration
from models.device import Datastream
from models.errors import NotFound
from models.person import Action
from models.store import calibrations, device_changes, device_events, devices, rollups
from models.store.database import ReadTx

router = APIRouter(tags=["devices"])
_AT_ONCE = 100_000  # readings derived again within a request, about 3 s
_WAITING: dict[int | str, dict[str, Any]] = {
    202: {"model": CalibrationMade, "description": "Entered; the stored values follow later"}
}


def stream_of(tx: ReadTx, datastream_id: int) -> tuple[Datastream, str]:
    """Return a datastream and its county, or raise NotFound."""
    found = devices.datastreams(tx, ids=[datastream_id])
    if not found:
        raise NotFound(noun="datastream", key=datastream_id)
    return found[0], devices.regions_of(tx, [datastream_id])[datastream_id]


@router.patch(
    "/v1/datastreams/{datastream_id}",
    summary="Change a datastream",
    response_model=DatastreamOut,
    responses=WRITE_PROBLEMS,
)
@writes(Action.REGISTER)
def change_datastream(
    access: Writing, datastream_id: Id, given: DatastreamChange
) -> dict[str, Any]:
    """Change channel, wire unit or depth; readings that are stored keep the unit they came in."""
    before, region = stream_of(access.tx, datastream_id)
    access.inside(region)
    after = replace(before, **given.model_dump(exclude_unset=True))
    after = replace(after, channel=after.channel or before.channel, unit=after.unit or before.unit)
    return present.datastream(
        device_changes.change_stream(access.tx, before, after, access.person.login)
    )


@router.get(
    "/v1/datastreams/{datastream_id}/calibrations",
    summary="Corrections of a datastream",
    response_model=CalibrationList,
    responses=ONE_PROBLEMS,
)
@reads(Action.READ)
def corrections(access: Reading, datastream_id: Id) -> dict[str, Any]:
    """List the corrections of a datastream by valid-time, oldest first."""
    _, region = stream_of(access.tx, datastream_id)
    access.inside(region)
    known = calibrations.of(access.tx, [datastream_id])
    return {"items": [_shown(it) for it in known.get(datastream_id, [])]}


def _shown(it: Calibration) -> dict[str, Any]:
    return {**asdict(it), "by": it.source}


@router.post(
    "/v1/datastreams/{datastream_id}/calibrations",
    status_code=201,
    summary="Correct a datastream from a time on",
    response_model=CalibrationMade,
    responses=WRITE_PROBLEMS | _WAITING,
)
@enters(Action.REGISTER)
def calibrate(
    entrant: Entrant, datastream_id: Id, given: CalibrationIn, response: Response
) -> dict[str, Any]:
    """Enter a correction; an open one before it ends there, and stored values are derived again.

    What was sent is never touched. With more than 100,000 readings since then the answer is 202
    and the values follow at the next `python -m deploy recalibrate`.
    """
    database = entrant.platform.database
    with entrant.writing() as access:
        stream, region = stream_of(access.tx, datastream_id)
        access.inside(region)
        made = _entered(access, stream, given)
        n = devices.readings_since(access.tx, stream.id, given.since, _AT_ONCE + 1)
    if n > _AT_ONCE:
        response.status_code = 202
        return {**_shown(made), "rederived": 0}
    changed = recalibration.rederive(database, stream.id, given.since)
    rollups.refresh(database)
    with entrant.writing() as access:
        calibrations.applied(access.tx, made.id)
        known = calibrations.of(access.tx, [stream.id])[stream.id]
    applied = next(it for it in known if it.id == made.id)
    return {**_shown(applied), "rederived": changed}


def _entered(access: Writing, stream: Datastream, given: CalibrationIn) -> Calibration:
    by = access.person.login
    facts = given.model_dump()
    made = calibrations.put(access.tx, datastream_id=stream.id, by=by, **facts)
    if stream.device_id is not None:
        told = {"datastream": stream.id, **facts}
        device_events.record(access.tx, stream.device_id, by, "calibrated", **told)
    return made
