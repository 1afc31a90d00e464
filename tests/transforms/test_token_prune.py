"""Pruning by document frequency, by length, and of stop tokens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.transforms.token_prune import TokenPrune
from ir_bench.types import MultiVector, Strings

WORDS = ["[CLS]", "the", "moon", "tide", "rare"]


def documents(*texts: str) -> MultiVector:
    tokens = [WORDS.index(word) for text in texts for word in text.split()]
    lengths = [len(text.split()) for text in texts]
    values = np.arange(1, len(tokens) + 1, dtype=np.float32)[:, None] * np.ones(2, np.float32)
    return MultiVector(values, np.cumsum([0, *lengths]), np.array(tokens, np.int32), Strings.of(WORDS))


def pruned(vectors: MultiVector, **settings) -> MultiVector:
    transform = TokenPrune(**settings)
    transform.fit(vectors)
    return transform.documents(vectors)


def words(vectors: MultiVector) -> list[str]:
    return [" ".join(vectors.names(i)) for i in range(len(vectors))]


COLLECTION = documents("[CLS] the moon", "[CLS] the tide the moon", "", "[CLS] rare", "[CLS] the")


def test_tokens_of_most_documents_go_first_and_something_stays():
    # document frequencies: [CLS] 4, the 3, moon 2, tide 1, rare 1 of 5 documents; 4 of 12 tokens are [CLS]
    assert words(pruned(COLLECTION, share=0.3)) == ["the moon", "the tide the moon", "", "rare", "the"]
    assert words(pruned(COLLECTION, share=0.7)) == ["moon", "tide moon", "", "rare", "the"]
    assert words(pruned(COLLECTION, share=0.99)) == ["moon", "tide", "", "rare", "the"]


def test_stop_tokens_go_unless_nothing_else_is_there():
    got = pruned(documents("[CLS] the moon", "[CLS]", "the [CLS]"), share=0, stop=["[CLS]", "the"])
    assert words(got)[:2] == ["moon", "[CLS]"]
    assert len(got.row(2)) == 1


def test_by_norm_needs_no_tokens():
    plain = MultiVector(COLLECTION.values, COLLECTION.offsets)
    got = pruned(plain, by="norm", share=0.5)
    assert got.values[:, 0].tolist() == [3, 7, 8, 9, 10, 11, 12]
    assert got.tokens is None


def test_no_share_changes_nothing_and_queries_stay():
    assert pruned(COLLECTION, share=0) is COLLECTION
    assert TokenPrune().queries(COLLECTION) is COLLECTION


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=6), min_size=1, max_size=8), st.floats(0, 0.99))
def test_every_document_keeps_a_vector_and_at_most_the_share_goes(texts, share):
    vectors = documents(*(" ".join(text) for text in texts))
    got = pruned(vectors, share=share)
    before, after = np.diff(vectors.offsets), np.diff(got.offsets)
    assert ((after > 0) == (before > 0)).all()
    assert len(vectors.values) - len(got.values) <= share * len(vectors.values) + 1
    order = [vectors.values[:, 0].tolist().index(v) for v in got.values[:, 0].tolist()]
    assert order == sorted(order)
    assert vectors.tokens[order].tolist() == got.tokens.tolist()


def test_saved_and_loaded_batch_by_batch(tmp_path):
    transform = TokenPrune(share=0.5)
    transform.fit(COLLECTION)
    transform.save(tmp_path)
    again = TokenPrune(share=0.5)
    again.load(tmp_path)
    with cost.ledger() as notes:
        parts = [again.documents(COLLECTION[i : i + 2]) for i in (0, 2, 4)]
    assert [w for part in parts for w in words(part)] == words(transform.documents(COLLECTION))
    assert notes == {"tokens_read": 12, "tokens_kept": sum(len(p.values) for p in parts)}


def test_hostile_input_is_told():
    with pytest.raises(InputError, match="of the tokens are to be dropped"):
        TokenPrune(share=1)
    with pytest.raises(InputError, match="do not say of which tokens"):
        pruned(MultiVector(COLLECTION.values, COLLECTION.offsets))
