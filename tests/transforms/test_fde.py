"""Fixed dimensional encodings against their definition, two other implementations, and the properties of the paper."""

from __future__ import annotations

import json
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe, fingerprint
from ir_bench.kernels.fde import encode
from ir_bench.kernels.maxsim import stored_numbers
from ir_bench.scoring import maxsim
from ir_bench.transforms.fde import FixedDimensionalEncoding
from ir_bench.types import MultiVector

REFERENCE = json.loads((Path(__file__).parent / "reference_fde.json").read_text())


def tokens(lengths, dims: int, seed: int, dtype: type = np.float32) -> MultiVector:
    values = np.random.default_rng(seed).standard_normal((sum(lengths), dims))
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return MultiVector(values.astype(dtype), np.cumsum([0, *lengths]))


def by_definition(vectors: MultiVector, encoding: FixedDimensionalEncoding, document: bool) -> np.ndarray:
    """Card by card, in float64: token by token, region by region."""
    planes, projections, places, signs = encoding._matrices(vectors.values.shape[1])
    k, found = encoding.hyperplanes, []
    for i in range(len(vectors)):
        row, x = [], vectors.row(i).astype(np.float64)
        for r in range(encoding.repetitions):
            bits = [[float(t @ planes[:, r * k + j]) > 0 for j in range(k)] for t in x]
            for region in range(2**k):
                wanted = [bool(region >> j & 1) for j in range(k)]
                inside = [t for t, b in zip(x, bits, strict=True) if b == wanted]
                block = np.sum(inside, axis=0) if inside else np.zeros(x.shape[1])
                if document and inside:
                    block = block / len(inside)
                if document and not inside and encoding.fill and len(x):
                    apart = [sum(p != q for p, q in zip(b, wanted, strict=True)) for b in bits]
                    near = [t for t in range(len(x)) if apart[t] == min(apart)]
                    number = [sum(b << j for j, b in enumerate(bits[t])) for t in near]
                    lowest = encoding.ties == "lowest_region"
                    block = x[near[number.index(min(number))] if lowest else near[0]]
                row.append(block @ projections[r].astype(np.float64) if projections.shape[1] else block)
        row = np.concatenate(row)
        if encoding.final_dims:
            final = np.zeros(encoding.final_dims)
            np.add.at(final, places, signs * row)
            row = final
        found.append(row)
    return np.array(found)


SETTINGS = st.fixed_dictionaries(
    {
        "repetitions": st.integers(1, 3),
        "hyperplanes": st.integers(0, 4),
        "columns": st.integers(1, 5),
        "projection": st.sampled_from(["sign", "count_sketch", "identity"]),
        "fill": st.booleans(),
        "ties": st.sampled_from(["first_token", "lowest_region"]),
        "final_dims": st.sampled_from([None, 7]),
        "seed": st.integers(0, 99),
        "threads": st.integers(1, 3),
    }
)
LENGTHS = st.lists(st.integers(0, 8), min_size=1, max_size=5)


@hypothesis.settings(max_examples=40)
@given(SETTINGS, LENGTHS, st.sampled_from([np.float16, np.float32]), st.integers(0, 99))
def test_equals_the_definition(settings, lengths, dtype, seed):
    encoding, vectors = FixedDimensionalEncoding(**settings), tokens(lengths, 5, seed, dtype)
    for ours, document in ((encoding.documents(vectors), True), (encoding.queries(vectors), False)):
        assert ours.values.dtype == np.float32
        np.testing.assert_allclose(ours.values, by_definition(vectors, encoding, document), atol=1e-5)


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=lambda case: f"{case['of']}, fill={case['fill']}")
def test_equals_other_implementations_with_their_matrices(case):
    planes = np.array(case["hyperplanes"], np.float32)  # [repetitions, dims, k]
    repetitions, _, k = planes.shape
    identity = case["projections"] is None
    projections = np.empty((repetitions, 0, 0)) if identity else np.array(case["projections"])
    sets = [np.array(s, np.float32) for s in REFERENCE["token_sets"]]
    values, halves = stored_numbers(np.concatenate(sets))
    offsets = np.cumsum([0, *map(len, sets)])
    numbers = list(range(2**k))
    if case["of"] == "muvera-python":  # regions by Gray code, the first hyperplane's bit first
        for code in range(2**k):
            gray = 0
            for j in range(k):
                gray = (gray << 1) + ((code >> j & 1) ^ (gray & 1))
            numbers[code] = gray
    for what, mean in (("documents", True), ("queries", False)):
        theirs = np.array(case[what])
        ours = np.empty(theirs.shape, np.float32)
        bad = encode(
            values, halves, offsets, np.ascontiguousarray(np.hstack(planes)), projections.astype(np.float32), identity,
            mean, mean and case["fill"], case["of"] == "fastembed", np.empty(0, np.int64), np.empty(0, np.float32),
            ours,
        )  # fmt: skip
        assert bad == -1
        blocks = theirs.reshape(len(sets), repetitions, 2**k, -1)[:, :, numbers]
        np.testing.assert_allclose(ours, blocks.reshape(len(sets), -1), atol=1e-5)


