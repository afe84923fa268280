"""Every route by every role and region: who is let in, and who is told what is missing."""

import pytest

from models.person import Role
from tests.api.conftest import opened
from tests.api.world import DUNHUA, PREFECTURE, PROVINCE, YUSHU


@pytest.fixture(scope="module")
def world(postgres, seed):
    """A world of this module: who is let in decides and leaves receipts."""
    with opened(postgres, seed) as made:
        for code, place in made.places.items():
            body = DEVICE | {"key": f"labelled-{code}", "farm_id": place.farm}
            assert made.post("/v1/devices", json=body).status_code == 201
        yield made


V, A, D, P = Role.VIEWER, Role.AGRONOMIST, Role.OFFICER, Role.OPERATOR
G = Role.GATEWAY
EVERYONE, ADVISERS, DECIDERS, OPERATORS = {V, A, D, P}, {A, D, P}, {D, P}, {P}
INGESTERS = {P, G}
INSIDE = {PROVINCE, PREFECTURE, YUSHU}  # scopes that hold the things of Yushu
ANYWHERE = {PROVINCE, PREFECTURE, YUSHU, DUNHUA}

SQUARE = [
    [126.60, 44.80],
    [126.61, 44.80],
    [126.61, 44.81],
    [126.60, 44.81],
    [126.60, 44.80],
]
AREA = {
    "geometry": {
        "type": "Polygon",
        "coordinates": [
            [[126.546, 44.826], [126.554, 44.826], [126.55, 44.834], [126.546, 44.826]]
        ],
    }
}
NAME = {"zh": "名", "en": "Name"}
# taken keys: an allowed request gets as far as 409 and changes nothing
FARM = {
    "key": "farm-220182",
    "name": NAME,
    "kind": "field",
    "location": [126.55, 44.83],
}
FIELD = {
    "key": "field-220182",
    "farm_id": "{farm}",
    "name": NAME,
    "geometry": {"type": "Polygon", "coordinates": [SQUARE]},
    "datum": "CGCS2000",
}
PANEL = {
    "range": {"from": "2026-04-30", "to": "2026-05-01"},
    "targets": [{"target": "{moisture}"}],
}
DEVICE = {
    "key": "probe-220182",
    "farm_id": "{farm}",
    "name": NAME,
    "location": [126.55, 44.83],
    "datastreams": [{"channel": "w", "quantity": "soil_moisture", "unit": "%"}],
}
# the device behind this label was registered another way meanwhile
CLAIM = {"claim_key": "labe-lled-0000-220182", "farm_id": "{farm}", "name": NAME}
ANNOUNCEMENT = {
    "profile": "dragino-lse01",
    "region": "220182",
    "devices": [{"key": "probe-220182"}],
}
PLACE = {"location": [126.55, 44.83], "since": "2026-05-01"}
GROUP = {"key": "group-220182", "name": NAME, "region": "220182"}
ADVICE = {"field_id": "{field}", "as_of": "2026-05-01"}
RULE = {
    "key": "wet-220182",
    "kind": "threshold",
    "severity": "info",
    "title": NAME,
    "text": NAME,
    "source": "a test",
    "trust": "D",
    "scope": "region:220182",
    "terms": [{"quantity": "soil_moisture", "side": "above", "limit": 0.3}],
}
TIME = "2026-05-01T05:59:00Z"
READING = {"device": "probe-220182", "channel": "w", "time": TIME, "value": 20}
ENTITY = {"Datastream": {"@iot.id": "{moisture}"}, "phenomenonTime": TIME, "result": 20}
ARRAY = {
    "Datastream": {"@iot.id": "{moisture}"},
    "components": ["phenomenonTime", "result"],
    "dataArray": [[TIME, 20]],
}
CHIRPSTACK = {"deviceInfo": {"devEui": "probe-220182"}, "time": TIME, "object": {"w": 20}}
TTN = {
    "end_device_ids": {"device_id": "probe-220182"},
    "received_at": TIME,
    "uplink_message": {"decoded_payload": {"w": 20}, "received_at": TIME},
}

