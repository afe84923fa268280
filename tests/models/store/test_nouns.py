"""Places, devices, people, ledger, quarantine, scenes, weather, recommendations."""

from datetime import UTC, date, datetime, timedelta

import pytest
import shapely

from models.calendar import now
from models.device import NewStream
from models.errors import Conflict, Invalid, NotFound, Unauthenticated, UnknownUnit
from models.person import Role
from models.place import Provenance
from models.reading import LedgerEntry, Quarantined, Reason
from models.recommendation import Advice, Decision, Recommendation, Status, input_hash
from models.recommendation import Reason as Because
from models.scene import Layer, Scene, ZonalValue
from models.store import (
    catalogue,
    devices,
    heartbeats,
    ledger,
    logins,
    outbox,
    people,
    places,
    quarantine,
    readings,
    recommendations,
    scenes,
    weather,
)
from models.store.migrations import migrate, pending
from models.weather import WeatherDay
from tests.models.store.seeds import block, plant_device, plant_farm, plant_field

TODAY = date(2026, 5, 1)


@pytest.fixture
def tx(province):
    with province.writing() as opened:
        yield opened


def test_a_second_migration_changes_nothing(database):
    migrate(database.url)
    assert not pending(database)


def test_jilin_has_its_divisions_and_retired_codes_lead_to_current_ones(tx):
    assert len(places.regions(tx)) == 70
    assert places.region(tx, "220381").name == "公主岭市"
    assert places.region(tx, "220381").code == "220184"
    with pytest.raises(NotFound, match="999999"):
        places.region(tx, "999999")


def test_a_point_lies_in_its_county(tx):
    found = places.region_at(tx, 126.5241, 44.8767)
    assert found is not None
    assert found.name == "榆树市"
    assert places.region_at(tx, 116.4, 39.9) is None


def test_a_field_knows_its_county_and_its_area(tx):
    field = plant_field(tx, plant_farm(tx))
    # 0.01 x 0.01 degrees at 44.85 N is 790.6 m x 1111 m
    assert field.area_ha == pytest.approx(87.9, abs=0.3)
    assert field.region_code == "220182"
    inside = places.fields_in(tx, (126.54, 44.84, 126.56, 44.86))
    assert [f.key for f in inside] == ["field-1"]
    assert places.fields_in(tx, (125.0, 44.0, 125.1, 44.1)) == []


@pytest.mark.parametrize("turn", [1, -1])
def test_a_hole_is_no_land_however_it_is_wound(turn):
    outer, hole = shapely.box(126, 44, 126.02, 44.02), shapely.box(126, 44, 126.01, 44.01)
    shell, inner = list(outer.exterior.coords), list(hole.exterior.coords)[::turn]
    whole, ring = places.area_ha(outer), places.area_ha(shapely.Polygon(shell, [inner]))
    assert ring == pytest.approx(whole - places.area_ha(hole), rel=1e-6)


def test_a_key_is_given_once(tx):
    farm = plant_farm(tx)
    plant_device(tx, farm)
    with pytest.raises(Conflict, match="farm-1"):
        plant_farm(tx)
    with pytest.raises(Conflict, match="dev-1"):
        plant_device(tx, farm)


@pytest.mark.parametrize("key", ["", "a/b", "+", "a#", "a:b", "a b", "a\n", "k" * 101])
def test_a_key_that_is_no_topic_level_is_refused(tx, key):
    with pytest.raises(Invalid, match="cannot name a device"):
        plant_device(tx, plant_farm(tx), key=key)


def test_a_field_outside_jilin_is_refused(tx):
    farm = plant_farm(tx)
    with pytest.raises(Invalid, match="outside every county"):
        places.add_field(
            tx,
            key="far",
            farm_id=farm.id,
            name_zh="远",
            name_en="Far",
            geometry=shapely.box(10, 10, 11, 11),
            provenance=Provenance.REAL,
        )


def test_a_datastream_needs_a_unit_of_its_quantity(tx):
    with pytest.raises(UnknownUnit, match="g/g"):
        plant_device(tx, plant_farm(tx), streams=[NewStream("m", "soil_moisture", "g/g")])


def test_the_catalogue_grows_with_each_device(tx):
    farm = plant_farm(tx)
    before = catalogue.version(tx)
    device = plant_device(tx, farm)
    seen = catalogue.load(tx)
    assert seen.version > before
    assert seen.devices == {"dev-1": device.id}
    assert set(seen.streams[device.id]) == {"soil_temperature_10", "soil_moisture_10"}
    assert devices.installations(tx, device.id)[0].location == farm.location


