"""Real logs as series in canonical units: soil daily, pond 1 min, weather station hourly."""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np

from models.units import conversion

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "deploy" / "demo" / "data"
WEATHER = ROOT / "tests" / "data" / "fallon_agrimet_2015_hourly.csv"


@dataclass(frozen=True)
class Series:
    log: str
    name: str
    quantity: str
    depth: int | None
    time: np.ndarray  # int64 us
    value: np.ndarray


def rows(path):
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def series(log, name, quantity, depth, moments, texts, unit):
    time = np.array([int(m.timestamp()) * 1_000_000 for m in moments], np.int64)
    factor, offset = conversion(unit, quantity)
    value = np.array([float(text) for text in texts]) * factor + offset
    time, first = np.unique(time, return_index=True)
    return Series(log, name, quantity, depth, time, value[first])


@cache
def soil():
    path = SHIPPED / "soil_cookfarm" / "cookfarm_readings_10stations_2011_2012.csv"
    table = rows(path)
    columns = {
        "vwc": ("soil_moisture", "m3/m3"),
        "tempc": ("soil_temperature", "Cel"),
        "ec": ("soil_ec", "dS/m"),
    }
    found = []
    for station in sorted({row["station"] for row in table}):
        own = [row for row in table if row["station"] == station]
        for column in list(table[0])[2:]:
            quantity, unit = columns[column.partition("_")[0]]
            kept = [row for row in own if row[column]]
            if len(kept) < 100:
                continue
            moments = [datetime.fromisoformat(row["date"]).replace(tzinfo=UTC) for row in kept]
            texts = [row[column] for row in kept]
            depth = int(column.rpartition("_")[2][:-2])
            found.append(series("soil", station, quantity, depth, moments, texts, unit))
    return found


@cache
def pond():
    columns = {
        "Temperature": ("water_temperature", "Cel"),
        "pH": ("water_ph", "[pH]"),
        "Turbidity": ("turbidity", "[NTU]"),
    }
    found = []
    for depth in (30, 60):
        table = rows(SHIPPED / "aquaculture_sehili" / f"aquaculture_{depth}cm.csv")
        moments = [datetime.fromisoformat(row["Date"]).replace(tzinfo=UTC) for row in table]
        for column in list(table[0])[1:]:
            quantity, unit = columns[column]
            texts = [row[column] for row in table]
            found.append(series("pond", f"{depth} cm", quantity, depth, moments, texts, unit))
    return found


@cache
def weather():
    table = rows(WEATHER)
    moments = [
        datetime(*(int(row[part]) for part in ("YEAR", "MONTH", "DAY", "HOUR")), tzinfo=UTC)
        for row in table
    ]
    columns = {
        "OB": ("air_temperature", "[degF]", 1.0),
        "WS": ("wind_speed", "[mi_i]/h", 1.0),
        "SI": ("solar_radiation", "W/m2", 41_840 / 3_600),  # langley in an hour
    }
    found = []
    for column, (quantity, unit, scale) in columns.items():
        values = [float(row[column]) * scale for row in table]
        found.append(series("weather", "fallon", quantity, None, moments, values, unit))
    return found


def every():
    return [*soil(), *pond(), *weather()]
