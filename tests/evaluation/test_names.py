"""Names of measures: the grammar, the dataset's threshold, and errors that help."""

from __future__ import annotations

import ir_measures
import pytest

from ir_bench.errors import InputError
from ir_bench.evaluation.measures import parse
from ir_bench.types import Rules

DL = Rules(relevance_threshold=2)


@pytest.mark.parametrize(
    ("name", "measure"),
    [
        ("nDCG@10", ir_measures.nDCG @ 10),
        ("nDCG", ir_measures.nDCG),
        ("R@100", ir_measures.R @ 100),
        ("R@1000", ir_measures.R @ 1000),
        ("RR@10", ir_measures.RR @ 10),
        ("AP", ir_measures.AP),
        ("P@5", ir_measures.P @ 5),
        ("Success@5", ir_measures.Success @ 5),
        ("Judged@10", ir_measures.Judged @ 10),
        ("MRR@10", ir_measures.RR @ 10),
        (" IPrec@0.1 ", ir_measures.IPrec @ 0.1),
        ("nDCG(gains={0: 0, 1: 1, 2: 3})@10", ir_measures.nDCG(gains={0: 0, 1: 1, 2: 3}) @ 10),
        ("P(rel=2, judged_only=True)@5", ir_measures.P(rel=2, judged_only=True) @ 5),
    ],
)
def test_reads_the_grammar_of_ir_measures(name, measure):
    assert parse(name) == measure
    assert parse(name, Rules()) == measure


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("AP", "AP(rel=2)"),
        ("RR@10", "RR(rel=2)@10"),
        ("R@100", "R(rel=2)@100"),
        ("P@5", "P(rel=2)@5"),
        ("Success@5", "Success(rel=2)@5"),
        ("Rprec", "Rprec(rel=2)"),
        ("nDCG@10", "nDCG@10"),  # uses the grades
        ("Judged@10", "Judged@10"),
        ("AP(rel=3)", "AP(rel=3)"),  # the name says so itself
        ("AP(rel=1)", "AP"),
    ],
)
def test_the_threshold_of_the_dataset_reaches_binary_measures(name, printed):
    assert str(parse(name, DL)) == printed


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("ndcg@10", "did you mean nDCG@10"),
        ("NDGC@10", "did you mean nDCG@10"),
        ("Recal@100", "did you mean R@100"),
        ("ndcg_cut_10", "did you mean nDCG@10"),
        ("ndcg_cut.10", "did you mean nDCG@10"),
        ("recip_rank", "did you mean RR"),
        ("map", "did you mean AP"),
        ("Sucess@5", "did you mean Success@5"),
        ("qwertz", "https://ir-measur.es"),
        ("nDCG@", "for example nDCG@10"),
        ("nDCG@@10", "does not have the form"),
        ("", "does not have the form"),
        ("nDCG 10", "does not have the form"),
        ("P(5)", "does not have the form"),
        ("__import__('os').getcwd()", "does not have the form"),
        ("P@ten", "does not have the form"),
        ("P", "invalid param cutoff"),
        ("P@0.5", "invalid param cutoff"),
        ("P@0", "cutoff is 0"),
        ("R@-5", "cutoff is -5"),
        ("AP(rel=0)", "rel is 0"),
        ("AP(relevance=2)", "unsupported params"),
        ("NumRet", "is a count"),
        ("ERR_IA@10", "no installed package"),
    ],
)
def test_errors_say_what_was_meant(name, hint):
    with pytest.raises(InputError) as error:
        parse(name)
    assert hint in str(error.value)
    assert "nDCG@10, R@100" in str(error.value)
