"""Registering the devices that a file names, when that is asked for: never by itself."""

from dataclasses import dataclass

from ingest.files.mapping import Mapping
from ingest.files.numbers import text
from ingest.files.piece import File
from models.device import NewStream
from models.errors import NotFound
from models.store import devices, places
from models.store.database import Database


@dataclass(frozen=True, slots=True)
class Registered:
    """The devices that were made, by key, and how many of the file's were there already."""

    made: list[str]
    known: int


def register(database: Database, file: File, mapping: Mapping, farm_id: int) -> Registered:
    """Register the devices of a file with every datastream of its mapping.

    They stand where the mapping says, else where the farm is; a device that is there already
    is left as it is.

    Raises
    ------
    NotFound
        There is no such farm.
    """
    keys = _keys(file, mapping)
    streams = [NewStream(v.channel, v.quantity, v.unit, v.depth_cm) for v in mapping.value]
    made = []
    with database.writing() as tx:
        farm = places.farm(tx, farm_id)
        if farm is None:
            raise NotFound(noun="farm", key=farm_id)
        place = mapping.position
        location = farm.location if place is None else (place.lon, place.lat)
        for key in keys:
            if devices.device_by_key(tx, key) is not None:
                continue
            devices.add_device(
                tx,
                key=key,
                farm_id=farm_id,
                name_zh=key,
                name_en=key,
                location=location,
                provenance=mapping.provenance,
                streams=streams,
            )
            made.append(key)
    return Registered(made, len(keys) - len(made))


def _keys(file: File, mapping: Mapping) -> list[str]:
    """Read through the file for the devices it names, in order of appearance."""
    told = mapping.device
    if told.key is not None:
        return [told.key]
    assert told.column is not None
    found: dict[str, None] = {}
    for piece in file.pieces(file.start):
        names = text(piece.columns[told.column]).unique().to_pylist()
        found.update(dict.fromkeys(told.named(name) for name in names if name))
    return list(found)
