"""Sum of the lengths of a document's token vectors: the regulariser of a gate."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ir_bench.errors import InputError
from ir_bench.training.step import Step


@dataclass
class TokenLengths:
    """Mean over the documents that count of Σ_tokens |vector|.

    Of an architecture that multiplies vectors of length 1 by gates, this is the ℓ1 of the gates.
    Raises InputError where the step has no token vectors.
    Source: Hofstätter, Khattab, Althammer, Sertkan and Hanbury 2022, "Introducing Neural Bag of Whole-Words with
    ColBERTer", contextualised stopwords.
    """

    def __call__(self, step: Step) -> Tensor:
        if step.tokens is None:
            raise InputError(
                "this objective reads token vectors, but the step has none",
                "scores that are MaxSim of token vectors",
                "choose an architecture of late interaction, for example gated_words",
            )
        lengths = torch.linalg.vector_norm(step.tokens.documents, dim=-1)  # [candidates, tokens], or by query
        sums = torch.where(step.tokens.documents_mask, lengths, 0).sum(-1)
        return sums[step.mask if sums.ndim == 2 else step.mask.any(0)].mean()
