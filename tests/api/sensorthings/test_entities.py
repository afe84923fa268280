"""SensorThings over HTTP: entities, options and paging as the standard (OGC 18-088) says."""

import math
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from models.person import Role
from models.reading import Quality, block
from models.store import readings
from tests.api.world import DAYS, DUNHUA, NOW, PROVINCE, YUSHU

STA = "/sta/v1.1"
HOURS = DAYS * 24
FIELDS = 4_000_000_000  # fields that satellites observe are numbered from here


def ask(world, path, *, scope=PROVINCE, role=Role.VIEWER, **options):
    query = "&".join(f"${name}={quote(str(value))}" for name, value in options.items())
    return world.get(f"{STA}/{path}{'?' * bool(query)}{query}", scope=scope, role=role)


def said(world, path, **more):
    got = ask(world, path, **more)
    assert got.status_code == 200, got.text
    return got.json()


def followed(world, path, **options):
    """Every entity of a collection, page after page."""
    page, found, pages = said(world, path, **options), [], 1
    while True:
        found += page["value"]
        if "@iot.nextLink" not in page:
            return found, pages
        got = world.get(page["@iot.nextLink"].removeprefix(world.url), role=Role.VIEWER)
        assert got.status_code == 200, got.text
        page, pages = got.json(), pages + 1


def ids(entities):
    return [entity["@iot.id"] for entity in entities]


# name -> properties that the standard asks for (tables 8-3 to 8-10)
MANDATORY = {
    "Things": {"name", "description"},
    "Locations": {"name", "description", "encodingType", "location"},
    "HistoricalLocations": {"time"},
    "Datastreams": {"name", "description", "unitOfMeasurement", "observationType"},
    "Sensors": {"name", "description", "encodingType", "metadata"},
    "ObservedProperties": {"name", "definition", "description"},
    "Observations": {"phenomenonTime", "result", "resultTime"},
    "FeaturesOfInterest": {"name", "description", "encodingType", "feature"},
}
NAVIGATIONS = {
    "Things": {"Locations", "HistoricalLocations", "Datastreams"},
    "Locations": {"Things", "HistoricalLocations"},
    "HistoricalLocations": {"Thing", "Locations"},
    "Datastreams": {"Thing", "Sensor", "ObservedProperty", "Observations"},
    "Sensors": {"Datastreams"},
    "ObservedProperties": {"Datastreams"},
    "Observations": {"Datastream", "FeatureOfInterest"},
    "FeaturesOfInterest": {"Observations"},
}


def test_the_root_names_every_collection_and_what_is_met(world):
    root = said(world, "")
    assert {entry["name"] for entry in root["value"]} == set(MANDATORY)
    for entry in root["value"]:
        assert world.get(entry["url"].removeprefix(world.url)).status_code == 200
    met = root["serverSettings"]["conformance"]
    assert "http://www.opengis.net/spec/iot_sensing/1.1/req/request-data" in met


@pytest.mark.parametrize("collection", MANDATORY)
def test_entities_have_what_the_standard_asks(world, collection):
    for entity in said(world, collection, top=5)["value"]:
        assert {"@iot.id", "@iot.selfLink"} | MANDATORY[collection] <= entity.keys()
        assert all(entity[name] is not None for name in MANDATORY[collection])
        links = {name for name in entity if name.endswith("@iot.navigationLink")}
        assert links == {f"{name}@iot.navigationLink" for name in NAVIGATIONS[collection]}
        own = world.get(entity["@iot.selfLink"].removeprefix(world.url))
        assert own.json() == entity
        for link in links:
            assert world.get(entity[link].removeprefix(world.url)).status_code == 200, link


