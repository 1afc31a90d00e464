"""Small results and experiment files for the tests of claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ir_bench.claims.quantities.per_query import Roles
from ir_bench.evaluation.measured import Measured
from ir_bench.evaluation.ranks import Ranks, write_ranks
from ir_bench.types import Run

SAME_DATA = {"corpus": "c0", "judgments": "j0", "rules": {"relevance_threshold": 1}}


def scored(retriever: str, values: Mapping[str, Iterable[float]], run: Run | None = None, **system: Any) -> Measured:
    """A result in memory: measure -> the value of each query, the queries being q0, q1, …"""
    per_query = {measure: {f"q{i}": float(v) for i, v in enumerate(each)} for measure, each in values.items()}
    return Measured(
        "tiny",
        retriever,
        per_query,
        command=f"dataset=tiny retriever={retriever}",
        system={**SAME_DATA, **system},
        run=run,
    )


def ranked(
    folder: Path, retriever: str, found: Sequence[tuple[int, Sequence[int]]], k: int = 10, **system: Any
) -> Measured:
    """A result whose folder keeps ranks: for each query, how many are relevant and at which ranks they were found."""
    ranks = {f"q{i}": Ranks(relevant, tuple(each)) for i, (relevant, each) in enumerate(found)}
    folder.mkdir(parents=True)
    write_ranks(ranks, folder / "ranks.tsv.gz")
    recalls = {query: each.recall(k) for query, each in ranks.items()}
    return Measured(
        "tiny", retriever, {f"R@{k}": recalls}, command=f"dataset=tiny retriever={retriever}", folder=folder,
        system={**SAME_DATA, "k": k, **system},
    )  # fmt: skip


def roles(**results: Measured | list[Measured]) -> Roles:
    """Role -> results."""
    return {role: each if isinstance(each, list) else [each] for role, each in results.items()}


def two_datasets() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Values of two correlated systems on 80 and on 40 queries: x and y of the one, then of the other."""
    random = np.random.default_rng(7)
    large, small = random.beta(2, 3, 80), random.beta(3, 2, 40)
    return (
        large, np.clip(large * 0.8 + random.normal(0, 0.1, 80), 0, 1),
        small, np.clip(small * 0.7 + random.normal(0, 0.2, 40), 0, 1),
    )  # fmt: skip
