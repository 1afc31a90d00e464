"""Results and comparisons of known values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ir_bench.evaluation.measured import Measured
from ir_bench.reports.comparison.compare import compare
from ir_bench.reports.comparison.model import Comparison

FEW = 2_000  # sign patterns: enough where p itself is not looked at


def result(
    dataset: str, retriever: str, values: Sequence[float] | Mapping[str, Sequence[float]], **more: Any
) -> Measured:
    """A result whose queries are q0, q1, …; a list of values is of nDCG@10."""
    of_measures = values if isinstance(values, Mapping) else {"nDCG@10": values}
    per_query = {m: {f"q{i}": float(v) for i, v in enumerate(each)} for m, each in of_measures.items()}
    return Measured(dataset, retriever, per_query, **more)


def random_results(
    datasets: Sequence[str] = ("one",),
    retrievers: Sequence[str] = ("first", "second", "third"),
    measures: Sequence[str] = ("nDCG@10",),
    queries: int = 30,
) -> list[Measured]:
    """Results between 0 and 1 where each retriever is somewhat better than the one before it."""
    random = np.random.default_rng(7)
    return [
        result(d, r, {m: np.clip(random.normal(0.4 + 0.06 * i, 0.15, queries), 0, 1).tolist() for m in measures})
        for d in datasets
        for i, r in enumerate(retrievers)
    ]


def two_datasets(names: Sequence[str] = ("first", "second", "third")) -> Comparison:
    """Three systems, two datasets, two measures."""
    results = random_results(("beir/scifact", "beir/nfcorpus"), names, ("nDCG@10", "R@100"))
    return compare(results, ["nDCG@10", "R@100"], permutations=FEW)