def test_an_observation_says_unit_raw_and_flags(fresh_world):
    stream = fresh_world.places[YUSHU].moisture
    at = int(NOW.timestamp()) * 1_000_000
    made = block(stream, at, 0.31, quality=int(Quality.SPIKE), seq=7, raw=31.0, unit="%",
                 received=at + 5_000_000)  # fmt: skip
    with fresh_world.platform.database.writing() as tx:
        readings.add(tx, made)
    (newest,) = said(
        fresh_world, f"Datastreams({stream})/Observations", top=1, orderby="phenomenonTime desc"
    )["value"]
    assert newest["@iot.id"] == f"{stream}-{at}-7"
    assert newest["result"] == 0.31
    assert newest["resultQuality"] == ["SPIKE"]
    assert newest["parameters"] == {
        "raw": 31.0, "unit": "%", "received": "2026-05-01T06:30:05Z", "seq": 7,
    }  # fmt: skip
    assert said(fresh_world, f"Observations('{stream}-{at}-7')") == newest
    unit = said(fresh_world, f"Datastreams({stream})")["unitOfMeasurement"]
    assert unit["symbol"] == "m3/m3"


def test_addresses_lead_from_entity_to_entity(world):
    place = world.places[YUSHU]
    thing = said(world, f"Things({place.device})")
    assert thing["properties"]["key"] == f"probe-{YUSHU}"
    assert ids(said(world, f"Things({place.device})/Datastreams")["value"]) == [
        place.moisture, place.temperature,
    ]  # fmt: skip
    assert said(world, f"Datastreams({place.moisture})/Thing") == thing
    way = f"Things({place.device})/Datastreams({place.moisture})/ObservedProperty"
    assert said(world, way)["@iot.id"] == "soil_moisture"
    (first,) = said(world, f"Datastreams({place.moisture})/Observations", top=1)["value"]
    seen = said(world, f"Observations('{first['@iot.id']}')/FeatureOfInterest")
    assert seen["@iot.id"] == FIELDS + place.field
    assert seen["feature"]["type"] == "Polygon"
    location = said(world, f"Things({place.device})/Locations")["value"][0]
    assert location["location"]["coordinates"] == [126.55, 44.83]


def test_what_satellites_see_is_the_series_of_a_field(world):
    place = world.places[YUSHU]
    streams = said(
        world, f"Things({FIELDS + place.field})/Datastreams", expand="Sensor,Observations"
    )
    kinds = {s["properties"]["quantity"]: s for s in streams["value"]}
    assert "ndvi" in kinds
    assert kinds["ndvi"]["Sensor"]["@iot.id"] == "satellite:sentinel-2-l2a"
    assert len(kinds["ndvi"]["Observations"]) == 1


def test_properties_and_their_bare_values(world):
    device = world.places[YUSHU].device
    assert said(world, f"Things({device})/name") == {"name": "Soil probe"}
    bare = ask(world, f"Things({device})/name/$value")
    assert (bare.text, bare.headers["content-type"][:10]) == ("Soil probe", "text/plain")
    assert said(world, f"Things({device})/properties/key") == {"key": f"probe-{YUSHU}"}
    refs = said(world, f"Things({device})/Datastreams/$ref")["value"]
    assert [set(ref) for ref in refs] == [{"@iot.selfLink"}] * 2
    assert said(world, f"Things({device})/@iot.id") == {"@iot.id": device}


@pytest.mark.parametrize(
    "path",
    [
        "Nothing", "Things(99999)", "Things('a')", "Things(1)/Nothing", "Things(1)/name/deeper",
        "Things/Datastreams", "Datastreams(1)/Thing(1)", "Observations(1)", "Observations('1-2')",
        "Observations('99-1-0')", "Observations('1-999999999999999999-0')",
        "Things(9999999999999999999)", "Sensors('none')", "Things(1)/Datastreams(4)",
        "Things(1)/$ref/name", "Things(1)/name/$value/$value", "Things(-1)",
    ],
)  # fmt: skip
def test_what_does_not_exist_is_a_404(world, path):
    got = ask(world, path)
    assert got.status_code == 404, got.text
    assert got.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("Things", {"nothing": 1}),
        ("Things", {"filter": "nothing eq 1"}),
        ("Things", {"filter": "name"}),
        ("Things", {"filter": "name eq 1"}),
        ("Things", {"filter": "id gt 'a'"}),
        ("Things", {"filter": "name and true"}),
        ("Things", {"filter": "length(1) eq 1"}),
        ("Things", {"filter": "nothing(name) eq 1"}),
        ("Things", {"filter": "name gt null"}),
        ("Things", {"filter": "Datastreams/id eq id"}),
        ("Things", {"filter": "name add 1 eq 2"}),
        ("Things", {"orderby": "Datastreams/id"}),
        ("Things", {"expand": "Nothing"}),
        ("Things", {"expand": "Datastreams" + "/Thing/Datastreams" * 4}),
        ("Things", {"expand": ",".join(["Datastreams/Observations"] * 11)}),
        ("Things", {"select": "nothing"}),
        ("Things", {"top": -1}),
        ("Things", {"skiptoken": "WzFd!"}),
        ("Things", {"skiptoken": "WyJhIl0"}),
        ("Things", {"skiptoken": "WzEsMl0"}),
        ("Things", {"resultFormat": "dataArray"}),
        ("Observations", {"resultFormat": "csv"}),
        ("Things(1)", {"filter": "true"}),
        ("Things(1)/name", {"top": 1}),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_a_400(world, path, options):
    got = ask(world, path, **options)
    assert got.status_code == 400, got.text
    assert got.headers["content-type"] == "application/problem+json"


