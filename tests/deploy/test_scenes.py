"""The verbs of scenes, from the command line."""

import os

import pytest

from deploy.__main__ import main
from tests.ingest.satellite import scenes


@pytest.fixture
def store(province, fresh_url, monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("HEITU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HEITU_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HEITU_DATABASE_URL", fresh_url)
    return province


def test_one_refused_scene_does_not_stop_the_others(store, tmp_path, capsys):
    good, bad = scenes.folder(tmp_path / "good"), tmp_path / "bad"
    bad.mkdir()
    assert main(["scene", str(bad), str(good)]) == 1
    told = capsys.readouterr()
    assert "sentinel-2-l2a_20240601T023551" in told.out
    assert "bad: The scene was not taken in (not_a_raster)" in told.err
    assert "1 of 2 in" in told.err
    assert main(["scene", str(good)]) == 0
    assert "nothing changed" in capsys.readouterr().out


def test_a_drop_folder_is_emptied_into_done_and_rejected(store, tmp_path, capsys):
    inbox = tmp_path / "inbox"
    scenes.folder(inbox / "good")
    (inbox / "bad").mkdir()
    assert main(["scenes", "watch", str(inbox), "--once"]) == 1
    told = capsys.readouterr()
    assert "good: taken" in told.out
    assert "bad: rejected: not_a_raster" in told.err
    assert (inbox / "done" / "good" / "B04.tif").is_file()
    assert (inbox / "rejected" / "bad.reason.json").is_file()
    assert main(["scenes", "watch", str(inbox), "--once"]) == 0


def test_a_drop_folder_that_is_not_there(store, tmp_path, capsys):
    assert main(["scenes", "watch", str(tmp_path / "absent")]) == 1
    assert "absent" in capsys.readouterr().err
