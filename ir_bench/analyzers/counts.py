"""Bags of terms: how often each term occurs in each text."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np


@dataclass(frozen=True)
class TermCounts:
    """The bag of terms of each text: text i owns [offsets[i], offsets[i + 1]), terms ascending, no zero counts.

    Terms are numbers into `vocabulary`: the distinct terms of these texts in order of first occurrence.
    """

    terms: np.ndarray  # int32 [pairs]
    counts: np.ndarray  # float32 [pairs]
    offsets: np.ndarray  # int64 [texts + 1]
    vocabulary: list[str]


def count_terms(ids: np.ndarray, offsets: np.ndarray, vocabulary: list[str]) -> TermCounts:
    """Count the stream of term numbers of each text (int32 [tokens]; -1 is no term) of which text i owns a stretch."""
    terms, counts, pair_offsets = _count(ids, offsets, len(vocabulary))
    return TermCounts(terms, counts, pair_offsets, vocabulary)


@numba.njit(cache=True, nogil=True)
def _count(ids, offsets, vocabulary):
    texts = len(offsets) - 1
    pair_offsets = np.zeros(texts + 1, dtype=np.int64)
    begins = np.zeros(vocabulary + 1, dtype=np.int64)  # where a term's texts begin in the term-major copy
    terms = np.empty(len(ids), dtype=np.int32)
    counts = np.empty(len(ids), dtype=np.float32)
    latest = np.full(vocabulary, -1, dtype=np.int64)  # the pair of a term in the text at hand, or in an earlier one
    pairs = 0
    for text in range(texts):
        for i in range(offsets[text], offsets[text + 1]):
            term = ids[i]
            if term < 0:
                continue
            if latest[term] >= pair_offsets[text]:
                counts[latest[term]] += 1
            else:
                latest[term] = pairs
                terms[pairs] = term
                counts[pairs] = 1
                begins[term + 1] += 1
                pairs += 1
        pair_offsets[text + 1] = pairs

    # Sort each text's terms by transposing twice, which takes linear time.
    for term in range(vocabulary):
        begins[term + 1] += begins[term]
    ends = begins[:-1].copy()
    owners = np.empty(pairs, dtype=np.int32)
    moved = np.empty(pairs, dtype=np.float32)
    for text in range(texts):
        for pair in range(pair_offsets[text], pair_offsets[text + 1]):
            place = ends[terms[pair]]
            ends[terms[pair]] += 1
            owners[place] = text
            moved[place] = counts[pair]
    sorted_terms = np.empty(pairs, dtype=np.int32)
    sorted_counts = np.empty(pairs, dtype=np.float32)
    filled = pair_offsets[:-1].copy()
    for term in range(vocabulary):
        for place in range(begins[term], begins[term + 1]):
            pair = filled[owners[place]]
            filled[owners[place]] += 1
            sorted_terms[pair] = term
            sorted_counts[pair] = moved[place]
    return sorted_terms, sorted_counts, pair_offsets
