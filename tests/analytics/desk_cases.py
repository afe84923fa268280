"""A field in Nong'an county with probes and a weather record, built through the store."""

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from shapely.geometry import box

from analytics.agronomy import synthetic
from ingest import weather as weather_files
from models.calendar import day_start
from models.device import NewStream
from models.place import FarmKind, Provenance
from models.reading import block
from models.store import devices, places, readings

SAMPLES = Path(__file__).parents[2] / "deploy" / "demo" / "data" / "weather"
COUNTY = "220122"  # Nong'an, Changchun
SPOT = (125.0, 44.4)
NOON = datetime(2025, 12, 1, 4, tzinfo=UTC)


def clock():
    return NOON


def add_field(database, *, soil="silt loam", key="f1"):
    with database.writing() as tx:
        farm = places.farm_by_key(tx, "farm") or places.add_farm(
            tx,
            key="farm",
            name_zh="试验农场",
            name_en="Test farm",
            kind=FarmKind.FIELD,
            region_code=COUNTY,
            location=SPOT,
            provenance=Provenance.REAL,
        )
        return places.add_field(
            tx,
            key=key,
            farm_id=farm.id,
            name_zh="一号地",
            name_en="Field 1",
            geometry=box(SPOT[0], SPOT[1], SPOT[0] + 0.01, SPOT[1] + 0.01),
            crop="maize",
            soil=soil,
            provenance=Provenance.REAL,
        )


def add_probe(database, field, *, depth=10.0, provenance=Provenance.REAL, key="probe"):
    with database.writing() as tx:
        device = devices.add_device(
            tx,
            key=key,
            farm_id=field.farm_id,
            field_id=field.id,
            name_zh="墒情站",
            name_en="Soil probe",
            location=SPOT,
            provenance=provenance,
            streams=[
                NewStream("t", "soil_temperature", "Cel", depth),
                NewStream("w", "soil_moisture", "m3/m3", depth),
            ],
        )
        streams = devices.datastreams(tx, device_ids=[device.id])
    return {s.channel: s.id for s in streams}


def put(database, datastream, values, *, quality=0):
    """Store (instant, value) pairs."""
    times = [int(at.timestamp()) * 1_000_000 for at, _ in values]
    made = block([datastream] * len(times), times, [v for _, v in values], quality=quality)
    with database.writing() as tx:
        readings.add(tx, made)


def hourly(database, datastream, first, daily, *, quality=0, swing=1.5, every=1):
    """Store readings whose daily mean is the value given for each day from `first` on."""
    rows = []
    for i, value in enumerate(daily):
        start = day_start(first + timedelta(days=i))
        for hour in range(0, 24, every):
            at = start + timedelta(hours=hour)
            wave = swing * math.cos((hour - 17) * math.pi / 12) if every == 1 else 0.0
            rows.append((at, value + wave))
    put(database, datastream, rows, quality=quality)


def springlike(database, streams, as_of, *, temperature=12.0, moisture=0.22, days=15, **how):
    first = as_of - timedelta(days=days)
    hourly(database, streams["t"], first, [temperature] * days, **how)
    hourly(database, streams["w"], first, [moisture] * days, **how | {"swing": 0.002})


def jilin_series(*, provenance=Provenance.SYNTHETIC, location=SPOT, key="syn"):
    return weather_files.Series(
        key=key,
        name_zh="模拟站",
        name_en="Synthetic station",
        location=location,
        elevation_m=200.0,
        provenance=provenance,
        attribution=synthetic.ATTRIBUTION,
        columns={},
        region_code=COUNTY,
    )


_DAYS = synthetic.weather(date(1991, 1, 1), date(2025, 11, 30), seed=7)


def add_weather(database, *, first=date(2003, 1, 1), **how):
    days = [d for d in _DAYS if d.day >= first]
    return weather_files.keep(database, jilin_series(**how), days)
