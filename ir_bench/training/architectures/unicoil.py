"""Weights of a text's own terms, one number a token: uniCOIL, and DeepImpact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ir_bench.training.architectures.bi_encoder import BiEncoder


@dataclass
class UniCoil:
    """Token vectors of the last layer to a weight of each token (see `modules.term_impacts`); special tokens have none.

    Every weight begins as 1, so that an untrained model scores how many terms are in common. `hidden`: units of a
    hidden layer, None for none. `pooling`: of a document's equal terms. `queries`: "weighted" like documents, a term's
    weights summed, or as a bag of words, "bow".
    Source: Lin and Ma 2021, A Few Brief Notes on DeepImpact, COIL, and a Conceptual Framework for Information Retrieval
    Techniques; with pooling=first, queries=bow and a hidden layer: Mallia et al. 2021, Learning Passage Impacts for
    Inverted Indexes (DeepImpact). Differs: texts are not expanded; token vectors are
    brought to length 1 first, as those of `encoder=token_states` are.
    """

    pooling: Literal["max", "sum", "first"] = "max"
    hidden: int | None = None
    queries: Literal["weighted", "bow"] = "weighted"

    def build(self, model: str, sample: Sequence[str]) -> Any:
        from sentence_transformers import SparseEncoder
        from sentence_transformers.base.modules import Normalize

        from ir_bench.modules.term_impacts import TermImpacts
        from ir_bench.modules.words import words_or

        transformer = next(iter(BiEncoder().build(model, sample).children()))
        tokenizer = transformer.tokenizer
        head = TermImpacts(
            transformer.get_embedding_dimension(),
            len(tokenizer),
            self.pooling,
            hidden=self.hidden,
            without=sorted(tokenizer.all_special_ids),
        )
        last: Any = head.weigh[-1]
        last.weight.data.zero_()
        last.bias.data.fill_(1.0)
        weighing = head if self.queries == "weighted" else words_or(head, tokenizer)
        modules = [transformer, Normalize("token_embeddings"), weighing]
        return SparseEncoder(modules=modules, device="cpu", similarity_fn_name="dot")
