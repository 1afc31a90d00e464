"""faiss indexes at their exact limits, against the flat index, and away from them."""

from __future__ import annotations

import numpy as np
import pytest

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.fingerprint import fingerprint
from ir_bench.indexes import faiss_factory
from ir_bench.indexes.faiss_factory import FaissFactoryIndex
from ir_bench.indexes.flat import FlatIndex
from ir_bench.types import Dense, Hits

DOCUMENTS, QUERIES, DIMS = 2000, 50, 32


@pytest.fixture(scope="module")
def vectors() -> tuple[Dense, Dense]:
    """Unit vectors around 40 centres, as embeddings of a collection with topics are."""
    random = np.random.default_rng(3)
    centres = random.standard_normal((40, DIMS))
    d = centres[random.integers(0, 40, DOCUMENTS)] + 0.6 * random.standard_normal((DOCUMENTS, DIMS))
    q = d[:QUERIES] + 0.3 * random.standard_normal((QUERIES, DIMS))
    unit = [(x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32) for x in (d, q)]
    return Dense(unit[0]), Dense(unit[1])


@pytest.fixture(scope="module")
def exact(vectors) -> Hits:
    index = FlatIndex()
    index.build(vectors[0])
    return index.search(vectors[1], 10)


def search(vectors, k: int = 10, threads: int | None = 1, **settings) -> Hits:
    index = FaissFactoryIndex(**settings, threads=threads)  # one thread: k-means of several fights over a busy machine
    index.build(vectors[0])
    return index.search(vectors[1], k)


def recall(hits: Hits, exact: Hits) -> float:
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(hits.rows, exact.rows, strict=True)]))


@pytest.mark.parametrize(
    "settings",
    [
        {"factory": "Flat"},
        {"factory": "IVF8,Flat", "nprobe": 8},
        {"factory": "PQ8x4,RFlat", "k_factor": DOCUMENTS / 10},  # every document is rescored
        {"factory": "IVF8,PQ8x4,RFlat", "nprobe": 8, "k_factor": DOCUMENTS / 10},
    ],
    ids=lambda s: s["factory"],
)
def test_the_exact_limit_equals_the_flat_index(vectors, exact, settings):
    hits = search(vectors, **settings)
    assert (hits.rows == exact.rows).all()
    np.testing.assert_allclose(hits.scores, exact.scores, atol=1e-6)


def test_a_graph_searched_widely_finds_nearly_everything(vectors, exact):
    wide = search(vectors, factory="HNSW32,Flat", ef_construction=200, ef_search=DOCUMENTS)
    assert recall(wide, exact) > 0.999
    narrow = search(vectors, factory="HNSW4,Flat", ef_construction=8, ef_search=1)
    assert recall(narrow, exact) < 0.99


def test_fewer_lists_find_less(vectors, exact):
    recalls = [recall(search(vectors, factory="IVF64,Flat", nprobe=n), exact) for n in (1, 3, 64)]
    assert recalls[0] < recalls[1] <= recalls[2] == 1


def test_codes_find_less_and_rescoring_restores_it(vectors, exact):
    coded = search(vectors, factory="PQ8x4")
    assert recall(coded, exact) < 0.8
    rescored = search(vectors, factory="PQ8x4,RFlat", k_factor=20)
    assert recall(rescored, exact) > 0.99


def test_binary_codes_score_as_the_formula_by_float64(vectors):
    documents, queries = (v.values.astype(np.float64) for v in vectors)
    centre = documents.mean(axis=0)
    rest = documents - centre
    signs = np.where(rest > 0, 1.0, -1.0)
    shrunk = (rest**2).sum(axis=1) / (signs * rest).sum(
        axis=1
    )  # what a sign stands for: Gao and Long 2024, equation 20
    scores = (queries - centre) @ (signs * shrunk[:, None]).T + rest @ centre + (queries @ centre)[:, None]
    hits = search(vectors, factory="RaBitQ", query_bits=0)
    np.testing.assert_allclose(hits.scores, np.take_along_axis(scores, hits.rows, 1), atol=1e-5)
    np.testing.assert_allclose(hits.scores, -np.sort(-scores, axis=1)[:, :10], atol=1e-5)
    eight = search(vectors, factory="RR,RaBitQ", query_bits=8)
    assert recall(eight, search(vectors, factory="RR,RaBitQ", query_bits=0)) > 0.9


def test_more_bits_find_more(vectors, exact):
    recalls = [recall(search(vectors, factory=f), exact) for f in ("RR,RaBitQ", "RR,RaBitQ4", "SQ8")]
    assert 0.3 < recalls[0] < recalls[1] < recalls[2]
    assert recalls[2] > 0.97


@pytest.mark.parametrize(
    "settings",
    [
        {"factory": "RR,RaBitQ"},
        {"factory": "SQ8"},
        {"factory": "HNSW16,Flat", "ef_construction": 50, "ef_search": 64},
        {"factory": "IVF16,PQ8x4", "nprobe": 5},
        {"factory": "PCA16,IVF16,PQ8x4,RFlat", "nprobe": 5, "k_factor": 4},
    ],
    ids=lambda s: s["factory"],
)
def test_a_saved_index_answers_the_same(vectors, tmp_path, settings):
    index, again = FaissFactoryIndex(**settings, threads=1), FaissFactoryIndex(**settings, threads=1)
    index.build(vectors[0])
    index.save(tmp_path)
    with cost.ledger() as notes:
        again.load(tmp_path)
    assert notes["index_bytes"] == (tmp_path / faiss_factory.FILE).stat().st_size
    ours, theirs = index.search(vectors[1], 10), again.search(vectors[1], 10)
    assert (ours.rows == theirs.rows).all()
    assert (ours.scores == theirs.scores).all()


