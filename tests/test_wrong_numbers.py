"""A wrong number cannot pass: each way to a wrong number is tried, and each is stopped by its own message."""

from __future__ import annotations

import gzip
import json
import random
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from ir_bench.claims.kept import Kept
from ir_bench.claims.paper_table import Cell, PaperTable, Source
from ir_bench.claims.quantities.difference import difference
from ir_bench.claims.reproduction import reproduce
from ir_bench.claims.values import ranks
from ir_bench.claims.verdict import NOT_MEASURED, Outcome
from ir_bench.cli import experiments
from ir_bench.cli.run import measure_cell
from ir_bench.datasets.named import Named
from ir_bench.errors import InputError
from ir_bench.evaluation import measures
from ir_bench.evaluation.audit import AuditFailure, audit
from ir_bench.evaluation.averages import average, members
from ir_bench.evaluation.measured import StaleResult, read_measured
from ir_bench.evaluation.measures import evaluate
from ir_bench.evaluation.trec import read_run, write_run
from ir_bench.fingerprint import fingerprint
from ir_bench.harness import MEASURES, Harness
from ir_bench.store import Store
from ir_bench.types import Corpus, Dataset, Document, Qrels, Queries, Run

QUERIES = {f"q{i}": f"word{i}" for i in range(12)}


def grades() -> dict[str, dict[str, int]]:
    drawn = random.Random(1)
    return {query: {f"d{j}": drawn.choice([0, 1, 1, 2]) for j in drawn.sample(range(60), 20)} for query in QUERIES}


@dataclass
class Random:
    """A retriever whose scores are random, the same each time, with ties."""

    ids: Sequence[str] = field(default=(), init=False)

    def build(self, corpus: Corpus, store: Store) -> None:
        self.ids = list(store.strings(["ids", corpus.identity], lambda: [document.id for document in corpus]))

    def search(self, queries: Queries, k: int) -> Run:
        return Run.of({q: {d: round(random.Random(q + d).random(), 1) for d in self.ids} for q in queries}, k)


@pytest.fixture
def run() -> Run:
    scores = {q: {f"d{j}": round(random.Random(f"{q}d{j}").random(), 1) for j in range(60)} for q in QUERIES}
    return Run.of(scores)


@pytest.fixture
def qrels() -> Qrels:
    return grades()


# --- an off-by-one metric -------------------------------------------------------------------------------------------

Score = Callable[[Run, Qrels, Any, Any], Iterator[tuple[Any, str, float]]]


def other_cutoff(kind: str, by: int) -> Callable[[Score], Score]:
    """The evaluation with kind@k taken at k + by, everywhere: under the name asked for, in the audit's own look too."""

    def wrong(score: Score) -> Score:
        def scored(run: Run, qrels: Qrels, block: Any, wanted: Any) -> Iterator[tuple[Any, str, float]]:
            asked: dict[Any, list[Any]] = {}
            for measure in wanted:
                cutoff = measure.params.get("cutoff", 0)
                off = kind == measure.NAME and cutoff + by > 0 and cutoff
                made = type(measure)(**{**measure.params, "cutoff": cutoff + by}) if off else measure
                asked.setdefault(made, []).append(measure)
            for measure, query, value in score(run, qrels, block, list(asked)):
                for name in asked[measure]:
                    yield name, query, value

        return scored

    return wrong


def ranks_from(first: int) -> Callable[[Score], Score]:
    """The evaluation with ranks that do not start at 1, for all measures alike."""

    def wrong(score: Score) -> Score:
        def scored(run: Run, qrels: Qrels, block: Any, wanted: Any) -> Iterator[tuple[Any, str, float]]:
            def moved(query: str) -> dict[str, float]:
                documents = ["none", *run[query].documents] if first == 2 else run[query].documents[1:]
                return {document: -float(rank) for rank, document in enumerate(documents)}

            yield from score(Run.of({query: moved(query) for query in run}), qrels, block, wanted)

        return scored

    return wrong


OFF_BY_ONE = [
    (other_cutoff("nDCG", 1), "by definition", "nDCG@10"),
    (other_cutoff("nDCG", -1), "by definition", "nDCG@10"),
    (other_cutoff("R", 1), "by definition", "R@1"),
    (other_cutoff("R", -1), "by definition", "R@10"),
    (other_cutoff("P", 1), "RR@1 = P@1 = Success@1", "P@1"),
    (other_cutoff("P", -1), "by definition", "P@10"),
    (other_cutoff("RR", 1), "RR@1 = P@1 = Success@1", "RR@1"),
    (other_cutoff("Success", 1), "RR@1 = P@1 = Success@1", "Success@1"),
    (other_cutoff("Success", -1), "by definition", "Success@"),
    (ranks_from(0), "by definition", ""),
    (ranks_from(2), "by definition", ""),
]


