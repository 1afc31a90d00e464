"""Pruning, slicing and weighing of sparse vectors: no-ops change nothing, at their limits they are exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.indexes.gated_flat import GatedFlatIndex
from ir_bench.indexes.inverted import InvertedIndex
from ir_bench.similarities.atire import AtireBM25
from ir_bench.similarities.bm25plus import BM25Plus
from ir_bench.similarities.dot import Dot
from ir_bench.similarities.lucene import LuceneBM25
from ir_bench.similarities.robertson import RobertsonBM25
from ir_bench.store import Store
from ir_bench.transforms.prune_terms import PruneTerms
from ir_bench.transforms.slice_terms import SliceTerms
from ir_bench.transforms.weigh_terms import WeighTerms
from ir_bench.types import Gated, Sparse, Strings


def sparse(matrix: np.ndarray, names: list[str] | None = None) -> Sparse:
    rows, terms = np.nonzero(matrix)
    offsets = np.searchsorted(rows, np.arange(len(matrix) + 1)).astype(np.int64)
    vocabulary = Strings.of(names or [f"t{i}" for i in range(matrix.shape[1])])
    return Sparse(terms.astype(np.int32), matrix[rows, terms].astype(np.float32), offsets, vocabulary)


@st.composite
def problems(draw) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    documents, queries, terms = draw(st.integers(1, 40)), draw(st.integers(0, 5)), draw(st.integers(1, 12))
    values = np.array(draw(st.sampled_from([[1.0], [0.5, 1, 2], [0.1, 0.3, 0.7]])))

    def matrix(count: int) -> np.ndarray:
        return np.where(generator.random((count, terms)) < 0.4, generator.choice(values, (count, terms)), 0)

    return matrix(documents), matrix(queries)


class TestPruneTerms:
    def test_without_limits_it_returns_what_it_was_given(self):
        vectors = sparse(np.array([[1.0, 0, -2]]))
        assert PruneTerms().documents(vectors) is vectors
        assert PruneTerms(document_keep=1).queries(vectors) is vectors

    def test_keeps_the_heaviest_and_of_equal_ones_the_first(self):
        vectors = sparse(np.array([[1, 3, 3, -5, 0.5], [0, 0, 0, 0, 0], [2, 0, 0, 0, 0]]))
        kept = PruneTerms(document_keep=2).documents(vectors)
        assert [kept.row(i) for i in range(3)] == [{"t1": 3, "t3": -5}, {}, {"t0": 2}]
        kept = PruneTerms(query_least=1.0, query_keep=3).queries(vectors)
        assert kept.row(0) == {"t1": 3, "t2": 3, "t3": -5}
        assert PruneTerms(document_least=1.0).documents(vectors).row(0) == {"t0": 1, "t1": 3, "t2": 3, "t3": -5}

    @given(problems(), st.integers(1, 6), st.sampled_from([None, 0.0, 0.4, 1.0, 9.0]))
    def test_equals_a_loop(self, problem, keep, least):
        vectors = sparse(problem[0])
        with cost.ledger() as costs:
            kept = PruneTerms(least, keep).documents(vectors)
        for i in range(len(vectors)):
            entries = [(t, w) for t, w in vectors.row(i).items() if least is None or w >= least]
            stays = sorted(range(len(entries)), key=lambda j: -entries[j][1])[:keep]
            assert list(kept.row(i).items()) == [entries[j] for j in sorted(stays)]
        assert costs == {"terms_read": len(vectors.terms), "terms_kept": len(kept.terms)}

    @pytest.mark.parametrize("setting", [{"document_keep": 0}, {"query_keep": -1}, {"query_least": -0.1}])
    def test_bad_settings_are_refused(self, setting):
        with pytest.raises(InputError):
            PruneTerms(**setting)
        with pytest.raises(InputError):
            PruneTerms(document_least=float("nan"))


class TestSlices:
    @given(problems(), st.sampled_from(["stride", "contiguous"]), st.integers(0, 3), st.sampled_from([1, 3, 50]))
    def test_with_a_slice_for_each_term_it_is_the_inner_product(self, problem, rule, more, k):
        documents, queries = (sparse(matrix) for matrix in problem)
        transform = SliceTerms(problem[0].shape[1] + more, rule)
        transform.fit(documents)
        exact, index = InvertedIndex(Dot()), GatedFlatIndex()
        exact.build(documents)
        index.build(transform.documents(documents))
        expected, hits = exact.search(queries, k), index.search(transform.queries(queries), k)
        np.testing.assert_allclose(hits.scores, expected.scores, rtol=1e-6)
        found = expected.rows >= 0
        np.testing.assert_array_equal(hits.rows >= 0, found)
        rounded = np.round(problem[1] @ problem[0].T, 5)  # sums in another order may tie or not
        for i in range(len(problem[1])):
            np.testing.assert_array_equal(rounded[i][hits.rows[i][found[i]]], rounded[i][expected.rows[i][found[i]]])

    @given(problems(), st.sampled_from(["stride", "contiguous"]), st.integers(1, 5))
    def test_equals_a_double_loop(self, problem, rule, slices):
        transform = SliceTerms(slices, rule)
        transform.fit(sparse(problem[0]))
        frequency = (problem[0] != 0).sum(0)
        names = sorted((t for t in range(len(frequency)) if frequency[t]), key=lambda t: (-frequency[t], f"t{t}"))
        length = -(-len(names) // slices) or 1

        def folded(row: np.ndarray) -> dict[int, tuple[float, int]]:
            held: dict[int, tuple[float, int]] = {}
            for rank, term in enumerate(names):
                place = rank % slices if rule == "stride" else rank // length
                if row[term] > held.get(place, (0.0, 0))[0]:
                    held[place] = (row[term], rank)
            return held

        index = GatedFlatIndex()
        index.build(transform.documents(sparse(problem[0])))
        hits = index.search(transform.queries(sparse(problem[1])), 100)
        for i, query in enumerate(problem[1]):
            asked = folded(query)
            for row, score in zip(hits.rows[i], hits.scores[i], strict=True):
                if row >= 0:
                    own = folded(problem[0][row])
                    met = [p for p in asked if p in own and own[p][1] == asked[p][1]]
                    assert score == pytest.approx(sum(asked[p][0] * own[p][0] for p in met), rel=1e-6)
            meeting = [
                r for r, d in enumerate(problem[0]) if any(folded(d).get(p, (0, -1))[1] == asked[p][1] for p in asked)
            ]
            assert sorted(hits.rows[i][hits.rows[i] >= 0]) == meeting

    def test_without_gates_other_terms_match_too(self):
        vectors = sparse(np.array([[1.0, 0], [0, 2], [0, 0]]))
        transform = SliceTerms(1)
        transform.fit(vectors)
        gated, open_ = GatedFlatIndex(), GatedFlatIndex(gate=False)
        for index in (gated, open_):
            index.build(transform.documents(vectors))
        assert gated.search(transform.queries(vectors[:1]), 3).rows.tolist() == [[0, -1, -1]]
        assert open_.search(transform.queries(vectors[:1]), 3).rows.tolist() == [[1, 0, -1]]

    def test_terms_are_matched_by_name_and_unknown_ones_left_out(self):
        transform = SliceTerms(4)
        transform.fit(sparse(np.array([[1.0, 1], [0, 1]])))
        query = transform.queries(sparse(np.array([[5.0, 7.0, 0]]), ["nowhere", "t0", "t1"]))
        assert query.values.tolist() == [[0, 7, 0, 0]]

    def test_saved_and_loaded_it_is_the_same(self, tmp_path):
        vectors = sparse(np.random.default_rng(0).random((20, 30)) * (np.random.default_rng(1).random((20, 30)) < 0.3))
        transform, again = SliceTerms(7, dtype="float16"), SliceTerms(7, dtype="float16")
        transform.fit(vectors)
        transform.save(tmp_path / "transform")
        again.load(tmp_path / "transform")
        ours, theirs = transform.documents(vectors), again.documents(vectors)
        np.testing.assert_array_equal(ours.values, theirs.values)
        np.testing.assert_array_equal(ours.gates, theirs.gates)
        assert ours.values.dtype == np.float16
        kept = Store(tmp_path).vectors("key", Gated, lambda i: [ours[j : j + 6] for j in range(6 * i, 20, 6)], 6)
        np.testing.assert_array_equal(kept.values, ours.values)
        np.testing.assert_array_equal(kept.gates, ours.gates)
        index, loaded = GatedFlatIndex(), GatedFlatIndex()
        index.build(kept)
        index.save(tmp_path / "index")
        with cost.ledger() as costs:
            loaded.load(tmp_path / "index")
            hits = loaded.search(ours[:3], 5)
        assert costs["index_bytes"] == 20 * 7 * 4
        assert costs["slices_read"] == np.count_nonzero(ours.values[:3])
        np.testing.assert_array_equal(hits.rows, index.search(ours[:3], 5).rows)

    def test_misuse_is_refused(self):
        vectors = sparse(np.array([[1.0, -1]]))
        with pytest.raises(InputError, match="before fit"):
            SliceTerms().documents(sparse(np.array([[1.0]])))
        transform = SliceTerms(2)
        transform.fit(vectors)
        with pytest.raises(InputError, match="negative"):
            transform.documents(vectors)
        with pytest.raises(InputError, match="slices"):
            SliceTerms(0)
        with pytest.raises(InputError, match="before build"):
            GatedFlatIndex().search(Gated(np.zeros((1, 2)), np.zeros((1, 2), int)), 1)
        index = GatedFlatIndex()
        index.build(transform.documents(sparse(np.array([[1.0, 1]]))))
        with pytest.raises(InputError, match="3 slices"):
            index.search(Gated(np.zeros((1, 3)), np.zeros((1, 3), int)), 1)
        with pytest.raises(InputError, match="NaN"):
            index.search(Gated(np.full((1, 2), np.nan), np.zeros((1, 2), int)), 1)


class TestWeighTerms:
    @pytest.fixture
    def counts(self) -> np.ndarray:
        generator = np.random.default_rng(4)
        counts = generator.integers(1, 6, (200, 20)) * (generator.random((200, 20)) < 0.5 / np.arange(1, 21))
        counts[7] = 0
        return counts.astype(float)

    @pytest.mark.parametrize("similarity", [LuceneBM25(), AtireBM25(), RobertsonBM25()])
    def test_the_inner_product_is_the_similarity_s_score(self, counts, similarity, tmp_path):
        fitted, transform = WeighTerms(similarity), WeighTerms(similarity)
        fitted.fit(sparse(counts))
        fitted.save(tmp_path)
        transform.load(tmp_path)
        own, given = InvertedIndex(Dot()), InvertedIndex(similarity)
        blocks = [transform.documents(sparse(counts)[i : i + 50]) for i in range(0, 200, 50)]
        vectors = Store(tmp_path).vectors("key", Sparse, lambda i: iter(blocks[i:]), 50)
        own.build(vectors)
        given.build(sparse(counts))
        queries = sparse((counts[:30] != 0).astype(float))  # each term once: Lucene multiplies before it rounds
        expected, hits = given.search(queries, 200), own.search(transform.queries(queries), 200)
        # a term of no weight (Robertson's frequent ones) is not in the vectors, so it alone makes no hit
        np.testing.assert_allclose(hits.scores, np.where(expected.scores == 0, -np.inf, expected.scores), rtol=1e-6)

    def test_absent_terms_misuse_and_unknown_terms(self, counts):
        transform = WeighTerms(LuceneBM25())
        with pytest.raises(InputError, match="before fit"):
            transform.documents(sparse(counts))
        transform.fit(sparse(counts))
        with pytest.raises(InputError, match="other documents"):
            transform.documents(sparse(np.array([[1.0]]), ["nowhere"]))
        with pytest.raises(InputError, match="absent"):
            WeighTerms(BM25Plus()).fit(sparse(counts))