def test_a_short_list_is_padded_last(vectors):
    hits = search(vectors, k=1000, factory="IVF32,Flat", nprobe=1)
    assert hits.rows.shape == (QUERIES, 1000)
    for rows, scores in zip(hits.rows, hits.scores, strict=True):
        found = int((rows >= 0).sum())
        assert 0 < found < 1000
        assert (rows[found:] == -1).all()
        assert (np.diff(scores[:found]) <= 0).all()
        assert len(set(rows[:found])) == found


def test_equal_scores_are_ordered_by_row():
    documents = np.tile(np.eye(4, dtype=np.float32), (10, 1))
    hits = search((Dense(documents), Dense(np.eye(4, dtype=np.float32)[:1])), k=40, factory="HNSW8,Flat")
    assert hits.rows[0, :10].tolist() == list(range(0, 40, 4))
    assert hits.rows[0, 10:].tolist() == [i for i in range(40) if i % 4]


def test_k_beyond_the_documents_gives_them_all():
    eye = Dense(np.eye(3, dtype=np.float32))
    assert search((eye, eye), k=10, factory="Flat").rows.tolist() == [[0, 1, 2], [1, 0, 2], [2, 0, 1]]


def test_any_number_format_and_memory_layout(vectors, exact):
    documents, queries = vectors
    strange = Dense(np.asfortranarray(documents.values.astype(np.float64)))
    hits = search((strange, Dense(queries.values[:, ::1].astype(np.float64))), factory="IVF8,Flat", nprobe=8)
    assert (hits.rows == exact.rows).all()


def test_documents_are_added_in_blocks(vectors, exact, monkeypatch):
    monkeypatch.setattr(faiss_factory, "ADDED_AT_ONCE", 300)
    assert (search(vectors, factory="Flat").rows == exact.rows).all()


def test_training_on_a_sample_depends_on_the_seed_alone(vectors):
    settings = {"factory": "IVF16,PQ8x4", "nprobe": 2, "training_rows": 700}
    first, second = (search(vectors, **settings, seed=5) for _ in range(2))
    assert (first.rows == second.rows).all()
    assert (first.scores == second.scores).all()
    assert (first.scores != search(vectors, **settings, seed=6).scores).any()


@pytest.mark.parametrize("factory", ["IVF64,PQ8x4", "PCA16,PQ8x4,RFlat"])
def test_training_on_few_documents_is_quiet(vectors, factory, capfd):
    search((vectors[0][:100], vectors[1]), factory=factory)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("factory", "needed"), [("PQ8", 256), ("IVF300,Flat", 300), ("IVF4,PQ8", 256)])
def test_too_few_documents_to_train_on(vectors, factory, needed):
    with pytest.raises(InputError, match=f"{factory}' cannot be trained on 100 documents") as caught:
        search((vectors[0][:100], vectors[1]), factory=factory)
    assert caught.value.expected.startswith(f"at least {needed} ")


@pytest.mark.parametrize("factory", ["", "no such index", "PQ7", "IVF8,Flat,nonsense"])
def test_a_factory_string_that_faiss_does_not_take(vectors, factory):
    with pytest.raises(InputError, match="faiss cannot make an index"):
        search(vectors, factory=factory)


@pytest.mark.parametrize(
    "settings",
    [{"nprobe": 4}, {"k_factor": 2.0}, {"ef_search": 9}, {"ef_construction": 9}, {"query_bits": 4}],
    ids=lambda s: next(iter(s)),
)
def test_a_setting_that_the_index_does_not_have(vectors, settings):
    with pytest.raises(InputError, match="no such setting"):
        search(vectors, factory="Flat", **settings)


def test_more_query_bits_than_there_are(vectors):
    with pytest.raises(InputError, match="query_bits is 9"):
        search(vectors, factory="RaBitQ", query_bits=9)


@pytest.mark.parametrize("k", [0, -1])
def test_k_below_one_is_an_error(vectors, k):
    with pytest.raises(InputError, match="number of hits"):
        search(vectors, k=k, factory="Flat")


def test_other_dimensions_are_an_error(vectors):
    with pytest.raises(InputError, match=f"queries have 4 dimensions, the documents {DIMS}"):
        search((vectors[0], Dense(np.eye(4, dtype=np.float32))), factory="Flat")


def test_search_before_build_is_an_error():
    with pytest.raises(InputError, match="before build"):
        FaissFactoryIndex("Flat").search(Dense(np.eye(3)), 1)


def test_threads_do_not_change_the_identity_and_are_given_back(vectors):
    import faiss

    assert fingerprint(FaissFactoryIndex("Flat", threads=1)) == fingerprint(FaissFactoryIndex("Flat"))
    before = faiss.omp_get_max_threads()
    search(vectors, factory="Flat", threads=1)
    assert faiss.omp_get_max_threads() == before


def test_visiting_more_lists_compares_more_documents_and_all_lists_compare_all():
    rng = np.random.default_rng(0)
    documents, queries = Dense(rng.normal(size=(600, 8))), Dense(rng.normal(size=(5, 8)))
    compared = []
    for nprobe in (1, 4, 16):
        index = FaissFactoryIndex("IVF16,Flat", nprobe=nprobe)
        index.build(documents)
        with cost.ledger() as notes:
            index.search(queries, 3)
        compared.append(notes["documents_compared"])
    assert compared[0] < compared[1] < compared[2] == 600 * 5
