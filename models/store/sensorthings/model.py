"""The entity types of SensorThings 1.1: their relation, key, properties and navigations.

A property here is what a filter or an order may name; what is shown is decided in `api`.
"""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["integer", "number", "text", "instant", "boolean"]


@dataclass(frozen=True, slots=True)
class Property:
    """A value of an entity: column of its relation, or an expression with ``{0}`` for it."""

    sql: str
    kind: Kind
    nullable: bool = False

    def of(self, alias: str) -> str:
        """Write the expression for the relation called ``alias``."""
        return self.sql.format(alias) if "{0}" in self.sql else f"{alias}.{self.sql}"


@dataclass(frozen=True, slots=True)
class Navigation:
    """A way to other entities: those whose column ``there`` equals our column ``here``."""

    to: str
    here: str
    there: str
    many: bool
    only: str = ""  # a further condition on the relation {0} of the others


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity type.

    Attributes
    ----------
    relation : str
        Name of the query in ``sql/sensorthings.sql``.
    key : tuple of str
        Columns that identify an entity, and by which a collection is ordered.
    """

    name: str
    collection: str
    relation: str
    key: tuple[str, ...]
    properties: dict[str, Property]
    navigations: dict[str, Navigation] = field(default_factory=dict)

    @property
    def scoped(self) -> bool:
        """Whether an entity lies in a region."""
        return self.relation not in ("sensors", "properties")


def _named(key: str, kind: Kind, **more: Property) -> dict[str, Property]:
    return {"id": Property(key, kind), "name": Property("name", "text"), **more}


_OBSERVED = (
    "({0}.datastream_id || '-' || CAST(extract(epoch FROM {0}.time) * 1000000 AS bigint)"
    " || '-' || {0}.seq)"
)

_ALL = (
    Entity(
        "Thing",
        "Things",
        "things",
        ("thing_id",),
        {
            "id": Property("thing_id", "integer"),
            "name": Property("name_en", "text"),
            "description": Property("description", "text"),
            "properties/key": Property("key", "text"),
            "properties/name_zh": Property("name_zh", "text"),
            "properties/provenance": Property("provenance", "text"),
            "properties/region": Property("region_code", "text"),
            "properties/farm_id": Property("farm_id", "integer"),
            "properties/field_id": Property("field_id", "integer", nullable=True),
            "properties/profile": Property("profile", "text", nullable=True),
        },
        {
            "Locations": Navigation("Location", "thing_id", "thing_id", True, "{0}.present"),
            "HistoricalLocations": Navigation("HistoricalLocation", "thing_id", "thing_id", True),
            "Datastreams": Navigation("Datastream", "thing_id", "thing_id", True),
        },
    ),
    Entity(
        "Location",
        "Locations",
        "locations",
        ("location_id",),
        _named("location_id", "integer", description=Property("description", "text")),
        {
            "Things": Navigation("Thing", "thing_id", "thing_id", True),
            "HistoricalLocations": Navigation(
                "HistoricalLocation", "location_id", "location_id", True
            ),
        },
    ),
    Entity(
        "HistoricalLocation",
        "HistoricalLocations",
        "histories",
        ("history_id",),
        {"id": Property("history_id", "integer"), "time": Property("time", "instant")},
        {
            "Thing": Navigation("Thing", "thing_id", "thing_id", False),
            "Locations": Navigation("Location", "location_id", "location_id", True),
        },
    ),
    Entity(
        "Datastream",
        "Datastreams",
        "datastreams",
        ("datastream_id",),
        _named(
            "datastream_id",
            "integer",
            description=Property("name_zh", "text"),
            phenomenonTime=Property("newest", "instant", nullable=True),
            resultTime=Property("newest", "instant", nullable=True),
        )
        | {
            "unitOfMeasurement/symbol": Property("unit", "text"),
            "properties/channel": Property("channel", "text"),
            "properties/depth_cm": Property("depth_cm", "number", nullable=True),
            "properties/wire_unit": Property("wire_unit", "text"),
            "properties/provenance": Property("provenance", "text"),
            "properties/region": Property("region_code", "text"),
        },
        {
            "Thing": Navigation("Thing", "thing_id", "thing_id", False),
            "Sensor": Navigation("Sensor", "sensor_id", "sensor_id", False),
            "ObservedProperty": Navigation("ObservedProperty", "property_id", "property_id", False),
            "Observations": Navigation("Observation", "datastream_id", "datastream_id", True),
        },
    ),
    Entity(
        "Sensor",
        "Sensors",
        "sensors",
        ("sensor_id",),
        {"id": Property("sensor_id", "text"), "name": Property("sensor_id", "text")},
        {"Datastreams": Navigation("Datastream", "sensor_id", "sensor_id", True)},
    ),
    Entity(
        "ObservedProperty",
        "ObservedProperties",
        "properties",
        ("property_id",),
        {
            "id": Property("property_id", "text"),
            "name": Property("name_en", "text"),
            "description": Property("name_zh", "text"),
            "properties/unit": Property("unit", "text"),
        },
        {"Datastreams": Navigation("Datastream", "property_id", "property_id", True)},
    ),
    Entity(
        "Observation",
        "Observations",
        "observations",
        ("datastream_id", "time", "seq"),
        {
            "id": Property(_OBSERVED, "text"),
            "phenomenonTime": Property("time", "instant"),
            "resultTime": Property("time", "instant"),
            "result": Property("value", "number"),
            "parameters/raw": Property("raw", "number"),
            "parameters/unit": Property("raw_unit", "text"),
            "parameters/received": Property("received", "instant"),
            "parameters/seq": Property("seq", "integer"),
        },
        {
            "Datastream": Navigation("Datastream", "datastream_id", "datastream_id", False),
            "FeatureOfInterest": Navigation("FeatureOfInterest", "feature_id", "feature_id", False),
        },
    ),
    Entity(
        "FeatureOfInterest",
        "FeaturesOfInterest",
        "features",
        ("feature_id",),
        _named("feature_id", "integer", description=Property("description", "text")),
        {"Observations": Navigation("Observation", "feature_id", "feature_id", True)},
    ),
)

ENTITIES: dict[str, Entity] = {entity.name: entity for entity in _ALL}
COLLECTIONS: dict[str, Entity] = {entity.collection: entity for entity in _ALL}

# column that every key property is; its kind tells how a value of it is bound
KEY_KINDS: dict[str, Kind] = {
    "thing_id": "integer",
    "location_id": "integer",
    "history_id": "integer",
    "datastream_id": "integer",
    "sensor_id": "text",
    "property_id": "text",
    "feature_id": "integer",
    "time": "instant",
    "seq": "integer",
}
