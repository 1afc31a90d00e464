"""Given sparse vectors of documents and queries, in a folder of JSON lines."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ir_bench.datasets.checksums import sha256
from ir_bench.datasets.lines import lines
from ir_bench.datasets.places import data_folders
from ir_bench.errors import InputError

FORM = '{"_id": "…", "vector": {"term": weight, …}}'


@dataclass
class SparseVectors:
    """Vectors by id: `docs.jsonl` and `queries.SPLIT.jsonl`, each possibly with .gz, one line a text:
    {"_id": "MED-10", "vector": {"breast": 123, "##hort": 125}}. Weights are any finite numbers.

    `folder` is a path, or a name below a folder of $IR_BENCH_DATA. Raises InputError for a file that is missing, with
    the places that were looked in, and for a malformed line.
    """

    folder: str = field(metadata={"changes_results": False})  # provenance() tells the content
    split: str = "test"

    def provenance(self) -> Mapping[str, object]:
        return {"documents": sha256(self._file("docs")), "queries": sha256(self._file(f"queries.{self.split}"))}

    def documents(self) -> Iterator[tuple[str, dict[str, float]]]:
        return _vectors(self._file("docs"))

    def queries(self) -> Iterator[tuple[str, dict[str, float]]]:
        return _vectors(self._file(f"queries.{self.split}"))

    def _file(self, stem: str) -> Path:
        places = [Path(self.folder).expanduser(), *(place / self.folder for place in data_folders())]
        for place in places:
            for path in (place / f"{stem}.jsonl", place / f"{stem}.jsonl.gz"):
                if path.is_file():
                    return path
        raise InputError(
            f"no {stem}.jsonl or {stem}.jsonl.gz in {', '.join(map(str, places))}",
            f"one line a text: {FORM}",
            "set encoder.vectors.folder to the folder, or IR_BENCH_DATA to the one that holds it",
        )


def _vectors(path: Path) -> Iterator[tuple[str, dict[str, float]]]:
    for number, line in lines(path):
        try:
            record = json.loads(line)
            name, vector = str(record["_id"]), record["vector"]
            weights = {term: float(weight) for term, weight in vector.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError(f"{path}:{number}: {line[:80]!r}", f"an object of the form {FORM}") from None
        if not all(map(math.isfinite, weights.values())):
            raise InputError(f"{path}:{number}: {name} has NaN or infinite weights", "finite numbers")
        yield name, weights
