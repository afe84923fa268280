"""What the STAC API promises, what a filter may name, how collections are called."""

from functools import cache
from typing import Any, Final

from ingest.satellite.descriptors import descriptors
from models.store.stac_clauses import FIELDS

_API, _FILTER, _CQL2 = (
    "https://api.stacspec.org/v1.0.0",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf",
    "http://www.opengis.net/spec/cql2/1.0/conf",
)
_CONFORMANCE: Final = [
    f"{_API}/core",
    f"{_API}/collections",
    f"{_API}/ogcapi-features",
    f"{_API}/item-search",
    f"{_API}/item-search#sort",
    f"{_API}/item-search#fields",
    f"{_API}/item-search#filter",
    f"{_API}/ogcapi-features#sort",
    f"{_API}/ogcapi-features#fields",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    f"{_FILTER}/filter",
    f"{_FILTER}/features-filter",
    f"{_CQL2}/cql2-text",
    f"{_CQL2}/cql2-json",
    f"{_CQL2}/basic-cql2",
    f"{_CQL2}/advanced-comparison-operators",
    f"{_CQL2}/basic-spatial-functions",
]
_KINDS: Final[dict[str, dict[str, Any]]] = {
    "text": {"type": "string"},
    "number": {"type": "number"},
    "instant": {"type": "string", "format": "date-time"},
}


def conformance() -> list[str]:
    """Return the conformance classes that are met."""
    return _CONFORMANCE


def queryables(here: str) -> dict[str, Any]:
    """Describe the fields of a filter as a JSON Schema; `here` is its own address."""
    fields = {name: {"title": name, **_KINDS[kind]} for name, (_, kind) in FIELDS.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": here,
        "type": "object",
        "title": "heitu",
        "properties": {
            **fields,
            "geometry": {"$ref": "https://geojson.org/schema/Geometry.json"},
        },
        "additionalProperties": False,
    }


@cache
def titles(collection: str) -> tuple[str, str]:
    """Return how a collection is called, in Chinese and English."""
    for one in descriptors().values():
        if one.collection == collection:
            return one.title_zh, one.title_en
    return collection, collection
