"""A large corpus of passages made of real sentences, for measuring speed where only small collections are at hand."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence

from ir_bench.errors import InputError
from ir_bench.types import Corpus, Document


def recombined(sources: Sequence[Corpus], size: int, seed: int = 0, sentences: tuple[int, int] = (1, 5)) -> Corpus:
    """`size` passages, each of so many sentences (fewest, most) drawn from all sources; equal for an equal seed.

    Its words are as frequent as in the sources, its topics are noise: for speed, not for effectiveness. Raises
    InputError where the sources have no sentences.
    """
    made_of = [corpus.identity for corpus in sources]
    identity = hashlib.sha256(repr([made_of, size, seed, sentences]).encode()).hexdigest()[:16]

    def read() -> Iterator[Document]:
        pool = [s for corpus in sources for document in corpus for s in _sentences(corpus.contents(document))]
        if not pool:
            raise InputError("the sources have no sentences", "at least one text", "give other collections")
        generator = random.Random(seed)
        for i in range(size):
            yield Document(f"r{i}", " ".join(generator.choices(pool, k=generator.randint(*sentences))))

    return Corpus(f"recombined-{size}", f"recombined-{identity}", read, size)


def _sentences(text: str, words: int = 40) -> list[str]:
    """Pieces between full stops; of a text without any, pieces of at most `words` words."""
    pieces = []
    for sentence in text.replace("? ", ". ").replace("! ", ". ").split(". "):
        parts = sentence.split()
        pieces += [" ".join(parts[i : i + words]) for i in range(0, len(parts), words)]
    return pieces
