"""Expensive artefacts made once and kept on disk, named by what they were made from, resumable shard by shard.

<folder>/vectors/<key>/    arrays, memory-mapped     (<key>.parts/ while it is being made)
<folder>/indexes/<key>/    whatever an index saves
<folder>/ids/<key>/        document ids of a corpus
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock

from ir_bench import shards
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe, fingerprint
from ir_bench.types import Strings, V


@dataclass(frozen=True)
class Store:
    """Keeps artefacts in a folder; every method returns what is there or makes it first.

    What is found on disk but was cut short, changed or made from other settings is detected by its manifest
    (sizes and SHA-256) and made again. Several processes may share a folder: one makes, the others wait.
    """

    folder: Path | str

    def vectors(self, made_from: object, kind: type[V], blocks: Callable[[int], Iterable[V]], block_size: int) -> V:
        """The vectors of this key, memory-mapped. `blocks(i)` yields the i-th and all later blocks of `block_size`
        texts; a killed run continues with the first block that is not on disk."""

        def make(place: Path) -> None:
            parts = place.parent / f"{fingerprint(made_from)}.parts"
            parts.mkdir(exist_ok=True)
            identity = [describe(made_from), block_size]
            done = 0
            while shards.intact(parts / f"{done:06d}", [identity, done]):
                done += 1
            for block in blocks(done):
                part, whole = parts / "writing", parts / f"{done:06d}"
                for leftover in (part, whole):
                    shutil.rmtree(leftover, ignore_errors=True)
                shards.write_arrays(part, shards.arrays_of(block))
                shards.seal(part, [identity, done])
                part.rename(whole)
                done += 1
            if done == 0:
                raise InputError("the corpus has no documents", "at least one document", "look at the corpus file")
            shards.join(kind, [parts / f"{i:06d}" for i in range(done)], place)

        folder = self._once("vectors", made_from, make)
        shutil.rmtree(folder.parent / f"{folder.name}.parts", ignore_errors=True)
        return shards.read(kind, folder)

    def strings(self, made_from: object, make: Callable[[], Iterable[str]]) -> Strings:
        """A list of strings (document ids), memory-mapped."""
        folder = self._once(
            "ids", made_from, lambda place: shards.write_arrays(place, shards.arrays_of(Strings.of(make())))
        )
        return shards.read(Strings, folder)

    def artefact(self, made_from: object, make: Callable[[Path], None]) -> Path:
        """A folder that `make` fills: a saved index, a Lucene index."""
        return self._once("indexes", made_from, make)

    def _once(self, kind: str, made_from: object, make: Callable[[Path], None]) -> Path:
        identity = describe(made_from)
        parent = Path(self.folder) / kind
        place = parent / fingerprint(made_from)
        if shards.intact(place, identity):  # the common case needs no lock
            return place
        try:
            parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"cannot write to the cache folder {self.folder}: {error.strerror}", fix="choose another with cache=DIR"
            ) from None
        with FileLock(f"{place}.lock"):
            if not shards.intact(place, identity):
                writing = place.with_name(f"{place.name}.writing")
                for leftover in (writing, place):
                    shutil.rmtree(leftover, ignore_errors=True)
                writing.mkdir()
                make(writing)
                shards.seal(writing, identity)
                writing.rename(place)
        return place


def first_repeated(strings: Strings) -> str | None:
    """The first string that occurs twice, without holding all of them as Python objects."""
    hashes = np.fromiter((hash(s) for s in strings), np.int64, len(strings))
    order = np.argsort(hashes, kind="stable")
    same = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
    seen: dict[str, int] = {}
    for position in same.tolist():  # equal hashes are nearly always equal strings; compare to be sure
        for row in (int(order[position]), int(order[position + 1])):
            if seen.setdefault(strings[row], row) != row:
                return strings[row]
    return None
