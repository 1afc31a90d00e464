"""BM25 weights of a text's own terms, with learned expansion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ir_bench.training.architectures.bi_encoder import BiEncoder

SAMPLE = 400  # documents that begin the expansion
SHARE = 0.015  # of the terms that can be added are added to a document of the sample, to begin with
RIDGE = 0.1
DOCUMENT_SCALE, QUERY_SCALE = -2.0, 0.0  # logarithms; a document's own terms weigh 0.5 or so, a query's 5


@dataclass
class LexicalExpansion:
    """A frozen transformer under `modules.lexical_expansion`, begun so that expansion is sensible before training.

    Words of equal Porter stem are one term, stop words and punctuation none; words of three letters and more can be
    added. Importance is Lucene's idf over the collections that are trained on. A term's weight begins as how near its
    word's pooled vector is to the text's: the map from word embeddings to these vectors is a ridge regression.
    """

    k1: float = 0.9
    b: float = 0.4
    query_keep: int = 100
    document_keep: int = 250

    def build(self, model: str, documents: Sequence[str]) -> Any:
        import numpy as np
        import torch
        from sentence_transformers import SparseEncoder

        from ir_bench.modules import lexical_expansion as module

        base = BiEncoder().build(model, [])
        transformer = next(iter(base.children()))
        tokenizer = transformer.tokenizer
        same_as = terms_of(tokenizer)
        representatives = np.unique(same_as[same_as >= 0])
        names = tokenizer.convert_ids_to_tokens(representatives.tolist())
        terms = representatives[[name.isascii() and name.isalpha() and len(name) > 2 for name in names]]
        found, lengths = _frequencies(tokenizer, documents, same_as)
        head = module.LexicalExpansion(
            transformer.get_embedding_dimension(),
            len(tokenizer),
            len(terms),
            k1=self.k1,
            b=self.b,
            average_length=float(lengths),
            query_keep=self.query_keep,
            document_keep=self.document_keep,
            tied_to=model,
        )
        head.same_as.copy_(torch.from_numpy(same_as))
        head.terms.copy_(torch.from_numpy(terms))
        idf = np.log(1 + (len(documents) - found + 0.5) / (found + 0.5))
        head.importance.copy_(torch.from_numpy(idf))
        embeddings = transformer.model.get_input_embeddings().weight.detach()
        head.tie(embeddings)
        with torch.no_grad():
            _begin(head, transformer, embeddings, terms, list(documents[:SAMPLE]))
        return SparseEncoder(modules=[transformer, head], device="cpu", similarity_fn_name="dot")


def terms_of(tokenizer: Any) -> Any:
    """Which term each token [vocabulary] counts as: the first word of the same stem; -1 for stop words, punctuation and
    special tokens."""
    import numpy as np

    from ir_bench.analyzers.lucene_english import LuceneEnglish

    analyzer = LuceneEnglish()
    first: dict[str, int] = {}
    special = set(tokenizer.all_special_ids)
    same_as = np.full(len(tokenizer), -1, np.int32)
    for number, token in enumerate(tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))):
        if number in special or not any(letter.isalnum() for letter in token):
            continue
        if token.isascii() and token.isalpha():
            stems = analyzer.analyze(token)
            if stems:
                same_as[number] = first.setdefault(stems[0], number)
        else:
            same_as[number] = number
    return same_as


def _frequencies(tokenizer: Any, documents: Sequence[str], same_as: Any) -> tuple[Any, float]:
    """In how many documents each term is [vocabulary], and how many terms a document has on average."""
    import numpy as np

    found, total = np.zeros(len(same_as)), 0
    for start in range(0, len(documents), 1024):
        batch = tokenizer(list(documents[start : start + 1024]), add_special_tokens=False, truncation=True)
        for tokens in batch["input_ids"]:
            terms = same_as[np.array(tokens, np.int64)]
            terms = terms[terms >= 0]
            found[np.unique(terms)] += 1
            total += len(terms)
    return found, total / max(1, len(documents))


def _begin(head: Any, transformer: Any, embeddings: Any, terms: Any, sample: Sequence[str]) -> None:
    import torch

    from ir_bench.modules.mean_of_units import mean_of_units

    def pooled(features: dict[str, Any]) -> Any:
        states = transformer(features)
        return mean_of_units(states["token_embeddings"].to(head.centre.dtype), states["attention_mask"])

    around = transformer.tokenizer.cls_token_id, transformer.tokenizer.sep_token_id
    words = torch.from_numpy(terms).long()
    alone = []
    for some in words.split(512):
        tokens = torch.stack([torch.full_like(some, around[0]), some, torch.full_like(some, around[1])], 1)
        alone.append(pooled({"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}))
    targets = torch.cat(alone).double()
    inputs = torch.cat([embeddings[words].double(), torch.ones(len(words), 1, dtype=torch.float64)], 1)
    identity = torch.eye(inputs.shape[1], dtype=torch.float64)
    fitted = torch.linalg.solve(inputs.T @ inputs + RIDGE * identity, inputs.T @ (targets - targets.mean(0)))
    head.linear.weight.copy_(20 * fitted[:-1])  # 20: logits of a few units
    head.linear.bias.zero_()
    head.outer.weight.zero_()
    head.inner.weight.copy_(torch.randn(head.inner.weight.shape) / head.dims**0.5)
    head.inner.bias.zero_()
    texts = torch.cat([pooled(transformer.preprocess(list(sample[i : i + 16]))) for i in range(0, len(sample), 16)])
    head.centre.copy_(texts.mean(0))
    logits = head.linear(texts - head.centre) @ head.embeddings.T
    head.bias.copy_(-torch.quantile(logits, 1 - SHARE, dim=0).clamp(min=0.1))
    head.document_scale.fill_(DOCUMENT_SCALE)
    head.query_scale.fill_(QUERY_SCALE)
