"""The verb advise: a recommendation for a field, or the replay of a stored one."""

from __future__ import annotations

import argparse
from datetime import date
from typing import TYPE_CHECKING

from deploy import wiring
from deploy.settings import Settings
from deploy.verbs import verb
from models.errors import AuditBroken, Invalid, NotFound
from models.store import places

if TYPE_CHECKING:
    from analytics.desk import Replayed
    from deploy.verbs import Verbs
    from models.place import Field
    from models.recommendation import Recommendation
    from models.store.database import Database

_ADVISE = """\
Gathers the evidence of the field, applies the rules, stores the recommendation and puts it
into the inbox of the officer of its county. `--replay ID` computes a stored one again from
its stored evidence and says whether the result is identical to the bit."""


def add(verbs: Verbs) -> None:
    """Add the verb."""
    own = verb(verbs, "advise", advise, "recommend a maize sowing window for a field", _ADVISE)
    own.add_argument("field", nargs="?", help="id or key of the field")
    own.add_argument(
        "--as-of", type=date.fromisoformat, metavar="YYYY-MM-DD", help="default: today"
    )
    own.add_argument("--replay", type=int, metavar="ID", help="replay a stored recommendation")


def advise(asked: argparse.Namespace, settings: Settings) -> int:
    """Recommend, or replay."""
    from analytics import desk

    if (asked.field is None) == (asked.replay is None):
        raise Invalid(why="give a FIELD or --replay ID")
    with wiring.open_database(settings) as database:
        if asked.replay is not None:
            return _replayed(desk.replay(database, asked.replay))
        field = _field(database, asked.field)
        print(_told(field, desk.recommend(database, field.id, as_of=asked.as_of)))
    return 0


def _replayed(done: Replayed) -> int:
    if done.identical:
        print(f"identical: recommendation {done.recommendation_id}, input {done.input_hash}")
        return 0
    raise AuditBroken(noun="recommendation", key=done.recommendation_id)


def _field(database: Database, named: str) -> Field:
    with database.reading() as tx:
        found = places.field_by_key(tx, named)
        if found is None and named.isdigit():
            return places.field(tx, int(named))
    if found is None:
        raise NotFound(noun="field", key=named)
    return found


def _told(field: Field, given: Recommendation) -> str:
    advice = given.advice
    lines = [
        f"{field.name_zh} {field.name_en}, {given.crop}, {given.as_of}: {advice.status}",
        f"  {advice.action_zh}",
        f"  {advice.action_en}",
    ]
    if advice.window:
        lines.append(f"  window {advice.window[0]} to {advice.window[1]}")
    if advice.probability is not None:
        lines.append(f"  {advice.probability:.0%}: {advice.probability_of_en}")
    lines += [f"  - {reason.zh}\n    {reason.en}" for reason in advice.reasons]
    lines.append(
        f"  no. {given.id}, {given.method} {given.method_version}, input {given.input_hash}"
    )
    return "\n".join(lines)
