"""Text files line by line, gzip-compressed or not, with errors that name file and line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from ir_bench.errors import InputError


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Line numbers from 1 and lines without their ends; empty lines are left out.

    Only "\\n" ends a line: JSON strings may contain U+2028 or U+0085. Raises InputError for a file that cannot be
    read, a damaged gzip file and bytes that are not UTF-8.
    """
    try:
        with _open(path) as stream:
            for number, raw in enumerate(stream, 1):
                try:
                    line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise InputError(
                        f"{path}:{number}: byte 0x{raw[error.start]:02x} at position {error.start} is not UTF-8",
                        "a UTF-8 text file",
                        f"convert it, for example: iconv -f latin1 -t utf-8 {path.name}",
                    ) from None
                line = line.rstrip("\r\n")
                if line.strip(" "):
                    yield number, line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path}: the compressed file is damaged: {error}", "a whole gzip file", "copy or download it again"
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}", "a readable text file") from None


def _open(path: Path) -> IO[bytes]:
    with open(path, "rb") as stream:
        compressed = stream.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path, "rb")) if compressed else open(path, "rb")
