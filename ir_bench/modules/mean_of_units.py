"""One vector of a text from its token vectors, whatever their lengths."""

from __future__ import annotations

import torch
from torch.nn.functional import normalize


def mean_of_units(vectors: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Means [texts, dims] of token vectors [texts, tokens, dims] of length 1, themselves of length 1; tokens whose
    `mask` [texts, tokens] is 0 are not read."""
    return normalize(normalize(vectors, dim=-1).masked_fill(mask[:, :, None] == 0, 0).sum(1), dim=-1)
