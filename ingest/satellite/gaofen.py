"""Gaofen WFV scenes: what their XML says, and from radiance to reflectance."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from analytics.remote.radiance import earth_sun_distance, reflectance_per_radiance
from ingest.satellite.descriptors import Descriptor
from ingest.satellite.metadata import Metadata, element, number, read_text
from ingest.satellite.radiometry import gains
from models.calendar import SHANGHAI
from models.errors import SceneRejected

_NAME = re.compile(r"(GF\d)_(WFV\d?)_E(\d+\.\d+)_N(\d+\.\d+)_(\d{8})_")
_TIMES = ("CenterTime", "ReceiveTime", "StartTime")
_DESCENDS_AT = 10.5  # local solar time of both orbits [h] (CRESDA)


def beside(path: Path) -> Metadata:
    """Read name and XML of a WFV file; without an XML the scene has neither time nor sun.

    Raises
    ------
    SceneRejected
        The XML is there and cannot be read.
    """
    named = _NAME.search(path.name)
    sensor = f"{named[1]}_{named[2]}" if named else None
    xml = path.with_suffix(".xml")
    if named is None or not xml.is_file():
        return Metadata(sensor=sensor)
    text = read_text(xml)
    written = next((t for t in (element(text, name) for name in _TIMES) if t), None)
    zenith, azimuth = element(text, "SolarZenith"), element(text, "SolarAzimuth")
    try:
        sun, around = number(zenith), number(azimuth)
        angles = {} if sun is None else {"sun_elevation": 90 - sun}
        angles |= {} if around is None else {"sun_azimuth": around}
        time = None if written is None else _instant(written, float(named[3]))
    except ValueError as broken:
        detail = f"{xml.name} cannot be read: {broken}"
        raise SceneRejected(reason="bad_metadata", detail=detail) from None
    return Metadata(
        time=time,
        time_from=xml.name if time else None,
        sensor=sensor,
        angles=angles or None,
        attribution=None,
    )


def _instant(written: str, lon: float) -> datetime:
    """Read a time without zone: of UTC and Beijing time the one at which the orbit passes."""
    naive = datetime.fromisoformat(written)

    def strangeness(one: datetime) -> float:
        utc = one.astimezone(UTC)
        solar = utc.hour + utc.minute / 60 + lon / 15
        return abs((solar - _DESCENDS_AT + 12) % 24 - 12)

    return min(
        (naive.replace(tzinfo=UTC), naive.replace(tzinfo=SHANGHAI)), key=strangeness
    ).astimezone(UTC)


def calibrated(platform: Descriptor, said: Metadata, at: datetime | None) -> Metadata:
    """Add what the digital numbers of every band mean, for platforms that deliver radiance.

    Raises
    ------
    SceneRejected
        The height of the sun, the time or the gains of the year are not known.
    """
    if platform.radiometry is None or said.scales is not None:
        return said
    elevation = (said.angles or {}).get("sun_elevation")
    if at is None or elevation is None or said.sensor is None or not 5 <= elevation <= 90:
        detail = (
            "radiance becomes reflectance by date and height of the sun: put the XML of the scene "
            "beside it, or a scene.json with time, sun_elevation or scale and offset of each band"
        )
        raise SceneRejected(reason="bad_metadata", detail=detail)
    found = gains(platform.radiometry, said.sensor, at.astimezone(SHANGHAI).year)
    distance = earth_sun_distance(at.timetuple().tm_yday)
    scales = {
        role: (gain * reflectance_per_radiance(solar, elevation, distance), 0.0)
        for role, gain, solar in zip(platform.order, found.gains, found.irradiance, strict=True)
    }
    told = f"gains of {said.sensor} of {found.year} ({found.source})"
    return replace(said, scales=scales, scales_from=told)