def test_an_option_that_comes_twice_is_a_400(world):
    assert world.get(f"{STA}/Things?$top=1&$top=2").status_code == 400


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE reading; --", "' OR '1'='1", "%' --", ":prefix", ":v0", "\\'"]
)
def test_a_literal_stays_a_literal(world, text):
    literal = text.replace("'", "''")
    assert said(world, "Things", filter=f"name eq '{literal}'")["value"] == []
    assert said(world, "Things", filter=f"substringof('{literal}', name)")["value"] == []


def hours(stream, first=0, last=HOURS):
    """Times and values of a stream of the world, as `world.hours_of` makes them."""
    end = NOW.replace(minute=0)
    level = {0: 0.25, 1: 12.0}[stream % 2 == 0]
    return [
        (end - timedelta(hours=HOURS - 1 - i), level + 0.01 * math.sin(i / 12))
        for i in range(first, last)
    ]


@pytest.mark.parametrize(
    ("text", "keeps"),
    [
        ("result gt 0.255", lambda t, v: v > 0.255),
        ("result ge 0.25 and result lt 0.252", lambda t, v: 0.25 <= v < 0.252),
        ("not (result ge 0.25) or result gt 0.259", lambda t, v: v < 0.25 or v > 0.259),
        ("result mul 100 sub 25 gt 0.5", lambda t, v: v * 100.0 - 25.0 > 0.5),
        ("result div 2 lt 0.122 add 0", lambda t, v: v / 2 < 0.122),
        ("round(result mul 100) eq 26", lambda t, v: round(v * 100) == 26),
        ("phenomenonTime ge 2026-04-30T00:00:00+08:00",
         lambda t, v: t >= datetime(2026, 4, 29, 16, tzinfo=UTC)),
        ("phenomenonTime lt 2026-04-01", lambda t, v: t < datetime(2026, 3, 31, 16, tzinfo=UTC)),
        ("resultTime eq 2026-04-30T00:00:00Z", lambda t, v: t == datetime(2026, 4, 30, tzinfo=UTC)),
        ("hour(phenomenonTime) eq 5 and day(phenomenonTime) gt 20",
         lambda t, v: t.hour == 5 and t.day > 20),
        ("phenomenonTime gt now()", lambda t, v: False),
        ("result eq null", lambda t, v: False),
        ("result ne null", lambda t, v: True),
        ("true", lambda t, v: True),
        ("Datastream/ObservedProperty/name eq 'Soil moisture'", lambda t, v: True),
        ("startswith(Datastream/name, 'Soil') and endswith(Datastream/Thing/properties/key, '82')",
         lambda t, v: True),
        ("Datastream/properties/depth_cm mod 3 eq 1", lambda t, v: True),
        ("Datastream/id eq 4", lambda t, v: False),
    ],
)  # fmt: skip
def test_filters_keep_what_they_should(world, text, keeps):
    stream = world.places[YUSHU].moisture
    found, _ = followed(world, f"Datastreams({stream})/Observations", filter=text, top=1000)
    expected = [(t, v) for t, v in hours(stream) if keeps(t, v)]
    assert [datetime.fromisoformat(o["phenomenonTime"]) for o in found] == [t for t, _ in expected]
    assert [o["result"] for o in found] == [v for _, v in expected]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("Things", "properties/key eq 'probe-222403'", [2]),
        ("Things", "tolower(name) eq 'soil probe'", [1, 2]),
        ("Things", "length(name) eq 10 and indexof(name, 'probe') eq 5", [1, 2]),
        ("Things", "substring(name, 5, 3) eq 'pro' and trim(concat(name, ' ')) eq name", [1, 2]),
        ("Things", "Datastreams/ObservedProperty/id eq 'ndvi'", [FIELDS + 1]),
        ("Things", "not (Datastreams/ObservedProperty/id eq 'ndvi')", [1, 2]),
        ("Things", "Datastreams/Observations/result gt 12.009 and id eq 2", [2]),
        ("Things", "Datastreams/Observations/result gt 13", []),
        ("Things", "Datastreams/name eq null", []),
        ("Things", " or ".join(f"id eq {i}" for i in range(1, 150)), [1, 2]),
        ("Datastreams", "Thing/properties/key eq 'probe-220182'", [1, 2]),
        ("Datastreams", "Thing/id eq 2 and unitOfMeasurement/symbol eq 'Cel'", [4]),
        ("Datastreams", "properties/depth_cm eq null and Thing/id lt 5", []),
        ("Datastreams", "contains(name, 'temperature') and @iot.id lt 3", [2]),
        ("Locations", "Things/Datastreams/id eq 3", [2]),
        ("ObservedProperties", "Datastreams/Thing/id eq 1", ["soil_moisture", "soil_temperature"]),
        ("Observations", "id eq '1-1777615200000000-0'", ["1-1777615200000000-0"]),
        ("FeaturesOfInterest", "name eq 'Field 1' and id gt 4000000001", [FIELDS + 2]),
    ],
)
def test_filters_reach_over_navigations(world, path, text, expected):
    assert ids(said(world, path, filter=text)["value"]) == expected


