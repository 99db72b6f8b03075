"""Whether this machine gives the vectors it should, asked once for each model, engine and precision.

Owns the fixed texts, what they must come to and the note that they did. Wrong vectors look like any others:
without this a bad driver, a miscompiled kernel or a leaking mask would only show as poor answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from embedder.checkpoints.models import models_folder
from embedder.errors import VectorsWrong

TEXTS = (
    "Bees dance to tell the hive where the flowers are.",
    "Der Zug nach Hamburg fährt um 7:45 Uhr von Gleis 3 ab.",
    "def area(radius: float) -> float:\n    return 3.14159 * radius**2",
    "月は地球の周りを約二十七日で一周する。",
    " ".join(f"Day {day}: the river stood {day * 7 % 31} cm above its mark." for day in range(1, 40)),
)
"""Several scripts, and one text longer than the attention window, which a wrong mask gets wrong."""

LEAST_COSINE = {"f32": 0.9999, "bf16": 0.999, "8bit": 0.998, "int8": 0.997, "4bit": 0.9}
"""Cosine with the float32 reference that a sound engine exceeds at each precision, with room to spare."""

_LEAST_AGREEMENT = 0.999
"""Cosine of a text alone with itself in a mixed batch, at any precision."""

Run = Callable[[Sequence[Sequence[int]]], NDArray[np.float32]]


def check(run: Run, ids: Sequence[Sequence[int]], model: str, engine: str, precision: str) -> None:
    """Embed the canary texts (`ids`) unless it was done before; `VectorsWrong` where they come out wrong.

    `model` is a checkpoint's fingerprint, `engine` an engine's version.
    """
    identity = f"{model}\0{engine}\0{precision}\0{TEXTS}".encode()
    passed = models_folder() / ".canary" / hashlib.blake2b(identity, digest_size=16).hexdigest()
    if passed.exists():
        return
    mixed = run(ids)
    alone = np.concatenate([run([text]) for text in ids])
    _require(alone, mixed, _LEAST_AGREEMENT, f"{engine}: a text alone and in a batch differ")
    reference = references().get(model)
    if reference is not None:
        _require(
            alone, reference, LEAST_COSINE[precision], f"{engine} at {precision} differs from the reference"
        )
    with suppress(OSError):  # where no note can be left, the texts are embedded at every start
        passed.parent.mkdir(parents=True, exist_ok=True)
        passed.touch()


def references() -> dict[str, NDArray[np.float32]]:
    """Float32 vectors of `TEXTS`, by the fingerprint of the checkpoints they belong to."""
    with resources.files("embedder").joinpath("self_test.npz").open("rb") as file, np.load(file) as stored:
        vectors = stored["vectors"].astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)  # they are stored as float16
        return {str(model): vectors for model in stored["models"]}


def _require(got: NDArray[np.float32], want: NDArray[np.float32], least: float, what: str) -> None:
    cosine = float((got * want).sum(axis=1).min())
    if not cosine >= least:
        raise VectorsWrong(
            f"{what} (cosine {cosine:.4f}, at least {least} is expected).",
            "Choose another engine or precision, and report it; no vector was stored.",
        )
