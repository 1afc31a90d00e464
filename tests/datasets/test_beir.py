"""BEIR's layout, read well and refused well. `beir_folder` is in conftest.py."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench.corpus_ids import document_ids
from ir_bench.datasets import beir
from ir_bench.datasets.local import Local
from ir_bench.errors import InputError
from ir_bench.store import Store
from ir_bench.types import Document


def test_a_folder_reads_as_written(beir_folder: Callable[..., Path]) -> None:
    dataset = Local(str(beir_folder())).load()
    assert dataset.name == "owls"
    assert list(dataset.corpus) == [
        Document("d1", "They hunt by night.", "Owls"),
        Document("d2", "A text without a title."),
        Document("d3", "next\u0085line", "Line\u2028separators"),
    ]
    assert dataset.queries == {"q1": "night hunters", "q2": "no title"}
    assert dataset.qrels == {"q1": {"d1": 2, "d2": 0}, "q2": {"d2": 1}}


def test_unjudged_queries_come_when_asked_for(beir_folder: Callable[..., Path]) -> None:
    dataset = Local(str(beir_folder()), judged_only=False).load()
    assert list(dataset.queries) == ["q1", "q2", "q3"]


def test_the_corpus_can_be_read_again(beir_folder: Callable[..., Path]) -> None:
    corpus = Local(str(beir_folder())).load().corpus
    assert list(corpus) == list(corpus)


def test_packed_files(beir_folder: Callable[..., Path]) -> None:
    folder = beir_folder()
    plain = Local(str(folder)).load()
    before = (list(plain.corpus), plain.queries, plain.qrels)
    for path in [*folder.glob("*.jsonl"), *folder.glob("qrels/*")]:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    packed = Local(str(folder)).load()
    assert (list(packed.corpus), packed.queries, packed.qrels) == before


def test_several_splits(beir_folder: Callable[..., Path]) -> None:
    folder = beir_folder()
    (folder / "qrels/train.tsv").write_text("query-id\tcorpus-id\tscore\nq3\td3\t1\n")
    assert Local(str(folder), split="train").load().queries == {"q3": "unjudged"}
    with pytest.raises(InputError, match="owls has no split 'dev'") as raised:
        _ = Local(str(folder), split="dev").load().queries
    assert raised.value.expected == "one of: test, train"


def test_judgments_and_queries_without_a_corpus(beir_folder: Callable[..., Path]) -> None:
    folder = beir_folder()
    (folder / "corpus.jsonl").unlink()
    dataset = Local(str(folder)).load()
    assert len(dataset.queries) == len(dataset.qrels) == 2
    with pytest.raises(InputError, match="owls: no corpus found") as raised:
        _ = dataset.corpus
    assert "corpus.jsonl" in raised.value.expected
    assert "collection.tsv" in raised.value.expected


def test_ids_may_be_integers_and_texts_null(beir_folder: Callable[..., Path]) -> None:
    folder = beir_folder(
        documents=[{"_id": 5, "title": None, "text": None}, {"_id": "6", "text": "no title key"}],
        queries=[{"_id": 7, "text": "seven"}],
        qrels="7\t5\t1\n",
    )
    dataset = Local(str(folder)).load()
    assert list(dataset.corpus) == [Document("5", ""), Document("6", "no title key")]
    assert dataset.queries == {"7": "seven"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"_id": "x", "text": "cut', r"corpus\.jsonl:2: not JSON: Unterminated string"),
        ("no json at all", r"corpus\.jsonl:2: not JSON"),
        ('["x", "text"]', r"corpus\.jsonl:2: JSON, but not an object"),
        ('{"id": "x", "text": "t"}', r"corpus\.jsonl:2: no _id among the keys id, text"),
        ('{"_id": "", "text": "t"}', r"corpus\.jsonl:2: _id is ''"),
        ('{"_id": null, "text": "t"}', r"corpus\.jsonl:2: _id is None"),
        ('{"_id": true, "text": "t"}', r"corpus\.jsonl:2: _id is True"),
        ('{"_id": 1.5, "text": "t"}', r"corpus\.jsonl:2: _id is 1\.5"),
        ('{"_id": "x", "contents": "t"}', r"corpus\.jsonl:2: no 'text' among the keys _id, contents"),
        ('{"_id": "x", "text": ["t"]}', r"corpus\.jsonl:2: text is \['t'\]"),
        ('{"_id": "x", "title": 5, "text": "t"}', r"corpus\.jsonl:2: title is 5"),
        ('{"_id": "x", "text": "\\ud83d"}', r"corpus\.jsonl:2: half of a surrogate pair"),
    ],
)
def test_a_malformed_document_is_named_by_file_and_line(
    beir_folder: Callable[..., Path], line: str, message: str
) -> None:
    folder = beir_folder(documents=f'{{"_id": "d1", "text": "fine"}}\n{line}\n')
    with pytest.raises(InputError, match=message) as raised:
        list(Local(str(folder)).load().corpus)
    assert raised.value.fix


def test_a_whole_surrogate_pair_is_a_character(beir_folder: Callable[..., Path]) -> None:
    folder = beir_folder(documents='{"_id": "x", "text": "\\ud83d\\ude00"}\n')
    assert next(iter(Local(str(folder)).load().corpus)).text == "😀"


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_corpus(beir_folder: Callable[..., Path], content: str) -> None:
    with pytest.raises(InputError, match=r"corpus\.jsonl: the corpus holds no documents"):
        list(Local(str(beir_folder(documents=content))).load().corpus)


def test_a_malformed_query(beir_folder: Callable[..., Path]) -> None:
    folder = beir_folder(queries='{"_id": "q1", "text": "a"}\n{"_id": "q2"}\n')
    with pytest.raises(InputError, match=r"queries\.jsonl:2: no 'text' among the keys _id"):
        _ = Local(str(folder)).load().queries


def test_a_query_id_used_twice(beir_folder: Callable[..., Path]) -> None:
    same = '{"_id": "q1", "text": "a"}\n{"_id": "q1", "text": "a"}\n'
    assert Local(str(beir_folder(queries=same))).load().queries == {"q1": "a"}
    with pytest.raises(InputError, match=r"queries\.jsonl:2: query id 'q1' was already used for another text: 'a'"):
        _ = Local(str(beir_folder(queries=same[:-4] + 'b"}\n'))).load().queries


def test_queries_of_another_numbering(beir_folder: Callable[..., Path]) -> None:
    folder = beir_folder(qrels="1\td1\t1\n2\td1\t1\n")
    with pytest.raises(
        InputError, match="none of the 2 queries judged in split 'test' is among the 3 queries"
    ) as raised:
        _ = Local(str(folder)).load().queries
    assert "'1' and 'q1'" in raised.value.expected


def test_a_document_id_used_twice_is_refused_and_found(beir_folder: Callable[..., Path], store: Store) -> None:
    documents = [{"_id": i, "text": "t"} for i in ("a", "b", "a", "c")]
    source = Local(str(beir_folder(documents=documents)))
    with pytest.raises(InputError, match="document id 'a' occurs twice"):
        document_ids(source.load().corpus, store)
    assert [place.rsplit(":", 1)[1] for place in source.where("a")] == ["1", "3"]


_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(_TEXT.filter(bool), _TEXT, _TEXT), min_size=1))
def test_any_text_survives(rows: list[tuple[str, str, str]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for ascii_only in (True, False):
            path = Path(folder, "corpus.jsonl")
            lines = [json.dumps({"_id": i, "title": t, "text": x}, ensure_ascii=ascii_only) for i, t, x in rows]
            path.write_bytes("".join(f"{line}\n" for line in lines).encode())
            assert list(beir.documents(path)) == [Document(i, x, t) for i, t, x in rows]
