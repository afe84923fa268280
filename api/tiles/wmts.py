"""WMTS 1.0 capabilities: each product a layer over its dates, on both tile matrix sets."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from xml.etree import ElementTree as ET

from api.tiles.matrices import CGCS2000, LAST, MATRIX_SETS, MatrixSet

_WMTS, _OWS, _XLINK = (
    "http://www.opengis.net/wmts/1.0",
    "http://www.opengis.net/ows/1.1",
    "http://www.w3.org/1999/xlink",
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A product as a WMTS layer; `days` are newest first."""

    product: str
    title: str
    bbox: tuple[float, float, float, float]
    days: tuple[date, ...]


def _add(parent: ET.Element, name: str, text: str | None = None, /, **said: str) -> ET.Element:
    space, _, local = name.rpartition(":")
    made = ET.SubElement(parent, f"{{{_OWS if space == 'ows' else _WMTS}}}{local}", said)
    made.text = text
    return made


def capabilities(base: str, layers: Iterable[Shown]) -> bytes:
    """Write the document; `base` is the address of the server."""
    for prefix, space in (("", _WMTS), ("ows", _OWS), ("xlink", _XLINK)):
        ET.register_namespace(prefix, space)
    root = ET.Element(f"{{{_WMTS}}}Capabilities", {"version": "1.0.0"})
    service = _add(root, "ows:ServiceIdentification")
    _add(service, "ows:Title", "黑土影像 · Heitu imagery")
    _add(service, "ows:ServiceType", "OGC WMTS")
    _add(service, "ows:ServiceTypeVersion", "1.0.0")
    operations = _add(root, "ows:OperationsMetadata")
    operation = _add(operations, "ows:Operation", name="GetCapabilities")
    http = _add(_add(operation, "ows:DCP"), "ows:HTTP")
    get = _add(http, "ows:Get", **{f"{{{_XLINK}}}href": f"{base}/v1/wmts?"})
    allowed = _add(_add(get, "ows:Constraint", name="GetEncoding"), "ows:AllowedValues")
    _add(allowed, "ows:Value", "KVP")
    contents = _add(root, "Contents")
    for one in layers:
        _layer(contents, base, one)
    for matrix in MATRIX_SETS.values():
        _matrix_set(contents, matrix)
    made: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return made


def _layer(contents: ET.Element, base: str, one: Shown) -> None:
    here = f"{base}/v1/products/{one.product}"
    layer = _add(contents, "Layer")
    _add(layer, "ows:Title", one.title)
    west, south, east, north = one.bbox
    box = _add(layer, "ows:WGS84BoundingBox")
    _add(box, "ows:LowerCorner", f"{west} {south}")
    _add(box, "ows:UpperCorner", f"{east} {north}")
    _add(layer, "ows:Identifier", one.product)
    style = _add(layer, "Style", isDefault="true")
    _add(style, "ows:Identifier", "default")
    legend = {"format": "image/png", f"{{{_XLINK}}}href": f"{here}/legend.png"}
    _add(style, "LegendURL", **legend)
    _add(layer, "Format", "image/png")
    time = _add(layer, "Dimension")
    _add(time, "ows:Identifier", "Time")
    _add(time, "Default", "latest")
    for day in ("latest", *(day.isoformat() for day in one.days)):
        _add(time, "Value", day)
    for matrix in MATRIX_SETS.values():
        _add(_add(layer, "TileMatrixSetLink"), "TileMatrixSet", matrix.key)
    # the template carries the name of the set, which the tiles take as they take its short form
    template = f"{here}/tiles/{{TileMatrixSet}}/{{Time}}/{{TileMatrix}}/{{TileCol}}/{{TileRow}}.png"
    _add(layer, "ResourceURL", format="image/png", resourceType="tile", template=template)


def _matrix_set(contents: ET.Element, matrix: MatrixSet) -> None:
    made = _add(contents, "TileMatrixSet")
    _add(made, "ows:Title", f"{matrix.zh} · {matrix.en}")
    _add(made, "ows:Identifier", matrix.key)
    _add(made, "ows:SupportedCRS", f"urn:ogc:def:crs:EPSG::{matrix.epsg}")
    if matrix is not CGCS2000:
        _add(made, "WellKnownScaleSet", "urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible")
    for one in matrix.document(LAST)["tileMatrices"]:
        level = _add(made, "TileMatrix")
        _add(level, "ows:Identifier", one["id"])
        _add(level, "ScaleDenominator", repr(one["scaleDenominator"]))
        _add(level, "TopLeftCorner", " ".join(map(repr, one["pointOfOrigin"])))
        for name in ("TileWidth", "TileHeight", "MatrixWidth", "MatrixHeight"):
            _add(level, name, str(one[name[0].lower() + name[1:]]))
