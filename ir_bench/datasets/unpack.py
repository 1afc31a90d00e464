"""Archives unpacked without trusting them: nothing is written outside the folder, nothing but files and folders."""

from __future__ import annotations

import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from ir_bench.errors import InputError

LARGEST_RATIO = 200  # text collections shrink to a quarter; what grows beyond this is an attack or damaged
_BLOCK = 1 << 20
_LITTER = re.compile(r"(^|/)(__MACOSX(/|$)|\.DS_Store$|\._[^/]*$)")


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar file into `folder`; when the archive holds one folder only, that folder's content.

    Everything is unpacked beside the folder first and moved into it when whole. Raises InputError for a damaged
    archive, an entry that would lie outside, a link or device, and an archive that grows without measure.
    """
    writing = folder.with_name(f"{folder.name}.unpacking")
    shutil.rmtree(writing, ignore_errors=True)
    writing.mkdir(parents=True)
    limit = min(archive.stat().st_size * LARGEST_RATIO + (1 << 20), shutil.disk_usage(writing).free)
    try:
        entries = _zip_entries(archive) if zipfile.is_zipfile(archive) else _tar_entries(archive)
        for name, stream in entries:
            place = writing / _safe(name, archive)
            place.parent.mkdir(parents=True, exist_ok=True)
            with open(place, "wb") as target:
                while block := stream.read(_BLOCK):
                    limit -= len(block)
                    if limit < 0:
                        raise InputError(
                            f"{archive.name} unpacks to more than the disk or {LARGEST_RATIO} times its size allows",
                            "an archive of text files",
                            "make room on the disk; if there is room, do not trust this archive",
                        )
                    target.write(block)
        _move_into(folder, writing)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, OSError, RuntimeError) as error:
        raise InputError(
            f"{archive} cannot be unpacked: {error}", "a whole, unencrypted zip or tar file", "download it again"
        ) from None
    finally:
        shutil.rmtree(writing, ignore_errors=True)


def _zip_entries(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as packed:
        for entry in packed.infolist():
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if entry.is_dir():
                _safe(entry.filename, archive)
            elif kind not in (0, stat.S_IFREG):
                raise _refused(archive, entry.filename, "is a link or a device")
            elif not _LITTER.search(entry.filename):
                with packed.open(entry) as stream:
                    yield entry.filename, stream


def _tar_entries(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(archive, "r:*") as packed:
        for entry in packed:
            if entry.isdir():
                _safe(entry.name, archive)
            elif not entry.isreg():
                raise _refused(archive, entry.name, "is a link or a device")
            elif not _LITTER.search(entry.name) and (stream := packed.extractfile(entry)):
                yield entry.name, stream


def _safe(name: str, archive: Path) -> PurePosixPath:
    """The entry's path, when it stays inside."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or re.match(r"[A-Za-z]:", name):
        raise _refused(archive, name, "would lie outside the folder")
    return path


def _refused(archive: Path, name: str, why: str) -> InputError:
    return InputError(
        f"{archive}: entry {name!r} {why}", "files and folders only", "do not trust this archive; nothing was unpacked"
    )


def _move_into(folder: Path, writing: Path) -> None:
    entries = list(writing.iterdir())
    root = entries[0] if len(entries) == 1 and entries[0].is_dir() else writing
    folder.mkdir(parents=True, exist_ok=True)
    for entry in sorted(root.iterdir()):
        place = folder / entry.name
        if place.is_dir():
            shutil.rmtree(place)
        entry.replace(place)
