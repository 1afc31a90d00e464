from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from ir_bench.fingerprint import describe, fingerprint


@dataclass
class Inner:
    size: int = 1


@dataclass
class Part:
    inner: Inner = field(default_factory=Inner)
    name: str = "a"
    threads: int = field(default=1, metadata={"changes_results": False})
    learned: int = field(default=0, init=False)


def test_identity_is_class_and_settings():
    assert describe(Part()) == {"class": "Part", "inner": {"class": "Inner", "size": 1}, "name": "a"}


def test_settings_that_change_results_change_the_fingerprint_and_others_do_not():
    assert fingerprint(Part(name="b")) != fingerprint(Part())
    assert fingerprint(Part(Inner(2))) != fingerprint(Part())
    assert fingerprint(Part(threads=8)) == fingerprint(Part())
    built = Part()
    built.learned = 5
    assert fingerprint(built) == fingerprint(Part())


def test_a_setting_that_came_later_is_written_down_where_it_does_something():
    @dataclass
    class Grown:
        more: int = field(default=0, metadata={"added": 0})

    assert list(describe(Grown())) == ["class"]
    assert fingerprint(Grown(1)) != fingerprint(Grown())


def test_provenance_is_part_of_the_identity():
    @dataclass
    class Model:
        path: str = field(default="", metadata={"changes_results": False})
        weights: str = field(default="", init=False)

        def provenance(self):
            return {"weights": self.weights}

    first, second = Model(), Model()
    second.weights = "abc"
    assert fingerprint(first) != fingerprint(second)


def test_a_class_that_was_corrected_is_another():
    @dataclass
    class Corrected:
        version: ClassVar[int] = 1

    first = fingerprint(Corrected())
    Corrected.version = 2
    assert fingerprint(Corrected()) != first


def test_what_cannot_be_written_down_is_refused():
    with pytest.raises(TypeError, match="identity"):
        fingerprint({"callback": print})
