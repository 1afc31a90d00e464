"""Mean scores of positives and negatives, against a loop in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ir_bench.training.scores_seen import ScoresSeen
from ir_bench.training.step import Step


def drawn(seed: int, in_batch: bool) -> Step:
    random = np.random.default_rng(seed)
    scores = torch.from_numpy(random.normal(size=(4, 8))).requires_grad_()
    labels = torch.zeros(4, 8, dtype=torch.float64)
    labels[torch.arange(4), 2 * torch.arange(4) if in_batch else 0] = 1
    own = torch.eye(4, dtype=torch.bool).repeat_interleave(2, 1)
    return Step(scores, labels, torch.from_numpy(random.random((4, 8)) < 0.8), own=own if in_batch else None)


@pytest.mark.parametrize("in_batch", [True, False])
def test_means_are_those_of_a_loop_over_all_batches(in_batch: bool) -> None:
    seen, kinds = ScoresSeen(), {"positive_score": [], "negative_score": [], "batch_score": []}
    for seed in range(3):
        step = drawn(seed, in_batch)
        seen.add(step)
        for q in range(4):
            for d in range(8):
                own = step.own is None or bool(step.own[q, d])
                kind = "positive_score" if step.labels[q, d] > 0 else "negative_score" if own else "batch_score"
                if step.mask[q, d]:
                    kinds[kind].append(step.scores[q, d].item())
    assert bool(kinds["batch_score"]) == in_batch
    assert seen.taken() == pytest.approx({kind: np.mean(scores) for kind, scores in kinds.items() if scores})
    assert seen.taken() == {}  # what was taken is not counted again


def test_what_is_masked_may_be_anything() -> None:
    step = drawn(0, True)
    scores = step.scores.detach().clone()
    scores[~step.mask] = torch.nan
    with_nan, without = ScoresSeen(), ScoresSeen()
    with_nan.add(Step(scores, step.labels, step.mask, own=step.own))
    without.add(step)
    assert with_nan.taken() == without.taken()
