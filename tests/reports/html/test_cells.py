"""Which results may be compared, and what the systems are called."""

from __future__ import annotations

from pathlib import Path

from ir_bench.evaluation.measured import Measured
from ir_bench.reports.html.cells import grouped


def measured(
    command: str, dataset: str = "a/set", folder: str = "x-0", queries: str = "q1 q2", **system: str
) -> Measured:
    retriever = command.split()[0].removeprefix("retriever=")
    per_query = {"AP": dict.fromkeys(queries.split(), 0.5)}
    known = {"queries": "1", "judgments": "2", "titles": "join", "corpus": "c" * 64, "rules": {}, **system}
    full = f"dataset={dataset} {command}"
    return Measured(dataset, retriever, per_query, command=full, folder=Path(folder), system=known)


def labels(*results: Measured) -> list[list[str]]:
    return [[cell.label for cell in group.cells] for group in grouped(results)]


def test_the_shortest_names_that_tell_the_systems_apart():
    assert labels(
        measured("retriever=bm25"),
        measured("retriever=bm25 retriever.index.similarity.k1=1.2 retriever.index.similarity.b=0.75"),
        measured("retriever=bm25 similarity@retriever.index.similarity=robertson"),
        measured("retriever=minilm retriever.index.factory='PCAR128,PQ32' index@retriever.index=pq k=10"),
    ) == [["bm25", "bm25 k1=1.2 b=0.75", "bm25 similarity=robertson", "minilm index=pq factory=PCAR128,PQ32 k=10"]]


def test_keys_that_end_alike_are_told_apart():
    command = "retriever=hybrid retriever.fusion.weights.bm25=0.2 retriever.fusion.lowest.bm25=0"
    assert labels(measured(command)) == [["hybrid weights.bm25=0.2 lowest.bm25=0"]]


def test_the_same_short_name_for_different_settings_is_written_out():
    one = measured("retriever=hybrid retriever.retrievers.a.k1=1")
    other = measured("retriever=hybrid retriever.retrievers.b.k1=1", folder="x-1")
    assert labels(one, other) == [["hybrid retriever.retrievers.a.k1=1", "hybrid retriever.retrievers.b.k1=1"]]


def test_the_same_command_twice_is_told_apart_by_fingerprint():
    assert labels(measured("retriever=bm25", folder="bm25-aa"), measured("retriever=bm25", folder="bm25-bb")) == [
        ["bm25 (aa)", "bm25 (bb)"]
    ]


def test_the_settings_of_the_dataset_are_no_part_of_a_name():
    assert labels(measured("retriever=bm25 dataset.titles=ignore +dataset.x=1")) == [["bm25"]]


def test_results_over_other_queries_or_judgments_are_another_group():
    groups = grouped(
        [
            measured("retriever=bm25"),
            measured("retriever=minilm"),
            measured("retriever=bm25", judgments="3"),
            measured("retriever=bm25", dataset="b/set"),
        ]
    )
    assert [group.label for group in groups] == [
        "a/set (queries 1, judgments 2, titles join, corpus cccccccc)",
        "a/set (queries 1, judgments 3, titles join, corpus cccccccc)",
        "b/set",
    ]
    assert [len(group.cells) for group in groups] == [2, 1, 1]
    assert grouped([measured("retriever=bm25"), measured("retriever=x", queries="q1 q3")])[1].label.endswith("#2")


def test_queries_in_another_order_are_the_same_group():
    groups = grouped([measured("retriever=bm25"), measured("retriever=x", queries="q2 q1")])
    assert [group.queries for group in groups] == [("q1", "q2")]
