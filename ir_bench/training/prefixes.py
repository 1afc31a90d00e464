"""The first dimensions of vectors, of queries and documents alike."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from ir_bench.errors import InputError


def prefixes(queries: Tensor, documents: Tensor, dimensions: int | None, normalise: bool) -> tuple[Tensor, Tensor]:
    """Both sides [..., dims] cut to [..., `dimensions`] (None: all), with `normalise` to length 1 after the cut.

    Raises InputError for fewer than one dimension and more than the vectors have.
    """
    width = queries.shape[-1]
    if dimensions is not None and not 1 <= dimensions <= width:
        raise InputError(
            f"{dimensions} dimensions of vectors that have {width}",
            "at least one, and at most as many as the model gives",
            "change the objective's dimensions",
        )
    queries, documents = queries[..., :dimensions], documents[..., :dimensions]
    if normalise:  # after the cut: a prefix of a unit vector is shorter than one
        queries, documents = functional.normalize(queries, dim=-1), functional.normalize(documents, dim=-1)
    return queries, documents
