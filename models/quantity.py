"""The register of measured quantities: key, canonical unit, plausible range, names.

This is the nomenclature of the platform as code. A reading is stored in the canonical
unit (UCUM) of its quantity; a value outside the plausible range is kept and flagged.
"""

from dataclasses import dataclass

from models.errors import UnknownQuantity


@dataclass(frozen=True, slots=True)
class Quantity:
    """An observed property (SOSA) with the unit in which the platform keeps it.

    Attributes
    ----------
    key : str
        Name used in payloads, the API and the store.
    unit : str
        Canonical unit, UCUM code.
    low, high : float
        Plausible range in the canonical unit; outside it a value is flagged ``RANGE``.
    zh, en : str
        Labels.
    decimals : int
        Digits after the point worth showing.
    source : str
        Where the range comes from.
    """

    key: str
    unit: str
    low: float
    high: float
    zh: str
    en: str
    decimals: int
    source: str


_PHYSICS = "physical limit of the quantity"
_JILIN = "Jilin extremes -36.5 to 40 C (agronomy reference, section 3) with a margin"
_PROBE = "measuring range of common capacitance probes"
_INDEX = "definition of the index"

_ALL = (
    Quantity("soil_temperature", "Cel", -40, 60, "土壤温度", "Soil temperature", 1, _JILIN),
    Quantity("soil_moisture", "m3/m3", 0, 0.7, "土壤体积含水量", "Soil moisture", 3, _PROBE),
    Quantity("soil_ec", "dS/m", 0, 20, "土壤电导率", "Soil conductivity", 2, _PROBE),
    Quantity("air_temperature", "Cel", -50, 50, "气温", "Air temperature", 1, _JILIN),
    Quantity("dew_point", "Cel", -60, 35, "露点温度", "Dew point", 1, _JILIN),
    Quantity("air_humidity", "%", 0, 100, "相对湿度", "Relative humidity", 0, _PHYSICS),
    Quantity("precipitation", "mm", 0, 300, "降水量", "Precipitation", 1, _PHYSICS),
    # a gauge that counts on: never a depth of one interval, and never summed
    Quantity(
        "precipitation_total", "mm", 0, 100_000, "累计降水量", "Rain gauge total", 1, _PHYSICS
    ),
    Quantity("wind_speed", "m/s", 0, 60, "风速", "Wind speed", 1, _PROBE),
    Quantity("wind_direction", "deg", 0, 360, "风向", "Wind direction", 0, _PHYSICS),
    Quantity("air_pressure", "hPa", 850, 1090, "气压", "Air pressure", 1, _PHYSICS),
    Quantity("solar_radiation", "W/m2", 0, 1500, "太阳辐射", "Solar radiation", 0, _PHYSICS),
    Quantity("illuminance", "lx", 0, 200_000, "光照度", "Illuminance", 0, _PHYSICS),
    Quantity("co2", "[ppm]", 0, 10_000, "二氧化碳", "Carbon dioxide", 0, _PROBE),
    Quantity("water_temperature", "Cel", -2, 45, "水温", "Water temperature", 1, _PHYSICS),
    Quantity("water_ph", "[pH]", 0, 14, "水体 pH", "Water pH", 2, _PHYSICS),
    # above 100 % saturation on a sunny pond is real: 30 mg/L is about 200 % at 0 C
    Quantity("dissolved_oxygen", "mg/L", 0, 30, "溶解氧", "Dissolved oxygen", 1, _PHYSICS),
    Quantity("turbidity", "[NTU]", 0, 4000, "浊度", "Turbidity", 0, _PROBE),
    Quantity("battery_voltage", "V", 0, 60, "电池电压", "Battery voltage", 2, _PROBE),
    Quantity("battery_level", "%", 0, 100, "电量", "Battery level", 0, _PHYSICS),
    Quantity("ndvi", "1", -1, 1, "归一化植被指数 NDVI", "NDVI", 2, _INDEX),
    Quantity("evi", "1", -1, 2, "增强型植被指数 EVI", "EVI", 2, _INDEX),
    Quantity("evi2", "1", -1, 2, "双波段增强型植被指数 EVI2", "EVI2", 2, _INDEX),
    Quantity("savi", "1", -1, 1.5, "土壤调节植被指数 SAVI", "SAVI", 2, _INDEX),
    Quantity("ndwi", "1", -1, 1, "归一化水体指数 NDWI", "NDWI", 2, _INDEX),
    Quantity("mndwi", "1", -1, 1, "改进水体指数 MNDWI", "MNDWI", 2, _INDEX),
    Quantity("ndmi", "1", -1, 1, "归一化水分指数 NDMI", "NDMI", 2, _INDEX),
    Quantity("ndre", "1", -1, 1, "红边植被指数 NDRE", "NDRE", 2, _INDEX),
    Quantity("gndvi", "1", -1, 1, "绿波段植被指数 GNDVI", "GNDVI", 2, _INDEX),
    Quantity("bsi", "1", -1, 1, "裸土指数 BSI", "Bare soil index", 2, _INDEX),
    Quantity("water_share", "1", 0, 1, "水面占比", "Share of open water", 2, _INDEX),
    Quantity("bare_share", "1", 0, 1, "裸地占比", "Share of bare ground", 2, _INDEX),
    Quantity("vci", "%", 0, 100, "植被状态指数 VCI", "VCI", 0, _INDEX),
    Quantity("valid_share", "%", 0, 100, "有效像元占比", "Valid-pixel share", 0, _INDEX),
)

QUANTITIES: dict[str, Quantity] = {q.key: q for q in _ALL}


def quantity(key: str) -> Quantity:
    """Look a quantity up.

    Raises
    ------
    UnknownQuantity
        The key is not in the register.
    """
    try:
        return QUANTITIES[key]
    except KeyError:
        raise UnknownQuantity(key=key) from None
