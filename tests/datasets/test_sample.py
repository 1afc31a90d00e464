"""The bundled sample is what its README says, read from the files with nothing but the standard library."""

from __future__ import annotations

import json
import re
from collections import Counter
from difflib import SequenceMatcher
from itertools import combinations
from pathlib import Path

import pytest

import ir_bench

FOLDER = Path(ir_bench.__file__).parent / "datasets" / "sample"
README = (FOLDER / "README.md").read_text(encoding="utf-8")

# Words that carry no subject, for the count of content words shared between a query and a passage.
STOP_WORDS = set(
    re.findall(r"\w+", "a an and at by for from in into is it no not of on or out the that to under with without")
)


def file_lines(name: str) -> list[str]:
    with open(FOLDER / name, encoding="utf-8", newline="\n") as file:
        text = file.read()
    assert text.endswith("\n")
    assert "\r" not in text
    return text[:-1].split("\n")


RECORDS = [json.loads(line) for line in file_lines("corpus.jsonl")]
CORPUS = {record["_id"]: record for record in RECORDS}
QUERY_RECORDS = [json.loads(line) for line in file_lines("queries.jsonl")]
QUERIES = {record["_id"]: record["text"] for record in QUERY_RECORDS}
JUDGMENTS = [tuple(line.split("\t")) for line in file_lines("qrels/test.tsv")]


def readme_row(first_cell: str) -> list[str]:
    """The cells of the one table row of the README that starts with this cell."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in README.split("\n") if line[:1] == "|"]
    (row,) = [row for row in rows if row[0] == first_cell]
    return row


def readme_number(name: str) -> int:
    return int(readme_row(name)[1])


def readme_ids(name: str) -> list[str]:
    return re.findall(r"`([^`]+)`", readme_row(name)[-1])


def text(document_id: str) -> str:
    return CORPUS[document_id]["text"]


def word_count(document_id: str) -> int:
    return len(text(document_id).split())


def content_words(string: str) -> set[str]:
    return set(re.findall(r"\w+", string.lower())) - STOP_WORDS


def passages_with(pattern: str) -> list[str]:
    return [document_id for document_id in CORPUS if re.search(pattern, text(document_id))]


def graded() -> dict[str, dict[str, int]]:
    result: dict[str, dict[str, int]] = {}
    for query_id, document_id, grade in JUDGMENTS[1:]:
        result.setdefault(query_id, {})[document_id] = int(grade)
    return result


def test_counts() -> None:
    assert len(RECORDS) == readme_number("passages") >= 240
    assert len(QUERY_RECORDS) == readme_number("queries") >= 48
    assert len(JUDGMENTS) - 1 == readme_number("judgments")
    assert sum(map(word_count, CORPUS)) == readme_number("words in texts")
    grades = Counter(int(grade) for _, _, grade in JUDGMENTS[1:])
    assert grades == {grade: readme_number(f"grade {grade}") for grade in range(4)}


def test_form_of_the_records() -> None:
    for record in RECORDS:
        assert list(record) == ["_id", "title", "text"]
        assert re.fullmatch(r"[a-z]+-\d\d", record["_id"])
        assert all(value == value.strip() for value in record.values())
    for record in QUERY_RECORDS:
        assert list(record) == ["_id", "text"]
        assert re.fullmatch(r"q\d\d", record["_id"])
        assert record["text"].strip()
    assert "\\u" not in "".join(file_lines("corpus.jsonl") + file_lines("queries.jsonl"))


def test_ids_are_unique_and_disjoint() -> None:
    assert len(CORPUS) == len(RECORDS)
    assert len(QUERIES) == len(QUERY_RECORDS)
    assert not CORPUS.keys() & QUERIES.keys()


def test_judgments_name_what_exists_once() -> None:
    assert JUDGMENTS[0] == ("query-id", "corpus-id", "score")
    pairs = [(query_id, document_id) for query_id, document_id, _ in JUDGMENTS[1:]]
    assert len(set(pairs)) == len(pairs)
    assert {query_id for query_id, _ in pairs} == QUERIES.keys()
    assert {document_id for _, document_id in pairs} <= CORPUS.keys()


def test_every_query_has_an_answer_and_distractors() -> None:
    for judged in graded().values():
        assert len(judged) >= 10
        assert max(judged.values()) == 3
        assert min(judged.values()) == 0


def test_fourteen_subjects_compete() -> None:
    subjects = Counter(document_id.split("-")[0] for document_id in CORPUS)
    assert len(subjects) == 14
    assert min(subjects.values()) >= 15


def test_groups_share_out_the_queries() -> None:
    groups = [readme_ids(name) for name in ("mismatch", "exact", "ordinary")]
    assert sorted(query_id for group in groups for query_id in group) == sorted(QUERIES)
    assert len(groups[0]) >= 16
    assert len(groups[1]) >= 12


def test_mismatch_queries_share_at_most_one_content_word_with_their_answers() -> None:
    judged = graded()
    for query_id in readme_ids("mismatch"):
        for document_id, grade in judged[query_id].items():
            if grade == 3:
                words = content_words(CORPUS[document_id]["title"] + " " + text(document_id))
                assert len(content_words(QUERIES[query_id]) & words) <= 1, (query_id, document_id)


def test_empty_untitled_short_and_long_passages() -> None:
    assert [i for i in CORPUS if not CORPUS[i]["title"] and not text(i)] == readme_ids("empty")
    assert len(readme_ids("empty")) == 1
    assert [i for i in CORPUS if not CORPUS[i]["title"]] == readme_ids("untitled")
    assert len(readme_ids("untitled")) >= 10
    assert [i for i in CORPUS if 0 < word_count(i) < 12] == readme_ids("short")
    assert len(readme_ids("short")) >= 15
    assert [i for i in CORPUS if 350 <= word_count(i) <= 700] == readme_ids("long")
    assert len(readme_ids("long")) >= 8
    assert max(map(word_count, CORPUS)) <= 700
    assert all("\n\n" in text(i) for i in readme_ids("long"))


def test_one_text_stands_under_two_ids() -> None:
    same = [i for i, j in combinations(CORPUS, 2) if text(i) == text(j)]
    first, second = readme_ids("same text")
    assert same == [first]
    assert text(first) == text(second)


def test_characters_that_break_careless_readers() -> None:
    assert passages_with("\u2028") == readme_ids("U+2028")
    assert passages_with("[\u4e00-\u9fff]") == readme_ids("CJK")
    assert passages_with("[\U0001f300-\U0001faff]") == readme_ids("emoji")
    first, second = readme_ids("accents")
    assert "naïve" in text(first)
    assert "São Paulo" in text(first)
    assert "Ångström" in text(second)
    raw = "\n".join(file_lines("corpus.jsonl"))
    assert len(raw.splitlines()) > len(raw.split("\n"))  # what str.splitlines() would get wrong


@pytest.mark.parametrize(
    "name",
    [
        "tidal constituents",
        "flour types",
        "tyre sizes",
        "hour records",
        "eruptions",
        "hive frames",
        "vaccine storage",
        "coffee varieties",
        "chess openings",
        "planets",
        "electrification",
        "optical glasses",
    ],
)
def test_near_duplicates_are_nearly_the_same(name: str) -> None:
    ids = readme_ids(name)
    assert len(ids) >= 2
    for one, other in combinations(ids, 2):
        assert text(one) != text(other)
        assert SequenceMatcher(None, text(one).split(), text(other).split()).ratio() >= 0.75
