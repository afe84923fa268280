"""Live tiles as asked for: formulas against indices, bands as colours, ranges, refusals."""

import numpy as np
import pytest
import rasterio
from rasterio.io import MemoryFile

from api.tiles.formula import formula
from api.tiles.grid import tile_at
from api.tiles.recipe import ROLES
from models.errors import BadQuery
from tests.api.world import SPOTS, YUSHU

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
HERE = tile_at(*SPOTS[YUSHU], 14)


def tile(world, **query):
    path = f"/v1/scenes/{world.scene}/tiles/{'/'.join(map(str, HERE))}.png"
    return world.get(path, params=query)


def decoded(answer):
    assert answer.status_code == 200, answer.text
    with MemoryFile(answer.content) as file, file.open() as dataset:
        return dataset.read()


def test_a_formula_is_the_index_that_it_writes_out(world):
    index = decoded(tile(world, index="ndvi", rescale="-0.5,1"))
    written = decoded(tile(world, expression="(nir - red) / (nir + red)", rescale="-0.5,1"))
    assert (index == written).mean() > 0.999
    savi = decoded(tile(world, index="savi", rescale="-0.5,1"))
    written = decoded(tile(world, expression="1.5*(nir-red)/(nir+red+0.5)", rescale="-0.5,1"))
    assert (savi == written).mean() > 0.999
    assert (savi != index).mean() > 0.5


def test_a_range_stretches_and_a_palette_colours(world):
    narrow = decoded(tile(world, rescale="0.2,0.4"))
    wide = decoded(tile(world, rescale="-1,1"))
    assert np.std(narrow[narrow > 0]) > 2 * np.std(wide[wide > 0])
    assert tile(world, colormap="nothing").status_code == 400


def test_three_bands_are_colours_of_their_reflectance(world):
    seen = decoded(tile(world, bands="nir,red,red", rescale="0,0.5"))
    assert seen.shape == (4, 256, 256)
    drawn = seen[3] == 255
    assert drawn.any()
    nir, red, again = seen[:3, drawn].astype(float)
    assert (red == again).all()
    with rasterio.open(world.platform.archive / f"scenes/{world.scene}/bands.tif") as dataset:
        names = dataset.descriptions
        dn = dataset.read(names.index("nir") + 1).astype(float)
        value = dn[dn > 0] * dataset.scales[0] + dataset.offsets[0]
    assert np.median((nir - 1) / 254 * 0.5) == pytest.approx(np.median(value), abs=0.03)


@pytest.mark.parametrize(
    "query",
    [
        {"expression": "nir -"},
        {"expression": "__import__('os')"},
        {"expression": "nir ** 2"},
        {"expression": "evil"},
        {"expression": "1 + 1"},
        {"expression": "(" * 100 + "nir" + ")" * 100},
        {"expression": "-" * 99 + "nir"},
        {"expression": "nir", "index": "ndvi"},
        {"bands": "nir,red"},
        {"bands": "nir,red,password"},
        {"bands": "nir,red,red", "colormap": "ndvi"},
        {"rescale": "1,0"},
        {"rescale": "nan,1"},
        {"rescale": "0,1,0,1,0,1"},
        {"rescale": "0"},
    ],
)
def test_what_cannot_be_drawn_is_named(world, query):
    got = tile(world, **query)
    assert got.status_code == 400, got.text
    assert got.headers["content-type"] == "application/problem+json"


def test_an_unchanged_tile_is_not_sent_again(world):
    first = tile(world, expression="nir/red", rescale="0,10")
    path = first.request.url
    again = world.get(str(path), headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    other = tile(world, expression="nir/red", rescale="0,9")
    assert other.headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("nir - red - 1", 0.5 - 0.25 - 1),
        ("nir / red / 2", 1.0),
        ("-nir * (red + 1)", -0.625),
        ("2 * nir + red / .5", 1.5),
    ],
)
def test_signs_bind_as_on_paper(text, value):
    made = formula(text, ROLES)
    given = {"nir": np.float32([0.5]), "red": np.float32([0.25])}
    assert made.formula(*(given[role] for role in made.bands))[0] == pytest.approx(value)


def test_a_division_by_zero_is_a_gap():
    made = formula("1 / (nir - nir)", ROLES)
    assert np.isnan(made.formula(np.float32([0.5]))).all()
    with pytest.raises(BadQuery):
        formula("nir" * 200, ROLES)
