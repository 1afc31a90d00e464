"""Texts to sentences, for pairs that are made of documents."""

from __future__ import annotations

import re

# After . ! ? (and a closing quote or bracket) where a blank and something that can begin a sentence follow.
_BREAK = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[^\sa-z])|\n\s*\n")


def sentences(text: str) -> list[str]:
    """The sentences of a text, found by punctuation alone: "e.g. Darwin" is broken, "e.g. this" is not."""
    return [part for sentence in _BREAK.split(text) if (part := sentence.strip())]
