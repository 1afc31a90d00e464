"""Downloads that can be trusted: several mirrors, resumed where they broke, checked, and renamed only when whole."""

from __future__ import annotations

import errno
import hashlib
import http.client
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ir_bench.datasets.places import offline
from ir_bench.errors import InputError
from ir_bench.progress import bar

ATTEMPTS = 4  # in a row without a single new byte, per mirror
WAIT_S = 1.0  # before the second attempt, doubled before each further one
TIMEOUT_S = 30.0
_BLOCK = 1 << 16


@dataclass(frozen=True)
class Download:
    """A file on the web: where from (mirrors in order), how it is checked, what of a dataset it holds.

    `folder` is its place below the cache's `datasets` folder; a zip or tar file is unpacked into it, any other is
    kept there under `save_as` (else the last part of the URL).
    """

    urls: Sequence[str]
    folder: str
    md5: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    provides: Sequence[str] = ("corpus", "queries", "qrels")
    save_as: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        return self.save_as or urlsplit(self.urls[0]).path.rsplit("/", 1)[-1]

    @property
    def checked(self) -> bool:
        return bool(self.md5 or self.sha256)


def fetch(download: Download, target: Path) -> Path:
    """Bring the file to `target`, which exists afterwards only if it is whole and its checksum is right.

    What an earlier call left in `target`.part is continued when a checksum can prove the result. Raises InputError,
    naming every URL and what went wrong there, when no mirror gives the file, or when downloads are forbidden. The
    caller keeps other processes from fetching the same target.
    """
    if target.is_file():
        return target
    listed = ", ".join(download.urls)
    if offline():
        raise InputError(
            f"{target.name} is not here and IR_BENCH_OFFLINE forbids downloading it from {listed}",
            fix="unset IR_BENCH_OFFLINE",
        )
    for url in download.urls:
        if urlsplit(url).scheme not in ("http", "https"):
            raise InputError(f"{url} is not a web address", "http:// or https://", "correct the download's urls")
    _make_room(download, target)
    part = target.with_name(f"{target.name}.part")
    if not download.checked:
        part.unlink(missing_ok=True)
    failures = []
    for url in download.urls:
        try:
            _from_mirror(download, url, part)
        except _Failed as failure:
            failures.append(f"{url}: {failure}")
            continue
        if not download.checked:
            print(f"{target.name}: no checksum is known for it; the file is not verified", file=sys.stderr)
        part.replace(target)
        return target
    raise InputError(
        f"{target.name} could not be downloaded. " + "; ".join(failures),
        "a mirror that can be reached" + (" and gives the file with the known checksum" if download.checked else ""),
        "try again later: what arrived is kept and continued" if part.exists() else "check the network connection",
    )


@dataclass
class _Version:
    """The server's mark of the version that `part` is the beginning of."""

    mark: str = ""


class _Failed(Exception):
    def __init__(self, reason: str, again: bool) -> None:
        self.again = again
        super().__init__(reason)


def _from_mirror(download: Download, url: str, part: Path) -> None:
    fruitless, longest, version, restarted = 0, _size(part), _Version(), False
    while True:
        if not (download.checked or version.mark):
            part.unlink(missing_ok=True)  # nothing could tell that the rest belongs to this beginning
        before = _size(part)
        try:
            _transfer(download, url, part, version)
        except _Failed as failure:
            fruitless = 0 if _size(part) > longest else fruitless + 1
            longest = max(longest, _size(part))
            if not failure.again or fruitless >= ATTEMPTS:
                raise
            time.sleep(WAIT_S * 2**fruitless / 2)
            continue
        wrong = _wrong(download, part)
        if not wrong:
            return
        part.unlink()
        if restarted or not before:
            raise _Failed(wrong, False)
        restarted, version = True, _Version()  # the beginning came from an earlier attempt: once more from the start


def _transfer(download: Download, url: str, part: Path, version: _Version) -> None:
    """Append what is missing to `part`, or begin anew where the server has another version by now."""
    start = _size(part)
    headers = {"User-Agent": "ir_bench", "Accept-Encoding": "identity", **download.headers}
    if start:
        headers["Range"] = f"bytes={start}-"
        if version.mark:
            headers["If-Range"] = version.mark
    try:
        response = _opener().open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and download.checked:  # nothing is missing, or `part` is too long: the checksum tells
            return
        raise _Failed(f"HTTP {error.code} {error.reason}", error.code >= 500 or error.code in (408, 429)) from None
    except urllib.error.URLError as error:
        raise _Failed(f"no connection ({error.reason})", isinstance(error.reason, ConnectionResetError)) from None
    except (OSError, http.client.HTTPException) as error:
        raise _Failed(f"no answer ({error or type(error).__name__})", True) from None
    with response:
        continued = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        if not continued:
            start = 0  # the server sends the whole file
        mark = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        version.mark = "" if mark.startswith("W/") else mark
        length = response.headers.get("Content-Length")
        total = start + int(length) if length and length.isdecimal() else None
        try:
            with (
                open(part, "ab" if continued else "wb") as stream,
                bar(total or download.size_bytes, part.name.removesuffix(".part"), "B") as progress,
            ):
                progress.update(start)
                while block := response.read(_BLOCK):
                    stream.write(block)
                    progress.update(len(block))
        except (OSError, http.client.HTTPException) as error:
            full = isinstance(error, OSError) and error.errno == errno.ENOSPC
            raise _Failed(f"the connection broke after {_size(part):,} bytes ({error})", not full) from None
        if total is not None and _size(part) < total:
            raise _Failed(f"the connection broke after {_size(part):,} of {total:,} bytes", True)


def _wrong(download: Download, part: Path) -> str:
    """What is wrong with the file by its checksums; empty when nothing is."""
    for name, known in (("md5", download.md5), ("sha256", download.sha256)):
        if known:
            digest = hashlib.new(name, usedforsecurity=False)
            with open(part, "rb") as stream:
                while block := stream.read(_BLOCK):
                    digest.update(block)
            if digest.hexdigest() != known.lower():
                return f"{name} {digest.hexdigest()} of the {_size(part):,} bytes received, expected {known}"
    return ""


def _make_room(download: Download, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(target.parent).free
    except OSError as error:
        raise InputError(
            f"cannot write to {target.parent}: {error.strerror}", fix="choose another folder with IR_BENCH_CACHE"
        ) from None
    if download.size_bytes and download.size_bytes > free:
        raise InputError(
            f"{target.name} needs {download.size_bytes:,} bytes, {target.parent} has {free:,} left",
            fix="make room, or choose another folder with IR_BENCH_CACHE",
        )


def _opener() -> urllib.request.OpenerDirector:
    """Opens http and https only: a redirect to ftp: or file: fails."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