def test_a_zonal_stream_is_made_once(tx):
    field = plant_field(tx, plant_farm(tx))
    made = [devices.field_stream(tx, field.id, "sentinel-2-l2a/ndvi", "ndvi") for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].device_id is None


def test_a_secret_is_not_kept(tx):
    device = plant_device(tx, plant_farm(tx))
    secret = logins.issue(tx, device.id)
    kept = tx.row("devices", "device", id=device.id).secret_hash
    assert secret not in kept
    assert [(it.key, it.secret_hash) for it in logins.logins(tx)] == [("dev-1", kept)]
    assert kept.startswith("$7$101$")


def open_account(tx, login="officer", region_code="220182"):
    return people.add_person(
        tx,
        login=login,
        password="long enough",
        name_zh="农技员",
        name_en="Officer",
        role=Role.OFFICER,
        region_code=region_code,
    )


def test_a_token_opens_until_it_expires_or_is_revoked(tx):
    person = open_account(tx)
    token, expires, who = people.log_in(tx, "officer", "long enough", timedelta(hours=1))
    assert (who, people.person_of(tx, token)) == (person, person)
    assert expires > now()
    people.log_out(tx, token)
    assert people.person_of(tx, token) is None
    stale, _, _ = people.log_in(tx, "officer", "long enough", timedelta(seconds=-1))
    assert people.person_of(tx, stale) is None


@pytest.mark.parametrize(("login", "password"), [("officer", "wrong"), ("nobody", "long enough")])
def test_a_wrong_login_does_not_say_which_part_is_wrong(tx, login, password):
    open_account(tx)
    with pytest.raises(Unauthenticated, match="login or the password"):
        people.log_in(tx, login, password, timedelta(hours=1))


def test_a_short_password_is_refused(tx):
    with pytest.raises(Invalid, match="at least 10"):
        people.add_person(
            tx,
            login="x",
            password="short",
            name_zh="甲",
            name_en="A",
            role=Role.VIEWER,
            region_code="220000",
        )


def test_ledger_and_tables_agree(tx):
    device = plant_device(tx, plant_farm(tx))
    (stream, _) = devices.datastreams(tx, device_ids=[device.id])
    readings.add(tx, block([(stream.id, datetime(2026, 5, 1, tzinfo=UTC), 1.0)]))
    quarantine.put(
        tx, [Quarantined(now(), "dev-1", "t\0", b"\0{", None, 1, Reason.UNREADABLE, "\ud800")]
    )
    ledger.record(tx, [LedgerEntry("dev-1", TODAY, received=1, stored=1)])
    moved = LedgerEntry("dev-1", TODAY, quarantined=-1), LedgerEntry("dev-1", TODAY, quarantined=1)
    ledger.record(tx, [LedgerEntry("dev-1", TODAY, received=1, quarantined=1), *moved])
    assert ledger.rows(tx, ledger.Selection()) == [LedgerEntry("dev-1", TODAY, 2, 1, 0, 1)]
    assert ledger.reconciliation(tx).agrees
    assert ledger.reconciliation(tx, device_key="dev-1").agrees
    assert ledger.reconciliation(tx, prefix="2202").stored_rows == 0
    ledger.record(tx, [LedgerEntry("dev-1", TODAY, received=1, stored=1)])
    assert not ledger.reconciliation(tx).agrees


def test_quarantine_keeps_the_payload_until_it_is_resolved(tx):
    raw = bytes(range(256))
    quarantine.put(tx, [Quarantined(now(), "d", "t", raw, [0, 2], 2, Reason.UNKNOWN_UNIT, "x")])
    (entry,) = quarantine.open_ones(tx)
    assert (entry.payload, entry.items) == (raw, [0, 2])
    assert quarantine.count(tx) == {Reason.UNKNOWN_UNIT: 2}
    assert quarantine.take(tx, [entry.id, entry.id + 1]) == [entry]
    quarantine.resolve(tx, [entry.id])
    assert quarantine.take(tx, [entry.id]) == []
    assert quarantine.open_ones(tx) == []


