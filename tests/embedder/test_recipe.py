"""The losses of the recipe agree with NumPy, their gradients with finite differences; training resumes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from numpy.typing import NDArray
from support.tiny_model import make_tiny_checkpoint

from embedder.recipe import losses
from embedder.recipe.__main__ import main
from embedder.student import read_head

Array = NDArray[np.float64]
B, D = 5, 8


def unit(seed: int, rows: int = B, size: int = D) -> Array:
    found = np.random.default_rng(seed).standard_normal((rows, size))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


ALLOWED = np.ones((B, B), bool)
ALLOWED[0, 3] = ALLOWED[3, 0] = False  # two examples of one passage


def contrastive(queries: Array, positives: Array, negatives: Array, hardness: Array | None = None) -> float:
    """As the formula is printed, a sum at a time; `hardness` is held constant, as the paper stops it."""
    total = 0.0
    for i in range(B):
        hard = queries[i] @ negatives[i]
        weight = np.exp(losses.HARDNESS * (hard if hardness is None else hardness[i]))
        below = weight * np.exp(hard / 0.5)
        below += sum(np.exp(queries[i] @ positives[j] / 0.5) for j in range(B) if ALLOWED[i, j])
        total -= np.log(np.exp(queries[i] @ positives[i] / 0.5) / below)
    return total / B


def spread_out(rows: Array) -> float:
    return sum((rows[i] @ rows[j]) ** 2 for i in range(B) for j in range(B) if i != j) / (B * (B - 1))


def matching(student: Array, teacher: Array) -> float:
    return sum(float(np.sum((s - t) ** 2)) for s, t in zip(student, teacher, strict=True)) / B


def shorten(rows: Array, dimension: int) -> Array:
    head = rows[:, :dimension]
    return head / np.linalg.norm(head, axis=1, keepdims=True)


def finite_differences(function: Callable[[Array], float], at: Array, step: float = 1e-5) -> Array:
    found = np.zeros_like(at)
    for place in np.ndindex(at.shape):
        moved = np.zeros_like(at)
        moved[place] = step
        found[place] = (function(at + moved) - function(at - moved)) / (2 * step)
    return found


def check(mlx_loss: Callable[[mx.array], mx.array], numpy_loss: Callable[[Array], float], at: Array) -> None:
    value, gradient = mx.value_and_grad(mlx_loss)(mx.array(at.astype(np.float32)))
    assert float(value) == pytest.approx(numpy_loss(at), rel=1e-4)
    np.testing.assert_allclose(np.array(gradient), finite_differences(numpy_loss, at), rtol=2e-3, atol=2e-4)


def arrays(*rows: Array) -> list[mx.array]:
    return [mx.array(one.astype(np.float32)) for one in rows]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_the_contrastive_loss_and_its_gradient_of_each_side(which: int) -> None:
    sides = [unit(1), unit(2), unit(3)]
    hardness = np.sum(sides[0] * sides[2], axis=1)

    def in_mlx(side: mx.array) -> mx.array:
        given = arrays(*sides)
        given[which] = side
        return losses.contrastive(given[0], given[1], given[2], mx.array(ALLOWED), 0.5)

    def in_numpy(side: Array) -> float:
        given = [*sides[:which], side, *sides[which + 1 :]]
        return contrastive(given[0], given[1], given[2], hardness)

    check(in_mlx, in_numpy, sides[which])


def test_the_spread_out_regularizer_and_its_gradient() -> None:
    check(losses.spread_out, spread_out, unit(4))


def test_the_matching_loss_and_its_gradient() -> None:
    teacher = unit(5)
    check(lambda rows: losses.matching(rows, *arrays(teacher)), lambda rows: matching(rows, teacher), unit(6))


def test_the_sum_over_nested_dimensions_and_its_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "NESTED", (8, 4))
    monkeypatch.setattr(losses, "TEMPERATURE", 0.5)
    n, q, tp, tn = (unit(seed) for seed in range(7, 11))
    hardness = [np.sum(shorten(q, size) * shorten(n, size), axis=1) for size in (8, 4)]

    def in_numpy(p: Array) -> float:
        return sum(
            0.7 * contrastive(shorten(q, size), shorten(p, size), shorten(n, size), hard)
            + 0.2 * spread_out(shorten(p, size))
            + 0.5 * matching(shorten(p, size), shorten(tp, size))
            + 0.5 * matching(shorten(n, size), shorten(tn, size))
            for size, hard in zip((8, 4), hardness, strict=True)
        )

    def in_mlx(p: mx.array) -> mx.array:
        return losses.recipe(p, *arrays(n, q, tp, tn), mx.array(ALLOWED), (0.7, 0.2, 0.5))

    check(in_mlx, in_numpy, unit(12))


TEXTS = [
    f"{what} {verb} near the {place}. It was {how}."
    for what in ("A dog", "The boat")
    for verb in ("slept", "turned", "waited")
    for place in ("harbour", "old mill", "garden")
    for how in ("quiet", "late")
]


def train(folder: Path, model: Path, out: str, steps: int) -> Path:
    texts = folder / "texts.jsonl"
    texts.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS), encoding="utf-8")
    arguments = ["--model", str(model), "--steps", str(steps), "--batch", "8", "--save-every", "2"]
    assert main([str(texts), str(folder / out), *arguments]) == 0
    return folder / out


def test_training_in_two_parts_gives_the_same_head_as_in_one(tmp_path: Path) -> None:
    model = make_tiny_checkpoint(tmp_path / "model")
    whole = train(tmp_path, model, "whole", 6)
    train(tmp_path, model, "parts", 4)
    parts = train(tmp_path, model, "parts", 6)
    one, other = read_head(whole / "student.npz"), read_head(parts / "student.npz")
    np.testing.assert_array_equal(one.weights, other.weights)
    np.testing.assert_allclose(one.map, other.map, atol=1e-3)
    log = [json.loads(line) for line in (parts / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == [0, 2, 4, 6]
    assert (parts / "training.svg").read_text().startswith("<svg")


def test_steps_lower_the_loss(tmp_path: Path) -> None:
    folder = train(tmp_path, make_tiny_checkpoint(tmp_path / "model"), "out", 40)
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert log[-1]["loss"] < log[0]["loss"]
