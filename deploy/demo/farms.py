"""The demonstration's farms, fields and devices, as they are to be.

Real logs and the real scene come from elsewhere: they keep their shape in metres and are
moved to Jilin. Every row says so through its provenance and its note.
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from deploy.demo import generated, logs
from deploy.demo.logs import DATA, GeneratedLog, Log
from models.device import NewStream
from models.place import FarmKind, Provenance

Point = tuple[float, float]
REAL, MOVED, MADE = Provenance.REAL, Provenance.RELOCATED, Provenance.SYNTHETIC


@dataclass(frozen=True)
class DemoDevice:
    """A device and the log that it plays."""

    key: str
    name_zh: str
    name_en: str
    location: Point
    provenance: Provenance
    streams: list[NewStream]
    log: Log | None
    field_key: str | None = None


@dataclass(frozen=True)
class DemoField:
    """A parcel: corners in metres east and north of the farm's centre."""

    key: str
    name_zh: str
    name_en: str
    corners: Sequence[Point]
    crop: str = "maize"
    soil: str | None = None


@dataclass(frozen=True)
class DemoFarm:
    """A farm with everything on it."""

    key: str
    name_zh: str
    name_en: str
    kind: FarmKind
    region: str
    centre: Point
    provenance: Provenance
    note_zh: str
    note_en: str
    fields: list[DemoField] = field(default_factory=list)
    devices: list[DemoDevice] = field(default_factory=list)


def placed(centre: Point, east: float, north: float) -> Point:
    """Return the point some metres east and north of a centre (degrees, WGS84 ellipsoid).

    Flat-earth arithmetic: 3 km away it is off by less than a metre.
    """
    lon, lat = centre
    per_degree = 111_132.95 - 559.85 * math.cos(2 * math.radians(lat))
    across = 111_412.88 * math.cos(math.radians(lat)) - 93.5 * math.cos(3 * math.radians(lat))
    return round(lon + east / across, 6), round(lat + north / per_degree, 6)


# metres east and north of the middle of the ten probes; each parcel holds the probes named
_PARCELS = (
    ("1", "一号地", "Field 1", [(-430, -250), (-172, -250), (-150, 20), (-280, 60), (-430, 10)]),
    ("2", "二号地", "Field 2", [(-165, -250), (98, -250), (93, -40), (-142, -22)]),
    ("3", "三号地", "Field 3", [(104, -250), (340, -250), (350, -62), (100, -46)]),
    ("4", "四号地", "Field 4", [(100, -36), (430, -52), (440, 140), (110, 140)]),
    ("5", "五号地", "Field 5", [(60, 150), (330, 150), (320, 275), (70, 285)]),
    ("6", "六号地", "Field 6", [(-900, 80), (-480, 60), (-450, 380), (-870, 420)]),
    ("7", "七号地", "Field 7", [(520, -420), (980, -400), (960, -90), (530, -60)]),
)
_PROBES = {
    "CAF095": "1",
    "CAF201": "1",
    "CAF079": "2",
    "CAF129": "2",
    "CAF133": "2",
    "CAF139": "3",
    "CAF141": "3",
    "CAF308": "4",
    "CAF314": "4",
    "CAF401": "5",
}
YUSHU = (126.56, 44.86)


def all_farms() -> list[DemoFarm]:
    """Return the whole demonstration."""
    return [_probe_farm(), _fishery(), _maize_farm(), _pasture(), _workshop()]


def _soil_streams(depths: tuple[int, ...]) -> list[NewStream]:
    units = {"soil_moisture": "m3/m3", "soil_temperature": "Cel", "soil_ec": "dS/m"}
    return [
        NewStream(f"{quantity}_{depth}", quantity, unit, depth)
        for depth in depths
        for quantity, unit in units.items()
    ]


def _probe_farm() -> DemoFarm:
    return DemoFarm(
        "yushu-cookfarm",
        "榆树示范农场",
        "Yushu demonstration farm",
        FarmKind.FIELD,
        "220182",
        YUSHU,
        MOVED,
        "土壤墒情为美国 Cook 农场 2011-2012 年真实日值,移到此处并按同月同日平移年份;"
        "实时值为当日记录值的保持。",
        "Soil readings are real daily values of the Cook Agronomy Farm (USA, 2011-2012), moved "
        "here and shifted by whole years; live values hold the value recorded for the day.",
        [
            DemoField(f"yushu-{number}", zh, en, corners, soil="Thatuna silt loam")
            for number, zh, en, corners in _PARCELS
        ],
        _probes(),
    )


