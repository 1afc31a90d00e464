"""One projected vector for each different word, with a learned gate that leaves words out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ir_bench.errors import InputError
from ir_bench.training.architectures.late_interaction import LateInteraction


@dataclass
class GatedWords:
    """Projected token vectors as `LateInteraction` begins, averaged over the pieces and occurrences of each different
    word (`WordMeans`), then length 1, those of documents times their gate (`TokenGate`), scored by MaxSim.

    Pieces that begin with `continuation` belong to the word before them. Words of documents whose gate is 0 are not
    encoded; objective `token_lengths` beside another one closes gates.
    Raises InputError for a tokenizer without such pieces.
    Source: Hofstätter, Khattab, Althammer, Sertkan and Hanbury 2022, "Introducing Neural Bag of Whole-Words with
    ColBERTer". Differs: vectors of length 1 before the gate; no vector of the whole text, which fusion=linear adds; no
    bias in the projection.
    """

    dimensions: int = 128
    init: Literal["pca", "scores", "random"] = "pca"
    continuation: str = "##"

    def build(self, model: str, documents: Sequence[str]) -> Any:
        from sentence_transformers import MultiVectorEncoder
        from sentence_transformers.base.modules import Normalize

        from ir_bench.modules.token_gate import TokenGate
        from ir_bench.modules.word_means import WordMeans

        plain = LateInteraction(self.dimensions, self.init).build(model, documents)
        pieces = plain.tokenizer.get_vocab()
        prefix = self.continuation
        continues = [n for piece, n in pieces.items() if piece.startswith(prefix) and len(piece) > len(prefix)]
        if not prefix or not continues:
            raise InputError(
                f"no token of the model's vocabulary begins with {prefix!r} and goes on",
                "a WordPiece tokenizer, whose pieces inside a word begin with ##",
                "correct architecture.continuation, or choose architecture=late_interaction",
            )
        words = WordMeans(max(pieces.values()) + 1)
        words.continues[continues] = True
        transformer, projection, normalise, mask = plain.children()
        gate = TokenGate(self.dimensions)
        return MultiVectorEncoder(
            modules=[transformer, projection, normalise, words, Normalize("token_embeddings"), gate, mask],
            device="cpu",
            prompts=plain.prompts,
        )
