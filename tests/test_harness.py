"""One cell: what is written, what is reused, and how a dataset's rules change a run."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field, replace

import pytest
import yaml

from ir_bench.errors import InputError
from ir_bench.harness import Harness
from ir_bench.results import read_result
from ir_bench.types import Corpus, Dataset, Document, Rules, Run

TEXTS = {"d1": "a b", "d2": "a", "d3": "b", "q2": "c"}
QRELS = {"q1": {"d1": 2, "d3": 0}, "q2": {"d2": 1}, "q3": {"d1": 1}, "empty": {"d1": 1}}
QUERIES = {"q1": "a", "q2": "a c", "q3": "zzz", "empty": "  "}


@dataclass
class Overlap:
    """Counts shared words: a retriever small enough to check by hand."""

    boost: float = 1.0
    texts: dict = field(default_factory=dict, init=False, repr=False)
    searched: list = field(default_factory=list, init=False, repr=False)

    def build(self, corpus, store):
        store.strings(["ids", corpus.identity], lambda: [d.id for d in corpus])
        self.texts = {d.id: set(d.text.split()) for d in corpus}

    def search(self, queries, k):
        self.searched.append((list(queries), k))
        scored = {
            q: {
                d: self.boost * len(words & set(t.split())) for d, words in self.texts.items() if words & set(t.split())
            }
            for q, t in queries.items()
        }
        return Run.of(scored, k)


def dataset(**rules) -> Dataset:
    documents = [Document(i, t) for i, t in TEXTS.items()]
    corpus = Corpus("tiny", "tiny-1", lambda: iter(documents), len(documents))
    return Dataset("tiny", lambda: corpus, lambda: QUERIES, lambda: QRELS, Rules(**rules))


@pytest.fixture
def harness(tmp_path, store) -> Harness:
    return Harness(tmp_path / "results", store, k=3, measures=("nDCG@10", "R@100", "RR@10"), latency_queries=2)


def run_lines(folder):
    return gzip.decompress((folder / "run.trec.gz").read_bytes()).decode().split("\n")


def test_writes_the_results_tree(harness):
    result = harness.cell(Overlap(), dataset(), "overlap")
    assert {p.name for p in result.folder.iterdir()} == {
        "system.yaml", "scores.json", "per_query.tsv.gz", "cost.json", "environment.json", "run.trec.gz",
        "curves.json", "top.trec.gz", "ranks.tsv.gz",
    }  # fmt: skip
    assert result.folder.parent == harness.results / "runs" / "tiny"
    assert result.folder.name.startswith("overlap-")
    system = yaml.safe_load((result.folder / "system.yaml").read_text())
    assert system["retriever"] == {"class": "Overlap", "boost": 1.0}
    lines = run_lines(result.folder)
    assert lines[:2] == ["q1 Q0 d2 1 1 overlap", "q1 Q0 d1 2 1 overlap"]  # a tie: larger id first
    scores = json.loads((result.folder / "scores.json").read_text())
    # q1 finds d1 at rank 2: RR 1/2; q2 finds d2 at rank 2 (q2, d2 and d1 tie at one shared word: q2 > d2 > d1);
    # q3 finds nothing; the query without text counts as zero.
    assert scores["measures"]["RR@10"] == pytest.approx((1 / 2 + 1 / 2 + 0 + 0) / 4)
    assert scores["measures"]["R@100"] == pytest.approx(2 / 4)
    assert (scores["queries"], scores["missing_queries"], scores["facts"]["empty_queries"]) == (4, 2, 1)
    cost = json.loads((result.folder / "cost.json").read_text())
    assert cost["build"]["documents"] == 4
    assert cost["latency"]["queries"] == 2
    assert cost["latency"]["total_ms"]["p95"] >= cost["latency"]["total_ms"]["p50"] > 0
    assert cost["peak_memory_bytes"] > 0


def test_a_finished_cell_computes_nothing(harness):
    first = harness.cell(Overlap(), dataset(), "overlap")
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in first.folder.iterdir()}
    retriever = Overlap()
    again = harness.cell(retriever, dataset(), "overlap")
    assert retriever.searched == []
    assert again.reused
    assert not first.reused
    assert again.scores == first.scores
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in first.folder.iterdir()} == before


def test_force_measures_again(harness):
    harness.cell(Overlap(), dataset(), "overlap")
    retriever = Overlap()
    assert not replace(harness, force=True).cell(retriever, dataset(), "overlap").reused
    assert retriever.searched


def test_a_missing_file_is_made_from_the_run_on_disk(harness):
    folder = harness.cell(Overlap(), dataset(), "overlap").folder
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    for name in ("ranks.tsv.gz", "top.trec.gz"):
        (folder / name).unlink()
    retriever = Overlap()
    harness.cell(retriever, dataset(), "overlap")
    assert retriever.searched == []
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_a_new_measure_is_scored_from_the_run_on_disk(harness):
    harness.cell(Overlap(), dataset(), "overlap")
    retriever = Overlap()
    result = replace(harness, measures=("P@1",)).cell(retriever, dataset(), "overlap")
    assert retriever.searched == []
    assert result.scores["P@1"] == 0
    assert result.scores["RR@10"] == pytest.approx((1 / 2 + 1 / 2) / 4)  # what was scored before is kept


def test_a_misspelt_measure_is_told_before_anything_is_searched(harness):
    retriever = Overlap()
    with pytest.raises(InputError, match="nDGC@10"):
        replace(harness, measures=("nDGC@10",)).cell(retriever, dataset(), "overlap")
    assert retriever.searched == []
    assert not (harness.results / "runs").exists()


@pytest.mark.parametrize(
    "change",
    [{"boost": 2.0}, {"k": 2}, {"relevance_threshold": 2}, {"queries": {"q1": "b"}}, {"qrels": {"q1": {"d1": 1}}}],
)
def test_whatever_changes_results_is_another_cell(harness, change):
    first = harness.cell(Overlap(), dataset(), "overlap")
    data = dataset(**{k: v for k, v in change.items() if k == "relevance_threshold"})
    if "queries" in change:
        data = replace(data, load_queries=lambda: change["queries"])
    if "qrels" in change:
        data = replace(data, load_qrels=lambda: change["qrels"])
    other = replace(harness, k=change.get("k", 3)).cell(Overlap(change.get("boost", 1.0)), data, "overlap")
    assert other.folder != first.folder


@pytest.mark.parametrize("harm", ["run cut", "run gone", "scores gone", "scores of another cell"])
def test_a_damaged_result_is_measured_again(harness, harm):
    folder = harness.cell(Overlap(), dataset(), "overlap").folder
    if harm == "run cut":
        (folder / "run.trec.gz").write_bytes((folder / "run.trec.gz").read_bytes()[:-9])
    elif harm == "run gone":
        (folder / "run.trec.gz").unlink()
    elif harm == "scores gone":
        (folder / "scores.json").unlink()
    else:
        scores = json.loads((folder / "scores.json").read_text())
        (folder / "scores.json").write_text(json.dumps({**scores, "fingerprint": "0" * 12}))
    retriever = Overlap()
    result = harness.cell(retriever, dataset(), "overlap")
    assert retriever.searched
    assert result.scores["R@100"] == pytest.approx(2 / 4)


def test_own_documents_are_dropped_and_the_depth_stays(harness):
    retriever = Overlap()
    result = replace(harness, k=2).cell(retriever, dataset(exclude_self=True), "overlap")
    assert retriever.searched[1] == (["q1", "q2", "q3"], 3)  # one deeper
    scores = json.loads((result.folder / "scores.json").read_text())
    assert scores["facts"]["self_hits_dropped"] == 1
    lines = run_lines(result.folder)
    assert [line.split()[2] for line in lines if line.startswith("q2 ")] == ["d2", "d1"]


def test_committed_results_without_a_run_can_be_read_but_are_measured_anew(harness):
    folder = harness.cell(Overlap(), dataset(), "overlap").folder
    (folder / "run.trec.gz").unlink()
    assert read_result(folder) is None
    assert read_result(folder, need_run=False).scores["R@100"] == pytest.approx(2 / 4)


def test_a_damaged_results_file_is_a_clear_error(harness):
    folder = harness.cell(Overlap(), dataset(), "overlap").folder
    (folder / "cost.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        read_result(folder)


def test_no_query_with_text_is_an_error_and_leaves_no_folder(harness):
    data = replace(dataset(), load_queries=lambda: {"q1": " "})
    with pytest.raises(InputError, match="no query with text"):
        harness.cell(Overlap(), data, "overlap")
    assert not (harness.results / "runs").exists()


def test_the_mean_of_a_group_is_over_its_members(harness):
    other = replace(dataset(), name="other", load_qrels=lambda: {"q1": {"d2": 1}})
    result = harness.group(Overlap(), "both", {"tiny": dataset(), "other": other}, "overlap")
    assert result.scores["RR@10"] == pytest.approx((1 / 4 + 1) / 2)
    assert json.loads((result.folder / "mean.json").read_text())["members"].keys() == {"tiny", "other"}
