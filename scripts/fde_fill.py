"""What filling a document's empty regions does to fixed dimensional encodings, taken apart.

Usage: scripts/fde_fill.py DATASET [--encoder minilm_tokens] [--hyperplanes 5] [--repetitions 10]

For each of four estimates of MaxSim (empty regions left empty; filled; filled with the mean over documents of what the
fill gives that query token; with the deviations from that mean alone) it prints the recall of exact MaxSim's ten best
among 100 documents, and how the estimate correlates with MaxSim and with the logarithm of a document's number of
tokens, across documents, averaged over queries. results/claims/fde-fill-raises-recall.md has figures of it.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from ir_bench.cli.compose import cache_folder, part
from ir_bench.encoding import encoded_documents
from ir_bench.store import Store

QUERIES, DOCUMENTS, SHARD = 150, 1500, 512
Matrix = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("--encoder", default="minilm_tokens")
    parser.add_argument("--hyperplanes", type=int, default=5)
    parser.add_argument("--repetitions", type=int, default=10)
    given = parser.parse_args()
    data, encoder = part("dataset", given.dataset).load(), part("encoder", given.encoder)
    _, documents = encoded_documents(encoder, data.corpus, Store(cache_folder(None)), SHARD)
    queries = encoder.encode_queries(list(data.queries.values())[:QUERIES])
    random = np.random.default_rng(0)
    rows = np.flatnonzero(np.diff(documents.offsets) > 0)
    if len(rows) > DOCUMENTS:
        rows = np.sort(random.permutation(rows)[:DOCUMENTS])
    asked, starts = queries.values.astype(np.float32), queries.offsets[:-1]
    shape = given.repetitions, asked.shape[1], given.hyperplanes
    planes = random.standard_normal(shape).astype(np.float32)
    powers = 1 << np.arange(given.hyperplanes)
    regions = 1 << given.hyperplanes
    bits = np.array([number.bit_count() for number in range(regions)])
    own = np.stack(
        [(asked @ plane > 0) @ powers for plane in planes]
    )  # region of each query token [repetitions, tokens]

    def of_queries(values: NDArray[np.float32]) -> Matrix:
        return np.add.reduceat(values.astype(np.float64), starts)

    exact = np.empty((len(starts), len(rows)))
    without = np.zeros_like(exact)
    empty = np.zeros((given.repetitions, len(asked), len(rows)), bool)
    fill = np.zeros(empty.shape, np.float16)
    for column, row in enumerate(rows):
        tokens = documents.row(row).astype(np.float32)
        products = asked @ tokens.T
        exact[:, column] = of_queries(products.max(1))
        for repetition, plane in enumerate(planes):
            region = (tokens @ plane > 0) @ powers
            members = np.zeros((regions, len(tokens)), np.float32)
            members[region, np.arange(len(tokens))] = 1
            means = products @ (members / np.maximum(members.sum(1), 1)[:, None]).T
            found = (members.sum(1) > 0)[own[repetition]]
            without[:, column] += of_queries(np.where(found, means[np.arange(len(asked)), own[repetition]], 0))
            nearest = bits[np.arange(regions)[:, None] ^ region].argmin(1)  # by Hamming distance, the first of several
            empty[repetition, :, column] = ~found
            fill[repetition, :, column] = products[np.arange(len(asked)), nearest[own[repetition]]]

    offset, deviation, count = (np.zeros_like(exact) for _ in range(3))
    for missing, filled in zip(empty, fill.astype(np.float32), strict=True):
        mean = np.where(missing, filled, 0).sum(1, keepdims=True) / np.maximum(missing.sum(1, keepdims=True), 1)
        offset += of_queries(np.where(missing, mean, 0))
        deviation += of_queries(np.where(missing, filled - mean, 0))
        count += of_queries(missing)

    lengths = np.broadcast_to(np.log(np.diff(documents.offsets)[rows]), exact.shape)
    print(f"{given.dataset}, {given.encoder}: {empty.mean():.0%} of query tokens meet an empty region")
    print("| estimate | recall | correlation with MaxSim | with log length |\n|---|---:|---:|---:|")
    for name, estimate in (
        ("left empty", without), ("filled", without + offset + deviation), ("mean fill", without + offset),
        ("deviations of the fill", without + deviation), ("MaxSim", exact), ("number of empty regions", count),
    ):  # fmt: skip
        print(
            f"| {name} | {recall(exact, estimate):.4f} | {correlation(estimate, exact):.3f} "
            f"| {correlation(estimate, lengths):.3f} |"
        )


def recall(exact: Matrix, estimate: Matrix, best: int = 10, among: int = 100) -> float:
    """The share of the `best` documents of each query that are `among` the first of the estimate."""
    wanted, found = (np.argsort(-scores, axis=1)[:, :n] for scores, n in ((exact, best), (estimate, among)))
    return float(np.mean([np.isin(mine, theirs).mean() for mine, theirs in zip(wanted, found, strict=True)]))


def correlation(left: Matrix, right: Matrix) -> float:
    """Pearson's, across documents, averaged over queries where both vary."""
    each = [np.corrcoef(a, b)[0, 1] for a, b in zip(left, right, strict=True) if a.std() > 0 and b.std() > 0]
    return float(np.mean(each))


if __name__ == "__main__":
    main()
