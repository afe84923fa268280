"""One recommendation: readings and a weather file -> desk -> outbox -> the officer decides."""

from datetime import UTC, date, datetime

from analytics import desk
from models.person import Role
from models.recommendation import Decision, Status
from models.store import outbox, people, recommendations
from tests.analytics.desk_cases import COUNTY, add_field, add_probe, add_weather, springlike

AS_OF = date(2025, 5, 10)
NOW = datetime(2025, 5, 10, 2, tzinfo=UTC)


def test_from_probe_to_the_officer_of_the_county(province):
    field = add_field(province)
    springlike(province, add_probe(province, field), AS_OF)
    add_weather(province)
    with province.writing() as tx:
        here, elsewhere = (
            people.add_person(
                tx,
                login=login,
                password="a long enough password",
                name_zh="农技员",
                name_en="Officer",
                role=Role.OFFICER,
                region_code=code,
            )
            for login, code in (("here", COUNTY), ("elsewhere", "220200"))
        )

    kept = desk.recommend(province, field.id, clock=lambda: NOW)
    assert (kept.as_of, kept.advice.action) == (AS_OF, "sow")
    # the station is synthetic, so the advice says so and is no more than degraded
    assert kept.advice.status is Status.DEGRADED

    with province.writing() as tx:
        (letter,) = outbox.inbox(tx, here)
        assert outbox.inbox(tx, elsewhere) == []
        outbox.mark_read(tx, letter.id, here.id)
        read = recommendations.get(tx, letter.recommendation_id)
    assert read == kept
    assert len([told for told in read.advice.reasons if told.numbers]) >= 3
    assert read.evidence["soil_temperature"]["n"] == 15 * 24

    decided = desk.decide(province, kept.id, Decision.CONFIRMED, here, None, clock=lambda: NOW)
    assert (decided.decision, decided.decided_by) == (Decision.CONFIRMED, "here")
    again = desk.replay(province, kept.id)
    assert again.identical
    assert again.input_hash == kept.input_hash
