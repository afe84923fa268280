"""Whether the platform lives, whether it is ready, and its figures."""

import os
from typing import Any

from fastapi import APIRouter, Request, Response

from api.answers import Json
from api.schemas.health import Live, Ready
from models.errors import HeituError
from models.platform import PartHealth, Platform
from models.store import heartbeats
from models.store.heartbeats import Heartbeat

router = APIRouter(tags=["operations"])
_SILENT = 30.0  # s without a sign of life: peers' users ask to be told within half a minute


@router.get("/health/live", summary="Is the process alive", response_model=Live)
def live() -> dict[str, Any]:
    """Answer while the process can; asks nothing of other parts."""
    return {"live": True}


@router.get(
    "/health/ready",
    summary="Can the platform serve",
    response_model=Ready,
    responses={503: {"model": Ready, "description": "Some part is not ready; it is named"}},
)
def ready(request: Request) -> Json:
    """Name every part, whether it is ready and why not."""
    parts = health(request.app.state.platform)
    fit = all(part.ready for part in parts)
    shown = [{"name": p.name, "ready": p.ready, "why": p.why} for p in parts]
    headers = {"Cache-Control": "no-store"} | ({} if fit else {"Retry-After": "5"})
    return Json({"ready": fit, "parts": shown}, 200 if fit else 503, headers)


def health(platform: Platform) -> list[PartHealth]:
    """Look at database, schema, archive, the parts that report by heartbeat, and the probes."""
    parts = [*_database(platform), _archive(platform)]
    for probe in platform.probes:
        try:
            parts.append(probe())
        except Exception as error:
            parts.append(
                PartHealth(getattr(probe, "__name__", "probe"), ready=False, why=str(error))
            )
    return parts


def _database(platform: Platform) -> list[PartHealth]:
    from models.store import migrations  # brings Alembic: 0.2 s that no other route needs

    try:
        behind = migrations.pending(platform.database)
        with platform.database.reading() as tx:
            beats = [] if behind else heartbeats.beats(tx)
    except HeituError as error:
        return [PartHealth("database", ready=False, why=error.message)]
    why = "the schema is behind this program: run 'python -m deploy migrate'" if behind else ""
    schema = PartHealth("schema", ready=not behind, why=why)
    return [PartHealth("database", ready=True), schema, *map(_heard, beats)]


def _heard(beat: Heartbeat) -> PartHealth:
    silent = beat.age_s > _SILENT
    fit = not silent and beat.detail.get("ready", True) is not False
    told = (
        f"last sign of life {beat.age_s:.0f} s ago" if silent else str(beat.detail.get("why", ""))
    )
    return PartHealth(beat.part, ready=fit, why="" if fit else told)


def _archive(platform: Platform) -> PartHealth:
    fit = platform.archive.is_dir() and os.access(platform.archive, os.W_OK)
    return PartHealth("archive", ready=fit, why="" if fit else "the folder is not writable")


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def figures(request: Request) -> Response:
    """Write counters and gauges in the exposition format."""
    text = request.app.state.figures.text()
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