def _probes() -> list[DemoDevice]:
    with (DATA / "soil_cookfarm" / "cookfarm_stations.csv").open(newline="") as lines:
        stations = list(csv.DictReader(lines))
    east = [float(s["Easting"]) for s in stations]
    north = [float(s["Northing"]) for s in stations]
    middle = (min(east) + max(east)) / 2, (min(north) + max(north)) / 2
    return [
        DemoDevice(
            f"yushu-{station['SOURCEID'].lower()}",
            f"墒情站 {station['SOURCEID'][3:]}",
            f"Soil probe {station['SOURCEID'][3:]}",
            placed(YUSHU, x - middle[0], y - middle[1]),
            MOVED,
            _soil_streams(logs.COOK_FARM_DEPTHS),
            logs.cook_farm()[station["SOURCEID"]],
            f"yushu-{_PROBES[station['SOURCEID']]}",
        )
        for station, x, y in zip(stations, east, north, strict=True)
    ]


def _fishery() -> DemoFarm:
    centre = (124.62, 45.02)
    return DemoFarm(
        "qianguo-fishery",
        "前郭示范渔场",
        "Qianguo demonstration fishery",
        FarmKind.FISHERY,
        "220721",
        centre,
        MOVED,
        "水质为 Sehili 等人 2020 年真实池塘记录(CC BY 4.0),移到此处循环播放。",
        "Water readings are a real pond log of 2020 (Sehili et al., CC BY 4.0), moved here and "
        "played in a loop at its own time of day.",
        devices=[_sonde(centre, depth, log) for depth, log in logs.pond().items()],
    )


def _sonde(centre: Point, depth: int, log: Log) -> DemoDevice:
    streams = [NewStream("water_temperature", "water_temperature", "Cel", depth)]
    if depth == min(logs.pond()):  # the deeper sonde of the log has no pH
        streams.append(NewStream("water_ph", "water_ph", "[pH]", depth))
    streams.append(NewStream("turbidity", "turbidity", "[NTU]", depth))
    name_zh, name_en = f"水质仪 {depth} cm", f"Pond sonde {depth} cm"
    spot = placed(centre, 60 * (depth / 30 - 1.5), 0)
    return DemoDevice(f"qianguo-pond-{depth}", name_zh, name_en, spot, MOVED, streams, log)


def _maize_farm() -> DemoFarm:
    centre = (124.95, 43.62)
    corners = [(-210.0, -150.0), (200.0, -160.0), (210.0, 140.0), (-200.0, 150.0)]
    seedbed = [
        NewStream("soil_temperature_10", "soil_temperature", "Cel", 10),
        NewStream("soil_moisture_10", "soil_moisture", "m3/m3", 10),
    ]
    log = GeneratedLog(generated.seedbed, timedelta(hours=6))
    return DemoFarm(
        "gongzhuling-maize",
        "公主岭示范农场(模拟)",
        "Gongzhuling demonstration farm (synthetic)",
        FarmKind.FIELD,
        "220184",
        centre,
        MADE,
        "全部读数由模拟天气推算,不是任何实测;“试一试”探头供您自己发布数据。",
        "All readings are generated from synthetic weather, none is measured; the try-it probe "
        "is for readings that you publish yourself.",
        [DemoField("gongzhuling-1", "示范田(模拟)", "Demonstration field (synthetic)", corners)],
        [
            DemoDevice(
                "gongzhuling-seedbed",
                "苗床墒情站(模拟)",
                "Seedbed probe (synthetic)",
                placed(centre, 20, 10),
                MADE,
                seedbed,
                log,
                "gongzhuling-1",
            ),
            DemoDevice(
                "try-it",
                "试一试探头",
                "Try-it probe",
                placed(centre, 260, 40),
                MADE,
                seedbed,
                None,
            ),
        ],
    )


def _pasture() -> DemoFarm:
    centre = (122.95, 44.72)
    streams = [
        NewStream("air_temperature", "air_temperature", "Cel"),
        NewStream("air_humidity", "air_humidity", "%"),
        NewStream("co2", "co2", "[ppm]"),
    ]
    log = GeneratedLog(generated.barn, timedelta(hours=1))
    barn = DemoDevice(
        "tongyu-barn", "牛舍环境(模拟)", "Cattle barn (synthetic)", centre, MADE, streams, log
    )
    return DemoFarm(
        "tongyu-pasture",
        "通榆示范牧场(模拟)",
        "Tongyu demonstration pasture (synthetic)",
        FarmKind.PASTURE,
        "220822",
        centre,
        MADE,
        "牛舍读数为公式生成。",
        "Barn readings are made by a formula.",
        devices=[barn],
    )


def _workshop() -> DemoFarm:
    centre = (125.17, 44.44)
    streams = [
        NewStream("air_temperature", "air_temperature", "Cel"),
        NewStream("air_humidity", "air_humidity", "%"),
    ]
    log = GeneratedLog(generated.dryer, timedelta(hours=1))
    dryer = DemoDevice(
        "nongan-dryer", "烘干塔(模拟)", "Grain dryer (synthetic)", centre, MADE, streams, log
    )
    return DemoFarm(
        "nongan-workshop",
        "农安示范烘干车间(模拟)",
        "Nong'an demonstration drying workshop (synthetic)",
        FarmKind.WORKSHOP,
        "220122",
        centre,
        MADE,
        "烘干读数为公式生成。",
        "Dryer readings are made by a formula.",
        devices=[dryer],
    )
