"""One vector for each different word of a text, inside a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch

from ir_bench.modules.weighted import Weighted


class WordMeans(Weighted):
    """Token vectors [texts, tokens, dims] to the mean over all pieces of all occurrences of each different word
    [texts, words, dims], in the order of first occurrence; the transform `whole_words` inside a model, without
    renormalisation.

    `continues` [terms], bool: whether a token id is a piece that belongs to the word before it. Tokens that the
    attention mask leaves out are not read. Reads and gives `token_embeddings`, `attention_mask` and `input_ids`, which
    then are those of each word's first piece.

    Source: Hofstätter, Khattab, Althammer, Sertkan and Hanbury 2022, "Introducing Neural Bag of Whole-Words with
    ColBERTer", unique whole words.
    Differs: a word is its pieces, where theirs are stemmed words of a text's own splitting.
    """

    config_keys: ClassVar[list[str]] = ["terms"]

    def __init__(self, terms: int) -> None:
        super().__init__()
        self.terms = terms
        self.continues: torch.Tensor
        self.register_buffer("continues", torch.zeros(terms, dtype=torch.bool))

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        ids, mask, vectors = features["input_ids"], features["attention_mask"].bool(), features["token_embeddings"]
        begins = (~self.continues[ids]).tolist()
        read = [_words(*text) for text in zip(ids.tolist(), begins, mask.tolist(), strict=True)]
        width = max((len(first) for _, first in read), default=0)
        of = torch.tensor([[width if w < 0 else w for w in words] for words, _ in read]).long()
        of = of.reshape(ids.shape).to(ids.device)  # also of no text, or no token
        sums = vectors.new_zeros(len(ids), width + 1, vectors.shape[-1])  # the last one is of what is not read
        sums = sums.scatter_add(1, of[:, :, None].expand_as(vectors), vectors)
        pieces = torch.zeros(len(ids), width + 1, dtype=torch.long, device=ids.device)
        pieces = pieces.scatter_add(1, of, torch.ones_like(of))[:, :width]
        firsts = torch.tensor([[*first, *[0] * (width - len(first))] for _, first in read]).long()
        return features | {
            "token_embeddings": sums[:, :width] / pieces.clamp(min=1)[:, :, None],
            "attention_mask": pieces > 0,
            "input_ids": firsts.reshape(pieces.shape).to(ids),
        }


def _words(ids: Sequence[int], begins: Sequence[bool], counts: Sequence[bool]) -> tuple[list[int], list[int]]:
    """The number of each token's word, -1 for those that do not count, and the first piece of each word."""
    occurrences: list[list[int]] = []  # places of an occurrence's pieces
    for place, (begin, read) in enumerate(zip(begins, counts, strict=True)):
        if read and (begin or not occurrences):
            occurrences.append([place])
        elif read:
            occurrences[-1].append(place)
    words, numbers = [-1] * len(ids), dict[tuple[int, ...], int]()
    for places in occurrences:
        number = numbers.setdefault(tuple(ids[place] for place in places), len(numbers))
        for place in places:
            words[place] = number
    return words, [word[0] for word in numbers]
