"""Tables and texts as one compact block of text that can stand inside HTML."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALIGNED = 8  # a typed array of the browser begins at a multiple of its element size
KINDS = {"f4": "float32", "u2": "uint16", "u4": "uint32", "i2": "int16"}


def packed(value: Any) -> str:
    """`value` as base64 of gzip: length of the JSON (4 bytes), JSON, then the arrays that stood in it.

    An array becomes `{"$": [kind, offset, length]}`. Base64 has no character that means anything to HTML, so whatever
    the texts contain, they cannot leave their block. The same value gives the same text.
    Raises TypeError for an array of another kind than float32, uint16, uint32, int16, and ValueError for NaN.
    """
    arrays: list[NDArray[Any]] = []
    size = 0

    def plain(item: Any) -> Any:
        nonlocal size
        if isinstance(item, np.ndarray):
            kind = item.dtype.str.lstrip("<")
            if kind not in KINDS:
                raise TypeError(f"an array of {item.dtype} cannot be packed")
            reference = {"$": [kind, size, item.size]}
            arrays.append(np.ascontiguousarray(item))
            size += -(-item.nbytes // ALIGNED) * ALIGNED
            return reference
        if isinstance(item, Mapping):
            return {str(key): plain(each) for key, each in item.items()}
        if isinstance(item, Sequence) and not isinstance(item, str):
            return [plain(each) for each in item]
        return item

    text = json.dumps(plain(value), ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 4) % ALIGNED)
    body = b"".join(array.tobytes() + bytes(-array.nbytes % ALIGNED) for array in arrays)
    return base64.b64encode(gzip.compress(len(text).to_bytes(4, "little") + text + body, 6, mtime=0)).decode()


def unpacked(text: str) -> Any:
    """What `packed` was given, arrays as numpy's."""
    data = gzip.decompress(base64.b64decode(text))
    length = int.from_bytes(data[:4], "little")
    begin = 4 + length

    def restored(item: dict[str, Any]) -> Any:
        if item.keys() != {"$"}:
            return item
        kind, offset, size = item["$"]
        return np.frombuffer(data, np.dtype(KINDS[kind]), size, begin + offset)

    return json.loads(data[4:begin], object_hook=restored)
