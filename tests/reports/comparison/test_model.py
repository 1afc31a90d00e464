"""The comparison as data."""

from __future__ import annotations

import dataclasses

import pytest
from reports.comparison.made import two_datasets


def test_a_mean_is_found_by_dataset_measure_and_system():
    comparison = two_datasets()
    mean = comparison.mean("beir/nfcorpus", "R@100", "second")
    assert mean is not None
    assert (mean.dataset, mean.measure, mean.system) == ("beir/nfcorpus", "R@100", "second")
    assert comparison.mean("beir/nfcorpus", "AP", "second") is None
    assert comparison.systems == ["first", "second", "third"]


def test_everything_is_there_once():
    comparison = two_datasets()
    assert len({(m.dataset, m.measure, m.system) for m in comparison.means}) == len(comparison.means) == 12
    assert len({(p.dataset, p.measure, p.system, p.other) for p in comparison.pairs}) == len(comparison.pairs) == 12
    assert len({(o.measure, o.system) for o in comparison.overall}) == len(comparison.overall) == 6


def test_numbers_are_plain_python():
    comparison = two_datasets()
    for row in [*comparison.means, *comparison.pairs, *comparison.overall, *comparison.averages]:
        assert {type(value) for value in dataclasses.asdict(row).values()} <= {str, float, int, bool, type(None)}


def test_a_comparison_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        two_datasets().means[0].value = 1.0
