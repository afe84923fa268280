"""SenseCAP OpenStream (Seeed): one value a message, its metric named by the topic alone.

Topic ``/device_sensor_data/{organisation}/{device EUI}/{channel}/{reserved}/{measurement}``;
two probes of one kind differ by channel, so a value is called "1.4102". The unit is that of
the vendor's list of measurements.
Source: wiki.seeedstudio.com, List of Measurement IDs; Data OpenStream API reference.
"""

from ingest.mqtt.format import Address, Decoded, Format
from ingest.mqtt.harvest import Harvest
from ingest.mqtt.naming import key_of
from ingest.mqtt.wire import instant, json_object

# measurement -> unit; rain (4113) is an intensity, not an amount
_UNITS = {
    "4097": "Cel",  # air temperature
    "4098": "%RH",
    "4099": "lx",
    "4100": "[ppm]",  # carbon dioxide
    "4101": "Pa",
    "4102": "Cel",  # soil temperature
    "4103": "%",  # soil moisture
    "4104": "deg",  # wind direction
    "4105": "m/s",
    "4106": "[pH]",
    "4108": "dS/m",
    "4109": "mg/L",  # dissolved oxygen
    "4110": "%",  # volumetric water content
    "4111": "dS/m",
    "4112": "Cel",  # soil temperature
    "4113": "mm/h",
    "4123": "uS/cm",  # water
    "4124": "Cel",  # water temperature
    "4127": "W/m2",  # total solar radiation
    "4136": "Cel",  # leaf temperature
}


def decode(address: Address, payload: bytes) -> Decoded:
    """Read a value.

    Raises
    ------
    Undecodable
        Not an object, or a time that is none.
    """
    message = json_object(payload)
    channel, measurement = address.levels[4], address.levels[6]
    stated = message.get("timestamp")
    time = None if stated is None else instant(stated)
    harvest = Harvest()
    harvest.take(f"{channel}.{measurement}", message.get("value"), time, _UNITS.get(measurement))
    return harvest.decoded()


def _device_key(levels: tuple[str, ...]) -> str:
    return key_of(levels[3])


FORMAT = Format("sensecap", "/device_sensor_data/+/+/+/+/+", _device_key, decode)
