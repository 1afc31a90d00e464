"""The benchmark's own arithmetic and agreement checks; its figures are not asserted on."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import pytest
import torch

from ir_bench.benchmarks import multi_vector_engines as engines
from ir_bench.benchmarks.multi_vector import (
    PARTS,
    _cut,
    _hits,
    _interpreter,
    _of_peer,
    _quality,
    _recombined,
    _write,
    first,
    markdown,
    multi_vector,
    tables,
)
from ir_bench.errors import InputError
from ir_bench.store import Store
from ir_bench.transforms.token_pool import TokenPool
from ir_bench.types import Corpus, Dataset, Dense, Document, Hits, MultiVector

ROWS = [
    {"collection": "c", "part": "rerank", "engine": "short ours int8", "queries_per_s": 50.0, "overlap_10": 1.0},
    {"collection": "c", "part": "rerank", "engine": "short padded torch", "queries_per_s": 20.0},
    {"collection": "c", "part": "rerank", "engine": "long padded torch", "queries_per_s": 1.0},
    {"collection": "c", "part": "scan", "engine": "short blocks float32", "single_queries_per_s": 90.0},
    {"collection": "c", "part": "scan", "engine": "short flat", "single_queries_per_s": 60.0},
    {"collection": "c", "part": "scan", "engine": "short faiss flat", "single_queries_per_s": 20.0},
    {"collection": "c", "part": "pool", "engine": "ours", "docs_per_s": 60.0, "tokens_kept": 1200},
    {"collection": "c", "part": "pool", "engine": "PyLate's formula", "docs_per_s": 15.0, "tokens_kept": 1200},
    {"collection": "c", "part": "encode", "engine": "ours float32", "docs_per_s": 900.0},
    {"collection": "c", "part": "encode", "engine": "fastembed", "docs_per_s": 30.0},
    {"collection": "c", "part": "encode", "engine": "muvera-python", "failed": "no result after 9 s"},
    {"collection": "c", "part": "search", "engine": "fast-plaid", "failed": "no such thing"},
]


def tokens(lengths: list[int], seed: int = 0) -> MultiVector:
    values = np.random.default_rng(seed).standard_normal((sum(lengths), 8)).astype(np.float16)
    return MultiVector(values, np.cumsum([0, *lengths]))


def test_rates_are_compared_with_the_base_of_the_same_queries_and_with_each_peer():
    found = tables(ROWS)
    assert [row["queries/s ×"] for row in found["rerank"]] == ["2.5×", "1.0×", "1.0×"]
    assert [row["× fastembed"] for row in found["encode"]] == ["30.0×", "1.0×", ""]
    assert [row["single ×"] for row in found["scan"]] == ["1.5×", "1.0×", "0.3×"]
    assert [row["single × faiss flat"] for row in found["scan"]] == ["4.5×", "3.0×", "1.0×"]
    assert [row["documents/s ×"] for row in found["pool"]] == ["4.0×", "1.0×"]
    assert found["search"][0]["failed"] == "no such thing"
    facts = {"date": "d", "processor": "p", "cores": 2, "python": "3", "packages": {"numpy": "2"}, "peers": {"x": "1"}}
    page = markdown(ROWS, facts, {"size": 0})
    assert "| c | short ours int8 | 50.0 | 2.5× | 1.000 |" in page
    assert page.endswith("numpy 2, x 1\n")


def test_the_recombined_collection_is_spans_of_its_sources_and_seeded():
    sources = [(tokens([100, 60], 1), tokens([3], 2)), (tokens([80], 3), tokens([2, 4], 4))]
    documents, queries = _recombined(sources, 20, 5)
    assert (len(documents), len(queries), len(queries.values)) == (20, 3, 9)
    pool = _cut(np.concatenate([d.values for d, _ in sources])).tobytes()
    for i in range(20):
        assert documents.row(i).tobytes() in pool
    wide = np.random.default_rng(0).standard_normal((70, 200))
    cut = _recombined([(MultiVector(wide, np.array([0, 70])), MultiVector(wide[:2], np.array([0, 2])))], 1, 0)
    for vectors in cut:
        np.testing.assert_allclose(np.linalg.norm(vectors.values, axis=1), 1)
        assert vectors.values.shape[1] == 128
    np.testing.assert_allclose(cut[1].values[0], wide[0, :128] / np.linalg.norm(wide[0, :128]), rtol=1e-5)
    np.testing.assert_array_equal(_recombined(sources, 20, 5)[0].values, documents.values)


def test_pylates_formula_pools_as_ours_by_rows():
    values = np.random.default_rng(0).standard_normal((41, 8)).astype(np.float32)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    ours = TokenPool(2, renormalise=False, distances="rows").documents(MultiVector(values, np.array([0, 41]))).values
    theirs = engines._pooled_like_pylate(torch.from_numpy(values)).numpy()
    assert len(ours) == len(theirs) == 21
    assert (np.abs(ours[:, None] - theirs).max(-1).min(1) < 1e-5).all()


def test_long_queries_are_spans_of_documents():
    found = engines.long_queries(tokens([10, 40, 33]), 4)
    assert np.diff(found.offsets).tolist() == [engines.LONG] * 4
    assert len(engines.long_queries(tokens([10]), 4)) == 0


def test_hits_of_a_peer_are_padded():
    hits = _hits([[[4, 2.5]], []])
    assert hits.rows[:, :2].tolist() == [[4, -1], [-1, -1]]
    assert hits.scores[0, 0] == 2.5


def test_a_peer_that_fails_says_why(tmp_path):
    assert _interpreter("fastembed", ["/bin/false"]) is None
    assert (
        "No such file" in _of_peer(sys.executable, "muvera-python", tmp_path)["failed"]
        or "No module" in _of_peer(sys.executable, "muvera-python", tmp_path)["failed"]
    )


def test_a_peer_without_a_result_in_time_is_ended_with_what_it_has_started(tmp_path, monkeypatch):
    hangs = tmp_path / "hangs.py"
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    hangs.write_text(child)
    monkeypatch.setattr("ir_bench.benchmarks.multi_vector.peers.__file__", str(hangs))
    start = time.perf_counter()
    assert _of_peer(sys.executable, "fast-plaid", tmp_path, 0.5) == {"failed": "no result after 0.5 s"}
    assert time.perf_counter() - start < 20


def test_the_quality_of_the_first_queries_is_theirs_alone(tmp_path):
    hits = Hits(np.array([[0, 5], [7, 1]]), np.array([[2.0, 1], [2, 1]]))
    ranked = 1 / np.log2(3)  # the second of two
    assert _quality(dataset(), hits, Store(tmp_path)) == pytest.approx((1 + ranked) / 2)


def test_what_is_measured_is_written_after_each_collection(tmp_path, monkeypatch):
    def measured(name, *rest):
        if name == "second":
            raise RuntimeError("killed")
        return [{"collection": name, "part": "encode", "engine": "ours float32", "docs_per_s": 1.0}]

    monkeypatch.setattr("ir_bench.benchmarks.multi_vector._measure", measured)
    with pytest.raises(RuntimeError, match="killed"):
        multi_vector({"first": dataset(), "second": dataset()}, Words(), Store(tmp_path), tmp_path, size=0)
    rows = json.loads((tmp_path / "bench" / "multi-vector.json").read_text())["rows"]
    assert [(row["collection"], row["engine"]) for row in rows] == [("first", "ours float32"), ("first", "ours")]


@dataclass
class Words:
    """A random vector for each word."""

    produces: ClassVar[type] = MultiVector

    def fit(self, corpus: Corpus) -> None: ...

    def encode_documents(self, texts) -> MultiVector:
        found = self.encode_queries(texts)
        return MultiVector(found.values.astype(np.float16), found.offsets)

    def encode_queries(self, texts) -> MultiVector:
        rows = [
            [np.random.default_rng(len(w) * 1000 + ord(w[0])).standard_normal(16) for w in t.split()] for t in texts
        ]
        values = np.array([v for row in rows for v in row], np.float32).reshape(-1, 16)
        values /= np.linalg.norm(values, axis=1, keepdims=True)
        return MultiVector(values, np.cumsum([0, *map(len, rows)]))


@dataclass
class OneVector:
    produces: ClassVar[type] = Dense


def dataset() -> Dataset:
    random = np.random.default_rng(1)
    words = [c * n for c in "abcdefgh" for n in range(1, 9)]
    documents = [Document(f"d{i}", " ".join(random.choice(words, random.integers(0, 50)))) for i in range(120)]
    queries = {f"q{i}": " ".join(random.choice(words, 4)) for i in range(12)}
    corpus = Corpus("tiny", "tiny-1", lambda: iter(documents), len(documents))
    return Dataset("tiny", lambda: corpus, lambda: queries, lambda: {q: {f"d{i}": 1} for i, q in enumerate(queries)})


def test_the_first_passages_of_a_larger_collection_are_one_of_their_own():
    corpus = dataset().corpus
    assert first(corpus, 120) == (corpus, True)
    some, whole = first(corpus, 7)
    assert [d.id for d in some] == [d.id for d in some] == [f"d{i}" for i in range(7)]  # as often as asked
    assert not whole
    assert some.size == 7
    assert some.identity != corpus.identity


def test_nothing_to_measure_is_refused(tmp_path):
    with pytest.raises(InputError, match="nothing to measure"):
        multi_vector({}, Words(), Store(tmp_path), tmp_path)
    with pytest.raises(InputError, match="OneVector gives Dense"):
        multi_vector({"tiny": dataset()}, OneVector(), Store(tmp_path), tmp_path)


@pytest.mark.slow
def test_a_small_run_agrees_and_is_written(tmp_path, capsys):
    rows = multi_vector({"tiny": dataset()}, Words(), Store(tmp_path), tmp_path, size=150, repeats=1)
    assert {row["collection"] for row in rows} == {"tiny", "recombined-150"}
    for row in rows:
        if row["part"] == "rerank" and not any(name in row["engine"] for name in ("int8", "PyLate", "alone")):
            assert row["largest_error"] < 0.05
        if row["part"] == "scan" and row["engine"].endswith("float32"):
            assert row["largest_difference"] < 1e-5
        if row["part"] == "search" and row["collection"] == "tiny":
            assert 0 <= row["nDCG@10"] <= 1
    written = json.loads((tmp_path / "bench" / "multi-vector.json").read_text())
    assert written["rows"] == sorted(rows, key=lambda row: PARTS.index(row["part"]))
    assert "queries per second" in capsys.readouterr().out


def test_the_arithmetic_alone_is_that_of_loops_over_all_pairs_and_regions(tmp_path, monkeypatch):
    """With a clock by which everything takes a second, the rates are those of the operations counted."""
    monkeypatch.setattr(engines, "use_one_core", lambda: None)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    monkeypatch.setattr(engines, "take_turns", lambda work, repeats: dict.fromkeys(work, 1.0))
    dims, random = 24, np.random.default_rng(0)
    documents, queries = (
        MultiVector(random.standard_normal((sum(lengths), dims)).astype(kind), np.cumsum([0, *lengths]))
        for lengths, kind in (([40, 33, 1, 0, 35], np.float16), ([3, 5], np.float32))
    )
    _write(tmp_path, documents, queries)
    large = 2 * 2048 * dims * 512  # operations of the product that the others are compared with
    found = engines.rerank(tmp_path, 1)
    pairs = sum(len(queries.row(q)) * len(documents.row(d)) for q in range(2) for d in range(5))  # all are candidates
    assert found["short arithmetic alone"]["queries_per_s"] == pytest.approx(2 * large / (2 * dims * pairs))

    planes = engines.FixedDimensionalEncoding()._matrices(dims)[0]  # of 20 repetitions, 5 each; 16 columns
    products = 0
    for d in range(5):
        for repetition in range(20):
            sides = documents.row(d).astype(np.float32) @ planes[:, repetition * 5 : repetition * 5 + 5] > 0
            products += 5 * len(sides) + 16 * len({tuple(side) for side in sides.tolist()})
    assert engines.encode(tmp_path, 1)["arithmetic alone"] == pytest.approx(5 * large / (2 * dims * products))


def test_some_parts_are_measured_again_and_the_others_stay(tmp_path, monkeypatch):
    def measured(name, folder, repeats, found, versions, timeout, parts):
        return [
            {"collection": name, "part": part, "engine": "ours", "queries_per_s": float(rate), "docs_per_s": 1.0}
            for part in parts
            if part != "query encoding"
        ]

    monkeypatch.setattr("ir_bench.benchmarks.multi_vector._measure", measured)
    measure = partial(multi_vector, {"first": dataset()}, Words(), Store(tmp_path), tmp_path, size=0)
    with pytest.raises(InputError, match=r"no .*multi-vector\.json"):
        measure(parts=["encode"])
    rate = 1
    measure()
    rate = 2
    measure(parts=["encode", "rerank"])
    data = json.loads((tmp_path / "bench" / "multi-vector.json").read_text())
    rates = {row["part"]: row["queries_per_s"] for row in data["rows"] if row["part"] != "query encoding"}
    assert rates == {"rerank": 2, "pool": 1, "scan": 1, "search": 1, "encode": 2}
    assert [row["part"] for row in data["rows"]] == list(PARTS)
    assert list(data["settings"]["measured again"]) == ["rerank", "encode"]
    with pytest.raises(InputError, match="has other settings: repeats"):
        measure(parts=["encode"], repeats=2)
    with pytest.raises(InputError, match="parts speed"):
        measure(parts=["speed"])