@pytest.mark.parametrize("size", [1, 6, 7, 8, 70])
def test_a_client_that_follows_next_links_reads_exactly_n(world, size):
    stream = world.places[YUSHU].moisture
    newest = f"phenomenonTime ge {(NOW - timedelta(hours=size)).isoformat().replace('+00:00', 'Z')}"
    for order in ("phenomenonTime desc", "phenomenonTime", "result desc", "Datastream/name,id"):
        found, pages = followed(
            world, f"Datastreams({stream})/Observations", filter=newest, orderby=order, top=7
        )
        assert len(ids(found)) == len(set(ids(found))) == size
        assert pages == -(-size // 7)
    times = [o["phenomenonTime"] for o in followed(
        world, f"Datastreams({stream})/Observations", filter=newest, orderby="phenomenonTime desc",
        top=7,
    )[0]]  # fmt: skip
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    "order", ["name desc", "properties/depth_cm", "properties/depth_cm desc,name"]
)
@pytest.mark.parametrize("top", [1, 2, 3, 100])
def test_an_order_with_ties_and_nulls_pages_without_a_seam(world, order, top):
    whole = ids(said(world, "Datastreams", orderby=order)["value"])
    assert len(whole) == 5
    parts, _ = followed(world, "Datastreams", orderby=order, top=top)
    assert ids(parts) == whole


def test_count_skip_top_and_select(world):
    got = said(world, "Observations", count="true", top=2, skip=1, select="id,result")
    assert got["@iot.count"] == 4 * HOURS + 1
    assert [set(o) for o in got["value"]] == [{"@iot.id", "result"}] * 2
    whole = said(world, "Observations", top=3)["value"]
    assert ids(got["value"]) == ids(whole)[1:]
    assert said(world, "Observations", top=0, count="true")["value"] == []
    assert "@iot.nextLink" not in said(world, "Things", top=3 + 1)
    # a page is capped, not refused
    capped = said(world, "Observations", top=10**9)
    assert len(capped["value"]) == 1000
    assert "@iot.nextLink" in capped
    rest, _ = followed(world, "Observations", skip=4 * HOURS - 3)
    assert len(rest) == 4