def test_a_scene_is_catalogued_once_with_its_layer_and_statistics(tx):
    field = plant_field(tx, plant_farm(tx))
    at = datetime(2026, 7, 1, 2, 30, tzinfo=UTC)
    box = (126.5, 44.8, 126.7, 45.0)
    scene = Scene(
        "s1", "sentinel-2-l2a", at, box, 32652, 0.9, Provenance.REAL, {"a": [1]}, "景", "Scene"
    )
    assert scenes.add_scene(tx, scene)
    assert not scenes.add_scene(tx, scene)
    assert scenes.scene(tx, "s1") == scene
    assert scenes.scenes(tx, bbox=(126.6, 44.9, 127, 46)) == [scene]
    assert scenes.scenes(tx, bbox=(120, 40, 121, 41)) == []
    layer = Layer(
        "s1-ndvi", "s1", "ndvi", at, box, "a.tif", "b.tif", None, 1e-4, 0.0, -0.2, 1.0, "ndvi",
        8, 14, Provenance.REAL, "植被", "NDVI",
    )  # fmt: skip
    scenes.add_layer(tx, layer)
    assert scenes.layer(tx, "s1-ndvi") == layer
    value = ZonalValue(field.id, "s1", "ndvi", at, None, 2, 100, 0.02, None)
    scenes.add_zonal(tx, [value])
    assert scenes.zonal(tx, field.id) == [(value, Provenance.REAL)]


def test_weather_days_are_replaced_by_a_later_import(tx):
    station = weather.add_station(
        tx,
        key="w",
        name_zh="站",
        name_en="Station",
        location=(125.3, 43.9),
        provenance=Provenance.SYNTHETIC,
        attribution="made",
    )
    for tmax in (10.0, 12.0):
        weather.add_days(tx, station.id, [WeatherDay(TODAY, 1.0, tmax, None, None)])
    assert weather.days(tx, station.id, TODAY, TODAY) == [WeatherDay(TODAY, 1.0, 12.0, None, None)]
    assert weather.nearest(tx, 125.0, 44.0) == station


def advised(field, evidence):
    advice = Advice(
        Status.OK, "sow", "播种", "Sow", (TODAY, TODAY), 0.9, "无霜", "no frost",
        (Because("warm", "暖", "Warm", {"t": 10.5}, "soil", "src"),), TODAY + timedelta(days=3),
    )  # fmt: skip
    return Recommendation(
        0, "sowing_window", "maize", field.id, field.region_code, TODAY, now(), "m", "1",
        input_hash(evidence), advice, evidence,
    )  # fmt: skip


def test_a_recommendation_is_kept_to_the_bit_and_posted_to_the_officer(tx):
    field = plant_field(tx, plant_farm(tx))
    officer, stranger = open_account(tx), open_account(tx, "other", "220184")
    evidence = {"b": 0.1 + 0.2, "a": ["土", None]}
    kept = recommendations.save(tx, advised(field, evidence))
    assert recommendations.save(tx, advised(field, evidence)).id == kept.id
    again = recommendations.get(tx, kept.id)
    assert (again.evidence, input_hash(again.evidence)) == (evidence, kept.input_hash)
    assert again.advice == advised(field, evidence).advice
    for _ in range(2):
        outbox.put(tx, kept.id, field.region_code)
    (letter,) = outbox.inbox(tx, officer)
    assert outbox.inbox(tx, stranger) == []
    outbox.mark_read(tx, letter.id, officer.id)
    assert outbox.inbox(tx, officer, unread_only=True) == []
    decided = recommendations.decide(tx, kept.id, Decision.CONFIRMED, officer, now(), "好")
    assert (decided.decision, decided.decided_by) == (Decision.CONFIRMED, "officer")


def test_a_delivery_is_tried_again_and_given_up(tx):
    field = plant_field(tx, plant_farm(tx))
    kept = recommendations.save(tx, advised(field, {}))
    outbox.put(tx, kept.id, field.region_code)
    (due,) = outbox.due(tx, now() + timedelta(seconds=5))
    outbox.failed(tx, due.id, "no line", now() + timedelta(hours=1))
    assert outbox.due(tx, now()) == []
    outbox.failed(tx, due.id, "no line", None)
    assert outbox.due(tx, now() + timedelta(days=1)) == []


def test_a_heartbeat_tells_its_age(tx):
    heartbeats.beat(tx, "ingest", {"depth": 3})
    (beat,) = heartbeats.beats(tx)
    assert (beat.part, beat.detail) == ("ingest", {"depth": 3})
    assert beat.age_s < 5
