"""Devices by the hundred, by the key on their label, and the models they may be of."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from api import present
from api.dependencies import Reading, Writing, reads, writes
from api.errors import WrongMediaType
from api.paging import Page, paged
from api.routes.devices import detail
from api.routes.places import county_at
from api.schemas.devices import ProfileList
from api.schemas.enrolment import (
    BULK,
    AnnouncementIn,
    AnnouncementList,
    AnnouncementOut,
    ClaimedOut,
    ClaimIn,
    Outcomes,
)
from api.schemas.problem import READ_PROBLEMS, WRITE_PROBLEMS, problems
from ingest import enrolment
from ingest.profiles import profile, profiles
from models.device import Claim
from models.errors import BadBody, ClaimRefused
from models.person import Action
from models.place import Farm, Provenance, covers
from models.profile import streams_of
from models.store import claims, devices, logins, places

router = APIRouter(tags=["devices"])


async def raw(request: Request) -> tuple[str, bytes]:
    """Return the media type and the bytes of the body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind, await request.body()


def _table(sent: tuple[str, bytes]) -> list[enrolment.Given]:
    kind, body = sent
    if kind == "text/csv":
        try:
            return enrolment.of_csv(body.decode("utf-8"))
        except UnicodeDecodeError as problem:
            raise BadBody(why=f"byte {problem.start} is not UTF-8") from None
    if kind != "application/json":
        raise WrongMediaType(given=kind)
    try:
        return enrolment.of_json(msgspec.json.decode(body, type=list[Any]))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as problem:
        raise BadBody(why=str(problem)) from None


@router.post(
    "/v1/devices/bulk",
    summary="Register many devices",
    response_model=Outcomes,
    responses=WRITE_PROBLEMS,
    openapi_extra=BULK,
)
@writes(Action.REGISTER)
def bulk(
    access: Writing,
    sent: Annotated[tuple[str, bytes], Depends(raw)],
    response: Response,
    dry_run: Annotated[
        bool, Query(description="Say what would happen, and change nothing")
    ] = False,
) -> dict[str, Any]:
    """Register devices from a CSV table or a list; each row is registered whole or not at all.

    The same table again registers what is missing; devices that exist keep their secrets.
    """
    response.headers["Cache-Control"] = "no-store"
    by = access.person.login
    rows = enrolment.enrol(access.tx, _table(sent), by, access.inside, dry=dry_run)
    counts = {what: sum(it.outcome == what for it in rows) for what in _OUTCOMES}
    return {"dry_run": dry_run, **counts, "rows": rows}


_OUTCOMES = ("registered", "exists", "refused")


@router.post(
    "/v1/devices/claim",
    status_code=201,
    summary="Claim a device by the key on its label",
    response_model=ClaimedOut,
    responses=WRITE_PROBLEMS | problems(429),
)
@writes(Action.CLAIM)
def claim(access: Writing, request: Request, response: Response, given: ClaimIn) -> dict[str, Any]:
    """Register an announced device by its claim key, which works once; the secret comes once.

    A key that is wrong, used, or for another region gets one and the same answer.
    """
    response.headers["Cache-Control"] = "no-store"
    farm = access.see(places.farm(access.tx, given.farm_id))
    if given.location is not None:
        access.inside(county_at(access.tx, given.location))
    attempts, login = request.app.state.claims, access.person.login
    attempts.check(login, "claim")
    found = claims.announced(access.tx, given.claim_key)
    if found is None or not covers(found.region_code, farm.region_code):
        attempts.failed(login, "claim")
        raise ClaimRefused
    device_id = _register(access, given, found, farm)
    secret = logins.issue(access.tx, device_id, login)
    return {**detail(access, devices.device(access.tx, device_id)), "secret": secret}


def _register(access: Writing, given: ClaimIn, found: Claim, farm: Farm) -> int:
    by = access.person.login
    made = devices.add_device(
        access.tx,
        key=found.device_key,
        farm_id=farm.id,
        field_id=given.field_id,
        name_zh=given.name.zh,
        name_en=given.name.en,
        location=given.location or farm.location,
        provenance=Provenance.REAL,
        streams=streams_of(profile(found.profile), depth_cm=given.depth_cm),
        profile=found.profile,
        by=by,
    )
    claims.use(access.tx, given.claim_key, made.id, by)
    return made.id


@router.get(
    "/v1/claims",
    summary="Announced devices",
    response_model=AnnouncementList,
    responses=READ_PROBLEMS,
)
@reads(Action.OPERATE)
def announced(
    access: Reading, page: Annotated[Page, Depends(paged("claims", shape=(str,)))]
) -> dict[str, Any]:
    """List devices that were announced with a claim key, and what became of them."""
    after = str(page.after[0]) if page.after else ""
    found = claims.claims(access.tx, prefix=access.prefix, after=after, limit=page.one_more)
    rows, following = page.cut(found, lambda it: (it.device_key,))
    return {"items": [_state(access, it) for it in rows], "next": following}


def _state(access: Reading, it: Claim) -> dict[str, Any]:
    return {
        "key": it.device_key,
        "profile": it.profile,
        "region": present.region(access, it.region_code),
        "announced": it.announced,
        "announced_by": it.announced_by,
        "claimed": it.claimed,
        "claimed_by": it.claimed_by,
        "device_id": it.device_id,
    }


@router.post(
    "/v1/claims",
    status_code=201,
    summary="Announce devices with claim keys",
    response_model=AnnouncementOut,
    responses=WRITE_PROBLEMS,
)
@writes(Action.REGISTER)
def announce(access: Writing, response: Response, given: AnnouncementIn) -> dict[str, Any]:
    """Announce devices of a model; the claim keys to print are in this answer and nowhere else."""
    response.headers["Cache-Control"] = "no-store"
    region = places.region(access.tx, given.region or access.person.region_code)
    access.inside(region.code)
    model = profile(given.profile)
    items = []
    for it in given.devices:
        claim_key = it.claim_key or claims.new_key()
        claims.announce(
            access.tx,
            device_key=it.key,
            claim_key=claim_key,
            profile=model.key,
            region_code=region.code,
            by=access.person.login,
        )
        items.append({"key": it.key, "claim_key": claim_key})
    return {"items": items}


@router.get(
    "/v1/profiles",
    summary="Device models",
    response_model=ProfileList,
    responses=READ_PROBLEMS,
)
@reads(Action.READ)
def models(access: Reading) -> dict[str, Any]:
    """List the device models that this platform knows, with what they measure."""
    items = [
        {
            "key": it.key,
            "maker": it.maker,
            "name": present.bilingual(it.zh, it.en),
            "cadence_s": it.cadence_s,
            "channels": it.channels,
        }
        for it in profiles().values()
    ]
    return {"items": items}
