"""Clusters of a model's token embeddings: tokens of like meaning together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError


def token_clusters(
    tokens: Sequence[str], embeddings: NDArray[np.float32], count: int, iterations: int, seed: int
) -> tuple[NDArray[np.int64], list[str]]:
    """Spherical k-means of `embeddings` [tokens, dims], whose lengths do not matter: the cluster of each token
    [tokens], and a name for each cluster [count] with the token nearest to its centre. As many clusters as
    tokens are the tokens themselves.

    Raises InputError for a `count` below 1 or above the number of tokens.
    """
    import faiss

    if not 1 <= count <= len(tokens):
        raise InputError(
            f"{count} clusters of the {len(tokens)} tokens of the model",
            "at least 1 and at most the number of tokens",
            "set another number of clusters",
        )
    of = nearest = np.arange(len(tokens))
    if count < len(tokens):
        lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
        vectors = np.ascontiguousarray(embeddings / np.where(lengths > 0, lengths, 1), np.float32)
        # all vectors are used, however many or few there are for a centre
        limits = {"min_points_per_centroid": 1, "max_points_per_centroid": len(vectors)}
        kmeans = faiss.Kmeans(vectors.shape[1], count, niter=iterations, seed=seed, spherical=True, **limits)
        kmeans.train(vectors)
        of = kmeans.index.search(vectors, 1)[1][:, 0]
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        nearest = index.search(np.asarray(kmeans.centroids), 1)[1][:, 0]
    return of, [f"cluster {number} ({tokens[token]})" for number, token in enumerate(nearest.tolist())]
