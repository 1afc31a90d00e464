"""BEIR's hub layout in a local folder, read by the datasets package itself; no network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ir_bench.datasets.huggingface import HuggingFace
from ir_bench.errors import InputError
from ir_bench.types import Document

CARD = """---
configs:
- config_name: corpus
  data_files: [{split: corpus, path: corpus.jsonl}]
- config_name: queries
  data_files: [{split: queries, path: queries.jsonl}]
---
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.setenv(name, "1")
    import datasets
    import huggingface_hub

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    folder = tmp_path / "owls"
    folder.mkdir()
    (folder / "README.md").write_text(CARD)
    write(
        folder / "corpus.jsonl",
        [
            {"_id": "007", "title": "Owls\u2028", "text": "hunt\u0085by night"},
            {"_id": "d2", "title": "", "text": "text"},
        ],
    )
    write(
        folder / "queries.jsonl", [{"_id": "01", "title": "", "text": "birds"}, {"_id": "2", "title": "", "text": "x"}]
    )
    qrels = tmp_path / "owls-qrels"
    qrels.mkdir()
    (qrels / "test.tsv").write_text("query-id\tcorpus-id\tscore\n01\t007\t2\n01\tNA\t0\n")
    (qrels / "train.tsv").write_text('query-id\tcorpus-id\tscore\n2\t"Weird_Al"_Yankovic\t1\n')
    return folder


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_bytes("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def test_the_hub_layout(repository: Path) -> None:
    dataset = HuggingFace(str(repository)).load()
    assert list(dataset.corpus) == [Document("007", "hunt\u0085by night", "Owls\u2028"), Document("d2", "text")]
    assert dataset.queries == {"01": "birds"}
    # Columns of digits, "NA" and quotes are ids, not numbers, gaps and quotations.
    assert dataset.qrels == {"01": {"007": 2, "NA": 0}}
    assert HuggingFace(str(repository), split="train").load().qrels == {"2": {'"Weird_Al"_Yankovic': 1}}
    assert dataset.name == dataset.corpus.name == "owls"


def test_the_corpus_is_known_by_its_content(repository: Path) -> None:
    first = HuggingFace(str(repository)).load().corpus.identity
    assert HuggingFace(str(repository)).load().corpus.identity == first
    write(repository / "queries.jsonl", [{"_id": "01", "text": "other"}])
    assert HuggingFace(str(repository)).load().corpus.identity == first
    write(repository / "corpus.jsonl", [{"_id": "007", "title": "", "text": "other"}])
    assert HuggingFace(str(repository)).load().corpus.identity != first


def test_everything_in_one_repository(repository: Path) -> None:
    card = CARD.replace(
        "- config_name: queries",
        "- config_name: default\n  data_files: [{split: test, path: q.jsonl}]\n- config_name: queries",
    )
    (repository / "README.md").write_text(card)
    write(repository / "q.jsonl", [{"query-id": "01", "corpus-id": "d2", "score": 1.0}])
    source = HuggingFace(str(repository), qrels_id=str(repository), qrels_config="default")
    assert source.load().qrels == {"01": {"d2": 1}}
    write(repository / "q.jsonl", [{"query-id": "01", "corpus-id": "d2", "score": 0.5}])
    with pytest.raises(InputError, match="test, row 1: not a judgment"):
        _ = HuggingFace(str(repository), qrels_id=str(repository), qrels_config="default").load().qrels


def test_an_unknown_split_lists_the_known_ones(repository: Path) -> None:
    with pytest.raises(InputError, match="owls-qrels has no split 'dev'") as raised:
        _ = HuggingFace(str(repository), split="dev").load().qrels
    assert set(raised.value.expected.removeprefix("one of: ").split(", ")) == {"test", "train"}


def test_what_cannot_be_reached(repository: Path) -> None:
    with pytest.raises(InputError, match="BeIR/owls, configuration corpus") as raised:
        _ = HuggingFace("BeIR/owls").load().corpus
    assert "HF_HUB_OFFLINE" in raised.value.fix
    with pytest.raises(InputError, match="configuration texts"):
        _ = HuggingFace(str(repository), corpus_config="texts").load().corpus


def test_columns_of_another_kind(repository: Path) -> None:
    write(repository / "corpus.jsonl", [{"docid": "1", "contents": "text"}])
    with pytest.raises(InputError, match=r"corpus, row 1: text is missing|row 1: _id is None; columns docid, contents"):
        list(HuggingFace(str(repository)).load().corpus)


def test_where_it_is(repository: Path) -> None:
    assert HuggingFace(str(repository)).locate() == repository
    assert HuggingFace("BeIR/scifact").locate() is None
    assert HuggingFace("BeIR/scifact").describe_source() == "https://huggingface.co/datasets/BeIR/scifact"