# method, path, body, roles, scopes in which it is allowed
ROUTES = [
    ("GET", "/v1/me", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/quantities", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/qualities", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/farms", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/farms/{farm}", None, EVERYONE, INSIDE),
    ("POST", "/v1/farms", FARM, OPERATORS, INSIDE),
    ("GET", "/v1/fields", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/fields?farm={farm}", None, EVERYONE, INSIDE),
    ("GET", "/v1/fields/{field}", None, EVERYONE, INSIDE),
    ("GET", "/v1/fields/{field}/zonal", None, EVERYONE, INSIDE),
    ("GET", "/v1/fields/{field}/season", None, EVERYONE, INSIDE),
    ("POST", "/v1/fields", FIELD, OPERATORS, INSIDE),
    ("GET", "/v1/devices", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/devices?farm={farm}", None, EVERYONE, INSIDE),
    ("GET", "/v1/devices?field={field}", None, EVERYONE, INSIDE),
    ("GET", "/v1/devices/{device}", None, EVERYONE, INSIDE),
    ("POST", "/v1/devices", DEVICE, OPERATORS, INSIDE),
    ("PATCH", "/v1/devices/{device}", {"name": NAME}, OPERATORS, INSIDE),
    ("GET", "/v1/devices?group={group}&online=false", None, EVERYONE, INSIDE),
    ("POST", "/v1/devices/bulk", [], OPERATORS, ANYWHERE),
    ("POST", "/v1/devices/claim", CLAIM, ADVISERS, INSIDE),
    ("GET", "/v1/devices/{device}/installations", None, EVERYONE, INSIDE),
    ("POST", "/v1/devices/{device}/installations", PLACE, OPERATORS, INSIDE),
    ("POST", "/v1/devices/{device}/datastreams", {"datastreams": DEVICE["datastreams"]}, OPERATORS,
     INSIDE),
    ("POST", "/v1/devices/{device}/secret", None, OPERATORS, INSIDE),
    ("DELETE", "/v1/devices/{device}/secret", None, OPERATORS, INSIDE),
    ("GET", "/v1/devices/{device}/events", None, OPERATORS, INSIDE),
    ("GET", "/v1/devices/{device}/unclaimed", None, EVERYONE, INSIDE),
    ("GET", "/v1/profiles", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/claims", None, OPERATORS, ANYWHERE),
    ("POST", "/v1/claims", ANNOUNCEMENT, OPERATORS, INSIDE),
    ("GET", "/v1/groups", None, EVERYONE, ANYWHERE),
    ("POST", "/v1/groups", GROUP, OPERATORS, INSIDE),
    ("GET", "/v1/groups/{group}", None, EVERYONE, INSIDE),
    ("PATCH", "/v1/groups/{group}", {"name": NAME}, OPERATORS, INSIDE),
    ("DELETE", "/v1/groups/{group}", None, OPERATORS, INSIDE),
    ("PATCH", "/v1/datastreams/{moisture}", {"depth_cm": 10}, OPERATORS, INSIDE),
    ("GET", "/v1/datastreams/{moisture}/calibrations", None, EVERYONE, INSIDE),
    ("POST", "/v1/datastreams/{moisture}/calibrations", {"since": "2026-05-01"}, OPERATORS,
     INSIDE),
    ("GET", "/v1/datastreams", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/datastreams?device={device}", None, EVERYONE, INSIDE),
    ("GET", "/v1/datastreams?field={field}", None, EVERYONE, INSIDE),
    ("GET", "/v1/observations?datastream={moisture}", None, EVERYONE, INSIDE),
    ("GET", "/v1/observations?datastream={moisture}&bucket=day", None, EVERYONE, INSIDE),
    ("GET", "/v1/observations?datastream={moisture}&format=csv", None, EVERYONE, INSIDE),
    ("GET", "/v1/observations?datastream={moisture}&format=parquet", None, EVERYONE, INSIDE),
    ("GET", "/v1/observations?datastream={moisture}&points=10", None, EVERYONE, INSIDE),
    ("GET", "/v1/latest", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/latest?farm={farm}", None, EVERYONE, INSIDE),
    ("GET", "/v1/latest?field={field}", None, EVERYONE, INSIDE),
    ("GET", "/v1/latest?device={device}", None, EVERYONE, INSIDE),
    ("GET", "/v1/live?seconds=0", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/live?seconds=0&farm={farm}", None, EVERYONE, INSIDE),
    ("GET", "/v1/live?seconds=0&field={field}", None, EVERYONE, INSIDE),
    ("GET", "/v1/live?seconds=0&device={device}", None, EVERYONE, INSIDE),
    ("GET", "/v1/live?seconds=0&datastream={moisture}", None, EVERYONE, INSIDE),
    ("GET", "/grafana/", None, EVERYONE, ANYWHERE),
    ("POST", "/grafana/search", {}, EVERYONE, ANYWHERE),
    ("POST", "/grafana/metrics", {}, EVERYONE, ANYWHERE),
    ("POST", "/grafana/metric-payload-options", {}, EVERYONE, ANYWHERE),
    ("POST", "/grafana/query", PANEL, EVERYONE, INSIDE),
    ("POST", "/grafana/annotations", {}, EVERYONE, ANYWHERE),
    ("POST", "/grafana/tag-keys", {}, EVERYONE, ANYWHERE),
    ("POST", "/grafana/tag-values", {}, EVERYONE, ANYWHERE),
    ("POST", "/grafana/variable", {}, EVERYONE, ANYWHERE),
    ("GET", "/sta/v1.1", None, EVERYONE, ANYWHERE),
    ("GET", "/sta/v1.1/Things", None, EVERYONE, ANYWHERE),
    ("GET", "/sta/v1.1/Things({device})", None, EVERYONE, INSIDE),
    ("GET", "/sta/v1.1/Datastreams({moisture})/Observations", None, EVERYONE, INSIDE),
    ("GET", "/sta/v1.1/Datastreams({moisture})/Thing/Locations", None, EVERYONE, INSIDE),
    ("GET", "/v1/layers", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/layers/{layer}/tilejson.json", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/layers/{layer}/tiles/0/0/0.png", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/layers/{layer}/data.tif", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/layers/{layer}/point?lon=126.55&lat=44.83", None, EVERYONE, ANYWHERE),
    ("POST", "/v1/layers/{layer}/statistics", AREA, EVERYONE, ANYWHERE),
    ("GET", "/v1/series/point?product=ndvi&lon=126.55&lat=44.83", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/products/ndvi/dates", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/products/ndvi/legend.json", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/products/ndvi/legend.png", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/products/ndvi/tiles/w/latest/0/0/0.png", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/layers/{layer}/tiles/c/1/0/0.png", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/tileMatrixSets", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/tileMatrixSets/WebMercatorQuad", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/wmts", None, EVERYONE, ANYWHERE),
    ("GET", "/stac", None, EVERYONE, ANYWHERE),
    ("GET", "/stac/conformance", None, EVERYONE, ANYWHERE),
    ("GET", "/stac/queryables", None, EVERYONE, ANYWHERE),
    ("GET", "/stac/collections", None, EVERYONE, ANYWHERE),
    ("GET", "/stac/collections/{collection}", None, EVERYONE, ANYWHERE),
    ("GET", "/stac/collections/{collection}/queryables", None, EVERYONE, ANYWHERE),
    ("GET", "/stac/collections/{collection}/items", None, EVERYONE, ANYWHERE),
    ("GET", "/stac/collections/{collection}/items/{scene}", None, EVERYONE, ANYWHERE),
    ("GET", "/stac/search?limit=1", None, EVERYONE, ANYWHERE),
    ("POST", "/stac/search", {"limit": 1}, EVERYONE, ANYWHERE),
    ("GET", "/v1/scenes", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/scenes/{scene}", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/scenes/{scene}/tiles/0/0/0.png", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/recommendations", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/recommendations?field={field}", None, EVERYONE, INSIDE),
    ("GET", "/v1/recommendations/{recommendation}", None, EVERYONE, INSIDE),
    ("POST", "/v1/recommendations", ADVICE, ADVISERS, INSIDE),
    ("POST", "/v1/recommendations/{recommendation}/decision", {"decision": "confirmed"}, DECIDERS,
     INSIDE),
    ("POST", "/v1/recommendations/{recommendation}/replay", None, EVERYONE, INSIDE),
    ("GET", "/v1/alarms", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/alarms?device={device}", None, EVERYONE, INSIDE),
    ("GET", "/v1/alarms.geojson", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/alarms/{alarm}", None, EVERYONE, INSIDE),
    ("POST", "/v1/alarms/{alarm}/acknowledge", {}, DECIDERS, INSIDE),
    ("GET", "/v1/alarm-rules", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/alarm-rules/{rule}", None, EVERYONE, INSIDE),
    ("POST", "/v1/alarm-rules", RULE, OPERATORS, INSIDE),
    ("PATCH", "/v1/alarm-rules/{rule}", {"severity": "info"}, OPERATORS, INSIDE),
    ("POST", "/v1/alarm-rules/{rule}/backtest?start=2026-04-30", None, OPERATORS, INSIDE),
    ("GET", "/v1/alarm-rules/{rule}/backtests/{backtest}", None, OPERATORS, INSIDE),
    ("GET", "/v1/inbox", None, EVERYONE, ANYWHERE),
    ("POST", "/v1/inbox/{letter}/read", None, EVERYONE, INSIDE),
    ("GET", "/v1/ledger", None, EVERYONE, ANYWHERE),
    ("GET", "/v1/ledger?device=probe-220182", None, EVERYONE, INSIDE),
    ("GET", "/v1/quarantine", None, OPERATORS, {PROVINCE}),
    ("GET", "/v1/quarantine?device=probe-220182", None, OPERATORS, INSIDE),
    ("POST", "/v1/observations", READING, INGESTERS, INSIDE),
    ("POST", "/v1/webhooks/chirpstack?event=up", CHIRPSTACK, INGESTERS, INSIDE),
    ("POST", "/v1/webhooks/ttn", TTN, INGESTERS, INSIDE),
    ("POST", "/sta/v1.1/Observations", ENTITY, INGESTERS, INSIDE),
    ("POST", "/sta/v1.1/Datastreams({moisture})/Observations", ENTITY, INGESTERS, INSIDE),
    ("POST", "/sta/v1.1/CreateObservations", [ARRAY], INGESTERS, INSIDE),
]  # fmt: skip
PUBLIC = {
    "/v1/auth/token",
    "/v1/about",
    "/v1/regions",
    "/v1/regions/{code}",
    "/health/live",
    "/health/ready",
    "/metrics",
}


# one route serves the files of a layer, the products, the matrix sets and the days
FILES = dict.fromkeys(("data", "ndvi", "w", "latest", "WebMercatorQuad"), "*")


def filled(world, template):
    place = world.places[YUSHU]
    letters = world.get("/v1/inbox", scope=YUSHU).json()["items"]
    return template.format(
        farm=place.farm,
        field=place.field,
        device=place.device,
        moisture=place.moisture,
        group=place.group,
        recommendation=place.recommendation,
        alarm=place.alarm,
        rule=place.rule,
        backtest=place.backtest,
        layer=world.layer,
        scene=world.scene,
        collection="sentinel-2-l2a",
        letter=letters[0]["id"],
    )


def body_for(world, body):
    place = world.places[YUSHU]
    ids = {"{farm}": place.farm, "{field}": place.field, "{moisture}": place.moisture}

    def fill(part):
        if isinstance(part, dict):
            return {key: fill(value) for key, value in part.items()}
        if isinstance(part, list):
            return [fill(value) for value in part]
        return ids.get(part, part) if isinstance(part, str) else part

    return fill(body)


@pytest.mark.parametrize(("method", "path", "body", "roles", "scopes"), ROUTES)
def test_a_route_lets_in_whom_it_should_and_nobody_else(world, method, path, body, roles, scopes):
    url, sent = filled(world, path), body_for(world, body)
    wrong = {}
    for role in (V, A, D, P, G):
        for scope in (PROVINCE, PREFECTURE, YUSHU, DUNHUA):
            headers = world.headers(role, scope)
            got = world.client.request(method, url, headers=headers, json=sent)
            allowed = role in roles and scope in scopes
            fits = got.status_code in {200, 201, 204, 409} if allowed else got.status_code == 403
            if not fits:
                wrong[role, scope] = got.status_code, got.text[:200]
            elif not allowed:
                assert got.json()["type"] == "urn:heitu:problem:forbidden"
                assert role in roles or "role" in got.json()["detail"]
                assert role not in roles or "region" in got.json()["detail"]
    assert wrong == {}


@pytest.mark.parametrize(("method", "path", "body"), [route[:3] for route in ROUTES])
def test_nobody_is_let_in_without_a_valid_token(world, method, path, body):
    url, sent = filled(world, path), body_for(world, body)
    for token in (None, "x" * 43, "é" * 10):
        headers = {} if token is None else {"Authorization": f"Bearer {token}".encode("latin-1")}
        got = world.client.request(method, url, json=sent, headers=headers)
        assert got.status_code == 401, (token, got.text)
        assert got.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_matrix_names_every_route(world):
    told = {(method, path.partition("?")[0]) for method, path, *_ in ROUTES}
    said = {
        (method.upper(), plain(path))
        for path, operations in world.app.openapi()["paths"].items()
        for method in operations
        if path not in PUBLIC
    }
    assert said == {(method, plain(path)) for method, path in told}


def plain(path):
    """A path with its parameters taken for one another; one route serves all of SensorThings."""
    if path.startswith("/sta/v1.1/"):
        return "/sta/v1.1/*"
    parts = path.removesuffix(".png").removesuffix(".tif").split("/")
    return "/".join(
        "*" if one.startswith("{") or one.isdigit() else FILES.get(one, one) for one in parts
    )


@pytest.mark.parametrize(
    "path",
    [
        "/v1/farms",
        "/v1/fields",
        "/v1/devices",
        "/v1/latest",
        "/v1/recommendations",
        "/v1/inbox",
        "/v1/alarms",
        "/v1/alarms.geojson",
    ],
)
def test_lists_hold_only_what_lies_in_the_region(world, path):
    def size(scope, role=V):
        got = world.get(path, role=role, scope=scope).json()
        return len(got.get("items") or got.get("features"))

    assert size(YUSHU) == size(PREFECTURE) == size(DUNHUA) > 0
    assert size(PROVINCE) == 2 * size(YUSHU)


def test_datastreams_of_devices_and_of_the_sky_keep_to_the_region(world):
    def ids(scope):
        return {s["id"] for s in world.get("/v1/datastreams", role=V, scope=scope).json()["items"]}

    place = world.places[YUSHU]
    assert {place.moisture, place.temperature} < ids(YUSHU) == ids(PREFECTURE)
    assert ids(YUSHU).isdisjoint(ids(DUNHUA))
    assert ids(PROVINCE) == ids(YUSHU) | ids(DUNHUA)


def test_only_operators_of_the_province_see_messages_of_unknown_devices(world):
    def devices(role, scope):
        items = world.get("/v1/ledger", role=role, scope=scope).json()["items"]
        return {item["device"] for item in items}

    assert "(unknown)" in devices(P, PROVINCE)
    assert "(unknown)" not in devices(V, PROVINCE)
    assert devices(P, YUSHU) == {"probe-220182"}
    assert world.get("/v1/ledger?device=(unknown)", scope=YUSHU).status_code == 404
