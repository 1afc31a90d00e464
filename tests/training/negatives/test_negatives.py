"""Every source of negatives: never a known positive, the query's own document, or a copy of one of these."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from training.build import Letters, Listed, forbidden, labelled, random_text, small_text

from ir_bench.errors import InputError
from ir_bench.indexes.flat import FlatIndex
from ir_bench.protocols import NegativeSource, Refreshing
from ir_bench.retrievers.vector import VectorRetriever
from ir_bench.store import Store
from ir_bench.training.examples import Pairs, TrainingText, make_examples
from ir_bench.training.known import most_known, pick
from ir_bench.training.negatives.in_batch import InBatch
from ir_bench.training.negatives.mined import Mined
from ir_bench.training.negatives.mixed import Mixed
from ir_bench.training.negatives.momentum_queue import MomentumQueue
from ir_bench.training.negatives.paired import Paired
from ir_bench.training.negatives.per_step_index import PerStepIndex
from ir_bench.training.negatives.random import Random
from ir_bench.training.negatives.static_file import StaticFile
from ir_bench.training.pairs.rank_range import RankRange
from ir_bench.training.pairs.title_body import TitleBody


def dense() -> VectorRetriever:
    return VectorRetriever(Letters(), FlatIndex())


def listing(text: TrainingText, folder: Path) -> StaticFile:
    """Every document, the known positives too."""
    path = folder / "listed.jsonl"
    lines = [json.dumps({"query": q, "negatives": list(text.document_ids)}) + "\n" for q in text.query_ids]
    path.write_text("".join(lines), encoding="utf-8")
    return StaticFile(str(path), count=3)


SOURCES: dict[str, Callable[[TrainingText, Path], NegativeSource]] = {
    "in_batch": lambda text, folder: InBatch(),
    "random": lambda text, folder: Random(3),
    "mined": lambda text, folder: Mined(dense(), 1, 8, 3),
    "mined first": lambda text, folder: Mined(dense(), 2, 8, 3, "first"),
    "mined short": lambda text, folder: Mined(Listed(("d1",)), 1, 5, 3),
    "per_step_index": lambda text, folder: PerStepIndex(Letters(), FlatIndex(), 5),
    "static_file": listing,
    "paired": lambda text, folder: Paired(2),
    "mixed": lambda text, folder: Mixed({"hard": Mined(dense(), 1, 8, 2), "easy": Random(2), "batch": InBatch()}),
    "momentum_queue": lambda text, folder: MomentumQueue(count=3, size=20),
}


def pairs_for(name: str, text: TrainingText, store: Store) -> Pairs:
    if name == "paired":
        return RankRange(dense(), first_positive=1, last_positive=2, first_negative=3, last_negative=20).pairs(
            text, store, 0
        )
    return labelled(text)


@pytest.mark.parametrize("name", SOURCES)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), step=st.integers(0, 5))
def test_no_negative_is_a_known_positive_or_the_own_document(name, tmp_path, store, seed, step):
    text = random_text(seed)
    pairs = pairs_for(name, text, store)
    source = SOURCES[name](text, tmp_path)
    source.start(text, pairs, store, seed)
    if isinstance(source, MomentumQueue):
        source.enqueue(np.arange(len(text.documents)), Letters().encode_documents(text.documents).values)
    at = np.arange(len(pairs))
    vectors = Letters().encode_queries([pairs.queries[row] for row in pairs.query_rows]).values
    drawn = source.draw(at, step, vectors)
    assert drawn.shape == (len(pairs), source.count)
    for query, rows in zip(pairs.query_rows.tolist(), drawn.tolist(), strict=True):
        texts = [text.documents[row] for row in rows if row >= 0]
        assert not set(texts) & forbidden(text, pairs, query)
        assert len(set(texts)) == len(texts)  # no text twice
    assert not pairs.known(pairs.query_rows, drawn.reshape(-1))[
        np.repeat(np.arange(len(pairs)), source.count), np.arange(drawn.size)
    ][drawn.reshape(-1) >= 0].any()
    again = SOURCES[name](text, tmp_path)
    again.start(text, pairs, store, seed)
    if isinstance(again, MomentumQueue):
        again.enqueue(np.arange(len(text.documents)), Letters().encode_documents(text.documents).values)
    assert again.draw(at, step, vectors).tobytes() == drawn.tobytes()


@pytest.mark.parametrize(
    "name", [n for n in SOURCES if n not in ("in_batch", "paired", "mined first", "momentum_queue")]
)
def test_generated_queries_do_not_get_their_own_document(name, tmp_path, store):
    text = random_text(5)
    text = type(text)(**{**vars(text), "titles": [f"title {i}" for i in range(len(text.documents))]})
    pairs = TitleBody(minimum_words=1).pairs(text, store, 0)
    if name == "static_file":
        lines = [json.dumps({"query": q, "negatives": list(text.document_ids)}) + "\n" for q in pairs.query_ids]
        (tmp_path / "listed.jsonl").write_text("".join(lines), encoding="utf-8")
        source: NegativeSource = StaticFile(str(tmp_path / "listed.jsonl"), count=3)
    else:
        source = SOURCES[name](text, tmp_path)
    source.start(text, pairs, store, 0)
    drawn = source.draw(np.arange(len(pairs)), 0, Letters().encode_queries(pairs.queries).values)
    own = pairs.known.documents[pairs.document_rows]
    assert not (pairs.known.documents[drawn] == own[:, None]).any()
    assert (drawn < len(text.documents)).all()  # bodies are positives, never negatives


class TestPick:
    def test_takes_the_first_allowed_ones_without_copies(self):
        known = small_text().known
        generator = np.random.default_rng(0)
        # q1: d1, d2, d5 are positives; d6 is d0 again
        rows = pick(known, np.array([1]), np.array([[1, 0, 6, 2, 3, 4]]), 3, generator)
        assert rows.tolist() == [[0, 3, 4]]

    def test_draws_at_random_evenly(self):
        known = small_text().known
        rows = pick(
            known, np.full(3000, 1), np.tile([1, 0, 3, 4, -1], (3000, 1)), 1, np.random.default_rng(0), "random"
        )
        counts = np.bincount(rows[:, 0], minlength=8)
        assert counts[[0, 3, 4]].sum() == 3000
        assert (abs(counts[[0, 3, 4]] - 1000) < 110).all()  # more than four standard deviations

    def test_fills_from_the_corpus_or_leaves_padding(self):
        known, generator = small_text().known, np.random.default_rng(0)
        nothing = np.zeros((1, 0), np.int64)
        filled = pick(known, np.array([1]), nothing, 4, generator)[0]
        assert {int(known.documents[row]) for row in filled} == {0, 3, 4, 7}
        assert pick(known, np.array([1]), nothing, 2, generator, fill=False).tolist() == [[-1, -1]]

    def test_a_corpus_with_too_few_documents_is_an_error(self):
        with pytest.raises(InputError, match="query 'q1' has 4 possible negatives among 8 documents"):
            pick(small_text().known, np.array([1]), np.zeros((1, 0), np.int64), 5, np.random.default_rng(0))

    def test_most_known_counts_copies(self):
        # q0: d0 and its copy d6, d4
        assert most_known(small_text().known, np.array([0])) == 3
        assert most_known(small_text().known, np.array([2])) == 2


class TestMined:
    ORDER = ("d0", "d1", "d2", "d3", "d4", "d5", "d6", "q2")

    def start(self, store: Store, **options: Any) -> Mined:
        source = Mined(Listed(self.ORDER), **options)
        text = small_text()
        source.start(text, labelled(text), store, 0)
        return source

    def test_ranks_count_documents_that_may_be_negatives(self, store):
        source = self.start(store, first=2, last=3, count=2, choice="first")
        # q0 may have d1, d2, d3, d5, q2 in this order; q1: d0, d3, d4 (d6 is d0 again), q2; q2: d0, d1, d2, …
        drawn = source.draw(np.array([0, 2, 5]), 0)
        assert drawn.tolist() == [[2, 3], [3, 4], [1, 2]]

    def test_draws_anew_at_each_step_within_the_range(self, store):
        source = self.start(store, first=1, last=3)
        drawn = np.concatenate([source.draw(np.array([0]), step) for step in range(40)])
        assert set(drawn.ravel().tolist()) == {1, 2, 3}

    def test_refresh_searches_with_the_new_retriever(self, store):
        source = self.start(store, last=1, choice="first", refresh_every=10)
        assert isinstance(source, Refreshing)
        assert source.draw(np.array([0]), 0).tolist() == [[1]]
        source.refresh(Listed(self.ORDER[::-1]))
        assert source.draw(np.array([0]), 0).tolist() == [[7]]

    def test_a_document_that_the_corpus_lacks_is_an_error(self, store):
        text = small_text()
        with pytest.raises(InputError, match="ranks document 'x9' for query 'q0'"):
            Mined(Listed(("x9",))).start(text, labelled(text), store, 0)

    def test_a_range_that_is_none_is_an_error(self, store):
        with pytest.raises(InputError, match="ranks 5 to 3"):
            self.start(store, first=5, last=3)

    def test_draw_before_start_is_an_error(self):
        with pytest.raises(InputError, match="Mined was not started"):
            Mined(Listed(())).draw(np.array([0]), 0)


class TestPerStepIndex:
    def test_follows_the_query_vectors(self, store):
        text = small_text()
        source = PerStepIndex(Letters(), FlatIndex(), 2)
        source.start(text, labelled(text), store, 0)
        documents = Letters().encode_documents(text.documents).values
        vector = np.zeros((1, documents.shape[1]), np.float32)
        for letter in range(3):
            vector[:], vector[0, letter] = 0, 1
            drawn = source.draw(np.array([2]), 0, vector)[0]
            free = [0, 3, 4, 7]  # q1 is answered by d1, d2 and d5; d6 is d0 again
            best = sorted(free, key=lambda row: -documents[row, letter])[:2]
            assert documents[drawn, letter].tolist() == documents[best, letter].tolist()

    def test_needs_query_vectors(self, store):
        text = small_text()
        source = PerStepIndex(Letters(), FlatIndex(), 2)
        source.start(text, labelled(text), store, 0)
        with pytest.raises(InputError, match="0 query vectors for 1 pairs"):
            source.draw(np.array([0]), 0)


class TestStaticFile:
    def start(self, tmp_path: Path, store: Store, content: str, name: str = "n.jsonl") -> StaticFile:
        (tmp_path / name).write_text(content, encoding="utf-8")
        source = StaticFile(str(tmp_path / name), 2, "first")
        text = small_text()
        source.start(text, labelled(text), store, 0)
        return source

    def test_takes_the_first_of_a_list(self, tmp_path, store):
        lists = {"q0": ["d0", "d3", "d1", "d5"], "q1": ["d4", "d3"], "q2": ["d1", "d2"]}
        lines = "".join(json.dumps({"query": q, "negatives": d}) + "\n" for q, d in lists.items())
        source = self.start(tmp_path, store, lines)
        assert source.draw(np.array([0, 2]), 0).tolist() == [[3, 1], [4, 3]]

    def test_reads_runs(self, tmp_path, store):
        run = "".join(f"q{q} Q0 d{d} 1 {-d} tag\n" for q in range(3) for d in range(6))
        assert self.start(tmp_path, store, run, "n.trec").draw(np.array([0]), 0).tolist() == [[1, 2]]

    def test_a_query_that_is_missing_is_an_error(self, tmp_path, store):
        with pytest.raises(InputError, match="no ranking for train query 'q1'"):
            self.start(tmp_path, store, '{"query": "q0", "negatives": ["d1"]}\n')

    def test_a_malformed_line_is_an_error(self, tmp_path, store):
        with pytest.raises(InputError, match=r"n\.jsonl:1: no list of negatives"):
            self.start(tmp_path, store, '{"query": "q0"}\n')


class TestMixed:
    def test_keeps_the_order_of_its_sources(self, store):
        text = small_text()
        source = Mixed({"hard": Mined(Listed(("d3", "d5")), 1, 1, 1, "first"), "easy": Random(2)})
        source.start(text, labelled(text), store, 0)
        drawn = source.draw(np.array([0, 1]), 0)
        assert drawn.shape == (2, 3)
        assert drawn[:, 0].tolist() == [3, 3]

    def test_without_sources_is_an_error(self, store):
        text = small_text()
        with pytest.raises(InputError, match="no sources"):
            Mixed({}).start(text, labelled(text), store, 0)


class TestMomentumQueue:
    def queue(self, store: Store, **options: Any) -> MomentumQueue:
        text = small_text()
        source = MomentumQueue(**options)
        source.start(text, labelled(text), store, 0)
        return source

    def test_starts_empty(self, store):
        assert self.queue(store, count=2).draw(np.array([0]), 0).tolist() == [[-1, -1]]

    def test_takes_the_nearest_and_gives_their_vectors(self, store):
        source = self.queue(store, count=2)
        source.enqueue(np.array([1, 2, 3]), np.array([[0, 1], [1, 0], [0.5, 0.5]]))
        rows = source.draw(np.array([0]), 1, np.array([[1.0, 0.1]]))
        assert rows.tolist() == [[2, 3]]
        assert source.vectors(rows).tolist() == [[[1, 0], [0.5, 0.5]]]
        assert source.vectors(np.array([[-1, 1]])).tolist() == [[[0, 0], [0, 1]]]

    def test_leaves_likely_positives_out(self, store):
        source = self.queue(store, count=2, max_similarity=0.9)
        source.enqueue(np.array([1, 2, 3]), np.array([[0, 1], [1, 0], [0.5, 0.5]]))
        assert source.draw(np.array([0]), 1, np.array([[1.0, 0.1]])).tolist() == [[3, 1]]

    def test_first_in_first_out_and_only_the_newest_of_a_document(self, store):
        source = self.queue(store, count=4, size=3)
        source.enqueue(np.array([1, 2]), np.ones((2, 2)))
        source.enqueue(np.array([1, 3]), np.full((2, 2), 2.0))
        assert source.draw(np.array([0]), 1).tolist() == [[3, 1, 2, -1]]  # the newest first
        assert source.vectors(np.array([[1]])).tolist() == [[[2, 2]]]
        source.enqueue(np.array([5]), np.ones((1, 2)))
        assert source.draw(np.array([0]), 1).tolist() == [[5, 3, 1, -1]]

    def test_vectors_of_other_dimensions_are_an_error(self, store):
        source = self.queue(store)
        source.enqueue(np.array([1]), np.ones((1, 2)))
        with pytest.raises(InputError, match="of 2 dimensions"):
            source.enqueue(np.array([1]), np.ones((1, 3)))

    def test_the_key_tower_follows_the_query_tower(self, store):
        import torch

        key, query = torch.nn.Linear(2, 1, bias=False), torch.nn.Linear(2, 1, bias=False)
        torch.nn.init.constant_(key.weight, 1.0)
        torch.nn.init.constant_(query.weight, 3.0)
        self.queue(store, momentum=0.75).follow(key, query)
        assert key.weight.tolist() == [[1.5, 1.5]]  # 0.75 · 1 + 0.25 · 3
        assert query.weight.tolist() == [[3.0, 3.0]]


class TestPaired:
    def test_pairs_without_negatives_are_an_error(self, store):
        text = small_text()
        with pytest.raises(InputError, match="came without negatives"):
            Paired().start(text, labelled(text), store, 0)


def test_examples_put_the_positive_first(store):
    text = small_text()
    pairs = labelled(text)
    source = Random(2)
    source.start(text, pairs, store, 7)
    examples = make_examples(pairs, source)
    assert examples.document_rows.shape == (6, 3)
    assert (examples.document_rows[:, 0] == pairs.document_rows).all()
    assert (make_examples(pairs, source, step=1).document_rows != examples.document_rows).any()
    with pytest.raises(InputError, match="no pairs"):
        make_examples(pairs, source, at=np.zeros(0, np.int64))
