"""Batches: partitions, fixed by seed and epoch, of one topic or one collection, with flat margins."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from training.build import Letters, examples_of, labelled, random_text, small_text

from ir_bench.errors import InputError
from ir_bench.protocols import BatchSampler
from ir_bench.training.batches import for_trainer, in_batches
from ir_bench.training.examples import Examples, make_examples, together
from ir_bench.training.negatives.random import Random
from ir_bench.training.samplers.by_collection import ByCollection
from ir_bench.training.samplers.random import RandomBatches
from ir_bench.training.samplers.topic_clusters import TopicClusters, k_means

SAMPLERS: dict[str, Callable[[], BatchSampler]] = {
    "random": RandomBatches,
    "topic_clusters": lambda: TopicClusters(Letters(), clusters=4, take="all"),
    "by_collection": lambda: ByCollection(RandomBatches()),
    "topics by collection": lambda: ByCollection(TopicClusters(Letters(), clusters=3, take="all")),
}


def examples(seed: int, queries: int = 8) -> Examples:
    """Of two collections."""
    parts = {}
    for name, size in (("a", queries), ("b", 5)):
        text = random_text(seed, size)
        pairs = labelled(text)
        source = Random(2)
        source.start(text, pairs, None, seed)  # type: ignore[arg-type]
        parts[name] = make_examples(pairs, source)
    return together(parts)


@pytest.mark.parametrize("name", SAMPLERS)
class TestEverySampler:
    @settings(max_examples=15, deadline=None)
    @given(seed=st.integers(0, 100), epoch=st.integers(0, 3), batch_size=st.integers(1, 40))
    def test_batches_are_a_partition_fixed_by_seed_and_epoch(self, name, seed, epoch, batch_size):
        some = examples(seed)
        first, again = SAMPLERS[name](), SAMPLERS[name]()
        first.start(some, seed)
        again.start(some, seed)
        list(again.batches(batch_size, epoch + 1))  # what was asked before does not matter: training can be resumed
        batches = list(first.batches(batch_size, epoch))
        assert [b.tolist() for b in batches] == [b.tolist() for b in again.batches(batch_size, epoch)]
        assert sorted(np.concatenate(batches).tolist()) == list(range(len(some)))
        assert max(map(len, batches)) <= batch_size
        assert len(list(first.batches(batch_size, epoch + 1))) == len(batches)

    def test_epochs_and_seeds_differ(self, name):
        orders = []
        for seed, epoch in ((0, 0), (0, 1), (1, 0)):
            sampler = SAMPLERS[name]()
            sampler.start(examples(0), seed)
            orders.append(np.concatenate(list(sampler.batches(4, epoch))).tolist())
        assert len({tuple(order) for order in orders}) == 3

    def test_the_last_short_batch_can_be_dropped(self, name):
        sampler = SAMPLERS[name]()
        sampler.start(examples(0), 0)
        assert {len(batch) for batch in sampler.batches(7, 0, drop_last=True)} == {7}

    def test_batches_before_start_are_an_error(self, name):
        with pytest.raises(InputError, match="was not started"):
            list(SAMPLERS[name]().batches(4, 0))

    def test_plugs_into_the_trainer(self, name):
        some = examples(0)
        sampler = SAMPLERS[name]()
        sampler.start(some, 0)
        make = for_trainer(sampler, len(some))
        batches = make(range(len(some)), batch_size=4, drop_last=False, valid_label_columns=["label"], seed=9)
        assert len(batches) == len(list(batches))
        assert list(batches) == [b.tolist() for b in sampler.batches(4, 0)]
        batches.set_epoch(2)
        assert list(batches) == [b.tolist() for b in sampler.batches(4, 2)]
        with pytest.raises(InputError, match="has 3 rows"):
            make(range(3), batch_size=4, drop_last=False)


class TestInBatches:
    def test_whole_batches_first_then_what_is_left_together(self):
        groups = [np.arange(5), np.arange(5, 8), np.arange(8, 12)]
        batches = [b.tolist() for b in in_batches(groups, 2, False)]
        assert batches == [[0, 1], [2, 3], [5, 6], [8, 9], [10, 11], [4, 7]]

    def test_no_batch_is_an_error(self):
        with pytest.raises(InputError, match="3 examples make no batch of 4"):
            list(in_batches([np.arange(3)], 4, True))
        with pytest.raises(InputError, match="0 examples"):
            list(in_batches([np.arange(0)], 4, False))
        with pytest.raises(InputError, match="batch size is 0"):
            list(in_batches([np.arange(3)], 0, False))


def with_margins(margins: list[list[float]]) -> Examples:
    """Examples of query i with these margins, one negative each."""
    rows = [[query, 0, 3] for query, some in enumerate(margins) for _ in some]
    return examples_of(small_text(), rows, [[m, 0.0] for some in margins for m in some])


class TestMargins:
    # 94 small margins, 4 middle ones, 1 large one: three of four bins are filled, very unevenly
    SKEWED = ([0.0] * 50 + [0.1] * 44 + [0.6] * 4 + [1.0], [5.0] * 30 + [7.0], [2.0])

    def drawn(self, take: str, epochs: int) -> list[int]:
        some = with_margins([list(m) for m in self.SKEWED])
        sampler = TopicClusters(Letters(), 2, take, bins=4)  # type: ignore[arg-type]
        sampler.start(some, 0)
        return [int(i) for epoch in range(epochs) for batch in sampler.batches(2, epoch) for i in batch]

    def test_each_query_once_an_epoch(self):
        some = with_margins([list(m) for m in self.SKEWED])
        for take in ("balanced", "one"):
            assert sorted(some.query_rows[self.drawn(take, 1)].tolist()) == [0, 1, 2]

    def test_bins_that_hold_an_example_are_equally_likely(self):
        drawn = np.array(self.drawn("balanced", 1500))
        of_first = drawn[drawn < 99]
        counts = [np.sum(of_first < 94), np.sum((of_first >= 94) & (of_first < 98)), np.sum(of_first == 98)]
        assert sum(counts) == 1500
        assert stats.chisquare(counts).pvalue > 0.001
        of_second = drawn[(drawn >= 99) & (drawn < 130)]
        assert stats.chisquare([np.sum(of_second < 129), np.sum(of_second == 129)]).pvalue > 0.001
        # within a bin all examples are equally likely
        assert stats.chisquare(np.bincount(of_first[of_first < 94], minlength=94)).pvalue > 0.001

    def test_one_at_random_follows_the_examples_instead(self):
        drawn = np.array(self.drawn("one", 1500))
        of_first = drawn[drawn < 99]
        assert stats.chisquare(np.bincount(of_first, minlength=99)).pvalue > 0.001

    def test_without_a_teacher_they_cannot_be_balanced(self):
        with pytest.raises(InputError, match="no teacher's scores"):
            TopicClusters(Letters()).start(examples_of(small_text(), [[0, 0, 1]]), 0)


class TestTopics:
    def test_a_whole_batch_has_one_cluster(self):
        some = examples(3, queries=40)
        sampler = TopicClusters(Letters(), clusters=3, take="all")
        sampler.start(some, 0)
        assert sampler._groups is not None
        cluster = np.empty(len(np.unique(some.query_rows)), np.int64)
        for number, group in enumerate(sampler._groups):
            cluster[group] = number
        _, query = np.unique(some.query_rows, return_inverse=True)
        mixed = sum(len(set(cluster[query[batch]].tolist())) > 1 for batch in sampler.batches(4, 0))
        assert mixed <= 3  # only what is left of each cluster

    def test_k_means_finds_what_is_apart(self):
        generator = np.random.default_rng(0)
        centres = np.array([[0, 0], [10, 0], [0, 10]], np.float32)
        vectors = np.repeat(centres, 20, 0) + generator.normal(0, 0.1, (60, 2)).astype(np.float32)
        cluster, found = k_means(vectors, 3, 0)
        assert [len(set(cluster[i : i + 20].tolist())) for i in (0, 20, 40)] == [1, 1, 1]
        assert np.allclose(sorted(found.round().tolist()), sorted(centres.tolist()))
        assert (k_means(vectors, 3, 0)[0] == cluster).all()

    def test_more_clusters_than_queries(self):
        cluster, centres = k_means(np.eye(3, dtype=np.float32), 2000, 0)
        assert len(centres) == 3
        assert sorted(cluster.tolist()) == [0, 1, 2]


class TestByCollection:
    def test_a_batch_has_one_collection(self):
        some = examples(0)
        sampler = ByCollection(RandomBatches())
        sampler.start(some, 0)
        assert some.collections is not None
        for batch in sampler.batches(4, 0):
            assert len(set(some.collections[batch].tolist())) == 1

    def test_needs_collections(self):
        with pytest.raises(InputError, match="which collection"):
            ByCollection(RandomBatches()).start(examples_of(small_text(), [[0, 0, 1]]), 0)


@pytest.mark.slow
def test_in_batch_negatives_of_a_topic_are_harder_on_nfcorpus(data_folder, store):
    """The mechanism of TAS-B: in batches of one cluster a query's in-batch negatives have higher MiniLM scores.

    Each query is compared with itself, by a one-sided Wilcoxon test: its mean score of in-batch negatives against that
    of all positives of other queries, which random batches have on average. Documents are cut at 64 tokens, for time.
    """
    from ir_bench.cli.compose import part
    from ir_bench.training.examples import train_split

    text = train_split(part("dataset", "beir/nfcorpus"))
    text = text.of_queries(np.random.default_rng(0).permutation(len(text.queries))[:300])
    pairs = part("pairs", "labelled", ["it.per_query=1"]).pairs(text, store, 0)
    some = make_examples(pairs, part("negatives", "in_batch"))
    encoder = part("encoder", "minilm", ["+it.document_tokens=64"])
    queries = encoder.encode_queries([pairs.queries[row] for row in some.query_rows]).values
    documents = encoder.encode_documents([pairs.documents[row] for row in some.document_rows[:, 0]]).values
    known = pairs.known(some.query_rows, some.document_rows[:, 0])
    scores = np.where(known, np.nan, queries @ documents.T)

    def harder(sampler: BatchSampler) -> float:
        """The p-value of in-batch negatives that are harder than others."""
        sampler.start(some, 0)
        differences = []
        for batch in sampler.batches(8, 0):
            inside = scores[np.ix_(batch, batch)]
            able = ~np.isnan(inside).all(axis=1)
            differences += (np.nanmean(inside[able], axis=1) - np.nanmean(scores[batch[able]], axis=1)).tolist()
        return float(stats.wilcoxon(differences, alternative="greater").pvalue)

    assert harder(TopicClusters(encoder, clusters=20, take="all")) < 0.001
    assert harder(RandomBatches()) > 0.01
