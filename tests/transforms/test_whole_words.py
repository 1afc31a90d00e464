"""Whole words against a plain loop over texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.scoring import maxsim
from ir_bench.transforms.whole_words import WholeWords
from ir_bench.types import MultiVector, Strings

PIECES = ["[CLS]", "moon", "tide", "##s", "##al", "sun", "##"]


def vectors(*texts: str, dtype: type = np.float32) -> MultiVector:
    tokens = np.array([PIECES.index(p) for text in texts for p in text.split()], np.int32)
    values = np.random.default_rng(len(tokens)).standard_normal((len(tokens), 4)).astype(dtype)
    return MultiVector(values, np.cumsum([0, *(len(t.split()) for t in texts)]), tokens, Strings.of(PIECES))


def by_hand(texts: MultiVector, i: int) -> dict[str, list[np.ndarray]]:
    words: dict[str, list[np.ndarray]] = {}
    occurrence: list[tuple[str, list[np.ndarray]]] = []
    for name, vector in zip(texts.names(i), texts.row(i), strict=True):
        if name.startswith("##") and name != "##" and occurrence:
            word, pieces = occurrence.pop()
            occurrence.append((word + name[2:], [*pieces, vector]))
        else:
            occurrence.append((name, [vector]))
    for word, pieces in occurrence:
        words.setdefault(word, []).extend(pieces)
    return words


def fitted(documents: MultiVector, **settings) -> WholeWords:
    transform = WholeWords(**settings)
    transform.fit(documents)
    return transform


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=9), min_size=1, max_size=5))
def test_means_over_all_pieces_of_each_different_word(texts):
    documents = vectors(*(" ".join(t) for t in texts))
    transform = fitted(documents, renormalise=False)
    for got in (transform.documents(documents), transform.queries(documents)):
        assert len(got) == len(texts)
        for i in range(len(texts)):
            expected = by_hand(documents, i)
            assert got.names(i) == list(expected)
            for vector, pieces in zip(got.row(i), expected.values(), strict=True):
                np.testing.assert_allclose(vector, np.mean(pieces, 0), atol=1e-6)


def test_different_whole_words_stay_bit_by_bit_and_means_get_length_one():
    documents = vectors("moon sun tide", "tide ##s tide ##s", dtype=np.float16)
    with cost.ledger() as notes:
        got = fitted(documents).documents(documents)
    np.testing.assert_array_equal(got.row(0), documents.row(0))
    assert got.names(1) == ["tides"]
    assert np.linalg.norm(got.row(1)[0].astype(float)) == pytest.approx(1, abs=2e-3)
    assert got.values.dtype == np.float16
    assert notes == {"tokens_read": 7, "tokens_kept": 4}


def test_no_continuation_changes_nothing():
    documents = vectors("tide ##s")
    transform = fitted(documents, continuation=None)
    assert transform.documents(documents) is documents
    assert transform.queries(documents) is documents


def test_batches_and_a_saved_vocabulary_give_the_same(tmp_path):
    documents = vectors("tide ##s moon", "", "sun ##s moon moon", "[CLS]")
    transform = fitted(documents)
    transform.save(tmp_path)
    again = WholeWords()
    again.load(tmp_path)
    whole, parts = transform.documents(documents), [again.documents(documents[i : i + 2]) for i in (0, 2)]
    np.testing.assert_array_equal(np.concatenate([p.values for p in parts]), whole.values)
    np.testing.assert_array_equal(np.concatenate([p.tokens for p in parts]), whole.tokens)
    queries = transform.queries(documents[2:3])
    assert maxsim(queries, whole).shape == (1, 4)


def test_hostile_input_is_told():
    documents = vectors("tide ##s", "moon")
    with pytest.raises(InputError, match="do not say of which tokens"):
        fitted(MultiVector(documents.values, documents.offsets))
    documents.values[2, 0] = np.nan
    with pytest.raises(InputError, match="a vector of document 1 has NaN"):
        fitted(documents).documents(documents)
    with pytest.raises(InputError, match="a vector of query 1 has NaN"):
        fitted(documents).queries(documents)
    assert len(fitted(documents).queries(documents[:0])) == 0
