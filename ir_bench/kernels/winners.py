"""The largest entries of long rows, a few of each, and hits put in order."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def winners(rows, k):
    """The columns of the k largest entries of each row [rows, columns], largest first, equal ones by ascending column,
    and their values: int32 and float32 [rows, k], k at most the number of columns."""
    count, width = rows.shape
    columns = np.empty((count, k), np.int32)
    values = np.empty((count, k), np.float32)
    for row in range(count):
        filled = 0
        for column in range(width):
            value = rows[row, column]
            if filled == k and value <= values[row, k - 1]:
                continue  # nearly always: the rows are long and k is small
            place = filled if filled < k else k - 1
            while place > 0 and values[row, place - 1] < value:
                values[row, place] = values[row, place - 1]
                columns[row, place] = columns[row, place - 1]
                place -= 1
            values[row, place] = value
            columns[row, place] = column
            if filled < k:
                filled += 1
    return columns, values


@numba.njit(cache=True, nogil=True)
def ranked(queries, counts, rows, scores, out_rows, out_scores):
    """Write hits, one query's after the other, to `out_rows` and `out_scores` [queries, k]: by falling score, equal
    ones by ascending row.

    counts [n]: how many hits each of the queries `queries` [n] has, at most k. Hits that come nearly in order are
    cheapest.
    """
    start = 0
    for i in range(len(queries)):
        query = queries[i]
        for held in range(counts[i]):
            row, score, place = rows[start + held], scores[start + held], held
            while place > 0 and (
                out_scores[query, place - 1] < score
                or (out_scores[query, place - 1] == score and out_rows[query, place - 1] > row)
            ):
                out_scores[query, place] = out_scores[query, place - 1]
                out_rows[query, place] = out_rows[query, place - 1]
                place -= 1
            out_scores[query, place] = score
            out_rows[query, place] = row
        start += counts[i]
