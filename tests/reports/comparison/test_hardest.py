"""The queries on which two systems differ most, with their documents."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reports.comparison.made import FEW, random_results, result
from reports.exports.cells import QRELS, cell

from ir_bench.errors import InputError
from ir_bench.evaluation.measured import read_measured
from ir_bench.evaluation.trec import read_run
from ir_bench.reports.comparison.compare import compare
from ir_bench.reports.comparison.hardest import hardest_differences, pair_of_interest, with_texts
from ir_bench.reports.comparison.model import Found, Gap
from ir_bench.types import Corpus, Dataset, Document, Rules, Run

PAIR = ("one", "other")


def of_values(one, other, dataset="d"):
    return [result(dataset, "one", one), result(dataset, "other", other)]


def test_largest_absolute_difference_first():
    gaps = hardest_differences(of_values([0.1, 0.5, 0.9, 0.4], [0.2, 0.5, 0.1, 0.9]), PAIR, "nDCG@10")
    assert [gap.query for gap in gaps] == ["q2", "q3", "q0"]  # q1 does not differ
    assert gaps[0].values == {"one": 0.9, "other": 0.1}
    assert gaps[0].measure == "nDCG@10"


def test_ties_are_ordered_by_dataset_and_query_also_where_rounding_tells_them_apart():
    # 0.3 − 0.1, 0.4 − 0.2 and 0.2 − 0.0 are three different numbers near 0.2, and 0.1 + 0.2 is not 0.3
    values = [0.3, 0.4, 0.2, 0.1 + 0.2], [0.1, 0.2, 0.0, 0.3]
    results = of_values(*values, "b") + of_values(*values, "a")
    gaps = hardest_differences(results, PAIR, "nDCG@10")
    assert [(gap.dataset, gap.query) for gap in gaps] == [(d, f"q{i}") for d in "ab" for i in range(3)]
    assert hardest_differences(results, PAIR, "nDCG@10", 4) == gaps[:4]


def test_only_datasets_that_both_have():
    results = [*of_values([0.5], [0.4]), result("alone", "one", [1.0])]
    assert [gap.dataset for gap in hardest_differences(results, PAIR, "nDCG@10")] == ["d"]


def test_first_documents_are_shown_and_a_system_without_ranking_has_none():
    run = Run.of({"q0": {"a": 1, "b": 4, "c": 3, "d": 2}})
    one, other = of_values([0.5, 0.5], [0.1, 0.0])
    gaps = hardest_differences([replace(one, run=run), other], PAIR, "nDCG@10")
    assert [gap.query for gap in gaps] == ["q1", "q0"]
    assert gaps[1].found == {"one": [Found("b"), Found("c"), Found("d")]}
    assert gaps[0].found == {"one": []}  # the run does not answer this query


def test_documents_of_a_results_folder(tmp_path):
    worse = {"q1": {"d3": 2.0, "d2": 1.0}, "q2": {"d2": 1.0}}
    folders = [cell(tmp_path), cell(tmp_path, name="minilm", scored=worse, whole=False)]
    results = [read_measured(folder) for folder in folders]
    gaps = hardest_differences(results, ("bm25", "minilm"), "nDCG@10")
    assert {gap.query: [f.document for f in gap.found["bm25"]] for gap in gaps} == {
        "q1": ["d1", "d3"],
        "q2": ["d3", "d2"],
    }
    assert {gap.query: [f.document for f in gap.found["minilm"]] for gap in gaps} == {"q1": ["d3", "d2"], "q2": ["d2"]}


def test_the_ten_best_documents_are_read_where_they_are_kept_apart(tmp_path):
    folder = cell(tmp_path)
    (folder / "top.trec.gz").write_bytes((folder / "run.trec.gz").read_bytes())
    measured = read_measured(folder)
    (folder / "run.trec.gz").unlink()
    other = replace(measured, retriever="other", folder=None, per_query={"nDCG@10": {"q1": 0.0, "q2": 0.0}})
    gaps = hardest_differences([measured, other], ("bm25", "other"), "nDCG@10")
    head = read_run(folder / "top.trec.gz")
    assert [f.document for f in gaps[0].found["bm25"]] == head[gaps[0].query].documents
    (folder / "top.trec.gz").unlink()
    assert [gap.found for gap in hardest_differences([measured, other], ("bm25", "other"), "nDCG@10")] == [{}, {}]


def dataset(threshold: int = 1, name: str = "d") -> Dataset:
    documents = [
        Document("d1", "text of d1"),
        Document("d2", "x " * 80, title=" "),
        Document("d3", "text", "A\n title"),
    ]
    corpus = Corpus(name, "c", lambda: iter(documents))
    rules = Rules(relevance_threshold=threshold)
    return Dataset(name, lambda: corpus, lambda: {"q1": "what?"}, lambda: QRELS, rules)


def gap(dataset_: str = "d", query: str = "q1", *documents: str) -> Gap:
    return Gap(dataset_, query, "nDCG@10", {"one": 1.0, "other": 0.0}, {"one": [Found(d) for d in documents]})


def test_texts_and_judgments():
    (told,) = with_texts([gap("d", "q1", "d1", "d2", "d3", "unknown")], dataset(threshold=2))
    assert told.text == "what?"
    first, second, third, unknown = told.found["one"]
    assert first == Found("d1", "text of d1", grade=2, relevant=True)
    assert (second.grade, second.relevant) == (1, False)  # below the threshold
    assert second.text is not None
    assert (len(second.text), second.text[-1]) == (80, "…")
    assert third == Found("d3", "A title", grade=None, relevant=False)
    assert unknown == Found("unknown")


def test_gaps_of_other_datasets_stay_as_they_are():
    other = gap("e", "q1", "d1")
    assert with_texts([other, gap()], dataset())[0] == other
    assert with_texts([gap("d", "q9")], dataset())[0].text is None


def test_the_corpus_is_not_read_for_nothing_and_only_as_far_as_needed():
    read = []

    def documents():
        for name in ("d1", "d2", "d3"):
            read.append(name)
            yield Document(name, "text")

    data = replace(dataset(), load_corpus=lambda: Corpus("d", "c", documents))
    with_texts([gap("d", "q1"), gap("e", "q1", "d3")], data)
    assert read == []
    with_texts([gap("d", "q1", "d2")], data)
    assert read == ["d1", "d2"]


def test_the_pair_of_interest():
    results = random_results(("one", "two"))  # first < second < third
    every, against = (compare(results, ["nDCG@10"], base, permutations=FEW) for base in (None, "second"))
    assert pair_of_interest(every, "nDCG@10") == ("first", "second")
    assert pair_of_interest(against, "nDCG@10") == ("third", "second")
    with pytest.raises(InputError, match=r"AP was not compared\nExpected: one of: nDCG@10"):
        pair_of_interest(every, "AP")
