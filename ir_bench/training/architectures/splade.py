"""Term weights over the vocabulary, from the token vectors of a bi-encoder's transformer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ir_bench.training.architectures.bi_encoder import BiEncoder

SAMPLE = 200  # documents that the head begins from
SHARE = 0.005  # of the vocabulary weighs something in a document of the sample, to begin with
RIDGE = 1.0


@dataclass
class Splade:
    """A transformer under `modules.splade`, warm: its linear map begins as the ridge regression from token vectors to
    the input embeddings of their own tokens, so that an untrained model weighs a text's own words.

    `pooling`: the maximum over a text's tokens (SPLADE v2) or the sum (SPLADE). `queries`: "neural" like documents,
    "words" for SPLADE-doc, "idf" of the collections that are trained on for inference-free retrieval. `terms`: "all"
    of the vocabulary, or "seen" in the documents that are trained on, which is faster: others weigh nothing.
    `saturation`: "none" for weights without the logarithm.
    Differs: token vectors are brought to length 1 first, as those of `encoder=token_states` are.
    """

    pooling: Literal["max", "sum"] = "max"
    queries: Literal["neural", "words", "idf"] = "neural"
    terms: Literal["all", "seen"] = "all"
    saturation: Literal["log", "none"] = "log"

    def build(self, model: str, documents: Sequence[str]) -> Any:
        import torch
        from sentence_transformers import SparseEncoder
        from sentence_transformers.base.modules import Normalize

        from ir_bench.modules.splade import SpladeHead

        transformer = next(iter(BiEncoder().build(model, []).children()))
        table = transformer.model.get_input_embeddings().weight.detach()
        without = set(transformer.tokenizer.all_special_ids)
        found = _frequencies(transformer.tokenizer, documents, len(table))
        if self.terms == "seen":
            without |= set((found == 0).nonzero().squeeze(1).tolist())
        head = SpladeHead(table.shape[1], len(table), self.pooling, self.queries, sorted(without), self.saturation)
        head.table.copy_(table)
        with torch.no_grad():
            rows = torch.arange(len(table))
            rows[head.without] = -1
            begin(head, transformer, list(documents[:SAMPLE]), rows, SHARE)
        if self.queries == "idf":
            head.importance.copy_(torch.log(1 + (len(documents) - found + 0.5) / (found + 0.5)))  # Lucene's
        modules = [transformer, Normalize("token_embeddings"), head]
        return SparseEncoder(modules=modules, device="cpu", similarity_fn_name="dot")


def begin(head: Any, transformer: Any, sample: Sequence[str], rows: Any, share: float) -> None:
    """Sets a `modules.splade` so that tokens weigh for their own `rows` [vocabulary] of its table (-1: none), and about
    a `share` of all weighs something in a document of the sample."""
    import torch

    states, tokens = [], []
    for start in range(0, len(sample), 16):
        output = transformer(transformer.preprocess(list(sample[start : start + 16])))
        used = output["attention_mask"].bool() & (rows[output["input_ids"]] >= 0)
        states.append(torch.nn.functional.normalize(output["token_embeddings"][used].double(), dim=-1))
        tokens.append(output["input_ids"][used])
    vectors = torch.cat([torch.cat(states), torch.ones(sum(map(len, states)), 1, dtype=torch.float64)], 1)
    own = head.table[rows[torch.cat(tokens)]].double()
    identity = torch.eye(vectors.shape[1], dtype=torch.float64)
    fitted = torch.linalg.solve(vectors.T @ vectors + RIDGE * identity, vectors.T @ own)
    head.linear.weight.copy_(fitted[:-1].T)
    head.linear.bias.copy_(fitted[-1])
    largest = torch.stack([(head.linear(text.float()) @ head.table.T).amax(0) for text in states])  # [batches, terms]
    head.bias.copy_(-torch.quantile(largest.flatten()[: 1 << 24], 1 - 16 * share))


def _frequencies(tokenizer: Any, documents: Sequence[str], vocabulary: int) -> Any:
    """In how many documents every token is [vocabulary]."""
    import torch

    found = torch.zeros(vocabulary)
    for text in documents:
        found[torch.tensor(tokenizer(text, add_special_tokens=False)["input_ids"]).unique().long()] += 1
    return found
