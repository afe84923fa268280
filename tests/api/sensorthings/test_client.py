"""Fraunhofer's own client (frost_sta_client) reads us; skipped where it is not installed."""

import pytest

from models.person import Role
from tests.api.world import DAYS, PROVINCE, YUSHU

frost = pytest.importorskip("frost_sta_client")
auth = pytest.importorskip("requests.auth")


@pytest.fixture
def service(world):
    class Bearer(auth.AuthBase):
        def __call__(self, request):
            request.headers["Authorization"] = f"Bearer {world.tokens[Role.VIEWER, PROVINCE]}"
            return request

    class Handler(frost.AuthHandler):
        def add_auth_header(self):
            return Bearer()

    return frost.SensorThingsService(f"{world.url}/sta/v1.1", auth_handler=Handler())


def test_the_client_reads_things_with_what_they_lead_to(world, service):
    things = service.things().query().filter("id lt 3").expand("Datastreams,Locations").list()
    assert [thing.name for thing in things] == ["Soil probe"] * 2
    thing = service.things().find(world.places[YUSHU].device)
    streams = list(thing.get_datastreams().query().expand("ObservedProperty").list())
    assert [s.unit_of_measurement.symbol for s in streams] == ["m3/m3", "Cel"]
    assert [s.observed_property.name for s in streams] == [
        "Soil moisture", "Soil temperature",
    ]  # fmt: skip


@pytest.mark.parametrize("top", [50, 1000])
def test_the_client_pages_through_exactly_n(world, service, top):
    stream = service.datastreams().find(world.places[YUSHU].moisture)
    query = stream.get_observations().query().orderby("phenomenonTime", "desc").top(top)
    found = list(query.list())
    assert len(found) == DAYS * 24
    assert found[0].result == pytest.approx(0.2572, abs=1e-4)
    assert len({observation.id for observation in found}) == DAYS * 24
