"""LENS's head against a float64 loop; what is saved is what is loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench.modules.lens import Lens


def head(seed: int, normalise: bool) -> Lens:
    generator = torch.Generator().manual_seed(seed)
    made = Lens(4, 9, ["cats", "dogs", "wings"], normalise)
    made.same_as[:] = torch.tensor([-1, 0, 0, 1, 1, 1, 2, 2, 2])
    made.weigh.table.copy_(torch.randn(3, 4, generator=generator))
    for weight in made.weigh.parameters():
        weight.data = torch.randn(weight.shape, generator=generator)
    return made


def features(lengths: list[int], seed: int) -> dict[str, torch.Tensor]:
    vectors = torch.randn(len(lengths), max(*lengths, 1), 4, generator=torch.Generator().manual_seed(seed))
    mask = (torch.arange(vectors.shape[1])[None] < torch.tensor(lengths)[:, None]).long()
    return {"token_embeddings": vectors, "attention_mask": mask, "input_ids": mask * 5}


@settings(max_examples=25)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=4), st.integers(0, 99), st.booleans())
def test_equals_a_float64_loop(lengths, seed, normalise):
    module, given = head(seed, normalise), features(lengths, seed + 1)
    found = module(dict(given))["sentence_embedding"].detach().numpy()
    centres, shift, map_, offsets = (
        weight.detach().double().numpy()
        for weight in (module.weigh.table, module.weigh.linear.bias, module.weigh.linear.weight, module.weigh.bias)
    )
    for text, length in enumerate(lengths):
        own = given["token_embeddings"][text, :length].double().numpy()
        expected = np.zeros(3)
        for k in range(3):
            for h in own:
                expected[k] = max(expected[k], np.log1p(max(0.0, centres[k] @ (map_ @ h + shift) + offsets[k])))
        if normalise and expected.any():
            expected /= np.linalg.norm(expected)
        np.testing.assert_allclose(found[text], expected, atol=1e-5)


@pytest.mark.parametrize("normalise", [True, False])
def test_what_is_saved_is_loaded(normalise: bool, tmp_path: Path):
    module = head(0, normalise)
    module.save(str(tmp_path))
    again = Lens.load(str(tmp_path))
    assert again.names == module.names
    assert again.same_as.tolist() == module.same_as.tolist()
    given = features([3, 1], 2)
    assert again(dict(given))["sentence_embedding"].equal(module(dict(given))["sentence_embedding"])
    assert again.get_embedding_dimension() == 3
