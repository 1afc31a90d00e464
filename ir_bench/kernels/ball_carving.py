"""Fewer query tokens for exact rescoring: those that point the same way are added up."""

from __future__ import annotations

import numpy as np

from ir_bench.types import MultiVector


def carved(queries: MultiVector, least: float) -> MultiVector:
    """Each query's tokens [tokens, dims] in groups: the first that is left and all others left whose inner product with
    it is at least `least`, replaced by their sum, which is not normalised.

    MaxSim with the sums is at most MaxSim with the tokens, since the largest of sums is at most the sum of the largest;
    equal where no group has two tokens. Source: Dhulipala et al. 2024, MUVERA, appendix C.3.
    """
    parts, lengths = [queries.values[:0].astype(np.float32)], []
    for i in range(len(queries)):
        tokens = queries.row(i).astype(np.float32, copy=False)
        near = tokens @ tokens.T >= least
        left, sums = np.ones(len(tokens), bool), []
        for token in range(len(tokens)):
            if left[token]:
                group = left & near[token]
                group[token] = True
                sums.append(tokens[group].sum(axis=0))
                left &= ~group
        parts += [np.stack(sums)] if sums else []
        lengths.append(len(sums))
    return MultiVector(np.concatenate(parts), np.cumsum([0, *lengths]))
