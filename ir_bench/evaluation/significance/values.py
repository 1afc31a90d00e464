"""The check that every method makes of its input."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ir_bench.errors import InputError

# A spread below this share of the largest value is rounding: differences of equal size that are not equal in binary.
ROUNDING = 1e-12


def checked(values: ArrayLike, what: str) -> NDArray[np.float64]:
    """One finite float64 number a query [queries]. Raises InputError for none, for NaN and infinite ones."""
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not len(array):
        raise InputError(f"the {what} have the shape {array.shape}", "one number for each of at least one query")
    if not np.isfinite(array).all():
        raise InputError(
            f"{int((~np.isfinite(array)).sum())} of {len(array)} {what} are NaN or infinite",
            "finite numbers",
            "score the runs again",
        )
    return array


def spread(differences: NDArray[np.float64]) -> float:
    """Standard deviation (n − 1) of [queries]; exactly 0 for one query and where all are equal but for rounding."""
    if len(differences) < 2:
        return 0.0
    deviation = float(differences.std(ddof=1))
    return deviation if deviation > ROUNDING * float(np.abs(differences).max()) else 0.0
