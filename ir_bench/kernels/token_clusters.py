"""Clusters of a model's token embeddings: tokens of like meaning together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def spherical_clusters(
    embeddings: NDArray[np.float32], count: int, iterations: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Spherical k-means of `embeddings` [tokens, dims]: the cluster of each token [tokens], and the token nearest to
    each centre [count]. Lengths do not matter."""
    import faiss

    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    vectors = np.ascontiguousarray(embeddings / np.where(lengths > 0, lengths, 1), np.float32)
    # all vectors are used, however many or few there are for a centre
    limits = {"min_points_per_centroid": 1, "max_points_per_centroid": len(vectors)}
    kmeans = faiss.Kmeans(vectors.shape[1], count, niter=iterations, seed=seed, spherical=True, **limits)
    kmeans.train(vectors)
    _, of = kmeans.index.search(vectors, 1)
    tokens = faiss.IndexFlatIP(vectors.shape[1])
    tokens.add(vectors)
    _, nearest = tokens.search(np.asarray(kmeans.centroids), 1)
    return of[:, 0], nearest[:, 0]
