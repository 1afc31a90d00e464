"""The union of every query token's nearest documents against a walk through the lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench.errors import InputError
from ir_bench.indexes.token_union import TokenUnion
from ir_bench.types import MultiVector


def vectors(lengths: list[int], seed: int) -> MultiVector:
    values = np.random.default_rng(seed).standard_normal((sum(lengths), 4), np.float32)
    return MultiVector(values, np.cumsum([0, *lengths]))


def walked(query: np.ndarray, documents: MultiVector) -> list[list[int]]:
    """Documents by the step at which the walk through every token's own list of tokens meets them first."""
    owner = np.repeat(np.arange(len(documents)), np.diff(documents.offsets))
    lists = []
    for token in query:
        order = owner[np.argsort(-(documents.values @ token))]
        lists.append(list(dict.fromkeys(order.tolist())))  # deduplicated
    seen: set[int] = set()
    steps = []
    for step in range(max(map(len, lists), default=0)):
        new = sorted({some[step] for some in lists} - seen)
        seen |= set(new)
        steps.append(new)
    return [step for step in steps if step]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=9), st.integers(0, 4), st.integers(0, 99))
def test_documents_come_in_the_order_of_the_walk(lengths, tokens, seed):
    documents, queries = vectors(lengths, seed), vectors([tokens, 2], seed + 1)
    index = TokenUnion()
    index.build(documents)
    hits = index.search(queries, 50)
    for i in range(2):
        found = [row for row in hits.rows[i].tolist() if row >= 0]
        for step in walked(queries.row(i), documents):
            assert sorted(found[: len(step)]) == step
            found = found[len(step) :]
        assert not found


def test_among_equal_ranks_the_larger_product_is_first_and_k_cuts():
    documents = MultiVector(np.array([[1, 0], [0, 2], [0.5, 0.5]], np.float32), np.array([0, 1, 2, 3]))
    index = TokenUnion()
    index.build(documents)
    hits = index.search(MultiVector(np.eye(2, dtype=np.float32), np.array([0, 2])), 2)
    assert hits.rows.tolist() == [[1, 0]]
    assert (np.ceil(hits.scores - 0.5) == -1).all()


def test_what_does_not_fit_is_an_error():
    index = TokenUnion()
    with pytest.raises(InputError, match="before build"):
        index.search(vectors([1], 0), 1)
    index.build(vectors([2, 1], 0))
    with pytest.raises(InputError, match="queries have 3 dimensions"):
        index.search(MultiVector(np.ones((1, 3), np.float32), np.array([0, 1])), 1)
    with pytest.raises(InputError, match="number of hits"):
        index.search(vectors([1], 0), 0)
    bad = vectors([2, 1], 0)
    bad.values[2, 0] = np.nan
    index.build(bad)
    with pytest.raises(InputError, match="a vector of document 1 has NaN"):
        index.search(vectors([1], 0), 1)
