"""The self-test of an engine on this machine, run once for each model, engine and precision.

Owns the fixed texts, their reference vectors and the record that the test passed. A wrong vector looks like
any other: without this test, a faulty driver, a miscompiled kernel or a wrong mask would only show as poor
results.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib import resources

import numpy as np

from embedder.checkpoints.artifact_cache import digest_of
from embedder.checkpoints.models import models_folder
from embedder.engines.base import Ids, Vectors
from embedder.errors import VectorsWrong

PASSED = ".self_test"
"""The folder in the models folder with a file for each test that passed."""

TEXTS = (
    "Bees dance to tell the hive where the flowers are.",
    "Der Zug nach Hamburg fährt um 7:45 Uhr von Gleis 3 ab.",
    "def area(radius: float) -> float:\n    return 3.14159 * radius**2",
    "月は地球の周りを約二十七日で一周する。",
    " ".join(f"Day {day}: the river stood {day * 7 % 31} cm above its mark." for day in range(1, 40)),
)
"""Several scripts, and one text longer than the attention window, whose vector a wrong mask changes."""

LEAST_COSINE = {"f32": 0.9999, "bf16": 0.999, "8bit": 0.998, "int8": 0.997, "served": 0.997, "4bit": 0.9}
"""Least cosine with the float32 reference at each precision: below the worst measured value of a correct
engine (`assets/docs/embedder.md`), above every value with a wrong mask or layer."""

_LEAST_AGREEMENT = 0.999
"""Least cosine of a text alone and the same text in a mixed batch, at any precision."""


def check(
    run: Callable[[Ids], Vectors],
    ids: Ids,
    model: str,
    engine: str,
    precision: str,
    *,
    once: bool = True,
    reference: Vectors | None = None,
) -> None:
    """Embed the texts (their token ids are `ids`) unless the test passed before and needs to pass but `once`.

    `model` is a checkpoint's fingerprint, `engine` an engine's version, `reference` (texts, 768) what to
    compare with in place of the stored vectors of that checkpoint. Raises `VectorsWrong` where a vector
    differs from the reference, or a text alone from itself in a batch.
    """
    passed = models_folder() / PASSED / digest_of(f"{model}\0{engine}\0{precision}\0{TEXTS}")
    if once and passed.exists():
        return
    batched = run(ids)
    alone = np.concatenate([run([text]) for text in ids])
    _require(alone, batched, _LEAST_AGREEMENT, f"{engine}: a text alone and in a batch differ")
    reference = references().get(model) if reference is None else reference
    if reference is not None:
        _require(
            alone, reference, LEAST_COSINE[precision], f"{engine} at {precision} differs from the reference"
        )
    with suppress(OSError):  # where no record can be written, every start repeats the test
        passed.parent.mkdir(parents=True, exist_ok=True)
        passed.touch()


def references() -> dict[str, Vectors]:
    """Float32 vectors (texts, 768) of `TEXTS`, by the fingerprint of the checkpoint that made them."""
    with resources.files("embedder").joinpath("self_test.npz").open("rb") as file, np.load(file) as stored:
        vectors = stored["vectors"].astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)  # they are stored as float16
        return {str(model): vectors for model in stored["models"]}


def _require(got: Vectors, want: Vectors, least: float, what: str) -> None:
    cosine = float((got * want).sum(axis=1).min())
    if not cosine >= least:
        raise VectorsWrong(
            f"{what} (cosine {cosine:.4f}, at least {least} is expected).",
            "Choose another engine or precision, and report it; no vector was stored.",
        )
