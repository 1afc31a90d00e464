"""Queries as bags of words beside a head for documents."""

from __future__ import annotations

from typing import Any

import torch
from sentence_transformers.base.modules import Router
from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding


def words_or(head: Any, tokenizer: Any) -> Router:
    """A module that gives every token of a query, special ones left out, the weight 1, and documents what `head` gives.

    `encoder.query_weighting=bow` gives the same query vectors without a transformer.
    """
    weights = torch.ones(len(tokenizer))
    weights[sorted(tokenizer.all_special_ids)] = 0
    query = SparseStaticEmbedding(tokenizer, weights, frozen=True)
    return Router({"query": [query], "document": [head]}, default_route="document")
