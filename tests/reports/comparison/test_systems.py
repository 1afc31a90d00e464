"""What counts as one system, what it is called, and what may not be compared."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reports.comparison.made import result
from reports.exports.cells import BM25, cell

from ir_bench.errors import InputError
from ir_bench.evaluation.measured import Measured, read_measured
from ir_bench.reports.comparison.systems import require_same_data, settings_vary, systems


def of_settings(dataset: str, command: str, name: str = "bm25", **settings: object) -> Measured:
    return result(dataset, name, [0.5], command=f"dataset={dataset} retriever={name} {command}", system=settings)


def test_one_retriever_on_several_datasets_is_one_system():
    results = [result(d, r, [0.5]) for d in ("one", "two") for r in ("bm25", "minilm")]
    found = systems(results)
    assert {label: list(cells) for label, cells in found.items()} == {"bm25": ["one", "two"], "minilm": ["one", "two"]}


def test_the_order_is_that_of_the_results():
    found = systems([result("one", "z", [0.5]), result("one", "a", [0.5]), result("two", "z", [0.5])])
    assert list(found) == ["z", "a"]


def test_settings_are_named_after_the_last_words_of_what_was_set():
    found = systems(
        [
            of_settings("one", "", retriever={"k1": 0.9}),
            of_settings("one", "retriever.index.similarity.k1=1.2", retriever={"k1": 1.2}),
            of_settings("two", "retriever.index.similarity.k1=1.2 dataset.split=dev", retriever={"k1": 1.2}),
            of_settings("one", "similarity@retriever.index.similarity=bm25plus", retriever={"k1": 2}),
            of_settings("one", "+retriever.encoder.name='a b.c'", retriever={"k1": 3}),
        ]
    )
    assert list(found) == ["bm25", "bm25 k1=1.2", "bm25 similarity=bm25plus", "bm25 name='a b.c'"]
    assert list(found["bm25 k1=1.2"]) == ["one", "two"]


def test_settings_that_end_alike_are_named_by_more_words():
    found = systems(
        [
            of_settings("one", "retriever.lowest.bm25=0 retriever.weights.bm25=0.2", "hybrid", retriever={"k": 1}),
            of_settings("one", "retriever.weights.bm25=0.5", "hybrid", retriever={"k": 2}),
        ]
    )
    assert list(found) == ["hybrid lowest.bm25=0 weights.bm25=0.2", "hybrid weights.bm25=0.5"]


def test_a_name_that_settings_do_not_tell_apart_gets_the_fingerprint_or_a_number():
    same = {"retriever": {"k1": 0.9}}
    found = list(
        systems(
            [
                of_settings("one", "k=10", **same),
                of_settings("one", "", **same),
                of_settings("one", "", retriever={"k1": 1}),
            ]
        )
    )
    assert found[0] == "bm25 k=10"  # what is clear stays as it is
    assert [name.rpartition("-")[0] for name in found[1:]] == ["bm25", "bm25"]
    assert all(len(name.rpartition("-")[2]) == 6 for name in found[1:])
    assert list(systems([result("one", "run", [v]) for v in (0.1, 0.2)])) == ["run-1", "run-2"]


def test_no_result_is_lost_to_a_name_that_is_taken():
    results = [result("one", "run", [0.1]), result("one", "run", [0.2]), result("one", "run-2", [0.3])]
    assert [[r.means["nDCG@10"] for r in cells.values()] for cells in systems(results).values()] == [
        [0.1],
        [0.2],
        [0.3],
    ]
    assert list(systems(results)) == ["run-1", "run-2", "run-2 (2)"]


def test_the_same_folder_given_twice_counts_once(tmp_path):
    folder = cell(tmp_path)
    again = folder.parent / ".." / folder.parent.name / folder.name
    assert list(systems([read_measured(folder), read_measured(again)])) == ["bm25"]
    only = result("one", "run", [0.1])
    assert list(systems([only, only])) == ["run"]


def test_settings_of_folders_are_read(tmp_path):
    other = {**BM25, "ties": "trec_eval"}
    folders = [cell(tmp_path), cell(tmp_path, retriever=other), cell(tmp_path, "beir/nfcorpus", retriever=other)]
    found = systems([read_measured(folder) for folder in folders])
    assert sorted(len(cells) for cells in found.values()) == [1, 2]


def test_different_settings_on_different_datasets_are_noted():
    same, other = (of_settings(d, "", retriever={"k1": k1}) for d, k1 in (("one", 1), ("two", 2)))
    assert settings_vary("bm25", [same, same]) is None
    assert settings_vary("bm25", [same, other]) == "bm25 has different settings on different datasets"


WHOLE = {"corpus": "c", "queries": "q", "judgments": "j", "rules": {"exclude_self": False}}


@pytest.mark.parametrize("key", [*WHOLE, "split"])
def test_other_data_is_refused_by_name(key):
    one = result("d", "one", [0.5, 0.6], system=WHOLE)
    changed = {"split": "dev"} if key == "split" else {"system": {**WHOLE, key: "other"}}
    other = replace(one, retriever="other", **changed)
    with pytest.raises(InputError) as caught:
        require_same_data(systems([one, other]))
    assert caught.value.happened == f"one and other were not measured on the same data of d: different {key}"
    assert "same judged queries, judgments, corpus and rules" in caught.value.expected
    assert "measure both again" in caught.value.fix


@pytest.mark.parametrize(("queries", "words"), [(2, "1 query"), (4, "3 queries")])
def test_other_queries_are_counted(queries, words):
    cells = systems([result("d", "one", [0.5], system=WHOLE), result("d", "other", [0.5] * queries)])
    with pytest.raises(InputError, match=f"same data of d: {words} that only one of them has\n"):
        require_same_data(cells)


def test_everything_that_differs_is_named():
    one = result("d", "one", [0.5], system=WHOLE)
    other = result("d", "other", [0.5, 0.5], system={**WHOLE, "corpus": "x", "judgments": "y"})
    with pytest.raises(InputError, match="1 query that only one of them has; different corpus, judgments\n"):
        require_same_data(systems([one, other]))


def test_what_a_run_file_does_not_say_is_not_compared():
    require_same_data(systems([result("d", "one", [0.5], system=WHOLE), result("d", "run", [0.5])]))


def test_other_data_of_another_dataset_does_no_harm():
    require_same_data(systems([result("d", "one", [0.5], system=WHOLE), result("e", "other", [0.5], split="dev")]))
