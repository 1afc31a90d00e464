"""The benchmark's own arithmetic and agreement checks; its figures are not asserted on."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ir_bench.benchmarks import bm25_engines as engines
from ir_bench.benchmarks.bm25 import bm25, markdown, ratios
from ir_bench.errors import InputError
from ir_bench.types import Corpus, Dataset, Document, Run, Sparse, Strings

ROWS = [
    {"collection": "c", "engine": "ours", "documents": 10, "peak_bytes": 100e6, "index_docs_per_s": 50.0},
    {"collection": "c", "engine": "peer", "documents": 10, "peak_bytes": 150e6, "index_docs_per_s": 20.0},
]


def test_above_one_is_in_our_favour_for_rates_and_for_memory():
    (row,) = ratios(ROWS)
    assert (row["index"], row["memory"], row["search 10"]) == ("2.5×", "1.5×", "")


def test_the_page_holds_tables_settings_and_versions():
    facts = {"date": "d", "processor": "p", "cores": 2, "python": "3", "packages": {"numpy": "2"}, "peers": {"x": "1"}}
    page = markdown(ROWS, facts, {"size": 0})
    assert "| c (10) | peer |  | 2.5× |" in page
    assert "150 MB" in page
    assert page.endswith("numpy 2, x 1\n")


def test_agreement_is_measured():
    assert engines.agree_closely(np.array([[1, -np.inf]]), np.array([[1.000001, 0]])) == "2 scores equal to 1e-5"
    assert engines.agree_closely(np.array([[1.0]]), np.array([[1.1]])) == "1 scores differ"
    run, other = Run.of({"q": {"a": 2.0, "b": 1.0}}), Run.of({"q": {"a": 2.0, "b": np.nextafter(np.float32(1), 2)}})
    assert engines.agree_exactly(run, run) == "2 hits equal: documents, ranks, float32 scores"
    assert engines.agree_exactly(run, other) == "1 of 1 rankings differ"


def test_bags_become_term_ids_and_change_their_numbers():
    bags = Sparse(
        np.array([1, 0, 1], np.int32), np.array([2, 1, 1], np.float32), np.array([0, 2, 2, 3]), Strings.of("ab")
    )
    assert engines.token_ids(bags) == [[1, 1, 0], [], [1]]
    renamed = engines.in_numbers_of(Strings.of("xb"), bags)
    assert [renamed.row(i) for i in range(3)] == [{"b": 2.0}, {}, {"b": 1.0}]


def test_nothing_to_measure_is_refused(tmp_path):
    with pytest.raises(InputError, match="nothing to measure"):
        bm25({}, tmp_path)


@pytest.mark.slow
@pytest.mark.lucene
def test_a_small_run_agrees_and_is_written(tmp_path, capsys):
    words = [f"word{i}" for i in range(50)]
    generator = np.random.default_rng(1)
    documents = [Document(f"d{i}", " ".join(generator.choice(words, 30)), "Title") for i in range(300)]
    queries = {f"q{i}": " ".join(generator.choice(words, 4)) for i in range(20)}
    corpus = Corpus("tiny", "tiny-1", lambda: iter(documents), len(documents))
    dataset = Dataset("tiny", lambda: corpus, lambda: queries, dict)
    rows = bm25({"tiny": dataset}, tmp_path, size=400, repeats=1)
    assert [(row["collection"], row["engine"]) for row in rows] == [
        (collection, engine) for collection in ("tiny", "recombined-400") for engine in ("ours", "bm25s", "pyserini")
    ]
    for row in rows:
        assert "equal" in row.get("agreement", "equal")
        assert row["together_docs_per_s"] > 0
    written = json.loads((tmp_path / "bench" / "bm25.json").read_text())
    assert written["rows"] == rows
    assert (tmp_path / "bench" / "bm25.md").exists()
    assert "above 1×" in capsys.readouterr().out