def scores(encoding: FixedDimensionalEncoding, queries: MultiVector, documents: MultiVector) -> np.ndarray:
    """Estimates of MaxSim [queries, documents]."""
    return encoding.queries(queries).values @ encoding.documents(documents).values.T / encoding.repetitions


WHOLE = {"projection": "identity"}


@given(LENGTHS.map(lambda n: [x + 1 for x in n]), st.integers(0, 6), st.integers(0, 999))
def test_v1_an_estimate_without_projection_is_never_above_maxsim(lengths, hyperplanes, seed):
    encoding = FixedDimensionalEncoding(3, hyperplanes, seed=seed, **WHOLE)
    queries, documents = tokens([1, 4], 6, seed), tokens(lengths, 6, seed + 1)
    assert (scores(encoding, queries, documents) <= maxsim(queries, documents) + 1e-5).all()


@given(st.integers(0, 6), st.integers(1, 9), st.integers(0, 999))
def test_v2_a_document_of_one_token_has_its_exact_score(hyperplanes, query_tokens, seed):
    encoding = FixedDimensionalEncoding(2, hyperplanes, seed=seed, **WHOLE)
    queries, documents = tokens([query_tokens], 6, seed), tokens([1, 1], 6, seed + 1)
    np.testing.assert_allclose(scores(encoding, queries, documents), maxsim(queries, documents), atol=1e-5)


