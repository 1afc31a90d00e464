"""Pairs by hand, and what holds for every source that makes them of documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from training.build import Letters, Listed, corpus, dataset, random_text, small_text

from ir_bench.analyzers.lucene_english import LuceneEnglish
from ir_bench.errors import InputError
from ir_bench.evaluation.trec import write_run
from ir_bench.indexes.flat import FlatIndex
from ir_bench.protocols import PairSource
from ir_bench.retrievers.vector import VectorRetriever
from ir_bench.store import Store
from ir_bench.training.examples import Pairs, corpus_text, training_text
from ir_bench.training.generators.extractive import Extractive
from ir_bench.training.known import allowed
from ir_bench.training.pairs.generated import Generated
from ir_bench.training.pairs.inverse_cloze import InverseCloze
from ir_bench.training.pairs.joined import Joined
from ir_bench.training.pairs.labelled import Labelled
from ir_bench.training.pairs.random_crops import RandomCrops
from ir_bench.training.pairs.rank_range import RankRange
from ir_bench.training.pairs.title_body import TitleBody
from ir_bench.training.pairs.two_spans import TwoSpans
from ir_bench.training.sentences import sentences
from ir_bench.types import Document, Run

MADE: dict[str, Callable[[], PairSource]] = {
    "title_body": TitleBody,
    "random_crops": lambda: RandomCrops(per_document=2),
    "inverse_cloze": InverseCloze,
    "two_spans": TwoSpans,
    "generated": lambda: Generated(Extractive(LuceneEnglish(), minimum_words=2), per_document=2),
    "rank_range": lambda: RankRange(Listed(("d5", "d4", "d3", "d2", "d1", "d0")), None, RandomCrops(), 1, 2, 3, 6),
}


def content(pairs: Pairs) -> list[tuple[str, str, str]]:
    """Query id, query text and positive text of each pair."""
    return [
        (pairs.query_ids[q], pairs.queries[q], pairs.documents[d])
        for q, d in zip(pairs.query_rows.tolist(), pairs.document_rows.tolist(), strict=True)
    ]


@pytest.mark.parametrize("name", MADE)
class TestEverySource:
    def test_the_same_seed_gives_the_same_bytes(self, name, tmp_path):
        first, again = (MADE[name]().pairs(small_text(), Store(tmp_path / str(i)), 3) for i in range(2))
        assert content(first) == content(again)
        assert first.query_rows.tobytes() == again.query_rows.tobytes()
        assert first.known.keys.tobytes() == again.known.keys.tobytes()

    def test_a_positive_and_the_own_document_are_no_negatives(self, name, store):
        pairs = MADE[name]().pairs(small_text(), store, 3)
        assert not allowed(pairs.known, pairs.query_rows, pairs.document_rows).any()
        for query in np.unique(pairs.query_rows).tolist():
            own = pairs.document_ids.index(pairs.query_ids[query].partition("#")[0])
            assert not allowed(pairs.known, np.array([query]), np.array([own])).any()

    def test_a_copy_of_the_own_document_is_no_negative(self, name, store):
        pairs = MADE[name]().pairs(small_text(), store, 3)
        of_d0 = [row for row, query in enumerate(pairs.query_ids) if query.partition("#")[0] == "d0"]
        assert not allowed(pairs.known, np.array(of_d0), np.array([6])).any()

    def test_needs_documents_that_are_long_enough(self, name, store):
        short = corpus_text(corpus([Document("a", "word")]))
        if name == "rank_range":
            return
        with pytest.raises(InputError, match="no pairs could be made"):
            MADE[name]().pairs(short, store, 0)


class TestLabelled:
    def test_all_judged_pairs(self, store):
        pairs = Labelled().pairs(small_text(), store, 0)
        named = [(q, d) for q, d in zip(pairs.query_rows.tolist(), pairs.document_rows.tolist(), strict=True)]
        assert named == [(0, 0), (0, 4), (1, 1), (1, 2), (1, 5), (2, 4)]
        assert pairs.weights is None

    def test_a_minimum_grade_leaves_lower_ones_out_but_does_not_make_them_negatives(self, store):
        pairs = Labelled(minimum_grade=2, allow_unlabelled=True).pairs(small_text(), store, 0)
        assert pairs.document_rows.tolist() == [0, 4]
        assert not allowed(pairs.known, np.array([0]), np.array([4])).any()

    def test_a_query_without_positives_is_an_error(self, store):
        with pytest.raises(InputError, match="train query 'q1' has no positive of grade 2"):
            Labelled(minimum_grade=2).pairs(small_text(), store, 0)
        nothing = training_text(dataset(qrels={"q0": {"d0": 0}, "q1": {"nowhere": 1}, "q2": {"d4": 1}}))
        with pytest.raises(InputError, match="'q0' has no positive of grade 1 or more, and 1 others"):
            Labelled().pairs(nothing, store, 0)

    def test_no_pair_at_all_is_an_error(self, store):
        with pytest.raises(InputError, match="has no judged pair"):
            Labelled(allow_unlabelled=True).pairs(corpus_text(corpus()), store, 0)

    def test_weights_are_grades_relative_to_the_mean(self, store):
        pairs = Labelled(weigh_grades=True).pairs(small_text(), store, 0)
        assert pairs.weights is not None
        assert np.allclose(pairs.weights, np.array([2, 1, 1, 1, 1, 2]) * 6 / 8)

    @settings(max_examples=20, deadline=None)
    @given(seed=st.integers(0, 1000), limit=st.integers(1, 5))
    def test_at_most_so_many_a_query_drawn_by_seed(self, seed, limit):
        text = random_text(seed)
        store = Store("unused")
        pairs = Labelled(per_query=limit).pairs(text, store, seed)
        counts = np.bincount(pairs.query_rows, minlength=len(text.queries))
        assert (counts == np.minimum(limit, np.diff(text.offsets))).all()
        assert content(pairs) == content(Labelled(per_query=limit).pairs(text, store, seed))
        assert set(content(pairs)) <= set(content(Labelled().pairs(text, store, 0)))

    @given(seed=st.integers(0, 1000), share=st.floats(0.01, 1))
    def test_a_share_of_the_queries_with_all_of_their_pairs(self, seed, share):
        text = random_text(seed)
        everything, some = (Labelled(share=s).pairs(text, Store("unused"), seed) for s in (1, share))
        drawn = np.unique(some.query_rows)
        assert len(drawn) == max(1, round(share * len(np.unique(everything.query_rows))))
        kept = np.isin(everything.query_rows, drawn)
        assert some.document_rows.tolist() == everything.document_rows[kept].tolist()
        assert content(some) == content(Labelled(share=share).pairs(text, Store("unused"), seed))

    @pytest.mark.parametrize("share", [0, -0.1, 1.5, float("nan")])
    def test_a_share_that_is_none_is_refused(self, share):
        with pytest.raises(InputError, match="of the train queries"):
            Labelled(share=share)

    def test_documents_without_text_are_no_positives(self, store):
        documents = [Document("d0", " "), Document("d1", "text")]
        from ir_bench.types import Dataset

        text = training_text(
            Dataset(
                "e", lambda: corpus(documents), lambda: {"q": "x"}, lambda: {"q": {"d0": 1, "d1": 1}}, split="train"
            )
        )
        assert Labelled().pairs(text, store, 0).document_rows.tolist() == [1]


class TestTitleBody:
    def test_the_body_stands_without_its_title(self, store):
        pairs = TitleBody().pairs(small_text(), store, 0)
        assert content(pairs)[1] == (
            "d1#1",
            "Bread",
            "A sourdough starter wants flour and water. It rests in a jar overnight.",
        )
        assert pairs.document_ids[pairs.document_rows[1]] == "d1#1"
        assert len(pairs) == 8


class TestRandomCrops:
    @settings(max_examples=30, deadline=None)
    @given(seed=st.integers(0, 10_000), shortest=st.floats(0.01, 0.5), longest=st.floats(0.5, 1.0))
    def test_crops_are_stretches_of_the_document(self, seed, shortest, longest):
        text = small_text()
        source = RandomCrops(shortest=shortest, longest=longest, deletion=0.0)
        for name, query, positive in content(source.pairs(text, Store("unused"), seed)):
            words = text.documents[text.document_ids.index(name.partition("#")[0])].split()
            for crop in (query, positive):
                assert f" {crop} " in f" {' '.join(words)} "
                assert max(1, int(shortest * len(words))) <= len(crop.split()) <= max(1, int(longest * len(words)))

    def test_deletion_takes_about_its_share_of_the_words(self, store):
        text = corpus_text(corpus([Document("a", " ".join(str(i) for i in range(4000)))]))
        source = RandomCrops(shortest=1.0, longest=1.0, deletion=0.1)
        (_, query, positive) = content(source.pairs(text, store, 0))[0]
        for crop in (query, positive):
            assert abs(len(crop.split()) - 3600) < 80  # more than four standard deviations
            assert sorted(map(int, crop.split())) == list(map(int, crop.split()))

    def test_another_seed_gives_other_crops(self, store):
        text = small_text()
        assert content(RandomCrops().pairs(text, store, 0)) != content(RandomCrops().pairs(text, store, 1))


class TestInverseCloze:
    def test_the_sentence_is_taken_out_or_stays(self, store):
        text = small_text()
        for name, query, positive in content(InverseCloze(keep=0.0).pairs(text, store, 0)):
            body = text.bodies[text.document_ids.index(name.partition("#")[0])]
            assert query in body
            assert query not in positive
            assert set(sentences(positive)) | {query} == set(sentences(body))
        for _, query, positive in content(InverseCloze(keep=1.0).pairs(text, store, 0)):
            assert query in positive


class TestTwoSpans:
    @pytest.mark.parametrize("words", [3, 8, 100])
    def test_spans_are_different_stretches_of_sentences(self, store, words):
        text = small_text()
        pairs = content(TwoSpans(words).pairs(text, store, 0))
        assert len(pairs) == len(text.documents)
        for name, query, positive in pairs:
            parts = sentences(text.documents[text.document_ids.index(name.partition("#")[0])])
            assert not set(sentences(query)) & set(sentences(positive))
            assert set(sentences(query)) | set(sentences(positive)) <= set(parts)


class TestRankRange:
    ORDER = ("d0", "d1", "d2", "d3", "d4", "d5")

    def test_ranks_are_labels_whatever_the_judgments_say(self, store):
        source = RankRange(Listed(self.ORDER), None, None, 2, 3, 5, 6, per_query=2)
        pairs = source.pairs(small_text(), store, 0)
        assert {(q, d) for q, d in zip(pairs.query_rows.tolist(), pairs.document_rows.tolist(), strict=True)} == {
            (q, d) for q in range(3) for d in (1, 2)
        }
        assert pairs.negatives is not None
        for query, rows in zip(pairs.query_rows.tolist(), pairs.negatives.tolist(), strict=True):
            # ranks 5 and 6 are d4 and d5; d4 is judged relevant to q0 and q2, d5 to q1
            assert rows[0] == {0: 5, 1: 4, 2: 5}[query]

    def test_each_rank_of_the_range_is_drawn(self, store):
        source = RankRange(Listed(self.ORDER), None, None, 1, 3, 4, 6)
        drawn = {int(source.pairs(small_text(), store, seed).document_rows[0]) for seed in range(30)}
        assert drawn == {0, 1, 2}

    def test_a_saved_run_is_as_good_as_the_retriever(self, store, tmp_path):
        retriever = VectorRetriever(Letters(), FlatIndex())
        text = small_text()
        retriever.build(text.corpus, store)
        write_run(retriever.search(text.queries_by_id(), 8), tmp_path / "run.trec", "letters")
        ranks = (1, 2, 4, 8)
        saved = RankRange(None, str(tmp_path / "run.trec"), None, *ranks).pairs(text, store, 5)
        live = RankRange(retriever, None, None, *ranks).pairs(text, store, 5)
        assert content(saved) == content(live)
        assert saved.negatives is not None
        assert live.negatives is not None
        assert (saved.negatives == live.negatives).all()

    def test_crops_as_queries_may_have_their_own_document_as_positive(self, store):
        source = RankRange(
            VectorRetriever(Letters(), FlatIndex()), None, RandomCrops(shortest=1, longest=1), 1, 1, 2, 8
        )
        pairs = source.pairs(small_text(), store, 0)
        assert pairs.query_ids[0] == "d0#1"
        assert len(pairs.documents) == 8  # documents of the corpus alone
        assert len(pairs) == 8

    def test_a_run_that_lacks_a_query_is_an_error(self, store, tmp_path):
        write_run(Run.of({"q0": {"d1": 1.0}, "q2": {"d1": 1.0}}), tmp_path / "run.trec", "t")
        with pytest.raises(InputError, match="no ranking for train query 'q1'"):
            RankRange(run=str(tmp_path / "run.trec")).pairs(small_text(), store, 0)

    @pytest.mark.parametrize(
        ("options", "message"), [({}, "no system"), ({"retriever": Listed(()), "run": "r"}, "both")]
    )
    def test_needs_one_system(self, store, options, message):
        with pytest.raises(InputError, match=message):
            RankRange(**options).pairs(small_text(), store, 0)

    def test_ranges_follow_one_another(self, store):
        with pytest.raises(InputError, match="ranks 1 to 10, negatives ranks 5 to 8"):
            RankRange(Listed(()), first_negative=5, last_negative=8).pairs(small_text(), store, 0)

    def test_nothing_at_those_ranks_is_an_error(self, store):
        with pytest.raises(InputError, match="finds nothing at ranks 7 to 8"):
            RankRange(Listed(("d0",)), None, None, 7, 8, 9, 10).pairs(small_text(), store, 0)


@dataclass
class Counting:
    """Writes the first words of a body, and counts for how many documents it was asked."""

    words: int = 3
    asked: list[int] = field(default_factory=list, init=False, compare=False)
    fails_after: int | None = field(default=None, metadata={"changes_results": False})

    def fit(self, documents) -> None: ...

    def generate(self, titles, bodies, count, seed) -> list[list[str]]:
        if self.fails_after is not None and sum(self.asked) >= self.fails_after:
            raise KeyboardInterrupt
        self.asked.append(len(bodies))
        return [[" ".join(b.split()[i : i + self.words]) for i in range(count)] for b in bodies]


class TestGenerated:
    def test_queries_are_paired_with_their_document(self, store):
        pairs = Generated(Counting(), per_document=2).pairs(small_text(), store, 0)
        assert content(pairs)[2:4] == [
            ("d1#1", "A sourdough starter", small_text().documents[1]),
            ("d1#2", "sourdough starter wants", small_text().documents[1]),
        ]

    def test_what_is_kept_is_not_generated_again(self, store):
        first, second = Counting(), Counting()
        made = Generated(first).pairs(small_text(), store, 0)
        again = Generated(second).pairs(small_text(), store, 1)
        assert (first.asked, second.asked) == ([8], [])
        assert content(made) == content(again)

    def test_a_file_replays_without_its_generator_and_stays_as_it_is(self, store, tmp_path):
        path = tmp_path / "queries.jsonl"
        made = Generated(Counting(), file=str(path)).pairs(small_text(), store, 0)
        before = path.read_bytes()
        replayed = Generated(None, file=str(path)).pairs(small_text(), store, 0)
        assert content(made) == content(replayed)
        assert path.read_bytes() == before
        assert json.loads(before.splitlines()[1])["queries"] == ["Spring tides follow"]

    def test_a_killed_run_goes_on_and_writes_the_same_bytes(self, store, tmp_path, monkeypatch):
        monkeypatch.setattr("ir_bench.training.pairs.generated.AT_ONCE", 3)
        whole, parts = tmp_path / "whole.jsonl", tmp_path / "parts.jsonl"
        Generated(Counting(), file=str(whole)).pairs(small_text(), store, 0)
        with pytest.raises(KeyboardInterrupt):
            Generated(Counting(fails_after=3), file=str(parts)).pairs(small_text(), store, 0)
        with parts.open("ab") as stream:
            stream.write(b'{"document": "d3", "sha2')  # as when killed while writing
        rest = Counting()
        Generated(rest, file=str(parts)).pairs(small_text(), store, 0)
        assert sum(rest.asked) == 5
        assert parts.read_bytes() == whole.read_bytes()

    @pytest.mark.parametrize(
        ("change", "message"),
        [({"per_document": 2}, "per_document=1"), ({"seed": 5}, "seed=0"), ({"generator": Counting(4)}, "generator=")],
    )
    def test_a_file_of_other_settings_is_refused(self, store, tmp_path, change, message):
        path = str(tmp_path / "queries.jsonl")
        Generated(Counting(), file=path).pairs(small_text(), store, 0)
        settings: dict[str, Any] = {"generator": Counting(), "file": path, **change}
        with pytest.raises(InputError, match=message):
            Generated(**settings).pairs(small_text(), store, 0)

    def test_a_file_of_other_documents_is_refused(self, store, tmp_path):
        path = tmp_path / "queries.jsonl"
        Generated(Counting(), file=str(path)).pairs(small_text(), store, 0)
        path.write_text(path.read_text(encoding="utf-8").replace('"d1"', '"x1"'), encoding="utf-8")
        with pytest.raises(InputError, match=r"queries\.jsonl:3: queries for document 'x1'"):
            Generated(Counting(), file=str(path)).pairs(small_text(), store, 0)

    def test_a_file_that_ends_early_needs_a_generator(self, store, tmp_path):
        path = tmp_path / "queries.jsonl"
        Generated(Counting(), file=str(path)).pairs(small_text(), store, 0)
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:4]))
        with pytest.raises(InputError, match="holds queries for 3 of 8 documents"):
            Generated(None, file=str(path)).pairs(small_text(), store, 0)


class TestExtractive:
    TITLES = ("Tides", "")
    BODIES = (
        "The moon is round. Spring tides follow the syzygy closely. The moon is up.",
        "The moon is up. The moon is round.",
    )

    def test_the_title_then_the_sentences_of_the_rarest_terms(self):
        generator = Extractive(LuceneEnglish(), minimum_words=2)
        generator.fit([f"{t} {b}" for t, b in zip(self.TITLES, self.BODIES, strict=True)])
        first, second = generator.generate(self.TITLES, self.BODIES, 2, 0)
        assert first == ["Tides", "Spring tides follow the syzygy closely."]
        assert second == ["The moon is up.", "The moon is round."]  # as rare as one another: in their order

    def test_sentences_are_cut(self):
        generator = Extractive(LuceneEnglish(), titles=False, minimum_words=1, maximum_words=3)
        generator.fit(self.BODIES)
        assert all(len(q.split()) <= 3 for qs in generator.generate(self.TITLES, self.BODIES, 5, 0) for q in qs)

    def test_generate_before_fit_is_an_error(self):
        with pytest.raises(InputError, match="generate before fit"):
            Extractive(LuceneEnglish()).generate([""], [""], 1, 0)


def test_sentences_are_broken_at_punctuation_before_a_capital():
    text = 'Aspirin (e.g. low doses) helps. It costs $3.50 a day! "Really?" he asked. 12 people, i.e. few, agreed'
    assert sentences(text) == [
        "Aspirin (e.g. low doses) helps.",
        "It costs $3.50 a day!",
        '"Really?" he asked.',
        "12 people, i.e. few, agreed",
    ]
    assert sentences("") == []


class TestJoined:
    def test_keeps_what_each_source_labels_and_knows(self, store):
        text = small_text()
        first = RankRange(Listed(("d1", "d3", "d4", "d5")), None, None, 1, 1, 3, 3)
        second = RankRange(Listed(("d5", "d3", "d4", "d1")), None, None, 1, 1, 3, 3)
        joined = Joined({"a": first, "b": second}).pairs(text, store, 0)
        one, other = first.pairs(text, store, 0), second.pairs(text, store, 0)
        assert joined.document_rows.tolist() == [*one.document_rows.tolist(), *other.document_rows.tolist()]
        assert [joined.queries[row] for row in joined.query_rows] == [one.queries[r] for r in one.query_rows] * 2
        assert joined.negatives is not None
        assert one.negatives is not None
        assert joined.negatives.tolist() == [*one.negatives.tolist(), *one.negatives.tolist()]  # rank 3, in both
        assert len(set(joined.query_ids)) == len(joined.queries)
        # a query's positive by one system is no negative by the other
        of_first = joined.known(np.arange(3), np.arange(8))
        assert (of_first == joined.known(np.arange(3, 6), np.arange(8))).all()
        assert of_first[:, [1, 5]].all()

    def test_sources_that_cannot_be_joined_are_errors(self, store):
        text = small_text()
        with pytest.raises(InputError, match="no sources"):
            Joined({}).pairs(text, store, 0)
        with pytest.raises(InputError, match="makes documents of its own"):
            Joined({"crops": RandomCrops(minimum_words=1)}).pairs(text, store, 0)
        ranges = RankRange(Listed(("d1", "d3", "d4")), None, None, 1, 1, 3, 3)
        with pytest.raises(InputError, match="the same negatives and weights"):
            Joined({"ranges": ranges, "labels": Labelled()}).pairs(text, store, 0)
