"""Dense vectors as a few active latents of a learned overcomplete dictionary: sparse autoencoders and CSR."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels.bags import unit
from ir_bench.progress import bar
from ir_bench.scoring import require_finite
from ir_bench.shards import write_arrays
from ir_bench.types import Dense, Sparse, Strings

ROWS = 1024  # coded at once
AUXILIARY = 1 / 32  # weight of the loss that revives dead latents
DEAD = 30  # a latent that was active in none of so many passes is dead
ACTIVE = 1e-6  # a latent's smallest weight that counts


@dataclass
class SparseCoder:
    """Vectors [texts, dims] to z = relu(top_k(W s (x - m) + b)) [texts, hidden], decoded as z W / s + m.

    `fit` learns W [hidden, dims], b and m on the documents; s makes their mean squared deviation 1. `hidden` None: four
    times the dims. `objective`: "recon" is the squared error with k latents, that with 4 k over 8, and that of dead
    latents on what is left over 32; "csr" adds `gamma` times a contrastive loss (cosine over `temperature`) between the
    codes of a vector and of itself with Gaussian noise of `noise` times its size. With no `steps` W's rows are
    documents, all of the length that decodes best, which training begins from. `normalise`: codes of documents and
    queries get length 1. The same seed gives the same coder, up to rounding by threads.
    Notes `dead_latents` and the `reconstruction_error` of `fit` (squared, over the variance).

    Source: Wen et al. 2025, Beyond Matryoshka: Revisiting Sparse Coding for Adaptive Representation (CSR), section 3;
    O'Neill et al. 2024, Disentangling Dense Embeddings with Sparse Autoencoders ("recon").
    Differs: decoder tied to the encoder in both, as in CSR; queries are not trained on; the contrastive loss has noise
    for a second view where the paper has labels or pairs.
    Raises InputError for settings out of range, other dims than those of `fit`, NaN and infinite values.
    """

    accepts: ClassVar[type] = Dense
    produces: ClassVar[type] = Sparse

    k: int = 32
    hidden: int | None = None
    objective: Literal["recon", "csr"] = "recon"
    steps: int = 500
    batch_size: int = 256
    learning_rate: float = 1e-3
    auxiliary: int = 256
    gamma: float = 0.1
    temperature: float = 0.2
    noise: float = 0.1
    normalise: bool = False
    training_rows: int = 262_144
    seed: int = 0
    _state: dict[str, NDArray[np.float32]] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.objective not in ("recon", "csr"):
            raise InputError(f"objective={self.objective!r} of a sparse coder", "recon or csr")
        if min(self.k, self.batch_size, self.training_rows, 1 if self.hidden is None else self.hidden) < 1:
            raise InputError(
                f"a sparse coder with k={self.k}, hidden={self.hidden}, batch_size={self.batch_size} and "
                f"training_rows={self.training_rows}",
                "numbers of at least 1",
            )

    def fit(self, documents: Dense) -> None:
        drawn = np.random.default_rng(self.seed)
        rows = np.sort(drawn.permutation(len(documents))[: self.training_rows])
        values = np.asarray(documents.values[rows], np.float32)
        require_finite(values, "the vector of document")
        centre = values.mean(0)
        scale = np.float32(1 / max(float(np.sqrt(np.mean((values - centre) ** 2))), 1e-12))
        hidden = self.hidden or 4 * values.shape[1]
        self._state = {
            "encoder": _directions((values - centre) * scale, hidden, drawn),
            "bias": np.zeros(hidden, np.float32),
            "centre": centre,
            "scale": np.array([scale], np.float32),
        }
        self._fit_length(values)
        if self.steps:
            self._train(values)
        self._note(values)

    def documents(self, vectors: Dense) -> Sparse:
        return self._of_length(self.encode(vectors, "document"))

    def queries(self, vectors: Dense) -> Sparse:
        return self._of_length(self.encode(vectors, "query"))

    def encode(self, vectors: Dense, what: str = "text") -> Sparse:
        """The codes of vectors [texts, dims], as `decode` takes them; latents are named by their numbers."""
        state = self._fitted()
        hidden, dims = state["encoder"].shape
        if vectors.values.shape[1] != dims:
            raise InputError(
                f"vectors of {vectors.values.shape[1]} dimensions, the sparse coder learned from {dims}",
                "vectors of the same encoder and transforms",
            )
        require_finite(vectors.values, f"the vector of {what}")
        parts = list(self._coded(vectors.values, state))
        counts = np.concatenate([np.zeros(1, np.int64), *(part[0] for part in parts)])
        terms = np.concatenate([np.empty(0, np.int32), *(part[1] for part in parts)])
        weights = np.concatenate([np.empty(0, np.float32), *(part[2] for part in parts)])
        return Sparse(terms, weights, np.cumsum(counts), Strings.of(map(str, range(hidden))))

    def decode(self, codes: Sparse) -> Dense:
        """The vectors [texts, dims] that codes stand for."""
        return Dense(self._decoded(codes))

    def save(self, folder: Path) -> None:
        write_arrays(folder, self._fitted())

    def load(self, folder: Path) -> None:
        self._state = {path.stem: np.load(path, allow_pickle=False) for path in sorted(folder.glob("*.npy"))}

    def _coded(
        self, values: NDArray[np.floating], state: dict[str, NDArray[np.float32]]
    ) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
        """How many latents each vector of a block has, which, and their weights."""
        hidden = len(state["bias"])
        k = min(self.k, hidden)
        for start in range(0, len(values), ROWS):
            block = (np.asarray(values[start : start + ROWS], np.float32) - state["centre"]) * state["scale"]
            latents = block @ state["encoder"].T + state["bias"]
            best = np.sort(np.argpartition(latents, hidden - k, axis=1)[:, hidden - k :], axis=1)
            found = np.take_along_axis(latents, best, 1)
            active = found > ACTIVE
            yield active.sum(1), best[active].astype(np.int32), found[active]

    def _train(self, values: NDArray[np.float32]) -> None:
        import torch
        from sentence_transformers.sparse_encoder.losses.csr import CSRReconstructionLoss
        from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder

        state = self._fitted()
        hidden, dims = state["encoder"].shape
        k = min(self.k, hidden)
        coder = SparseAutoEncoder(dims, hidden, k, min(self.auxiliary, hidden), dead_threshold=DEAD)
        coder.encoder.weight.data = torch.from_numpy(state["encoder"].copy())
        loss = CSRReconstructionLoss(model=None, beta=AUXILIARY)
        optimizer = torch.optim.Adam(coder.parameters(), lr=self.learning_rate)
        generator = torch.Generator().manual_seed(self.seed)
        inputs = torch.from_numpy((values - state["centre"]) * state["scale"])
        size = min(self.batch_size, len(inputs))
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / self.steps)
        order = torch.empty(0, dtype=torch.long)
        with bar(self.steps, "training a sparse coder", "step") as progress:
            for _ in range(self.steps):
                if len(order) < size:
                    order = torch.randperm(len(inputs), generator=generator)
                x, order = inputs[order[:size]], order[size:]
                features = _features(coder, x, k)
                total = sum(loss.compute_loss_from_embeddings([features]).values())
                if self.objective == "csr":
                    other = x + self.noise * torch.randn(x.shape, generator=generator)
                    again = _features(coder, other, k)["sentence_embedding"]
                    total = total + self.gamma * _contrast(features["sentence_embedding"], again, self.temperature)
                optimizer.zero_grad()
                total.backward()
                torch.nn.utils.clip_grad_norm_(coder.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                progress.update(1)
        shift = coder.pre_bias.detach().numpy()
        state["encoder"] = coder.encoder.weight.detach().numpy().copy()
        state["bias"] = coder.latent_bias.detach().numpy().copy()
        state["centre"] = state["centre"] + shift / state["scale"]

    def _of_length(self, codes: Sparse) -> Sparse:
        if not self.normalise:
            return codes
        return Sparse(codes.terms, unit(codes.weights, codes.offsets), codes.offsets, codes.vocabulary)

    def _decoded(self, codes: Sparse) -> NDArray[np.float32]:
        state = self._fitted()
        numbers = np.fromiter(map(int, codes.vocabulary), np.int64, len(codes.vocabulary))[codes.terms]
        table = scipy.sparse.csr_array((codes.weights, numbers, codes.offsets), (len(codes), len(state["bias"])))
        return (table @ state["encoder"] / state["scale"] + state["centre"]).astype(np.float32, copy=False)

    def _fit_length(self, values: NDArray[np.float32]) -> None:
        """Scale W by the factor with the least squared error: decoded vectors grow with its square."""
        state = self._fitted()
        some = values[:ROWS]
        decoded = (self._decoded(self.encode(Dense(some))) - state["centre"]).astype(np.float64)
        squares = float((decoded**2).sum())
        if squares > 0:
            product = float(((some - state["centre"]) * decoded).sum())
            state["encoder"] *= np.float32(np.sqrt(max(product / squares, 1e-6)))

    def _note(self, values: NDArray[np.float32]) -> None:
        codes = self.encode(Dense(values))
        cost.note("dead_latents", len(codes.vocabulary) - len(np.unique(codes.terms)))
        variance = float(values.var(0, dtype=np.float64).mean())
        left = float(((self._decoded(codes) - values) ** 2).mean(dtype=np.float64))
        cost.note("reconstruction_error", left / variance if variance else 0.0)

    def _fitted(self) -> dict[str, NDArray[np.float32]]:
        if self._state is None:
            raise InputError("a sparse coder codes before fit", "documents to learn from", "call fit or load first")
        return self._state


def _features(coder: Any, x: Any, k: int) -> dict[str, Any]:
    """What CSRReconstructionLoss reads: the module's own forward pass, which refuses a hidden size below 4 k."""
    latents = coder.encode_pre_act(x)
    few, dead = coder.top_k(latents, k)
    more, _ = coder.top_k(latents, min(4 * k, coder.hidden_dim), compute_aux=False)
    reconstructed = coder.decode(few)
    return {
        "sentence_embedding": few,
        "sentence_embedding_backbone": x,
        "decoded_embedding_k": reconstructed,
        "decoded_embedding_4k": coder.decode(more),
        "decoded_embedding_aux": coder.decode(dead),
        "decoded_embedding_k_pre_bias": reconstructed - coder.pre_bias,
    }


def _contrast(codes: Any, again: Any, temperature: float) -> Any:
    """Cross entropy of each code's own second view among those of the batch."""
    import torch
    from torch.nn import functional

    similarities = functional.normalize(codes, dim=1) @ functional.normalize(again, dim=1).T
    return functional.cross_entropy(similarities / temperature, torch.arange(len(codes)))


def _directions(values: NDArray[np.float32], count: int, drawn: np.random.Generator) -> NDArray[np.float32]:
    """`count` rows of length 1: vectors drawn without replacement, and random ones when they run out."""
    rows = values[drawn.permutation(len(values))[:count]]
    more = drawn.standard_normal((count - len(rows), values.shape[1])).astype(np.float32)
    both = np.concatenate([rows, more])
    lengths = np.linalg.norm(both, axis=1, keepdims=True)
    return np.divide(both, lengths, out=np.zeros_like(both), where=lengths > 0)
