"""COIL's scores against a float64 loop, and against the inverted index that they are in one dimension."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.indexes.exact_match import ExactMatchIndex
from ir_bench.indexes.inverted import InvertedIndex
from ir_bench.kernels.bags import pooled
from ir_bench.similarities.dot import Dot
from ir_bench.types import Hits, MultiVector, Sparse, Strings

NAMES = ["[CLS]", "[SEP]", "[UNK]", "cat", "dog", "mat", "wing"]
token_lists = st.lists(st.lists(st.integers(0, 6), max_size=7), min_size=1, max_size=6)


def vectors(tokens: list[list[int]], seed: int = 0, dims: int = 3, names: list[str] = NAMES, sign: bool = True):
    drawn = np.random.default_rng(seed).standard_normal((sum(map(len, tokens)), dims)).astype(np.float32)
    flat = np.array([t for text in tokens for t in text], np.int32)
    offsets = np.cumsum([0, *map(len, tokens)])
    return MultiVector(drawn if sign else np.abs(drawn), offsets, flat, Strings.of(names))


def scores(hits: Hits, documents: int) -> np.ndarray:
    result = np.full((len(hits.rows), documents), -np.inf)
    for query, (rows, found) in enumerate(zip(hits.rows, hits.scores, strict=True)):
        result[query, rows[rows >= 0]] = found[rows >= 0]
    return result


def search(documents: MultiVector, queries: MultiVector, **given) -> np.ndarray:
    index = ExactMatchIndex(**given)
    index.build(documents)
    return scores(index.search(queries, len(documents)), len(documents))


def loop(documents: MultiVector, queries: MultiVector, whole: str | None) -> np.ndarray:
    def names(part: MultiVector, i: int) -> list[tuple[str, np.ndarray]]:
        span = slice(part.offsets[i], part.offsets[i + 1])
        return list(zip(part.vocabulary.take(part.tokens[span]), part.row(i).astype(np.float64), strict=True))

    result = np.full((len(queries), len(documents)), -np.inf)
    for query in range(len(queries)):
        for document in range(len(documents)):
            added = []
            for name, vector in names(queries, query):
                products = [float(vector @ own) for other, own in names(documents, document) if other == name]
                compared = name not in ("[CLS]", "[SEP]", "[UNK]")
                if products and (name == whole or (compared and max(products) > 0)):
                    added.append(max(products))
            if added:
                result[query, document] = sum(added)
    return result


@settings(max_examples=40)
@given(token_lists, token_lists, st.integers(0, 99), st.sampled_from([None, "[CLS]"]))
def test_equals_a_float64_loop(documents, queries, seed, whole):
    documents, queries = vectors(documents, seed), vectors(queries, seed + 1)
    np.testing.assert_allclose(
        search(documents, queries, whole=whole), loop(documents, queries, whole), rtol=1e-5, atol=1e-6
    )


@settings(max_examples=40)
@given(token_lists, token_lists, st.integers(0, 99))
def test_one_non_negative_dimension_is_unicoils_inverted_index(documents, queries, seed):
    """Largest weight of a document's token, sum of a query's: Lin and Ma 2021, section 2."""

    def bags(part: MultiVector, rule: str) -> Sparse:
        counts = part.tokens > 2  # special tokens weigh nothing
        owners = np.repeat(np.arange(len(part)), np.diff(part.offsets))[counts]
        return Sparse(*pooled(owners, part.tokens[counts], part.values[counts, 0], len(part), rule), part.vocabulary)

    documents, queries = vectors(documents, seed, 1, sign=False), vectors(queries, seed + 1, 1, sign=False)
    inverted = InvertedIndex(Dot())
    inverted.build(bags(documents, "max"))
    expected = scores(inverted.search(bags(queries, "sum"), len(documents)), len(documents))
    np.testing.assert_allclose(search(documents, queries), expected, rtol=1e-6, atol=1e-6)


def test_another_numbering_of_the_same_tokens_and_unknown_ones():
    documents, queries = vectors([[3, 4], [5]]), vectors([[3, 5], [6]], 1)
    moved = MultiVector(queries.values, queries.offsets, 6 - queries.tokens, Strings.of(NAMES[::-1]))
    np.testing.assert_array_equal(search(documents, queries), search(documents, moved))
    foreign = MultiVector(queries.values, queries.offsets, queries.tokens, Strings.of(f"no {i}" for i in range(7)))
    assert (search(documents, foreign) == -np.inf).all()  # no hits, and no error
    assert (search(documents, vectors([[2, 2], []])) == -np.inf).all()


def test_stored_vectors_give_the_same_hits_and_the_work_is_counted(tmp_path):
    documents, queries = vectors([[3, 4, 3], [], [4, 5]]), vectors([[3, 4, 4]], 1)
    half = MultiVector(documents.values.astype(np.float16), documents.offsets, documents.tokens, documents.vocabulary)
    index, again = ExactMatchIndex(), ExactMatchIndex()
    index.build(half)
    index.save(tmp_path)
    again.load(tmp_path)
    with cost.ledger() as notes:
        found = again.search(queries, 2)
    assert notes["vectors_compared"] == 2 + 2 * 2  # two vectors of token 3; two of token 4, asked for twice
    np.testing.assert_array_equal(found.scores, index.search(queries, 2).scores)
    assert 1 not in found.rows


def test_explanations_add_up_to_the_scores():
    documents, queries = vectors([[3, 4, 3], [5], [4, 5, 0]]), vectors([[0, 3, 4, 4, 5]], 1)
    index = ExactMatchIndex(whole="[CLS]")
    index.build(documents)
    found = scores(index.search(queries, 3), 3)[0]
    for row, matches in enumerate(index.explain(queries, [0, 1, 2])):
        total = sum(match.score for match in matches) if matches else -np.inf
        assert total == pytest.approx(found[row], rel=1e-6)
        assert {match.term for match in matches} <= set(NAMES)


def test_errors_say_what_is_wrong():
    documents = vectors([[3, 4]])
    with pytest.raises(InputError, match="before build"):
        ExactMatchIndex().search(documents, 3)
    with pytest.raises(InputError, match="do not say which token"):
        ExactMatchIndex().build(MultiVector(documents.values, documents.offsets))
    with pytest.raises(InputError, match="queries have 2 dimensions, the documents 3"):
        search(documents, vectors([[3]], dims=2))
    with pytest.raises(InputError, match="no document has the token '<s>'"):
        search(documents, documents, whole="<s>")
    documents.values[1, 1] = np.nan
    with pytest.raises(InputError, match="document 0 has NaN"):
        ExactMatchIndex().build(documents)
    with pytest.raises(InputError, match="query 0 has NaN"):
        search(vectors([[3]]), documents)
