"""Files without a row, rows without a file, and files that changed."""

import pytest

from ingest.satellite import catalogue, orphans
from ingest.satellite.pipeline import take_in
from tests.ingest.satellite import scenes as made


@pytest.fixture
def archive(tmp_path):
    return tmp_path / "archive"


@pytest.fixture
def taken(tmp_path, province, archive):
    return take_in(made.folder(tmp_path / "in"), province, archive)


def check(province, archive, settled_s=0):
    return orphans.check(province, archive, settled_s=settled_s)


def test_an_archive_as_it_was_written_is_clean(province, archive, taken):
    found = check(province, archive)
    assert found.clean
    assert found.checked == 1
    assert set(taken.scene.lineage["files"]) == {"ndvi.tif", "display.tif", "bands.tif"}


def test_files_without_a_row_are_found_and_removed_and_nothing_else(province, archive, taken):
    stray = archive / catalogue.SCENES / "of-a-crash"
    stray.mkdir()
    (stray / "ndvi.tif").write_bytes(b"half")
    beside = (archive / taken.layer.data_path).with_name("evi2.tif")
    beside.write_bytes(b"half")
    assert check(province, archive, settled_s=3600).clean  # a scene may be on its way in
    found = check(province, archive)
    assert set(found.orphans) == {stray, beside}
    elsewhere = archive.parent / "in" / "B04.tif"
    orphans.remove(archive, [*found.orphans, elsewhere])
    assert elsewhere.is_file()
    assert check(province, archive).clean


def test_a_lost_file_and_a_spoilt_one_are_named(province, archive, taken):
    display = archive / taken.layer.display_path
    data = archive / taken.layer.data_path
    display.unlink()
    whole = bytearray(data.read_bytes())
    whole[len(whole) // 2] ^= 1
    data.write_bytes(whole)
    found = check(province, archive)
    assert found.lost == [taken.layer.id]
    assert found.spoilt == [f"{taken.scene.id}/ndvi.tif"]
    assert found.orphans == []
