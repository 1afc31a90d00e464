"""The largest entries of long rows, a few of each."""

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
