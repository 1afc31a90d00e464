"""Which MTEB task has the corpus, queries and judgments of a dataset here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_FORUMS = (
    "android", "english", "gaming", "gis", "mathematica", "physics", "programmers", "stats", "tex", "unix",
    "webmasters", "wordpress",
)  # fmt: skip


@dataclass(frozen=True)
class Task:
    """The name of a task, and our split -> its split for those that it evaluates."""

    name: str
    splits: Mapping[str, str]


def _test(name: str) -> Task:
    return Task(name, {"test": "test"})


# All of them are in English, with nDCG@10 as main score (mteb 2.26).
TASKS: Mapping[str, Task] = {
    "beir/arguana": _test("ArguAna"),
    "beir/climate-fever": _test("ClimateFEVER"),
    "beir/dbpedia-entity": _test("DBPedia"),
    "beir/fever": _test("FEVER"),
    "beir/fiqa": _test("FiQA2018"),
    "beir/hotpotqa": _test("HotpotQA"),
    "beir/msmarco": Task("MSMARCO", {"dev": "dev"}),
    "beir/nfcorpus": _test("NFCorpus"),
    "beir/nq": _test("NQ"),
    "beir/quora": _test("QuoraRetrieval"),
    "beir/scidocs": _test("SCIDOCS"),
    "beir/scifact": _test("SciFact"),
    "beir/trec-covid": _test("TRECCOVID"),
    "beir/webis-touche2020": _test("Touche2020"),
    **{f"beir/cqadupstack/{forum}": _test(f"CQADupstack{forum.title()}Retrieval") for forum in _FORUMS},
    "msmarco-passage/trec-dl-2019/judged": Task("TRECDL2019", {"trec-dl-2019": "test"}),
    "msmarco-passage/trec-dl-2020/judged": Task("TRECDL2020", {"trec-dl-2020": "test"}),
}
