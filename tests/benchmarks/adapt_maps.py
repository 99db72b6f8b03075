"""Linear maps of a model's vectors, fitted to pairs of a query and its passage.

The head of the model is linear after the mean of its tokens, so a change of the head is a map of the vector
before it is normalized, and a stored unit vector is mapped instead of being computed again: x → xW / ‖xW‖.
Owns two ways of fitting W near the identity. Knows nothing of sets or measures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import mlx.core as mx
import mlx.optimizers
import numpy as np
from numpy.typing import NDArray

from embedder.recipe import losses

Floats = NDArray[np.float32]
Sides = Literal["both", "queries", "passages"]


@dataclass(frozen=True, slots=True)
class Maps:
    """(d, d) each; None is the identity."""

    queries: Floats | None = None
    passages: Floats | None = None


@dataclass(frozen=True, slots=True)
class Training:
    """Unit vectors of pairs and their hard negatives, (n, d) each; the document of each passage, (n,)."""

    queries: Floats
    passages: Floats
    negatives: Floats
    documents: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Descent:
    """How the losses are descended: W = I + D with D (d, d), or with D = AB of a low rank."""

    weights: tuple[float, float, float] = (1.0, 0.1, 50.0)
    """Of the contrastive, spread-out and matching losses."""
    rank: int | None = None
    sides: Sides = "both"
    rate: float = 1e-4
    steps: int = 100
    batch: int = 64
    record_every: int = 25


OnStep = Callable[[int, float, Maps], None]
"""Gets the step, the loss and the maps."""


def whiten_differences(training: Training, share: float) -> Maps:
    """The whitening of what differs between a query and its passage, in part:

        C = cov(q_i − p_i),  W = ((1 − a) I + a d/tr(C) C)^(−1/2)

    a is `share`. Directions in which pairs differ most count less (within-class covariance normalization,
    Hatch, Kajarekar and Stolcke 2006).
    """
    differences = training.queries - training.passages
    centered = differences - differences.mean(axis=0)
    covariance = centered.T @ centered
    dimension = len(covariance)
    values, vectors = np.linalg.eigh(covariance * (dimension / np.trace(covariance)))
    scales = (1 - share + share * np.maximum(values, 0)) ** -0.5
    both = np.asarray((vectors * scales) @ vectors.T, np.float32)
    return Maps(both, both)


def descend(training: Training, how: Descent, tell: OnStep = lambda *_: None) -> Maps:
    """Steps of Adam down the recipe's losses, from the identity; seeded."""
    choose = np.random.default_rng(0)
    parameters = _start(training.queries.shape[1], how.rank)
    adam = mlx.optimizers.Adam(how.rate)
    gradient = mx.value_and_grad(lambda now, chosen: _loss(now, training, chosen, how))
    for step in range(1, how.steps + 1):
        count = min(how.batch, len(training.queries))
        chosen = choose.choice(len(training.queries), count, replace=False)
        loss, slopes = gradient(parameters, chosen)
        parameters = adam.apply_gradients(slopes, parameters)
        mx.eval(parameters, adam.state)
        if step % how.record_every == 0:
            tell(step, float(loss), _maps(parameters, how.sides))
    return _maps(parameters, how.sides)


Parameters = dict[str, mx.array]


def _start(dimension: int, rank: int | None) -> Parameters:
    if rank is None:
        return {"full": mx.zeros((dimension, dimension))}
    down = mx.random.normal((dimension, rank), key=mx.random.key(0)) * 0.01
    return {"down": down, "up": mx.zeros((rank, dimension))}


def _apply(parameters: Parameters, rows: mx.array) -> mx.array:
    if "full" in parameters:
        return rows + rows @ parameters["full"]
    return rows + (rows @ parameters["down"]) @ parameters["up"]


def _maps(parameters: Parameters, sides: Sides) -> Maps:
    dimension = next(iter(parameters.values())).shape[0]
    fitted = np.array(_apply(parameters, mx.eye(dimension)))
    return Maps(fitted if sides != "passages" else None, fitted if sides != "queries" else None)


def _loss(parameters: Parameters, training: Training, chosen: NDArray[np.int64], how: Descent) -> mx.array:
    """The three losses over the nested dimensions, of queries, passages and hard negatives."""
    before = [mx.array(rows[chosen]) for rows in (training.queries, training.passages, training.negatives)]
    moved = [how.sides != "passages", how.sides != "queries", how.sides != "queries"]
    after = [_apply(parameters, rows) if move else rows for rows, move in zip(before, moved, strict=True)]
    documents = training.documents[chosen]
    others = documents[:, None] != documents[None, :]
    allowed = mx.array(others | np.eye(len(chosen), dtype=bool))
    contrast, spread, match = how.weights
    total = mx.array(0.0)
    for dimension in (size for size in losses.NESTED if size <= before[0].shape[1]):
        teacher = [losses.shorten(rows, dimension) for rows in before]
        queries, passages, negatives = mapped = [losses.shorten(rows, dimension) for rows in after]
        total = total + contrast * losses.contrastive(
            queries, passages, negatives, allowed, losses.TEMPERATURE
        )
        total = total + spread * (losses.spread_out(queries) + losses.spread_out(passages))
        for rows, original in zip(mapped, teacher, strict=True):
            total = total + match * losses.matching(rows, original)
    return total
