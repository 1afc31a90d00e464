"""Token vectors of a batch, and their MaxSim."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from sentence_transformers.util.similarity import maxsim, maxsim_pairwise
from torch import Tensor

from ir_bench.training.prefixes import prefixes


@dataclass(frozen=True)
class PaddedTokens:
    """Token vectors of a batch's texts, padded; those whose mask is False count nowhere.

    `queries` [queries, tokens, dimensions], `queries_mask` [queries, tokens]; `documents` [candidates, tokens,
    dimensions], or [queries, candidates, tokens, dimensions] where each query has its own list; `documents_mask` is
    like them without dimensions. `mean`: scores are divided by the number of query tokens.
    """

    queries: Tensor
    queries_mask: Tensor
    documents: Tensor
    documents_mask: Tensor
    mean: bool = False

    def scores(self) -> Tensor:
        """Sums over query tokens of their best document token [queries, candidates], or means; float32."""
        a, a_mask, b, b_mask = self.queries, self.queries_mask, self.documents, self.documents_mask
        if b.ndim == 3:
            return maxsim(a, b, a_mask=a_mask, b_mask=b_mask, length_normalize=self.mean)
        columns = zip(b.unbind(1), b_mask.unbind(1), strict=True)
        return torch.stack(
            [maxsim_pairwise(a, one, a_mask=a_mask, b_mask=mask, length_normalize=self.mean) for one, mask in columns],
            1,
        )

    def at(self, dimensions: int | None = None, normalise: bool = True) -> PaddedTokens:
        """The first dimensions of each vector, with `normalise` of length 1 again. Raises InputError without them."""
        queries, documents = prefixes(self.queries, self.documents, dimensions, normalise)
        return replace(self, queries=queries, documents=documents)
