"""Remarks made twice in review, as tests."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from models.store.database import queries

ROOT = Path(__file__).parents[1]
ROOMS = ("models", "analytics", "ingest", "api", "deploy")
LONGEST_MODULE, LONGEST_FUNCTION, LONGEST_README = 400, 60, 60

# library -> the only places that may import it
GUARDED = {
    "fastapi": ("api/",),
    "starlette": ("api/",),
    "paho": ("ingest/mqtt/",),
    "rasterio": ("ingest/satellite/", "ingest/aerial.py", "api/tiles/"),
    "sklearn": ("analytics/learn/",),
    "sqlalchemy": ("models/store/",),
    "psycopg": ("models/store/",),
    "alembic": ("models/store/",),
}


@cache
def modules():
    found = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in found}


@cache
def trees():
    return {name: ast.parse(text) for name, text in modules().items()}


def functions():
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield name, node


def body_lines(node):
    first = node.body[0]
    docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    documented = first.end_lineno - first.lineno + 1 if docstring else 0
    return node.end_lineno - node.lineno + 1 - documented


def test_modules_are_short():
    lengths = {name: text.count("\n") for name, text in modules().items()}
    assert {n: k for n, k in lengths.items() if k > LONGEST_MODULE} == {}


def test_functions_are_short():
    lengths = sorted((body_lines(node), f"{name}: {node.name}") for name, node in functions())
    assert [f for f in lengths if f[0] > LONGEST_FUNCTION] == []
    sizes = [size for size, _ in lengths]
    assert sizes[len(sizes) // 2] <= 12
    assert sizes[len(sizes) * 9 // 10] <= 28


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_guarded_libraries_stay_in_their_rooms():
    strays = [
        f"{name} imports {module}"
        for name, tree in trees().items()
        for module in imported(tree)
        if (rooms := GUARDED.get(module.partition(".")[0])) and not name.startswith(rooms)
    ]
    assert strays == []


def test_only_the_settings_read_the_environment():
    readers = [
        name
        for name, text in modules().items()
        if re.search(r"os\.environ\b|os\.getenv|getenv\(", text) and name != "deploy/settings.py"
    ]
    # a child's environment is made from ours where it is started
    assert set(readers) <= {"deploy/embedded/child.py"}


@pytest.mark.parametrize("noun", sorted(p.stem for p in (ROOT / "models/store/sql").glob("*.sql")))
def test_every_named_query_says_what_it_does(noun):
    for name, statement in queries(noun).items():
        assert str(statement).startswith("-- "), f"{noun}.{name} has no description"


def test_every_named_query_is_used():
    code = "\n".join(text for name, text in modules().items() if name.startswith("models/store"))
    sql = {p.stem for p in (ROOT / "models/store/sql").glob("*.sql")}
    named = {name for noun in sql for name in queries(noun)}
    # the width of a bucket names its query
    unused = {name for name in named - {"hour", "day", "month"} if f'"{name}"' not in code}
    assert unused == set()


@pytest.mark.parametrize("room", [*ROOMS, "tests"])
def test_every_room_has_a_short_readme(room):
    lines = (ROOT / room / "README.md").read_text("utf-8").splitlines()
    assert 5 <= len(lines) <= LONGEST_README


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_is_typed(room):
    assert (ROOT / room / "py.typed").exists()


def test_every_test_folder_is_a_package():
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    bare = [f for f in folders if not (f / "__init__.py").exists()]
    assert bare == []


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: nothing says which files are the project's")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def test_no_address_of_a_registry_and_no_path_of_a_machine():
    told = ("py" + "pi.org", "python" + "hosted", "npm" + "js.", "deb." + "debian", "/ro" + "ot/")
    guilty = [
        path.name
        for path in tracked()
        if path.is_file()
        and path.suffix not in {".png", ".tif", ".nc", ".jp2"}
        and any(word in path.read_text("utf-8", "replace") for word in told)
    ]
    assert guilty == []


def test_the_project_stays_small():
    size = sum(path.stat().st_size for path in tracked() if path.is_file())
    assert size < 15 * 2**20
