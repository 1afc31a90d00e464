"""Vectors on disk: a folder of plain .npy arrays with a manifest of sizes and checksums, and the joining of shards."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from ir_bench.types import Gated, MultiVector, Sparse, Strings, V, Vectors

MANIFEST = "manifest.json"


def write_arrays(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def arrays_of(vectors: Vectors | Strings) -> dict[str, np.ndarray]:
    """The arrays of a value by dotted field name (`vocabulary.data`)."""
    arrays: dict[str, np.ndarray] = {}
    for f in fields(vectors):
        value = getattr(vectors, f.name)
        if isinstance(value, np.ndarray):
            arrays[f.name] = value
        elif value is not None:
            arrays |= {f"{f.name}.{name}": array for name, array in arrays_of(value).items()}
    return arrays


def read(kind: type, folder: Path):
    """A value of `kind` from its folder, memory-mapped."""

    def array(name: str) -> np.ndarray:
        return np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)

    def vocabulary() -> Strings:
        return Strings(array("vocabulary.data"), array("vocabulary.bounds"))

    if kind is Sparse:
        return Sparse(array("terms"), array("weights"), array("offsets"), vocabulary())
    if kind is MultiVector:
        named = (array("tokens"), vocabulary()) if (folder / "tokens.npy").is_file() else ()
        return MultiVector(array("values"), array("offsets"), *named)
    return kind(**{f.name: array(f.name) for f in fields(kind)})


def seal(folder: Path, made_from: object) -> None:
    """Write the manifest and flush everything to disk; a folder without a manifest does not count as made."""
    files = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST):
        with open(path, "rb") as stream:
            checksum = hashlib.file_digest(stream, "sha256").hexdigest()
            os.fsync(stream.fileno())
        files[path.relative_to(folder).as_posix()] = {**_stamp(path), "sha256": checksum}
    with open(folder / MANIFEST, "w", encoding="utf-8") as stream:
        json.dump({"made_from": made_from, "files": files}, stream, indent=1, sort_keys=True)
        stream.flush()
        os.fsync(stream.fileno())


def intact(folder: Path, made_from: object) -> bool:
    """Whether the folder was made from the same things and holds what was written then.

    A file whose size and modification time are those recorded is trusted; any other is read and its checksum compared.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["made_from"] != made_from:
            return False
        for name, recorded in manifest["files"].items():
            path = folder / name
            stamp = _stamp(path)
            if stamp["bytes"] != recorded["bytes"]:
                return False
            if stamp["mtime_ns"] != recorded["mtime_ns"]:
                with open(path, "rb") as stream:
                    if hashlib.file_digest(stream, "sha256").hexdigest() != recorded["sha256"]:
                        return False
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def _stamp(path: Path) -> dict[str, int]:
    status = path.stat()
    return {"bytes": status.st_size, "mtime_ns": status.st_mtime_ns}


def join(kind: type[V], shards: Sequence[Path], folder: Path) -> None:
    """Append shards to one set of arrays in `folder`, one shard in memory at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind is Sparse:
        _join_sparse(shards, folder)
        return
    parts = [read(kind, shard) for shard in shards]
    _concatenate(folder / "values.npy", [part.values for part in parts])
    if kind is Gated:
        _concatenate(folder / "gates.npy", [part.gates for part in parts])
    if kind is MultiVector:
        np.save(folder / "offsets.npy", _shifted([part.offsets for part in parts]))
        if all(part.tokens is not None for part in parts):  # of one encoder, so of one vocabulary
            _concatenate(folder / "tokens.npy", [part.tokens for part in parts])
            for name, array in arrays_of(parts[0].vocabulary).items():
                np.save(folder / f"vocabulary.{name}.npy", array)


def _join_sparse(shards: Sequence[Path], folder: Path) -> None:
    parts = [read(Sparse, shard) for shard in shards]
    numbers: dict[str, int] = {}
    renumbered = [
        np.fromiter((numbers.setdefault(t, len(numbers)) for t in part.vocabulary), np.int32, len(part.vocabulary))
        for part in parts
    ]
    _concatenate(folder / "weights.npy", [part.weights for part in parts])
    np.save(folder / "offsets.npy", _shifted([part.offsets for part in parts]))
    ids = [part.terms for part in parts]
    _fill(folder / "terms.npy", sum(map(len, ids)), (), np.int32, (n[t] for n, t in zip(renumbered, ids, strict=True)))
    for name, array in arrays_of(Strings.of(numbers)).items():
        np.save(folder / f"vocabulary.{name}.npy", array)


def _shifted(offsets: Sequence[np.ndarray]) -> np.ndarray:
    """One run of offsets from several that each start at zero."""
    starts = np.cumsum([0, *(int(o[-1]) for o in offsets)])
    return np.concatenate([np.zeros(1, np.int64), *(o[1:] + s for o, s in zip(offsets, starts[:-1], strict=True))])


def _concatenate(path: Path, arrays: Sequence[np.ndarray]) -> None:
    _fill(path, sum(map(len, arrays)), arrays[0].shape[1:], arrays[0].dtype, iter(arrays))


def _fill(path: Path, length: int, shape: tuple[int, ...], dtype: np.typing.DTypeLike, parts: Iterator) -> None:
    if length == 0 or 0 in shape:  # an empty file cannot be memory-mapped for writing
        np.save(path, np.empty((length, *shape), dtype))
        return
    out = np.lib.format.open_memmap(path, "w+", dtype, (length, *shape))
    start = 0
    for part in parts:
        out[start : start + len(part)] = part
        start += len(part)
    out.flush()
