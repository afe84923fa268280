"""Archives that come from anywhere: what is taken out, and what is refused by name."""

import io
import tarfile
import zipfile

import pytest

from ingest.satellite import unpack
from ingest.satellite.pipeline import take_in
from ingest.satellite.unpack import unpacked
from models.errors import SceneRejected
from tests.ingest.satellite import scenes
from tests.ingest.satellite.test_landsat import ARCHIVE


def packed_tar(path, *members, mode="w"):
    """Write a tar of (name, bytes, or the target of a link)."""
    with tarfile.open(path, mode) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path


def packed_zip(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def test_only_files_of_a_scene_are_written_and_all_is_gone_afterwards(tmp_path):
    path = packed_tar(tmp_path / "x.tar", ("X/a.TIF", b"1"), ("X/run.sh", b"2"), ("X/m.txt", b"3"))
    with unpacked(path, tmp_path) as folder:
        assert folder.name == "X"
        assert sorted(file.name for file in folder.iterdir()) == ["a.TIF", "m.txt"]
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_archive_passes_as_it_is(tmp_path):
    with unpacked(tmp_path) as folder:
        assert folder == tmp_path


OUTSIDE = ("../up.tif", "/etc/up.tif", "a/../../up.tif", "..\\up.tif", "C:\\up.tif")


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("pack", [packed_tar, packed_zip])
def test_a_name_that_leads_outside_is_refused(tmp_path, name, pack):
    inner = tmp_path / "in"
    inner.mkdir()
    path = pack(inner / ("x.zip" if pack is packed_zip else "x.tar"), (name, b"1"))
    with pytest.raises(SceneRejected) as refusal, unpacked(path, inner):
        pass
    assert refusal.value.facts["reason"] == "unsafe_archive"
    assert list(tmp_path.rglob("up.tif")) == []


def test_a_link_is_refused(tmp_path):
    path = packed_tar(tmp_path / "x.tar", ("B04.tif", "/etc/hostname"))
    with pytest.raises(SceneRejected, match="reaches outside") as refusal, unpacked(path):
        pass
    assert refusal.value.facts["reason"] == "unsafe_archive"


def test_bytes_are_counted_as_they_come(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "MOST_BYTES", 10_000_000)
    bomb = packed_zip(tmp_path / "x.zip", ("B04.tif", b"\0" * 30_000_000))
    assert bomb.stat().st_size < 50_000
    with pytest.raises(SceneRejected) as refusal, unpacked(bomb, tmp_path):
        pass
    assert refusal.value.facts["reason"] == "too_large"
    assert list(tmp_path.iterdir()) == [bomb]


def test_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "MOST_MEMBERS", 5)
    path = packed_tar(tmp_path / "x.tar", *((f"{i}.tif", b"1") for i in range(9)))
    with pytest.raises(SceneRejected) as refusal, unpacked(path):
        pass
    assert refusal.value.facts["reason"] == "too_large"


def test_the_same_name_twice(tmp_path):
    path = packed_tar(tmp_path / "x.tar", ("B04.tif", b"1"), ("B04.tif", b"2"))
    with pytest.raises(SceneRejected) as refusal, unpacked(path):
        pass
    assert refusal.value.facts["reason"] == "ambiguous"


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("kind", ["tar.gz", "zip", "tar"])
def test_a_cut_archive_is_named_and_changes_nothing(tmp_path, kind, share):
    path = tmp_path / f"LC08.{kind}"
    if kind == "tar.gz":
        path.write_bytes(ARCHIVE.read_bytes())
    else:
        with unpacked(ARCHIVE) as folder:
            members = [(file.name, file.read_bytes()) for file in sorted(folder.iterdir())]
        (packed_zip if kind == "zip" else packed_tar)(path, *members)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    archive = tmp_path / "archive"
    archive.mkdir()
    with pytest.raises(SceneRejected) as refusal:
        take_in(path, scenes.Untouched(), archive)
    assert refusal.value.facts["reason"] == "truncated"
    assert list(archive.rglob("*")) == []


def test_text_called_zip(tmp_path):
    path = tmp_path / "scene.zip"
    path.write_text("no archive")
    with pytest.raises(SceneRejected) as refusal:
        take_in(path, scenes.Untouched(), tmp_path / "archive")
    assert refusal.value.facts["reason"] == "truncated"


def test_a_zipped_safe_is_the_same_scene_as_its_folder(tmp_path, province):
    red, nir = scenes.red_and_nir()
    product = scenes.safe(tmp_path, red, nir, scenes.np.full((30, 40), 4, scenes.np.uint8))
    zipped = tmp_path / f"{scenes.SAFE}.zip"
    files = [file for file in sorted(product.rglob("*")) if file.is_file()]
    packed_zip(zipped, *((str(f.relative_to(tmp_path)), f.read_bytes()) for f in files))
    report = take_in(zipped, province, tmp_path / "archive")
    assert report.scene.lineage["dn_offset_from"] == "BOA_ADD_OFFSET of MTD_MSIL2A.xml"
    again = take_in(product, province, tmp_path / "archive")
    assert again.unchanged
    assert again.scene.id == report.scene.id
