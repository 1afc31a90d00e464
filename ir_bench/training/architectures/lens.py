"""Weights of clusters of terms, from the token vectors of a bi-encoder's transformer: LENS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ir_bench.training.architectures.bi_encoder import BiEncoder
from ir_bench.training.architectures.splade import SAMPLE, SHARE, begin


@dataclass
class Lens:
    """A transformer under `modules.lens`: as many dimensions as `clusters` of tokens of like meaning, for queries and
    documents; warm, as `architectures.splade` is.

    Clusters are those of spherical k-means over the transformer's input embeddings without special tokens, and a
    centre is the mean of its tokens' embeddings. `normalise`: weights of a text have length 1, so that scores are
    cosines. With as many clusters as tokens it is SPLADE over all terms.
    Source: Lei et al. 2025, Enhancing Lexicon-Based Text Embeddings with Large Language Models (LENS), section 3.
    Differs: input embeddings, not those of a language model's output; token vectors are brought to length 1 first, as
    those of `encoder=token_states` are.
    Raises InputError for fewer clusters than 1 or more than there are tokens.
    """

    clusters: int = 4000
    normalise: bool = True
    iterations: int = 20
    seed: int = 0

    def build(self, model: str, documents: Sequence[str]) -> Any:
        import numpy as np
        import torch
        from sentence_transformers import SparseEncoder
        from sentence_transformers.base.modules import Normalize

        from ir_bench.kernels.token_clusters import token_clusters
        from ir_bench.modules.lens import Lens as Head

        transformer = next(iter(BiEncoder().build(model, []).children()))
        tokenizer = transformer.tokenizer
        table = transformer.model.get_input_embeddings().weight.detach().float().numpy()
        tokens = np.setdiff1d(np.arange(min(len(tokenizer), len(table))), tokenizer.all_special_ids)
        named: Any = tokenizer.convert_ids_to_tokens(tokens.tolist())
        of, names = token_clusters(named, table[tokens], self.clusters, self.iterations, self.seed)
        head = Head(table.shape[1], len(table), names, self.normalise)
        head.same_as[tokens] = torch.from_numpy(of)
        sums = np.zeros((self.clusters, table.shape[1]))
        np.add.at(sums, of, table[tokens])
        sizes = np.bincount(of, minlength=self.clusters)[:, None]
        head.weigh.table.copy_(torch.from_numpy(sums / np.maximum(sizes, 1)))
        with torch.no_grad():
            share = min(SHARE * len(tokens) / self.clusters, 0.03)  # as many dimensions as SPLADE begins with, or fewer
            begin(head.weigh, transformer, list(documents[:SAMPLE]), head.same_as, share)
        modules = [transformer, Normalize("token_embeddings"), head]
        similarity = "cosine" if self.normalise else "dot"
        return SparseEncoder(modules=modules, device="cpu", similarity_fn_name=similarity)
