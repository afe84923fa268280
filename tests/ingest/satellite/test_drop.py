"""The drop folder: what is complete comes in, what is not waits, and a kill loses nothing."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ingest.satellite.drop import MOST_ATTEMPTS, DropFolder
from ingest.satellite.pipeline import take_in
from models.errors import SceneRejected, Unavailable
from tests.ingest.satellite import scenes

ROOT = Path(__file__).parents[3]


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def dropped(inbox, take=None, settle=30.0):
    """Make a drop folder with a clock in the hand and a list of what was taken in."""
    clock, taken = Clock(), []

    def note(path):
        taken.append(path.name)
        return True, "well"

    return DropFolder(inbox, take or note, settle, monotonic=clock), clock, taken


def names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_an_entry_comes_in_when_it_has_settled(inbox):
    drop, clock, taken = dropped(inbox)
    (inbox / "S2A.SAFE").mkdir()
    assert list(drop.turn()) == []
    clock.now += 29
    (inbox / "S2A.SAFE" / "B04.jp2").write_bytes(b"1")  # still being copied
    assert list(drop.turn()) == []
    clock.now += 29
    assert list(drop.turn()) == []
    clock.now += 2
    assert [outcome.status for outcome in drop.turn()] == ["taken"]
    assert taken == ["S2A.SAFE"]
    assert names(inbox) == ["done"]
    assert names(inbox / "done") == ["S2A.SAFE"]


def test_a_marker_says_at_once_that_it_is_complete(inbox):
    drop, _, taken = dropped(inbox)
    (inbox / "a.tif").write_bytes(b"1")
    (inbox / "a.tif.done").touch()
    (inbox / "b").mkdir()
    (inbox / "b" / ".done").touch()
    list(drop.turn())
    assert taken == ["a.tif", "b"]
    assert names(inbox) == ["done"]


def test_what_is_still_downloading_or_no_scene_stays(inbox):
    drop, clock, taken = dropped(inbox)
    for name in ("x.zip.part", "notes.txt", ".hidden.tif"):
        (inbox / name).write_bytes(b"1")
    (inbox / "folder").mkdir()
    (inbox / "folder" / "B04.tif.crdownload").write_bytes(b"1")
    (inbox / "link.tif").symlink_to("/etc/hostname")
    for _ in range(3):
        assert list(drop.turn()) == []
        clock.now += 100
    assert taken == []


def test_companions_go_with_their_raster(inbox):
    drop, _, _ = dropped(inbox, settle=0)
    for name in ("GF1_E126.5.tiff", "GF1_E126.5.xml", "GF1_E126.5.scene.json", "GF1_E126.txt"):
        (inbox / name).write_bytes(b"1")
    list(drop.turn())
    assert names(inbox) == ["GF1_E126.txt", "done"]
    assert names(inbox / "done") == ["GF1_E126.5.scene.json", "GF1_E126.5.tiff", "GF1_E126.5.xml"]


def test_companions_that_a_kill_left_behind_follow(inbox):
    drop, _, _ = dropped(inbox)
    (inbox / "done").mkdir()
    (inbox / "done" / "a.tif").write_bytes(b"1")
    (inbox / "a.xml").write_bytes(b"1")
    list(drop.turn())
    assert names(inbox / "done") == ["a.tif", "a.xml"]


def test_a_refused_scene_lies_beside_its_reason(inbox):
    def refuse(path):
        raise SceneRejected(reason="no_crs", detail=f"{path.name} does not say its system")

    drop, _, _ = dropped(inbox, refuse, settle=0)
    for _ in range(2):  # delivered twice: neither overwrites the other
        (inbox / "bad").mkdir()
        assert [outcome.status for outcome in drop.turn()] == ["rejected"]
    assert names(inbox / "rejected") == [
        "2-bad",
        "2-bad.reason.json",
        "bad",
        "bad.reason.json",
    ]
    told = json.loads((inbox / "rejected" / "bad.reason.json").read_text())
    assert told["reason"] == "no_crs"
    assert "does not say its system" in told["message"]


def test_a_database_that_is_away_costs_patience_not_the_scene(inbox):
    away = [True]

    def take(path):
        if away[0]:
            raise Unavailable(part="database", why="it does not answer")
        return True, path.name

    drop, clock, _ = dropped(inbox, take, settle=0)
    (inbox / "a").mkdir()
    assert [outcome.status for outcome in drop.turn()] == ["postponed"]
    assert list(drop.turn()) == []  # not at once again
    for _ in range(5):
        clock.now += 4000
        assert [outcome.status for outcome in drop.turn()] == ["postponed"]
    away[0] = False
    clock.now += 4000
    assert [outcome.status for outcome in drop.turn()] == ["taken"]


DYING = """
    import os, sys
    from pathlib import Path
    from ingest.satellite.drop import DropFolder

    def die(path):
        os.kill(os.getpid(), 9)

    for outcome in DropFolder(Path(sys.argv[1]), die, 0.0).turn():
        print(outcome.status, outcome.told)
"""


def test_a_scene_that_kills_the_process_each_time_is_set_aside(inbox):
    (inbox / "bomb").mkdir()
    (inbox / "bomb" / "B04.tif").write_bytes(b"1")
    command = [sys.executable, "-c", textwrap.dedent(DYING), str(inbox)]
    for _ in range(MOST_ATTEMPTS):
        killed = subprocess.run(command, cwd=ROOT, check=False, timeout=60)
        assert killed.returncode == -9
        assert (inbox / "bomb").is_dir()
    told = subprocess.run(command, cwd=ROOT, check=True, timeout=60, capture_output=True).stdout
    assert told.startswith(b"rejected killed")
    assert names(inbox / "rejected") == ["bomb", "bomb.reason.json"]


def test_a_kill_after_the_commit_takes_nothing_in_twice(inbox, tmp_path, province):
    archive = tmp_path / "archive"
    scenes.folder(inbox / "scene")
    first = take_in(inbox / "scene", province, archive)  # and then the process died

    def take(path):
        report = take_in(path, province, archive)
        return not report.unchanged, report.scene.id

    drop, _, _ = dropped(inbox, take, settle=0)
    assert [(one.status, one.told) for one in drop.turn()] == [("known", first.scene.id)]
    assert names(inbox / "done") == ["scene"]
    assert len(list((archive / "scenes").iterdir())) == 1