def test_v3_without_hyperplanes_the_estimate_is_that_of_the_mean():
    queries, documents = tokens([3, 5], 6, 1), tokens([2, 9], 6, 2)
    found = scores(FixedDimensionalEncoding(2, 0, **WHOLE), queries, documents)
    means = [documents.row(i).mean(axis=0) for i in range(2)]
    expected = [[queries.row(i).sum(axis=0) @ mean for mean in means] for i in range(2)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@given(st.permutations(range(9)), st.integers(0, 99))
def test_v4_the_order_of_tokens_changes_nothing_but_ties_of_the_fill(order, seed):
    vectors = tokens([9], 6, seed)
    moved = MultiVector(vectors.values[list(order)], vectors.offsets)
    for settings in ({"fill": False}, {"ties": "lowest_region", "hyperplanes": 2}):
        encoding = FixedDimensionalEncoding(2, **{"hyperplanes": 3, "columns": 4, **settings})
        some, others = encoding.documents(vectors).values, encoding.documents(moved).values
        if settings.get("fill", True):  # which token of the nearest region fills is the first's in the text
            held = by_definition(vectors, FixedDimensionalEncoding(2, 2, 4, fill=False), True) != 0
            some, others = some[held], others[held]
        np.testing.assert_allclose(some, others, atol=1e-5)
        np.testing.assert_allclose(encoding.queries(vectors).values, encoding.queries(moved).values, atol=1e-5)


def test_v5_a_token_twice_in_a_query_counts_double_and_a_document_twice_is_the_same():
    encoding, vectors = FixedDimensionalEncoding(3, 3, 4), tokens([5], 6, 3)
    twice = MultiVector(np.tile(vectors.values, (2, 1)), np.array([0, 10]))
    np.testing.assert_allclose(encoding.queries(twice).values, 2 * encoding.queries(vectors).values, atol=1e-5)
    np.testing.assert_allclose(encoding.documents(twice).values, encoding.documents(vectors).values, atol=1e-5)


@given(st.integers(0, 9), st.integers(0, 99))
def test_v6_a_query_has_at_most_a_block_for_each_token_and_repetition(query_tokens, seed):
    encoding = FixedDimensionalEncoding(3, 4, 4, seed=seed)
    assert np.count_nonzero(encoding.queries(tokens([query_tokens], 6, seed)).values) <= query_tokens * 4 * 3


def test_v7_the_estimate_settles_as_repetitions_grow():
    queries, documents = tokens([6], 16, 1), tokens([30] * 20, 16, 2)
    spreads = []
    for repetitions in (4, 64):
        found = [scores(FixedDimensionalEncoding(repetitions, 2, 8, seed=s), queries, documents) for s in range(12)]
        spreads.append(np.std(found, axis=0).mean())
    assert spreads[1] == pytest.approx(spreads[0] / 4, rel=0.3)  # 1 / √16


@pytest.mark.parametrize("projection", ["sign", "count_sketch"])
def test_a_projection_estimates_without_bias_what_the_identity_gives(projection):
    queries, documents = tokens([4], 32, 1), tokens([10] * 10, 32, 2)
    planes = {"repetitions": 400, "hyperplanes": 2, "seed": 5}
    exact = scores(FixedDimensionalEncoding(**planes, **WHOLE), queries, documents)
    found = scores(FixedDimensionalEncoding(**planes, columns=8, projection=projection), queries, documents)
    assert np.abs(found - exact).max() < 0.4  # four standard deviations: √(4 · 1/8 · 8 / 400) each
    assert np.abs((found - exact).mean()) < 0.1


def test_a_final_sketch_estimates_the_same_inner_products():
    queries, documents = tokens([4], 16, 1), tokens([10] * 10, 16, 2)
    whole = scores(FixedDimensionalEncoding(20, 3, 8), queries, documents)
    small = FixedDimensionalEncoding(20, 3, 8, final_dims=640)
    assert small.documents(documents).values.shape == (10, 640)
    assert np.abs(scores(small, queries, documents) - whole).mean() < 0.5


@pytest.mark.parametrize("projection", ["identity", "sign", "count_sketch"])
def test_columns_of_at_least_the_dims_leave_blocks_alone_and_one_region_of_one_token_the_token(projection):
    vectors = tokens([7, 2], 6, 4)
    found = FixedDimensionalEncoding(2, 3, 6, projection).documents(vectors).values
    assert found.shape == (2, 2 * 8 * 6)
    alone = MultiVector(vectors.values, np.arange(10))
    nothing = FixedDimensionalEncoding(1, 0, 6, projection)
    for same in (nothing.documents(alone), nothing.queries(alone)):
        np.testing.assert_array_equal(same.values, vectors.values)


def test_a_text_without_tokens_becomes_zeros():
    encoding, vectors = FixedDimensionalEncoding(2, 3, 4), tokens([0, 3, 0], 6, 4)
    for found in (encoding.documents(vectors), encoding.queries(vectors)):
        assert not found.values[[0, 2]].any()
        assert found.values[1].any()
    assert encoding.queries(vectors[:0]).values.shape == (0, 64)


def test_a_document_of_ten_thousand_tokens():
    encoding, vectors = FixedDimensionalEncoding(2, 3, 4), tokens([10_000, 1], 8, 4, np.float16)
    np.testing.assert_allclose(encoding.documents(vectors).values, by_definition(vectors, encoding, True), atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("hyperplanes", [0, 3])
def test_vectors_that_are_not_finite_are_named(dtype, value, hyperplanes):
    vectors = tokens([3, 0, 4], 6, 1, dtype)
    vectors.values[5, 2] = value
    encoding = FixedDimensionalEncoding(2, hyperplanes, 4)
    with pytest.raises(InputError, match="a vector of document 2 has NaN or infinite values"):
        encoding.documents(vectors)
    with pytest.raises(InputError, match="a vector of query 2 has NaN or infinite values"):
        encoding.queries(vectors)


def test_another_seed_is_another_encoding_and_another_key():
    vectors = tokens([4], 6, 1)
    first, second = FixedDimensionalEncoding(seed=1), FixedDimensionalEncoding(seed=2)
    assert fingerprint(describe(first, of_documents=True)) != fingerprint(describe(second, of_documents=True))
    assert not np.allclose(first.documents(vectors).values, second.documents(vectors).values)
    again = FixedDimensionalEncoding(seed=1, threads=3)
    np.testing.assert_array_equal(again.documents(vectors).values, first.documents(vectors).values)
    assert fingerprint(again) == fingerprint(first)


def test_other_draws_of_the_random_numbers_are_another_key(monkeypatch):
    before = fingerprint(FixedDimensionalEncoding())
    monkeypatch.setattr(np.random, "default_rng", lambda seed: np.random.Generator(np.random.MT19937(3)))
    assert fingerprint(FixedDimensionalEncoding()) != before


@pytest.mark.parametrize(
    "settings",
    [{"repetitions": 0}, {"hyperplanes": -1}, {"hyperplanes": 17}, {"columns": 0}, {"final_dims": 0}, {"ties": "x"},
     {"projection": "x"}],
)  # fmt: skip
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InputError):
        FixedDimensionalEncoding(**settings)


def test_notes_the_tokens_it_encodes():
    with cost.ledger() as notes:
        FixedDimensionalEncoding(1, 1, 2).documents(tokens([3, 4], 6, 1))
    assert notes["tokens_encoded"] == 7
