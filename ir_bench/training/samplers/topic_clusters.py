"""Batches of queries about one topic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.protocols import Encoder
from ir_bench.training.batches import in_batches
from ir_bench.training.examples import Examples
from ir_bench.training.known import Rows
from ir_bench.training.started import require_started
from ir_bench.types import Dense

Take = Literal["balanced", "one", "all"]
ITERATIONS = 20


@dataclass
class TopicClusters:
    """Batches of one cluster of queries each, the clusters by k-means over the encoder's query vectors.

    `take`: `balanced` takes one example of each query an epoch, from one of `bins` bins of equal width between the
    lowest and the highest margin of the query, all its bins that hold an example with equal probability; `one` takes
    one at random; `all` takes every example. A margin is the teacher's score of the positive minus the highest of a
    negative: with more than one negative an example, see `Examples.one_negative_each`.
    What is left of a cluster when its whole batches are cut is put together with what is left of similar ones. There
    are at most as many clusters as queries.
    Differs: the original draws a cluster for each batch with replacement, so that an epoch need not see every query.
    Raises InputError for `balanced` without a teacher's scores or negatives, and for an encoder of other vectors.
    Source: Hofstätter et al. 2021, "Efficiently Teaching an Effective Dense Retriever with Balanced Topic Aware
    Sampling" (TAS-Balanced), section 3.
    """

    encoder: Encoder
    clusters: int = 2000
    take: Take = "balanced"
    bins: int = 10
    _groups: list[Rows] | None = field(default=None, init=False, repr=False, compare=False)
    _queries: Rows = field(default_factory=lambda: np.zeros(0, np.int64), init=False, repr=False, compare=False)
    _bins: Rows = field(default_factory=lambda: np.zeros(0, np.int64), init=False, repr=False, compare=False)
    _seed: int = field(default=0, init=False, repr=False, compare=False)

    def start(self, examples: Examples, seed: int) -> None:
        if self.take not in get_args(Take):
            raise InputError(f"take={self.take!r} is not known", ", ".join(get_args(Take)), "choose one of these")
        if self.encoder.produces is not Dense:
            raise InputError(
                f"TopicClusters takes Dense vectors, but {type(self.encoder).__name__} gives "
                f"{self.encoder.produces.__name__}",
                "an encoder of Dense vectors",
                "choose another encoder",
            )
        rows, self._queries = np.unique(examples.query_rows, return_inverse=True)
        vectors = self.encoder.encode_queries([examples.pairs.queries[row] for row in rows.tolist()]).values
        cluster, centres = k_means(np.asarray(vectors, np.float32), self.clusters, seed)
        # neighbouring clusters are near in topic, so that what is left of them makes batches of related queries
        self._groups = [np.flatnonzero(cluster == c) for c in _chain(centres).tolist()]
        self._bins = self._margin_bins(examples) if self.take == "balanced" else np.zeros(len(examples), np.int64)
        self._seed = seed

    def batches(self, batch_size: int, epoch: int, drop_last: bool = False) -> Iterator[Rows]:
        groups = require_started(self._groups, self)
        generator = np.random.default_rng([self._seed, epoch])
        if self.take == "all":
            members = np.argsort(self._queries, kind="stable")
            bounds = np.searchsorted(self._queries[members], np.arange(self._queries.max(initial=-1) + 2))
            taken = [
                np.concatenate([members[bounds[q] : bounds[q + 1]] for q in group]) for group in groups if len(group)
            ]
        else:
            one = self._one_of_each(generator)
            taken = [one[group] for group in groups if len(group)]
        shuffled = [generator.permutation(group) for group in taken]
        return in_batches(shuffled, batch_size, drop_last, generator)

    def _one_of_each(self, generator: np.random.Generator) -> Rows:
        """An example of each query: the first in random order of the bins, and within a bin."""
        width = self.bins + 1
        in_bin = generator.random((self._queries.max(initial=-1) + 1, width))[self._queries, self._bins]
        order = np.lexsort((generator.random(len(self._queries)), in_bin, self._queries))
        _, first = np.unique(self._queries[order], return_index=True)
        return order[first]

    def _margin_bins(self, examples: Examples) -> Rows:
        """The bin of each example among those of its query."""
        if examples.teacher is None or examples.teacher.shape[1] < 2:
            raise InputError(
                "margins are to be balanced, but the examples have no teacher's scores or no negatives",
                "examples with negatives and a teacher's scores",
                "give the recipe a teacher and negatives, or set sampler.take=one",
            )
        margins = examples.teacher[:, 0] - np.nanmax(examples.teacher[:, 1:], axis=1)
        low = np.full(self._queries.max(initial=-1) + 1, np.inf)
        high = -low
        np.minimum.at(low, self._queries, margins)
        np.maximum.at(high, self._queries, margins)
        spread = (high - low)[self._queries]
        place = np.divide(margins - low[self._queries], spread, out=np.zeros(len(margins)), where=spread > 0)
        return np.minimum((place * self.bins).astype(np.int64), self.bins - 1)


def k_means(vectors: NDArray[np.float32], clusters: int, seed: int) -> tuple[Rows, NDArray[np.float32]]:
    """The cluster of each vector [vectors], and the centres [clusters, dims], by faiss from a seeded start."""
    import faiss

    clusters = min(clusters, len(vectors))
    means = faiss.Kmeans(
        vectors.shape[1],
        clusters,
        niter=ITERATIONS,
        seed=seed % 2**31,
        min_points_per_centroid=1,  # faiss would warn of small clusters, which are meant here
        max_points_per_centroid=max(256, -(-len(vectors) // clusters)),
    )
    means.train(np.ascontiguousarray(vectors))
    _, nearest = means.index.search(np.ascontiguousarray(vectors), 1)
    return nearest[:, 0].astype(np.int64), np.asarray(means.centroids)


def _chain(centres: NDArray[np.float32]) -> Rows:
    """An order in which each centre is followed by the nearest one that is left."""
    left = np.ones(len(centres), bool)
    chain = [0]
    left[0] = False
    for _ in range(len(centres) - 1):
        distances = ((centres - centres[chain[-1]]) ** 2).sum(1)
        chain.append(int(np.argmin(np.where(left, distances, np.inf))))
        left[chain[-1]] = False
    return np.array(chain, np.int64)
