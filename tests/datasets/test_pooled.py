"""Several collections as one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from ir_bench.datasets.pooled import Pooled
from ir_bench.errors import InputError
from ir_bench.types import Corpus, Dataset, Document


@dataclass
class Small:
    """Two documents and one query, with the same ids in every collection."""

    text: str
    split: str = "test"
    titles: str = "join"

    def load(self) -> Dataset:
        documents = [Document("1", self.text), Document("2", "other", "a title")]
        corpus = Corpus(self.text, self.text, lambda: iter(documents), 2, self.titles)  # type: ignore[arg-type]
        return Dataset(self.text, lambda: corpus, lambda: {"1": "asked"}, lambda: {"1": {"2": 3}}, split=self.split)

    def locate(self) -> Path | None:
        return Path(self.text) if self.text != "away" else None


def test_ids_begin_with_the_collection_and_nothing_else_changes() -> None:
    data = Pooled("both", {"a": Small("x"), "b": Small("y")}).load()
    assert [(d.id, data.corpus.contents(d)) for d in data.corpus] == [
        ("a/1", "x"), ("a/2", "a title other"), ("b/1", "y"), ("b/2", "a title other"),
    ]  # fmt: skip
    assert data.corpus.size == 4
    assert data.queries == {"a/1": "asked", "b/1": "asked"}
    assert data.qrels == {"a/1": {"a/2": 3}, "b/1": {"b/2": 3}}


def test_the_identity_is_that_of_the_collections_by_their_names() -> None:
    def identity(**collections: Small) -> str:
        return Pooled("n", collections).load().corpus.identity

    assert identity(a=Small("x"), b=Small("y")) == identity(a=Small("x"), b=Small("y"))
    assert len({identity(a=Small("x")), identity(a=Small("y")), identity(b=Small("x"))}) == 3


def test_it_is_here_when_all_are() -> None:
    assert Pooled("n", {"a": Small("x"), "b": Small("y")}).locate() == Path("x")
    assert Pooled("n", {"a": Small("x"), "b": Small("away")}).locate() is None


def test_collections_of_another_split_or_titles_are_an_error() -> None:
    with pytest.raises(InputError, match="its collection b 'train'"):
        Pooled("n", {"a": Small("x"), "b": Small("y", split="train")}).load()
    with pytest.raises(InputError, match="its collection b another"):
        _ = Pooled("n", {"a": Small("x"), "b": Small("y", titles="ignore")}).load().corpus
    with pytest.raises(InputError, match="pools no collections"):
        Pooled("n", {}).load()
