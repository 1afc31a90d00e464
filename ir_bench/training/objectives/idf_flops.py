"""Expected operations with rare terms made cheaper: the regulariser of inference-free sparse retrieval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ir_bench.errors import InputError
from ir_bench.training.step import Side, Step


@dataclass
class IdfFlops:
    """Σ_terms (mean over the side's texts of |weight| / idf)²: of weights with idf folded in, plain FLOPS without it.

    Raises InputError where the step has no vectors or no idf, or an idf that is not above zero.
    Source: Geng et al., "Towards competitive search relevance for inference-free learned sparse retrievers",
    2024 (IDF-aware FLOPS).
    """

    needs_idf: ClassVar[bool] = True

    side: Side = "documents"

    def __call__(self, step: Step) -> Tensor:
        weights = step.texts(self.side).abs()
        if step.idf is None or step.idf.shape != weights.shape[1:]:
            given = "none" if step.idf is None else len(step.idf)
            raise InputError(
                f"inverse document frequencies: {given} for {weights.shape[1]} terms",
                "one for each term of the sparse vectors, from the same tokenizer",
                "count them over the training documents and give them to the trainer",
            )
        if not (step.idf > 0).all():
            raise InputError(
                f"{int((~(step.idf > 0)).sum())} terms have an inverse document frequency that is not above zero",
                "above zero, also for terms that no document has",
                "smooth them: ln(1 + (N - n + 0.5) / (n + 0.5)), and 1 for unseen terms",
            )
        return (weights.mean(0) / step.idf.to(weights)).square().sum()
