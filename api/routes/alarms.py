"""Alarms: the list, one with its life, acknowledgement, and the map."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query

from analytics.alarms import wording
from api import present
from api.answers import GeoJson
from api.dependencies import Reading, Writing, reads, writes
from api.paging import Page, paged
from api.routes.devices import DeviceQuery, inside_device
from api.schemas.alarms import AcknowledgeIn, AlarmCollection, AlarmDetail, AlarmList, AlarmOut
from api.schemas.problem import ONE_PROBLEMS, READ_PROBLEMS, WRITE_PROBLEMS
from api.schemas.shape import Id, Instant
from models.alarm import Alarm, Severity
from models.person import Action
from models.store import alarms as store

router = APIRouter(tags=["alarms"])
_ON_THE_MAP = 5000


def shown(caller: present.Caller, it: Alarm) -> dict[str, Any]:
    """Show an alarm."""
    facts = it.facts
    kept = ("id", "rule_id", "kind", "severity", "state", "subject", "datastream_id", "device_id")
    times = ("since", "opened", "noticed", "cleared", "value", "peak", "peak_at", "escalated")
    more = ("farm_id", "location", "provenance", "members", "returned")
    return {
        **{name: getattr(it, name) for name in (*kept, *times, *more)},
        "rule": it.rule_key,
        "title": present.bilingual(facts["title_zh"], facts["title_en"]),
        "text": present.bilingual(facts["text_zh"], facts["text_en"]),
        "reason": reason(it),
        "source": facts["source"],
        "trust": facts["trust"],
        "limits": [_limit(term) for term in facts["terms"]],
        "name": present.bilingual(it.name_zh, it.name_en),
        "region": present.region(caller, it.region_code),
        "acknowledged": _acknowledged(it),
    }


def reason(it: Alarm) -> dict[str, Any]:
    """Say in both languages why an alarm opened."""
    return present.bilingual(wording.reason(it, zh=True), wording.reason(it, zh=False))


def _limit(term: dict[str, Any]) -> dict[str, Any]:
    label = present.bilingual(term["label_zh"], term["label_en"])
    kept = {name: term[name] for name in ("quantity", "side", "limit", "unit")}
    return {**kept, "label": label}


def _acknowledged(it: Alarm) -> dict[str, Any] | None:
    if it.acknowledged_at is None:
        return None
    return {"by": it.acknowledged_by or "", "at": it.acknowledged_at, "note": it.note or ""}


@router.get("/v1/alarms", summary="Alarms", response_model=AlarmList, responses=ONE_PROBLEMS)
@reads(Action.READ)
def alarms(
    access: Reading,
    page: Annotated[Page, Depends(paged("alarms", most=500))],
    state: Annotated[
        Literal["open", "cleared", "all"], Query(description="Open ones unless asked")
    ] = "open",
    severity: Annotated[Severity | None, Query(description="One severity only")] = None,
    device: DeviceQuery = None,
    since: Annotated[Instant | None, Query(description="Opened or cleared since")] = None,
) -> dict[str, Any]:
    """List alarms of the account's region, newest first."""
    inside_device(access, device)
    found = store.listed(
        access.tx,
        prefix=access.prefix,
        state=None if state == "all" else state,
        severity=severity,
        device_id=device,
        since=since,
        before=page.number(),
        limit=page.one_more,
    )
    rows, following = page.cut(found, lambda it: (it.id,))
    return {"items": [shown(access, it) for it in rows], "next": following}


@router.get(
    "/v1/alarms.geojson",
    summary="Open alarms for the map",
    response_model=AlarmCollection,
    response_class=GeoJson,
    responses=READ_PROBLEMS,
)
@reads(Action.READ)
def on_the_map(access: Reading) -> GeoJson:
    """List the open alarms of the region as GeoJSON; those without a place have no geometry."""
    found = store.listed(access.tx, prefix=access.prefix, state="open", limit=_ON_THE_MAP + 1)
    return GeoJson(
        {
            "type": "FeatureCollection",
            "features": [_feature(it) for it in found[:_ON_THE_MAP]],
            "counts": store.open_counts(access.tx, access.prefix),
            "truncated": len(found) > _ON_THE_MAP,
        }
    )


def _feature(it: Alarm) -> dict[str, Any]:
    kept = ("id", "severity", "kind", "subject", "device_id", "farm_id", "opened", "members")
    return {
        "type": "Feature",
        "id": it.id,
        "geometry": it.location and {"type": "Point", "coordinates": it.location},
        "properties": {
            **{name: getattr(it, name) for name in kept},
            "title": present.bilingual(it.facts["title_zh"], it.facts["title_en"]),
            "reason": reason(it),
            "name": present.bilingual(it.name_zh, it.name_en),
            "region": it.region_code,
            "acknowledged": it.acknowledged_at is not None,
            "provenance": it.provenance,
        },
    }


@router.get(
    "/v1/alarms/{alarm_id}",
    summary="One alarm",
    response_model=AlarmDetail,
    responses=ONE_PROBLEMS,
)
@reads(Action.READ)
def alarm(access: Reading, alarm_id: Id) -> dict[str, Any]:
    """Show an alarm with its life, its devices, and what late data show around it."""
    it = access.see(store.get(access.tx, alarm_id))
    until = it.cleared or access.platform.clock()
    members = store.members(access.tx, it.id) if it.members else []
    return {
        **shown(access, it),
        "events": store.events(access.tx, it.id),
        "devices": [
            {
                "device_id": one.device_id,
                "key": one.key,
                "name": present.bilingual(one.name_zh, one.name_en),
                "silent_since": one.silent_since,
                "returned": one.returned,
            }
            for one in members
        ],
        "late": store.annotations(access.tx, it, until),
    }


@router.post(
    "/v1/alarms/{alarm_id}/acknowledge",
    summary="Acknowledge an alarm",
    response_model=AlarmOut,
    responses=WRITE_PROBLEMS,
)
@writes(Action.DECIDE)
def acknowledge(access: Writing, alarm_id: Id, given: AcknowledgeIn) -> dict[str, Any]:
    """Say that somebody looks after it; the first one counts, and nothing is escalated then."""
    access.see(store.get(access.tx, alarm_id))
    now = access.platform.clock()
    return shown(access, store.acknowledge(access.tx, alarm_id, access.person, now, given.note))
