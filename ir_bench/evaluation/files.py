"""Files of an evaluation: read line by line, plain or gzip; written whole or not at all, the same bytes each time."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from ir_bench.errors import InputError

BLANKS = " \t\n\r\v\f"  # what separates columns for C's isspace, and for trec_eval


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Line numbers from 1 and lines as bytes, a byte order mark removed; compressed or not is seen from the content.

    Raises InputError for a file that cannot be read and for a damaged gzip file.
    """
    try:
        with open(path, "rb") as stream:
            compressed = stream.read(2) == b"\x1f\x8b"
        with cast(IO[bytes], gzip.open(path, "rb")) if compressed else open(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path}: the compressed file is damaged: {error}", "a whole gzip file", "copy it again"
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}", "a readable file") from None


def decode(path: Path, number: int, raw: bytes) -> str:
    """Raises InputError with file and line for bytes that are not UTF-8."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}:{number}: byte 0x{raw[error.start]:02x} is not UTF-8",
            "a UTF-8 text file",
            f"convert it, for example: iconv -f latin1 -t utf-8 {path.name}",
        ) from None


def write_text(path: Path, pieces: Iterable[str]) -> None:
    """Write pieces of text under a temporary name and rename; gzip when the name ends in ".gz".

    Neither the time nor the name goes into the gzip header: equal text gives equal bytes.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            if path.suffix == ".gz":
                with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as stream:
                    stream.writelines(piece.encode() for piece in pieces)
            else:
                file.writelines(piece.encode() for piece in pieces)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
