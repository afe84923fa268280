"""Registers the demonstration's farms, fields, devices and divisions in the store, once."""

import json

from shapely.geometry import Polygon

from deploy.demo.farms import DemoDevice, DemoFarm, DemoField, all_farms, placed
from deploy.demo.logs import DATA
from models.place import Farm
from models.store import devices, places
from models.store.database import WriteTx


def register(tx: WriteTx) -> None:
    """Create what is not there yet."""
    for wanted in all_farms():
        farm = places.farm_by_key(tx, wanted.key) or _add_farm(tx, wanted)
        fields = {f.key: _field_id(tx, farm, wanted, f) for f in wanted.fields}
        for device in wanted.devices:
            if devices.device_by_key(tx, device.key) is None:
                _add_device(tx, farm, device, fields.get(device.field_key or ""))


def _add_farm(tx: WriteTx, wanted: DemoFarm) -> Farm:
    return places.add_farm(
        tx,
        key=wanted.key,
        name_zh=wanted.name_zh,
        name_en=wanted.name_en,
        kind=wanted.kind,
        region_code=wanted.region,
        location=wanted.centre,
        provenance=wanted.provenance,
        note_zh=wanted.note_zh,
        note_en=wanted.note_en,
    )


def _field_id(tx: WriteTx, farm: Farm, wanted: DemoFarm, parcel: DemoField) -> int:
    known = places.field_by_key(tx, parcel.key)
    if known is not None:
        return known.id
    made = places.add_field(
        tx,
        key=parcel.key,
        farm_id=farm.id,
        name_zh=parcel.name_zh,
        name_en=parcel.name_en,
        geometry=Polygon([placed(wanted.centre, *corner) for corner in parcel.corners]),
        crop=parcel.crop,
        soil=parcel.soil,
        provenance=wanted.provenance,
    )
    return made.id


def _add_device(tx: WriteTx, farm: Farm, device: DemoDevice, field_id: int | None) -> None:
    devices.add_device(
        tx,
        key=device.key,
        farm_id=farm.id,
        field_id=field_id,
        name_zh=device.name_zh,
        name_en=device.name_en,
        location=device.location,
        provenance=device.provenance,
        streams=device.streams,
    )


def regions() -> tuple[dict[str, object], dict[str, str]]:
    """Read the divisions of Jilin and their retired codes."""
    folder = DATA / "admin"
    divisions = json.loads((folder / "jilin_admin.geojson").read_text("utf-8"))
    aliases = json.loads((folder / "jilin_adcode_alias.json").read_text("utf-8"))
    return divisions, aliases["map"]
