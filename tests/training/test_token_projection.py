"""Projections of token vectors that are fitted to documents."""

from __future__ import annotations

import numpy as np
import torch

from ir_bench.training.token_projection import _max_sim, keep_scores, principal_components


def states(count: int = 60, dims: int = 12, topics: int = 20) -> list[torch.Tensor]:
    """Token vectors of documents, around their topics."""
    drawn = torch.Generator().manual_seed(0)
    about, spread = torch.randn(topics, dims, generator=drawn) * 1.5, torch.linspace(1.2, 0.2, dims)
    lengths = torch.randint(5, 30, (count,), generator=drawn)
    made = [torch.randn(n, dims, generator=drawn) * spread + about[i % topics] for i, n in enumerate(lengths)]
    return [torch.nn.functional.normalize(vectors, dim=1) for vectors in made]


def test_components_are_numpy_s_right_singular_vectors() -> None:
    made = states()
    found = principal_components(made, 4).numpy()
    _, _, wanted = np.linalg.svd(torch.cat(made).double().numpy())
    np.testing.assert_allclose(np.abs(found @ wanted[:4].T), np.eye(4), atol=1e-4)


def test_max_sim_is_the_double_loop() -> None:
    made = states(5)
    queries, lengths = torch.cat([made[0][:3], made[1][:2]]), torch.tensor([3, 2])
    padded = torch.nn.utils.rnn.pad_sequence(made[2:], batch_first=True)
    mask = padded.abs().sum(2) > 0
    found = _max_sim(queries, padded, mask, lengths).numpy()
    for row, query in enumerate((made[0][:3], made[1][:2])):
        for column, document in enumerate(made[2:]):
            best = [max(float(q @ d) for d in document.double()) for q in query.double()]
            assert abs(found[row, column] - sum(best) / len(best)) < 1e-5


def error(projection: torch.Tensor, of: list[torch.Tensor]) -> float:
    """How far centred MaxSim is from that of the vectors themselves."""
    lengths = torch.tensor([5] * len(of))
    padded = torch.nn.utils.rnn.pad_sequence(of, batch_first=True)
    mask = padded.abs().sum(2) > 0
    spans = torch.cat([vectors[:5] for vectors in of])
    small = torch.nn.functional.normalize(spans @ projection.T, dim=-1)
    smaller = torch.nn.functional.normalize(padded @ projection.T, dim=-1)
    apart = _max_sim(small, smaller, mask, lengths) - _max_sim(spans, padded, mask, lengths)
    return (apart - apart.mean(1, keepdim=True)).square().mean().item()


def test_scores_are_kept_better_than_by_principal_components_in_documents_that_were_not_seen() -> None:
    made = states(120)
    components = principal_components(made[:60], 4)
    fitted = keep_scores(components, made[:60], steps=200)
    assert error(fitted, made[60:]) < 0.9 * error(components, made[60:])
    assert torch.equal(fitted, keep_scores(components, made[:60], steps=200))


def test_all_dimensions_have_nothing_to_learn() -> None:
    made = states(30)
    whole = principal_components(made, 12)
    assert error(keep_scores(whole, made, steps=5), made) < 1e-6
