"""Scenes as STAC 1.1 items, and their collections."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from api.tiles.grid import tile_at
from models.scene import Layer, Scene
from models.store.stac import Holding

if TYPE_CHECKING:
    from api.tiles.facts import Facts

STAC = "1.1.0"
GEOJSON, JSON, COG = (
    "application/geo+json",
    "application/json",
    "image/tiff; application=geotiff; profile=cloud-optimized",
)
_EXTENSIONS: Final = [
    # 1.2 has proj:code and still proj:epsg, which GDAL's STACIT reads
    "https://stac-extensions.github.io/projection/v1.2.0/schema.json",
    "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v2.0.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
]
# our roles of bands by the common names of the eo extension, where they differ
_COMMON: Final = {
    "rededge1": "rededge071",
    "rededge2": "rededge075",
    "rededge3": "rededge078",
    "swir1": "swir16",
    "swir2": "swir22",
    "thermal": "lwir11",
}
_NAMED: Final = {"coastal", "blue", "green", "red", "nir", "nir08", "nir09", "pan", "yellow"}

Look = Callable[[str], "Facts | None"]


def link(rel: str, href: str, kind: str = JSON, title: str | None = None) -> dict[str, Any]:
    """Write a link."""
    return {"rel": rel, "href": href, "type": kind} | ({"title": title} if title else {})


def at(base: str, collection: str, item: str | None = None) -> str:
    """Return the address of a collection, or of one of its items."""
    path = f"{base}/stac/collections/{quote(collection)}"
    return path if item is None else f"{path}/items/{quote(item)}"


def instant(moment: datetime) -> str:
    """Write an instant as RFC 3339 in UTC."""
    return moment.isoformat().replace("+00:00", "Z")


def item(scene: Scene, layers: list[Layer], base: str, look: Look) -> dict[str, Any]:
    """Describe a scene; the grid of its numbers is that of the item.

    Parameters
    ----------
    base : str
        Address of the server.
    look : callable
        Reads the header of a file of the archive; None for one that is missing.
    """
    known = {one.id: look(one.data_path) for one in layers}
    first = next((fact for fact in known.values() if fact is not None), None)
    west, south, east, north = scene.bbox
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "stac_version": STAC,
        "stac_extensions": _EXTENSIONS,
        "id": scene.id,
        "collection": scene.collection,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": list(scene.bbox),
        "properties": _properties(scene) | _projection(scene, first),
        "links": _links(scene, base),
        "assets": _assets(layers, known, base, look),
    }


def _properties(scene: Scene) -> dict[str, Any]:
    lineage = scene.lineage
    cloud, pixel = lineage.get("cloud_share"), lineage.get("pixel_m")
    optional = {
        "gsd": pixel[0] if isinstance(pixel, list) and pixel else None,
        "eo:cloud_cover": round(100 * cloud, 4) if isinstance(cloud, int | float) else None,
        "processing:version": lineage.get("processing_baseline"),
        "attribution": lineage.get("attribution"),
    }
    return {
        "datetime": instant(scene.time),
        "title": scene.title_zh,
        "heitu:title": {"zh": scene.title_zh, "en": scene.title_en},
        "heitu:provenance": str(scene.provenance),
        "heitu:valid_share": scene.valid_share,
        "heitu:sources": _sources(lineage),
        "heitu:lineage": lineage,
        "processing:software": {"heitu": str(lineage.get("pipeline") or "-")},
        **{name: value for name, value in optional.items() if value is not None},
    }


def _sources(lineage: dict[str, Any]) -> list[dict[str, Any]]:
    """List the source files with their checksums as multihash: 12 20 is SHA-256, 32 bytes."""
    files = lineage.get("source")
    return [
        {"role": one.get("role"), "file": one.get("file"), "file:checksum": f"1220{one['sha256']}"}
        for one in (files if isinstance(files, list) else [])
        if isinstance(one, dict) and isinstance(one.get("sha256"), str)
    ]


def _projection(scene: Scene, fact: "Facts | None") -> dict[str, Any]:
    said: dict[str, Any] = {"proj:code": f"EPSG:{scene.epsg}", "proj:epsg": scene.epsg}
    if fact is not None:
        said["proj:shape"] = [fact.height, fact.width]
        said["proj:transform"] = list(fact.transform)
        said["proj:bbox"] = list(fact.bbox)
    return said


def _links(scene: Scene, base: str) -> list[dict[str, Any]]:
    collection = at(base, scene.collection)
    made = [
        link("self", at(base, scene.collection, scene.id), GEOJSON),
        link("root", f"{base}/stac"),
        link("parent", collection),
        link("collection", collection),
        link("via", f"{base}/v1/scenes/{quote(scene.id)}"),
    ]
    return made + [
        link("derived_from", f"{base}/v1/scenes/{quote(one)}") for one in derived_from(scene)
    ]


def derived_from(scene: Scene) -> list[str]:
    """Return the ids of the scenes that a product was made from."""
    said = scene.lineage.get("derived_from")
    ids = [one.get("id") if isinstance(one, dict) else one for one in said or ()]
    return [one for one in ids if isinstance(one, str)]


def _assets(
    layers: list[Layer], known: dict[str, "Facts | None"], base: str, look: Look
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for layer in layers:
        made |= _of_layer(layer, known[layer.id], f"{base}/v1/layers/{quote(layer.id)}")
    live = next((layer for layer in layers if layer.bands_path), None)
    if live is not None and live.bands_path:
        fact = look(live.bands_path)
        href = f"{base}/v1/layers/{quote(live.id)}/bands.tif"
        names = [] if fact is None else [_band(name) for name in fact.names if name]
        made["bands"] = _raster(href, "Bands", ["data", "reflectance"], fact) | (
            {"bands": names} if names else {}
        )
    return made


def _of_layer(layer: Layer, fact: "Facts | None", href: str) -> dict[str, Any]:
    key, title = layer.product, layer.title_en
    bbox = layer.bbox
    middle = tile_at((bbox[0] + bbox[2]) / 2, (bbox[1] + bbox[3]) / 2, layer.min_zoom)
    thumbnail = "/".join(map(str, middle))
    numbers = {
        "bands": [{"name": key}],
        "raster:scale": layer.scale,
        "raster:offset": layer.offset,
    }
    return {
        key: _raster(f"{href}/data.tif", title, ["data"], fact) | numbers,
        f"{key}-display": {
            "href": f"{href}/display.tif",
            "type": COG,
            "title": f"{title} (display)",
            "roles": ["visual"],
            "nodata": 0,
            "data_type": "uint8",
        },
        f"{key}-tilejson": {
            "href": f"{href}/tilejson.json",
            "type": JSON,
            "title": f"{title} (TileJSON)",
            "roles": ["tiles"],
        },
        f"{key}-thumbnail": {
            "href": f"{href}/tiles/{thumbnail}.png",
            "type": "image/png",
            "title": f"{title} (thumbnail)",
            "roles": ["thumbnail"],
        },
    }


def _raster(href: str, title: str, roles: list[str], fact: "Facts | None") -> dict[str, Any]:
    said: dict[str, Any] = {"href": href, "type": COG, "title": title, "roles": roles}
    if fact is None:
        return said
    optional = {} if fact.nodata is None else {"nodata": fact.nodata}
    return said | optional | {
        "data_type": fact.dtype,
        "raster:scale": fact.scale,
        "raster:offset": fact.offset,
        "file:size": fact.size,
        "proj:shape": [fact.height, fact.width],
        "proj:transform": list(fact.transform),
    }  # fmt: skip


def _band(role: str) -> dict[str, Any]:
    common = _COMMON.get(role) or (role if role in _NAMED else None)
    return {"name": role} | ({"eo:common_name": common} if common else {})


def collection(holding: Holding, titles: tuple[str, str], base: str) -> dict[str, Any]:
    """Describe a collection; `titles` are (zh, en)."""
    here = at(base, holding.key)
    return {
        "type": "Collection",
        "stac_version": STAC,
        "id": holding.key,
        "title": titles[0],
        "description": f"{titles[0]} · {titles[1]}",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [list(holding.bbox)]},
            "temporal": {"interval": [[instant(holding.first), instant(holding.last)]]},
        },
        "summaries": {"proj:code": [f"EPSG:{epsg}" for epsg in holding.epsgs]},
        "heitu:items": holding.n,
        "links": [
            link("self", here),
            link("root", f"{base}/stac"),
            link("parent", f"{base}/stac"),
            link("items", f"{here}/items", GEOJSON),
            link(QUERYABLES, f"{here}/queryables", "application/schema+json"),
        ],
    }


QUERYABLES: Final = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