def test_expansions_nest_with_options_and_links(world):
    text = (
        "Datastreams($filter=unitOfMeasurement/symbol eq 'm3/m3';$count=true;$select=id,name;"
        "$expand=Observations($top=2;$orderby=phenomenonTime desc;$select=result),ObservedProperty)"
    )
    things = said(world, "Things", filter="id lt 3", expand=text)["value"]
    assert [thing["Datastreams@iot.count"] for thing in things] == [1, 1]
    for thing, place in zip(things, (YUSHU, DUNHUA), strict=True):
        assert "Datastreams@iot.navigationLink" not in thing
        (stream,) = thing["Datastreams"]
        assert stream["@iot.id"] == world.places[place].moisture
        last = [v for _, v in hours(stream["@iot.id"], HOURS - 2)]
        assert [o["result"] for o in stream["Observations"]] == last[::-1]
        assert stream["ObservedProperty"]["@iot.id"] == "soil_moisture"
        more = world.get(stream["Observations@iot.nextLink"].removeprefix(world.url)).json()
        assert [o["result"] for o in more["value"]] == [
            v for _, v in hours(stream["@iot.id"], HOURS - 4, HOURS - 2)
        ][::-1]
    one = said(world, "Datastreams(1)", expand="Thing/Locations,Observations($top=1)")
    assert one["Thing"]["Locations"][0]["location"]["type"] == "Point"
    assert len(one["Observations"]) == 1


def test_data_arrays_hold_the_same_values(world):
    plain = said(world, "Observations", top=300, filter="Datastream/id le 2 and result gt 0.259")
    arrays = said(
        world, "Observations", top=300, filter="Datastream/id le 2 and result gt 0.259",
        resultFormat="dataArray", select="id,result",
    )  # fmt: skip
    rows = [row for group in arrays["value"] for row in group["dataArray"]]
    assert rows == [[o["@iot.id"], o["result"]] for o in plain["value"]]
    assert all(group["components"] == ["id", "result"] for group in arrays["value"])
    assert [g["dataArray@iot.count"] for g in arrays["value"]] == [
        len(g["dataArray"]) for g in arrays["value"]
    ]
    assert arrays["value"][0]["Datastream@iot.navigationLink"].endswith("/Datastreams(1)")


@pytest.mark.parametrize("collection", [c for c in MANDATORY if c != "ObservedProperties"])
def test_a_region_holds_back_what_lies_outside(world, collection):
    whole = said(world, collection, count="true")["@iot.count"]
    here = said(world, collection, count="true", scope=YUSHU)["@iot.count"]
    there = said(world, collection, count="true", scope=DUNHUA)["@iot.count"]
    if collection == "Sensors":
        assert (here, there) == (2, 1)
    else:
        assert whole == here + there
    assert 0 < here < whole or collection == "Sensors"


@pytest.mark.parametrize(
    "path", ["Things(2)", "Datastreams(3)", "Datastreams(3)/Observations", "Locations(2)",
             "HistoricalLocations(2)", "FeaturesOfInterest(4000000002)", "Things(2)/name",
             "Things(2)/Datastreams/$ref"],
)  # fmt: skip
def test_a_stranger_is_refused_at_every_address(world, path):
    got = ask(world, path, scope=YUSHU)
    assert got.status_code == 403, got.text
    assert DUNHUA in got.json()["detail"]


def test_no_filter_and_no_expansion_looks_over_the_fence(world):
    there = f"Things/Datastreams/id eq {world.places[DUNHUA].moisture}"
    assert said(world, "Locations", filter=there, scope=YUSHU)["value"] == []
    assert said(world, "Locations", filter=there)["value"] != []
    seen = said(world, "ObservedProperties('soil_moisture')", expand="Datastreams/Observations",
                scope=YUSHU)  # fmt: skip
    assert ids(seen["Datastreams"]) == [world.places[YUSHU].moisture]
