"""Texts as one UTF-8 buffer for the kernels, and buffers of terms back as strings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ir_bench.errors import InputError

SEPARATOR = "\n"  # between terms; no analyzer here lets it into a term


def encode(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The texts as UTF-8 (uint8 [bytes]) and where each begins (int64 [texts + 1]).

    The buffer is padded with zeros to a multiple of 8 bytes, at least 16, for kernels that read 8 at a time.
    A surrogate without its partner, which no UTF can hold, becomes U+FFFD; like it, it belongs to no word.

    Raises `InputError` for anything but a sequence of strings.
    """
    texts = checked(texts)
    try:
        encoded = [text.encode() for text in texts]
    except UnicodeEncodeError:
        encoded = [paired(text).encode() for text in texts]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded)), out=offsets[1:])
    padding = bytes(16 + -int(offsets[-1]) % 8)
    return np.frombuffer(b"".join([*encoded, padding]), dtype=np.uint8), offsets


def decode(buffer: np.ndarray, encoding: str) -> list[str]:
    """The strings of a buffer in which each is followed by the separator."""
    return buffer.tobytes().decode(encoding).split(SEPARATOR)[:-1]


def paired(text: str) -> str:
    """The text with surrogate pairs as the characters they stand for, as in Java, and lone surrogates replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def checked(texts: Sequence[str]) -> Sequence[str]:
    """The texts, if they are a sequence of strings; otherwise `InputError`."""
    if isinstance(texts, str):
        raise InputError("One string was given where texts are wanted.", "a sequence of strings", "Wrap it: [text].")
    texts = list(texts)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"Text {row} is not a string but {type(text).__name__}.", "a string per text")
    return texts
