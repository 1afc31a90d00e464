"""Every dataset configuration composes and makes a source; names, splits and rules are as the benchmarks have them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra.core.global_hydra import GlobalHydra

from ir_bench.datasets.group import DatasetGroup
from ir_bench.datasets.named import Named
from ir_bench.fingerprint import fingerprint
from ir_bench.protocols import DatasetSource

CONF = Path(__file__).resolve().parents[2] / "conf"
NAMES = sorted(p.relative_to(CONF / "dataset").with_suffix("").as_posix() for p in CONF.glob("dataset/**/*.yaml"))
BEIR_PUBLIC = [
    "trec-covid", "nfcorpus", "nq", "hotpotqa", "fiqa", "arguana", "webis-touche2020", "quora", "dbpedia-entity",
    "scidocs", "fever", "climate-fever", "scifact", "msmarco",
]  # fmt: skip
FORUMS = [
    "android", "english", "gaming", "gis", "mathematica", "physics", "programmers", "stats", "tex", "unix",
    "webmasters", "wordpress",
]  # fmt: skip
NEEDED = {"local": ["dataset.path=somewhere"], "ir_datasets": ["dataset.id=x"], "huggingface": ["dataset.id=x"]}


@pytest.fixture(scope="module", autouse=True)
def _hydra() -> Iterator[None]:
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        yield


@cache
def source(name: str, *settings: str) -> Any:
    config = hydra.compose(None, [f"+dataset={name}", *NEEDED.get(name, []), *settings])
    return hydra.utils.instantiate(config.dataset, _convert_="all")


def every_named() -> list[Named]:
    return [made for name in NAMES if isinstance(made := source(name), Named)]


@pytest.mark.parametrize("name", NAMES)
def test_it_makes_a_source(name: str) -> None:
    made = source(name)
    assert isinstance(made, DatasetSource)
    assert made.describe_source()  # type: ignore[attr-defined]
    fingerprint(made)  # settings are plain values
    if isinstance(made, Named):
        assert made.name == name
        assert made.folders[0] == name or name.startswith("msmarco-passage/")


def test_the_benchmarks_are_complete() -> None:
    expected = {f"beir/{name}" for name in [*BEIR_PUBLIC, "cqadupstack", "bioasq", "signal1m", "trec-news", "robust04"]}
    expected |= {f"beir/cqadupstack/{forum}" for forum in FORUMS}
    assert {name for name in NAMES if name.startswith("beir/")} == expected


def test_cqadupstack_has_twelve_forums() -> None:
    group = source("beir/cqadupstack")
    assert isinstance(group, DatasetGroup)
    assert list(group.members) == FORUMS
    assert [member.name for member in group.members.values()] == [f"beir/cqadupstack/{forum}" for forum in FORUMS]  # type: ignore[attr-defined]
    # 457,199 documents: Table 1 of the BEIR paper says 457,199.
    assert sum(member.documents for member in group.members.values()) == 457_199  # type: ignore[attr-defined]


def test_a_setting_of_one_forum() -> None:
    assert source("beir/cqadupstack", "dataset.members.android.titles=ignore").members["android"].titles == "ignore"


def test_a_split_is_one_word_away() -> None:
    assert source("beir/nfcorpus", "dataset.split=train").split == "train"
    assert source("beir/scifact", "dataset.rules.exclude_self=false").rules.exclude_self is False


@pytest.mark.parametrize("name", ["arguana", "quora", "fiqa", "scifact", "cqadupstack/android"])
def test_beir_drops_identical_ids_in_every_set(name: str) -> None:
    """EvaluateRetrieval.evaluate(ignore_identical_ids=True) is BEIR's default; Pyserini passes --remove-query."""
    assert source(f"beir/{name}").rules.exclude_self


@pytest.mark.parametrize("name", ["cranfield", "vaswani", "miracl-yo", "cacm", "msmarco-passage/dev/small"])
def test_unrelated_numberings_are_left_alone(name: str) -> None:
    assert not source(name).rules.exclude_self


def test_rules() -> None:
    assert source("msmarco-passage/dev/small").rules.main_measure == "RR@10"
    assert source("msmarco-passage/dev/small").rules.relevance_threshold == 1
    for year in (2019, 2020):
        rules = source(f"msmarco-passage/trec-dl-{year}/judged").rules
        assert (rules.relevance_threshold, rules.main_measure) == (2, "nDCG@10")
    assert source("cacm").rules.main_measure == "AP"
    assert source("beir/arguana").query_tokens == 512
    assert source("beir/msmarco").split == "dev"


def test_every_public_benchmark_can_be_downloaded_and_checked() -> None:
    for named in every_named():
        for download in named.downloads.values():
            assert all(url.startswith("https://") for url in download.urls)
            assert re.fullmatch("[0-9a-f]{32}", download.md5 or "")
            assert download.size_bytes
        public = named.name.startswith("msmarco-passage/") or named.name.split("/")[1:2] != []
        private = named.name in {f"beir/{name}" for name in ("bioasq", "signal1m", "trec-news", "robust04")}
        assert bool(named.downloads) == (public and not private), named.name
        assert bool(named.downloads) != bool(named.obtain), named.name
    # README of beir-cellar/beir, and the md5 of the file that the real NFCorpus of these tests was made from.
    assert source("beir/nfcorpus").downloads["archive"].md5 == "a89dba18a62ef92f7d323ec890a0d38d"


def test_checksums_and_counts_agree_with_ir_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IR_DATASETS_HOME", str(tmp_path))
    import json
    from importlib import resources

    known = json.loads((resources.files("ir_datasets") / "etc/downloads.json").read_text())
    md5s = {d["expected_md5"]: d["url"] for group in ("beir", "msmarco-passage") for d in known[group].values()
            if "expected_md5" in d}  # fmt: skip
    counts = json.loads((resources.files("ir_datasets") / "etc/metadata.json").read_text())
    for named in every_named():
        for download in named.downloads.values():
            assert download.urls[0] == md5s[download.md5 or ""]
        if named.downloads:
            key = named.name if named.name in counts and named.name.startswith("beir/") else "msmarco-passage"
            assert named.documents == counts[key]["docs"]["count"], named.name
