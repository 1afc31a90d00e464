import json
import threading

import numpy as np
import pytest

from ir_bench.errors import InputError
from ir_bench.store import Store, first_repeated
from ir_bench.types import Dense, MultiVector, Sparse, Strings

BLOCKS = [np.arange(6, dtype=np.float32).reshape(3, 2) + 10 * i for i in range(4)]


class Blocks:
    """Yields the blocks and remembers which were asked for; dies before block `dies_at`."""

    def __init__(self, dies_at=None):
        self.made, self.dies_at = [], dies_at

    def __call__(self, start):
        for i in range(start, len(BLOCKS)):
            if i == self.dies_at:
                raise KeyboardInterrupt
            self.made.append(i)
            yield Dense(BLOCKS[i])


def test_made_once_then_memory_mapped(store):
    first, second = Blocks(), Blocks()
    vectors = store.vectors("key", Dense, first, 3)
    again = store.vectors("key", Dense, second, 3)
    assert first.made == [0, 1, 2, 3]
    assert second.made == []
    assert np.array_equal(vectors.values, np.concatenate(BLOCKS))
    assert isinstance(again.values, np.memmap)
    assert not list(store.folder.rglob("*.parts"))


def test_a_killed_run_continues_at_the_block_it_lost(store):
    with pytest.raises(KeyboardInterrupt):
        store.vectors("key", Dense, Blocks(dies_at=2), 3)
    rest = Blocks()
    vectors = store.vectors("key", Dense, rest, 3)
    assert rest.made == [2, 3]
    assert np.array_equal(vectors.values, np.concatenate(BLOCKS))


def test_a_damaged_block_of_a_killed_run_is_made_again(store):
    with pytest.raises(KeyboardInterrupt):
        store.vectors("key", Dense, Blocks(dies_at=3), 3)
    victim = next(store.folder.rglob("000001/values.npy"))
    data = bytearray(victim.read_bytes())
    data[-1] ^= 1
    victim.write_bytes(data)
    rest = Blocks()
    assert np.array_equal(store.vectors("key", Dense, rest, 3).values, np.concatenate(BLOCKS))
    assert rest.made == [1, 2, 3]


@pytest.mark.parametrize("harm", ["flip", "cut", "delete", "manifest", "foreign"])
def test_a_damaged_artefact_is_made_again(store, harm):
    store.vectors("key", Dense, Blocks(), 3)
    victim = next(store.folder.rglob("values.npy"))
    manifest = victim.with_name("manifest.json")
    if harm == "flip":
        data = bytearray(victim.read_bytes())
        data[-1] ^= 1
        victim.write_bytes(data)
    elif harm == "cut":
        victim.write_bytes(victim.read_bytes()[:-1])
    elif harm == "delete":
        victim.unlink()
    elif harm == "manifest":
        manifest.write_text("{")
    else:  # the folder was made from something else
        content = json.loads(manifest.read_text())
        manifest.write_text(json.dumps({**content, "made_from": "other"}))
    again = Blocks()
    assert np.array_equal(store.vectors("key", Dense, again, 3).values, np.concatenate(BLOCKS))
    assert again.made == [0, 1, 2, 3]


def test_a_copied_cache_is_checked_by_checksum_not_by_time(store):
    store.vectors("key", Dense, Blocks(), 3)
    next(store.folder.rglob("values.npy")).touch()
    again = Blocks()
    store.vectors("key", Dense, again, 3)
    assert again.made == []


def test_sparse_blocks_with_vocabularies_of_their_own_become_one(store):
    def block(*texts):
        vocabulary = sorted({t for text in texts for t in text}, reverse=True)
        terms = [vocabulary.index(t) for text in texts for t in text]
        return Sparse(
            np.array(terms, np.int32),
            np.array([len(t) for text in texts for t in text], np.float32),
            np.cumsum([0, *map(len, texts)]),
            Strings.of(vocabulary),
        )

    blocks = [block(["a", "bb"], []), block(["ccc", "a"]), block([])]
    vectors = store.vectors("key", Sparse, lambda start: blocks[start:], 2)
    assert [vectors.row(i) for i in range(len(vectors))] == [
        {"a": 1.0, "bb": 2.0}, {}, {"ccc": 3.0, "a": 1.0}, {}
    ]  # fmt: skip
    assert len(set(vectors.vocabulary)) == len(vectors.vocabulary) == 3


def test_token_blocks_are_joined(store):
    blocks = [
        MultiVector(np.ones((3, 2), np.float32), np.array([0, 1, 3])),
        MultiVector(np.zeros((0, 2), np.float32), np.array([0, 0])),
        MultiVector(np.full((1, 2), 5, np.float32), np.array([0, 1])),
    ]
    vectors = store.vectors("key", MultiVector, lambda start: blocks[start:], 2)
    assert vectors.offsets.tolist() == [0, 1, 3, 3, 4]
    assert vectors.row(3).tolist() == [[5, 5]]


def test_token_blocks_keep_which_token_each_vector_is_of(store):
    vocabulary = Strings.of(["cat", "dog"])
    blocks = [
        MultiVector(np.ones((3, 2), np.float32), np.array([0, 1, 3]), np.array([1, 0, 1], np.int32), vocabulary),
        MultiVector(np.zeros((0, 2), np.float32), np.array([0, 0]), np.empty(0, np.int32), vocabulary),
        MultiVector(np.ones((1, 2), np.float32), np.array([0, 1]), np.array([0], np.int32), vocabulary),
    ]
    vectors = store.vectors("key", MultiVector, lambda start: blocks[start:], 2)
    assert vectors.tokens.tolist() == [1, 0, 1, 0]
    assert list(vectors.vocabulary) == ["cat", "dog"]


def test_two_workers_make_it_once(store):
    both = Blocks()
    workers = [threading.Thread(target=store.vectors, args=("key", Dense, both, 3)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert both.made == [0, 1, 2, 3]


def test_nothing_to_encode_is_an_error(store):
    with pytest.raises(InputError, match="no documents"):
        store.vectors("key", Dense, lambda start: [], 3)


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cache folder"):
        Store(tmp_path / "file").strings("key", lambda: ["a"])


def test_first_repeated():
    assert first_repeated(Strings.of(["a", "b", "c"])) is None
    assert first_repeated(Strings.of(["a", "b", "c", "b", "a"])) in {"a", "b"}
