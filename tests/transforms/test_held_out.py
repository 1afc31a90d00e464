"""The error of a coder on documents that it did not learn from, against a loop in float64."""

from __future__ import annotations

import numpy as np
import pytest

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.transforms.held_out import HeldOut
from ir_bench.transforms.sparse_coder import SparseCoder
from ir_bench.types import Dense

SMALL = {"hidden": 24, "k": 3, "steps": 30, "batch_size": 32, "auxiliary": 8}


def vectors(rows: int = 120) -> Dense:
    drawn = np.random.default_rng(5)
    return Dense((drawn.standard_normal((rows, 6)) @ drawn.standard_normal((6, 8)) + 2).astype(np.float32))


def test_the_error_is_that_of_a_float64_loop_over_documents_the_coder_never_saw() -> None:
    documents, seen = vectors(), []
    coder = SparseCoder(**SMALL)
    fit = coder.fit
    coder.fit = lambda part: (seen.append(part.values), fit(part))  # type: ignore[assignment]
    with cost.ledger() as notes:
        HeldOut(coder, share=0.25, seed=3).fit(documents)
    learned = {row.tobytes() for row in seen[0]}
    held = [row.astype(np.float64) for row in documents.values if row.tobytes() not in learned]
    assert (len(held), len(learned)) == (30, 90)
    state = {name: array.astype(np.float64) for name, array in coder._state.items()}  # type: ignore[union-attr]
    mean = sum(held) / len(held)
    left = spread = 0.0
    for x in held:
        latents = state["encoder"] @ ((x - state["centre"]) * state["scale"]) + state["bias"]
        decoded = np.zeros(8)
        for latent in np.argsort(-latents)[:3]:
            decoded += max(latents[latent], 0) * state["encoder"][latent]
        left += ((x - decoded / state["scale"] - state["centre"]) ** 2).sum()
        spread += ((x - mean) ** 2).sum()
    assert notes["held_out_error"] == pytest.approx(left / spread, rel=1e-4)
    assert 0 < notes["held_out_error"] < 1


def test_it_codes_as_its_coder_does_and_the_seed_draws_other_documents() -> None:
    documents = vectors()
    held = HeldOut(SparseCoder(**SMALL, normalise=True))
    held.fit(documents)
    for side in ("documents", "queries", "encode"):
        found, expected = (getattr(each, side)(documents) for each in (held, held.coder))
        np.testing.assert_array_equal(found.weights, expected.weights)
        np.testing.assert_array_equal(found.terms, expected.terms)
    np.testing.assert_array_equal(
        held.decode(held.encode(documents)).values, held.coder.decode(held.coder.encode(documents)).values
    )
    errors = set()
    for seed in (0, 1):
        with cost.ledger() as notes:
            HeldOut(SparseCoder(**SMALL), seed=seed).fit(documents)
        errors.add(notes["held_out_error"])
    assert len(errors) == 2


def test_a_loaded_fit_notes_the_same_error_once(tmp_path) -> None:
    held = HeldOut(SparseCoder(**SMALL))
    with cost.ledger() as fitted:
        held.fit(vectors())
        held.save(tmp_path)
        held.load(tmp_path)  # as the store does after a fit
    with cost.ledger() as loaded:
        again = HeldOut(SparseCoder(**SMALL))
        again.load(tmp_path)
    assert fitted["held_out_error"] == loaded["held_out_error"]
    np.testing.assert_array_equal(again.encode(vectors()).weights, held.encode(vectors()).weights)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.995, 1.0])
def test_a_share_that_leaves_a_side_empty_is_an_error(share: float) -> None:
    with pytest.raises(InputError, match=f"share={share} holds out"):
        HeldOut(SparseCoder(**SMALL), share=share).fit(vectors())
