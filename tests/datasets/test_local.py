"""A folder of one's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ir_bench.datasets.local import Local
from ir_bench.errors import InputError
from ir_bench.protocols import DatasetSource


def test_it_keeps_the_contract(beir_folder: Callable[..., Path]) -> None:
    source = Local(str(beir_folder()))
    assert isinstance(source, DatasetSource)
    assert source.locate() == Path(source.path)
    assert [path.name for path in source.files()] == ["corpus.jsonl", "queries.jsonl", "test.tsv"]


def test_nothing_is_read_before_it_is_used(beir_folder: Callable[..., Path]) -> None:
    folder = beir_folder(documents="broken", queries="broken")
    dataset = Local(str(folder)).load()
    assert len(dataset.qrels) == 2


def test_each_part_is_read_once(beir_folder: Callable[..., Path]) -> None:
    dataset = Local(str(beir_folder())).load()
    assert dataset.qrels is dataset.qrels
    assert dataset.queries is dataset.queries
    assert dataset.corpus is dataset.corpus


def test_settings_reach_the_corpus(beir_folder: Callable[..., Path]) -> None:
    source = Local(str(beir_folder()), name="mine", titles="ignore", query_tokens=512, document_tokens=300)
    corpus = source.load().corpus
    assert (corpus.name, corpus.query_tokens, corpus.document_tokens) == ("mine", 512, 300)
    assert next(corpus.contents(document) for document in corpus) == "They hunt by night."


def test_the_identity_is_the_checksum_of_the_documents(beir_folder: Callable[..., Path]) -> None:
    folder = beir_folder()
    first = Local(str(folder)).load().corpus.identity
    (folder / "qrels/test.tsv").write_text("q1\td1\t1\n")
    assert Local(str(folder)).load().corpus.identity == first
    (folder / "corpus.jsonl").write_text('{"_id": "d1", "text": "other"}\n')
    assert Local(str(folder)).load().corpus.identity != first


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder") as raised:
        Local(str(tmp_path / "nowhere")).load()
    assert "corpus.jsonl" in raised.value.expected


def test_a_folder_of_something_else_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "documents.json").write_text("[]")
    dataset = Local(str(tmp_path)).load()
    for part, file in (("corpus", "corpus.jsonl"), ("queries", "queries.jsonl"), ("qrels", "qrels/test.tsv")):
        with pytest.raises(InputError, match="found; looked in") as raised:
            getattr(Local(str(tmp_path), judged_only=False).load() if part == "queries" else dataset, part)
        assert file in raised.value.expected


def test_an_unknown_title_policy(beir_folder: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="titles='both' is not known"):
        Local(str(beir_folder()), titles="both").load()  # type: ignore[arg-type]


def test_the_name_of_a_relative_path(beir_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(beir_folder())
    assert Local(".").load().name == "owls"
