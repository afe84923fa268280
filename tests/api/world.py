"""A small known province behind a real server: two counties, four roles, every kind of thing."""

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import uvicorn
from shapely.geometry import box

from analytics import desk
from api.app import create_app
from ingest.satellite import pipeline
from models.calendar import day_of
from models.device import NewStream
from models.person import Role
from models.place import FarmKind, Provenance
from models.platform import Platform
from models.reading import BLOCK, LedgerEntry, Quarantined, Reason
from models.store import (
    claims,
    devices,
    groups,
    ledger,
    people,
    places,
    quarantine,
    readings,
    rollups,
)
from tests.api.alarm_seeds import add_alarms

YUSHU, DUNHUA = "220182", "222403"
PREFECTURE, PROVINCE = "220100", "220000"  # Changchun, which holds Yushu; Jilin
SPOTS = {YUSHU: (126.55, 44.83), DUNHUA: (128.23, 43.37)}
SCOPES = (PROVINCE, PREFECTURE, YUSHU, DUNHUA)
NOW = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
SENTINEL = Path(__file__).parents[2] / "deploy" / "demo" / "data" / "sentinel2"
PASSWORD = "a-long-password"
DAYS = 35


@dataclass
class Place:
    """What was registered in one county."""

    farm: int
    field: int
    device: int
    moisture: int
    temperature: int
    group: int
    recommendation: int = 0
    alarm: int = 0
    rule: int = 0
    backtest: int = 0


@dataclass
class World:
    platform: Platform
    tokens: dict[tuple[Role, str], str]
    places: dict[str, Place]
    layer: str
    scene: str
    app: object = None
    url: str = ""
    client: httpx.Client | None = field(default=None, repr=False)

    def headers(self, role=Role.OPERATOR, scope=PROVINCE):
        return {"Authorization": f"Bearer {self.tokens[role, scope]}"}

    def get(self, path, *, role=Role.OPERATOR, scope=PROVINCE, headers=None, **more):
        dressed = self.headers(role, scope) | (headers or {})
        return self.client.get(path, headers=dressed, **more)

    def send(self, method, path, *, role=Role.OPERATOR, scope=PROVINCE, headers=None, **more):
        dressed = self.headers(role, scope) | (headers or {})
        return self.client.request(method, path, headers=dressed, **more)

    def post(self, path, *, role=Role.OPERATOR, scope=PROVINCE, headers=None, **more):
        dressed = self.headers(role, scope) | (headers or {})
        return self.client.post(path, headers=dressed, **more)


def clock():
    return NOW


def populate(database, archive, jilin):
    geojson, aliases = jilin
    with database.writing() as tx:
        places.add_regions(tx, geojson, aliases)
    tokens = add_accounts(database)
    found = {code: add_place(database, code) for code in SPOTS}
    rollups.refresh(database)
    add_accounts_of_intake(database, found)
    report = pipeline.take_in(SENTINEL, database, archive, relocate=SPOTS[YUSHU])
    for place in found.values():
        made = desk.recommend(database, place.field, as_of=day_of(NOW), clock=clock)
        place.recommendation = made.id
    add_alarms(database, found, NOW)
    platform = Platform(database=database, archive=archive, clock=clock)
    return World(platform, tokens, found, report.layer.id, report.scene.id)


def add_accounts(database):
    tokens = {}
    for role in Role:
        for scope in SCOPES:
            with database.writing() as tx:
                login = f"{role}-{scope}"
                people.add_person(
                    tx,
                    login=login,
                    password=PASSWORD,
                    name_zh="甲",
                    name_en="A",
                    role=role,
                    region_code=scope,
                )
                token, _, _ = people.log_in(tx, login, PASSWORD, timedelta(hours=1))
            tokens[role, scope] = token
    return tokens


def add_place(database, code):
    lon, lat = SPOTS[code]
    with database.writing() as tx:
        farm = places.add_farm(
            tx,
            key=f"farm-{code}",
            name_zh="示范农场",
            name_en="Model farm",
            kind=FarmKind.FIELD,
            region_code=code,
            location=(lon, lat),
            provenance=Provenance.RELOCATED,
        )
        plot = places.add_field(
            tx,
            key=f"field-{code}",
            farm_id=farm.id,
            name_zh="一号地",
            name_en="Field 1",
            geometry=box(lon - 0.004, lat - 0.004, lon + 0.004, lat + 0.004),
            crop="maize",
            soil="black soil",
            provenance=Provenance.RELOCATED,
        )
        device = devices.add_device(
            tx,
            key=f"probe-{code}",
            farm_id=farm.id,
            field_id=plot.id,
            name_zh="墒情站",
            name_en="Soil probe",
            location=(lon, lat),
            provenance=Provenance.RELOCATED,
            streams=[
                NewStream("w", "soil_moisture", "%", 10.0),
                NewStream("t", "soil_temperature", "Cel", 10.0),
            ],
        )
        moisture, temperature = (s.id for s in devices.datastreams(tx, device_ids=[device.id]))
        readings.add(tx, hours_of(moisture, 0.25))
        readings.add(tx, hours_of(temperature, 12.0))
        group = add_group(tx, code, device)
    return Place(farm.id, plot.id, device.id, moisture, temperature, group)


def add_group(tx, code, device):
    """A group of the device, and a claim key of a device that came another way meanwhile."""
    group = groups.add(tx, key=f"group-{code}", name_zh="组", name_en="Group", region_code=code)
    groups.join(tx, group, [device], "seed")
    claims.announce(
        tx,
        device_key=f"labelled-{code}",
        claim_key=f"LABE-LLED-0000-{code}",
        profile="dragino-lse01",
        region_code=code,
        by="seed",
    )
    return group.id


def hours_of(datastream, level):
    """Hourly values over the last days; each 100th flagged as out of range."""
    n = DAYS * 24
    block = np.zeros(n, BLOCK)
    block["datastream_id"] = datastream
    last = int(NOW.replace(minute=0).timestamp())
    block["phenomenon_time"] = (last - 3600 * np.arange(n)[::-1]) * 1_000_000
    block["value"] = level + 0.01 * np.sin(np.arange(n) / 12)
    block["raw"] = block["value"]
    block["received"] = block["phenomenon_time"]
    block["quality"] = np.where(np.arange(n) % 100 == 99, 1, 0)
    return block


def add_accounts_of_intake(database, found):
    stored = DAYS * 24 * 2
    with database.writing() as tx:
        for code in found:
            entry = LedgerEntry(f"probe-{code}", day_of(NOW), stored + 3, stored, 1, 2)
            ledger.record(tx, [entry])
            quarantine.put(
                tx,
                [
                    Quarantined(
                        NOW,
                        f"probe-{code}",
                        f"heitu/v1/probe-{code}/readings",
                        b'{"value": "\xff',
                        None,
                        2,
                        Reason.UNREADABLE,
                        "cut",
                    )
                ],
            )
        ledger.record(tx, [LedgerEntry("(unknown)", day_of(NOW), 1, 0, 0, 1)])
        quarantine.put(
            tx,
            [Quarantined(NOW, "(unknown)", "x/y", b"?", None, 1, Reason.UNKNOWN_TOPIC, "no")],
        )


@contextmanager
def served(app):
    """Serve an application on a free loopback port; gives its URL."""
    config = uvicorn.Config(
        app,
        "127.0.0.1",
        0,
        log_level="warning",
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(30)


@contextmanager
def visited(world):
    """Serve a world with a client that speaks to it."""
    world.app = create_app(world.platform)
    with served(world.app) as url, httpx.Client(base_url=url, timeout=30) as client:
        world.url, world.client = url, client
        yield world