@pytest.mark.parametrize(("wrong", "identity", "name"), OFF_BY_ONE)
def test_an_off_by_one_metric_stops_the_evaluation(
    run: Run, qrels: Qrels, monkeypatch: pytest.MonkeyPatch, wrong: Callable[[Score], Score], identity: str, name: str
) -> None:
    audit(run, qrels, evaluate(run, qrels, MEASURES))  # sound before
    monkeypatch.setattr(measures, "_score", wrong(measures._score))
    with pytest.raises(AuditFailure, match="the scores cannot be right") as raised:
        audit(run, qrels, evaluate(run, qrels, MEASURES))
    assert raised.value.identity == identity
    assert name in raised.value.happened
    assert raised.value.query in QUERIES


def tiny() -> Dataset:
    documents = [Document(f"d{j}", "text") for j in range(60)]
    corpus = Corpus("tiny", "tiny-1", lambda: iter(documents), len(documents))
    return Dataset("tiny", lambda: corpus, lambda: QUERIES, grades)


def test_an_off_by_one_metric_leaves_no_scores_behind(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = Harness(tmp_path, store, k=20, latency_queries=1)
    monkeypatch.setattr(measures, "_score", other_cutoff("nDCG", 1)(measures._score))
    with pytest.raises(AuditFailure, match=r"audit 'by definition', query 'q0': nDCG@10 is 0\.\d+\nExpected: 0\.\d+"):
        harness.cell(Random(), tiny(), "random")
    assert not list(tmp_path.rglob("scores.json"))


# --- a shuffled run -------------------------------------------------------------------------------------------------


def test_a_run_file_with_shuffled_lines_has_the_same_scores(run: Run, qrels: Qrels, tmp_path: Path) -> None:
    write_run(run, tmp_path / "run.txt", "x")
    lines = (tmp_path / "run.txt").read_text().splitlines(keepends=True)
    (tmp_path / "shuffled.txt").write_text("".join(random.Random(0).sample(lines, len(lines))))
    shuffled = read_run(tmp_path / "shuffled.txt")
    assert [*shuffled] != [*run]
    assert evaluate(shuffled, qrels, MEASURES) == evaluate(run, qrels, MEASURES)


def permuted(run: Run) -> Run:
    """Scores handed to other documents of the same query."""
    drawn = random.Random(0)
    scored = {}
    for query, documents in run.scored().items():
        scored[query] = dict(zip(drawn.sample([*documents], len(documents)), documents.values(), strict=True))
    return Run.of(scored)


def test_scores_of_another_order_of_the_documents_are_not_those_of_the_run(run: Run, qrels: Qrels) -> None:
    with pytest.raises(AuditFailure, match=r"audit 'same scores after shuffling', query 'q0': nDCG@10 is 0\.\d+"):
        audit(permuted(run), qrels, evaluate(run, qrels, ["nDCG@10"]))


def test_scores_moved_without_ranking_again_are_no_ranking(run: Run, qrels: Qrels) -> None:
    ranking = run["q3"]
    ends_exchanged = ranking.scores[[-1, *range(1, len(ranking) - 1), 0]]
    moved = Run({**run.rankings, "q3": replace(ranking, scores=ends_exchanged)})
    with pytest.raises(AuditFailure, match=r"audit 'scores never rise', query 'q3'"):
        audit(moved, qrels, evaluate(moved, qrels, MEASURES))


@pytest.mark.parametrize("name", ["run.trec.gz", "top.trec.gz"])
@pytest.mark.parametrize("harm", ["lines shuffled", "scores permuted"])
def test_a_run_that_was_changed_in_its_folder_is_stale(folder: Path, harm: str, name: str) -> None:
    if name == "top.trec.gz":
        (folder / "run.trec.gz").unlink()  # as in committed results
    path = folder / name
    if harm == "lines shuffled":
        lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
        path.write_bytes(gzip.compress(b"".join(random.Random(0).sample(lines, len(lines)))))
    else:
        write_run(permuted(read_run(path)), path, "bm25")
    with pytest.raises(StaleResult, match=rf"{re.escape(name)} is not the run that scores\.json was made from"):
        read_measured(folder)


# --- a results folder of a real command, over a collection in a folder ----------------------------------------------


@pytest.fixture(scope="module")
def measured_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wrong-numbers")
    collection = place / "collection"
    (collection / "qrels").mkdir(parents=True)
    drawn = random.Random(2)
    words = [f"word{i}" for i in range(12)]
    lines = [json.dumps({"_id": f"d{j}", "text": " ".join(drawn.choices(words, k=6))}) for j in range(60)]
    (collection / "corpus.jsonl").write_text("\n".join(lines))
    (collection / "queries.jsonl").write_text("\n".join(json.dumps({"_id": q, "text": t}) for q, t in QUERIES.items()))
    judged = [f"{q}\t{d}\t{g}" for q, each in grades().items() for d, g in each.items()]
    (collection / "qrels" / "test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *judged, ""]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IR_BENCH_CACHE", str(place / "cache"))
        command = ["dataset=local", f"dataset.path={collection}", "retriever=bm25", "k=20", "latency_queries=1"]
        return measure_cell(command, place / "results").folder


@pytest.fixture
def folder(measured_folder: Path, tmp_path: Path) -> Path:
    """A copy of the results folder that a test may harm."""
    experiments._loaded.cache_clear()
    copy = tmp_path / "results" / "runs" / measured_folder.parent.name / measured_folder.name
    return Path(shutil.copytree(measured_folder, copy))


def made_from(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The folder as it would be, had it been measured with other settings or data: whole, under another fingerprint."""
    system = yaml.safe_load((folder / "system.yaml").read_text())
    change(system)
    key = fingerprint({name: value for name, value in system.items() if name not in ("name", "command")})
    other = folder.with_name(f"{system['name']}-{key}")
    folder.rename(other)
    (other / "system.yaml").write_text(yaml.safe_dump(system, sort_keys=False))
    scores = json.loads((other / "scores.json").read_text())
    (other / "scores.json").write_text(json.dumps({**scores, "fingerprint": key}))
    return other


def reproduced(results: Path, *cells: Cell) -> list[Outcome]:
    """The table of these cells, from results that are checked as `ir-bench reproduce` checks them."""
    source = Source("one", ("nDCG@10",), "primary", 4, "a/b")
    table = PaperTable("t", "T", {}, (source,), 0.0001, "because", (), (), {}, cells)
    kept = replace(experiments.kept(results), check=experiments.require_up_to_date)
    return reproduce(table, kept, lambda command: command, lambda command: "not measured yet")


def own_cell(folder: Path) -> Cell:
    return Cell("bm25", "local", {"nDCG@10": 0.5}, yaml.safe_load((folder / "system.yaml").read_text())["command"])


def test_an_untouched_folder_passes_every_check(folder: Path) -> None:
    (outcome,) = reproduced(folder.parents[2], own_cell(folder))
    assert outcome.ours == pytest.approx(json.loads((folder / "scores.json").read_text())["measures"]["nDCG@10"])
    assert ranks(read_measured(folder))


# --- truncated judgments --------------------------------------------------------------------------------------------


def test_truncated_judgments_of_a_published_set_are_refused(
    measured_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = Path(shutil.copytree(measured_folder.parents[3] / "collection", tmp_path / "data" / "tiny"))
    monkeypatch.setenv("IR_BENCH_DATA", str(tmp_path / "data"))
    source = Named(name="tiny", folders=["tiny"], judgments={"test": 240})
    assert len(source.load().qrels) == 12
    qrels = place / "qrels" / "test.tsv"
    qrels.write_text("".join(qrels.read_text().splitlines(keepends=True)[:-5]))
    with pytest.raises(InputError, match=r"test\.tsv holds 235 judgments of split 'test'") as raised:
        _ = source.load().qrels
    assert raised.value.expected == "the 240 that tiny was published with"


def test_results_measured_with_other_judgments_are_stale(folder: Path, measured_folder: Path) -> None:
    qrels = measured_folder.parents[3] / "collection" / "qrels" / "test.tsv"
    whole = qrels.read_text()
    try:
        qrels.write_text("".join(whole.splitlines(keepends=True)[:-5]))
        with pytest.raises(StaleResult, match=r"measured with other settings or data: judgments: '\w+' when measured"):
            reproduced(folder.parents[2], own_cell(folder))
    finally:
        qrels.write_text(whole)


def test_systems_scored_with_different_judgments_are_not_compared(folder: Path) -> None:
    one = read_measured(folder)
    other = read_measured(made_from(folder, lambda system: system.update(judgments="0" * 12)))
    with pytest.raises(InputError, match="were measured with different judgments"):
        difference({"local": {"of": [one], "over": [other]}}, "nDCG@10", 0.95, 0)


# --- a hole in an average -------------------------------------------------------------------------------------------


def test_an_average_with_a_hole_is_refused() -> None:
    scores = dict.fromkeys(members("BEIR-13"), 0.5)
    assert average("BEIR-13", scores) == 0.5
    del scores["beir/nq"]
    with pytest.raises(InputError, match="BEIR-13 is not complete: 1 of 13 sets are missing: beir/nq"):
        average("BEIR-13", scores)
    with pytest.raises(InputError, match="no score of beir/nq"):
        average("BEIR-13", {**scores, "beir/nq": float("nan")})


def test_a_table_has_no_value_for_an_average_with_a_hole(folder: Path) -> None:
    """Twelve of thirteen sets: a mean over them would look like any other number."""
    runs = folder.parents[1]
    scores = json.loads((folder / "scores.json").read_text())
    for dataset in members("BEIR-13"):
        place = Path(shutil.copytree(folder, runs / dataset / folder.name))
        command = f"dataset={dataset} retriever=bm25"
        made_from(place, partial(dict.update, dataset=dataset, command=command))
    cell = Cell("bm25", "BEIR-13", {"nDCG@10": 0.5}, "retriever=bm25", "beir13")
    table = PaperTable("t", "T", {}, (Source("one", ("nDCG@10",), "primary", 4, ""),), 0.0001, "", (), (), {}, (cell,))

    def outcome() -> Outcome:
        return reproduce(table, Kept(runs), lambda command: command, lambda command: "not measured yet")[0]

    assert outcome().ours == pytest.approx(scores["measures"]["nDCG@10"], abs=1e-6)
    shutil.rmtree(runs / "beir" / "nq")
    assert (outcome().verdict, outcome().ours) == (NOT_MEASURED, None)
    assert outcome().reason == "the average is not complete: 1 of 13 are missing: beir/nq"


# --- a stale results folder -----------------------------------------------------------------------------------------


def test_settings_edited_in_a_folder_do_not_belong_to_its_scores(folder: Path) -> None:
    path = folder / "system.yaml"
    assert "k1: 0.9" in path.read_text()
    path.write_text(path.read_text().replace("k1: 0.9", "k1: 1.2"))
    told = r"the settings in system\.yaml have the fingerprint \w+, the scores belong to \w+"
    with pytest.raises(StaleResult, match=told):
        read_measured(folder)
    with pytest.raises(StaleResult, match=told):
        reproduced(folder.parents[2], own_cell(folder))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda system: system["retriever"]["index"]["similarity"].update(k1=1.2),
            r"retriever\.index\.similarity\.k1: 1\.2 when measured, 0\.9 now",
        ),
        (lambda system: system.update(k=1000), "k: 1000 when measured, 20 now"),
        (
            lambda system: system["rules"].update(relevance_threshold=2),
            r"rules\.relevance_threshold: 2 when measured, 1",
        ),
        (lambda system: system.update(queries="0" * 12), "queries: '000000000000' when measured"),
        (lambda system: system.update(split="dev"), "split: 'dev' when measured, 'test' now"),
    ],
)
def test_a_whole_folder_of_older_settings_or_data_is_stale(
    folder: Path, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    other = made_from(folder, change)
    read_measured(other)  # it is of one piece
    with pytest.raises(StaleResult, match=f"was measured with other settings or data: {told}"):
        reproduced(other.parents[2], own_cell(other))


def test_scores_of_queries_that_were_edited_do_not_give_the_mean(folder: Path) -> None:
    path = folder / "per_query.tsv.gz"
    header, first, *rest = gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)
    query, value, *others = first.split("\t")
    assert value != "1.0"
    path.write_bytes(gzip.compress("".join([header, "\t".join([query, "1.0", *others]), *rest]).encode()))
    with pytest.raises(
        StaleResult, match=r"scores\.json gives nDCG@10 0\.\d+, the queries in per_query\.tsv\.gz 0\.\d+"
    ):
        read_measured(folder)


def test_a_query_that_was_dropped_is_missed(folder: Path) -> None:
    path = folder / "per_query.tsv.gz"
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(lines[:-1])))
    with pytest.raises(StaleResult, match=r"nDCG@10 has 11 values for 12 queries"):
        read_measured(folder)


def test_a_mean_that_was_edited_does_not_follow_from_its_queries(folder: Path) -> None:
    path = folder / "scores.json"
    scores = json.loads(path.read_text())
    scores["measures"]["AP"] += 0.01
    path.write_text(json.dumps(scores))
    with pytest.raises(StaleResult, match=r"scores\.json gives AP 0\.\d+"):
        read_measured(folder)


def test_ranks_of_another_run_do_not_give_the_recall(folder: Path) -> None:
    path = folder / "ranks.tsv.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)
    lines[1] = lines[1].rsplit("\t", 1)[0] + "\t\n"  # as if nothing had been found
    path.write_bytes(gzip.compress("".join(lines).encode()))
    measured = read_measured(folder)
    with pytest.raises(StaleResult, match=r"ranks\.tsv\.gz gives R@100 0\.\d+, the scores say 0\.\d+"):
        ranks(measured)


def test_of_two_results_of_one_command_none_is_chosen(folder: Path) -> None:
    other = Path(shutil.copytree(folder, folder.with_name("bm25-older")))
    made_from(other, lambda system: system.update(corpus="0" * 12))
    with pytest.raises(StaleResult, match=r"two results were made by `ir-bench run dataset=local retriever=bm25"):
        reproduced(folder.parents[2], own_cell(folder))
