"""Archives, honest and hostile."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ir_bench.datasets import unpack as module
from ir_bench.datasets.unpack import unpack
from ir_bench.errors import InputError

FILES = {"owls/corpus.jsonl": b"corpus\n", "owls/qrels/test.tsv": b"qrels\n"}


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, files: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def found(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize(
    "make",
    [zipped, tarred, lambda p, f: tarred(p, f, "w"), lambda p, f: tarred(p, f, "w:xz")],
    ids=["zip", "tgz", "tar", "xz"],
)
def test_one_folder_becomes_the_folder(tmp_path: Path, make: Callable[[Path, dict[str, bytes]], Path]) -> None:
    unpack(make(tmp_path / "archive", FILES), tmp_path / "data" / "scifact")
    assert found(tmp_path / "data" / "scifact") == {"corpus.jsonl": b"corpus\n", "qrels/test.tsv": b"qrels\n"}
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["scifact"]


def test_several_entries_at_the_top(tmp_path: Path) -> None:
    unpack(tarred(tmp_path / "a", {"./collection.tsv": b"1\ta\n", "qrels.dev.tsv": b""}), tmp_path / "m")
    assert found(tmp_path / "m") == {"collection.tsv": b"1\ta\n", "qrels.dev.tsv": b""}


def test_what_is_there_stays_or_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "owls/qrels").mkdir(parents=True)
    (tmp_path / "owls/qrels/old.tsv").write_bytes(b"old")
    (tmp_path / "owls/notes.txt").write_bytes(b"mine")
    (tmp_path / "owls/corpus.jsonl").write_bytes(b"old")
    unpack(zipped(tmp_path / "a", FILES), tmp_path / "owls")
    assert found(tmp_path / "owls") == {
        "corpus.jsonl": b"corpus\n",
        "notes.txt": b"mine",
        "qrels/test.tsv": b"qrels\n",
    }


def test_a_macintosh_leaves_no_litter(tmp_path: Path) -> None:
    litter = {"__MACOSX/owls/._corpus.jsonl": b"x", "owls/.DS_Store": b"x", "owls/._corpus.jsonl": b"x"}
    unpack(zipped(tmp_path / "a", {**FILES, **litter}), tmp_path / "owls")
    assert set(found(tmp_path / "owls")) == {"corpus.jsonl", "qrels/test.tsv"}


OUTSIDE = ["../evil", "owls/../../evil", "/evil-file", "C:evil", "owls\\..\\..\\evil"]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("make", [zipped, tarred], ids=["zip", "tar"])
def test_nothing_is_written_outside(tmp_path: Path, make: Callable[..., Path], name: str) -> None:
    archive = make(tmp_path / "archive", {**FILES, name: b"evil"})
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(InputError, match="would lie outside the folder"):
        unpack(archive, inside / "owls")
    assert found(tmp_path) == {"archive": archive.read_bytes()}
    assert not list(inside.iterdir())
    assert not Path("/evil-file").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_file(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "a", "w") as archive:
        entry = tarfile.TarInfo("owls/corpus.jsonl")
        entry.type = kind
        entry.linkname = "/etc/passwd"
        archive.addfile(entry)
    with pytest.raises(InputError, match=r"'owls/corpus\.jsonl' is a link or a device"):
        unpack(tmp_path / "a", tmp_path / "owls")
    assert not (tmp_path / "owls").exists()


def test_a_file_written_through_a_link_stays_inside(tmp_path: Path) -> None:
    """A link to a folder outside followed by a file below it: refused at the link, before the file."""
    with tarfile.open(tmp_path / "a", "w") as archive:
        link = tarfile.TarInfo("out")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        archive.addfile(link)
        entry = tarfile.TarInfo("out/evil")
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"evil"))
    with pytest.raises(InputError, match="'out' is a link or a device"):
        unpack(tmp_path / "a", tmp_path / "owls")
    assert not (tmp_path / "evil").exists()


def test_a_link_in_a_zip_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a", "w") as archive:
        entry = zipfile.ZipInfo("owls/corpus.jsonl")
        entry.create_system = 3
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(InputError, match=r"'owls/corpus\.jsonl' is a link or a device"):
        unpack(tmp_path / "a", tmp_path / "owls")


@pytest.mark.parametrize("make", [zipped, tarred], ids=["zip", "tar"])
def test_an_archive_that_grows_without_measure(tmp_path: Path, make: Callable[..., Path]) -> None:
    archive = make(tmp_path / "bomb", {"owls/corpus.jsonl": bytes(20_000_000)})  # about 20 kB packed
    with pytest.raises(InputError, match=f"{module.LARGEST_RATIO} times its size"):
        unpack(archive, tmp_path / "owls")
    assert found(tmp_path) == {"bomb": archive.read_bytes()}


@pytest.mark.parametrize("make", [zipped, tarred], ids=["zip", "tar"])
def test_a_damaged_archive(tmp_path: Path, make: Callable[..., Path]) -> None:
    archive = make(tmp_path / "a", {"owls/corpus.jsonl": bytes(range(256)) * 4000})
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(InputError, match="a cannot be unpacked"):
        unpack(archive, tmp_path / "owls")
    assert not (tmp_path / "owls").exists()


def test_a_changed_byte_in_a_zip_file(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a", {"owls/corpus.jsonl": bytes(range(256)) * 40})
    content = bytearray(archive.read_bytes())
    content[80] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(InputError, match="a cannot be unpacked"):
        unpack(archive, tmp_path / "owls")


def test_something_that_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"<html>not found</html>")
    with pytest.raises(InputError, match="a cannot be unpacked"):
        unpack(tmp_path / "a", tmp_path / "owls")
