"""The pooled vector of token vectors of any length."""

from __future__ import annotations

import numpy as np
import torch

from ir_bench.modules.mean_of_units import mean_of_units


def test_it_is_the_mean_of_a_float64_loop() -> None:
    drawn = torch.Generator().manual_seed(0)
    vectors, mask = torch.randn(3, 5, 4, generator=drawn), torch.tensor([[1] * 5, [1, 1, 0, 0, 0], [0] * 5])
    vectors[1, 2:] = float("nan")  # masked tokens are not read
    found = mean_of_units(vectors, mask).numpy()
    for row in range(2):
        tokens = [v / np.linalg.norm(v) for v in vectors[row][mask[row].bool()].double().numpy()]
        total = np.sum(tokens, 0)
        np.testing.assert_allclose(found[row], total / np.linalg.norm(total), atol=1e-6)
    assert (found[2] == 0).all()  # a text of no tokens
