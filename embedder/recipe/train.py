"""Training of a student: examples from texts and their teacher, steps of Adam, what is saved and logged.

A query is a sentence of a passage. Its hard negative is the other passage that the teacher finds nearest to
it. Resumed from `state.safetensors`: with the same texts, teacher and seed, training in parts gives the same
table as training at once. Owns the folder it writes; knows nothing of where texts come from.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.optimizers
import numpy as np
from mlx.utils import tree_flatten, tree_unflatten
from numpy.typing import NDArray

from embedder.checkpoints.atomic import new_file
from embedder.embedder import Embedder
from embedder.errors import InputInvalid
from embedder.recipe import losses
from embedder.recipe.plot import plot
from embedder.recipe.student import Floats, Student, untrained

HELD_OUT = 0.1
"""Share of the texts that are not trained on."""
LEAST = 16
"""Fewest texts."""
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s*")

OnRecord = Callable[[dict[str, float]], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """Steps in all, examples of a step, Adam's rate, the seed, and steps between two records."""

    steps: int = 400
    batch: int = 64
    rate: float = 0.003
    seed: int = 0
    save_every: int = 50
    weights: tuple[float, float, float] = (0.1, 0.1, 1.0)
    """Of the contrastive, spread-out and matching losses. The paper does not print its own."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Rows of the table of each text, the teacher's vectors of its query and of itself, (texts, 768), and
    the number of its hard negative."""

    rows: list[NDArray[np.int64]]
    queries: Floats
    passages: Floats
    negatives: NDArray[np.int64]


def train(texts: Sequence[str], model: Embedder, folder: Path, settings: Settings, tell: OnRecord) -> Student:
    """Train on `texts` from where `folder` stands; the student of the record that is best on held-out texts.

    Raises `InputInvalid` where there are too few texts, or where `folder` has another training.
    """
    if len(texts) < LEAST:
        raise InputInvalid(f"{len(texts)} texts are too few to train on.", f"Give {LEAST} or more.")
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, texts, model, settings)
    order = np.random.default_rng(settings.seed).permutation(len(texts))
    texts = [texts[index] for index in order]
    student, examples = _prepare(texts, model, folder, settings.seed)
    training = _Training(student, examples, settings, folder)
    for step in range(training.step, settings.steps + 1):
        if step:
            training.take_step(step)
        if step % settings.save_every == 0 or step == settings.steps:
            tell(training.record(step))
    return training.best


def _claim(folder: Path, texts: Sequence[str], model: Embedder, settings: Settings) -> None:
    """Write what is trained, or check that it is the same. Raises `InputInvalid`."""
    digest = hashlib.sha256(json.dumps([model.fingerprint, *texts]).encode("utf-8", "replace")).hexdigest()
    same = (settings.batch, settings.rate, settings.seed, settings.save_every, settings.weights)
    wanted = json.dumps({"texts and teacher": digest, "settings": same})
    claim = folder / "training.json"
    if claim.exists() and claim.read_text(encoding="utf-8") != wanted:
        raise InputInvalid(f"{folder} has a training of other texts or settings.", "Give another folder.")
    claim.write_text(wanted, encoding="utf-8")


def _prepare(texts: Sequence[str], model: Embedder, folder: Path, seed: int) -> tuple[Student, Examples]:
    """The untrained student and the examples; what the teacher gave is kept in `folder`."""
    tokens = model.tokenize(texts)
    kept = folder / "teacher.npz"
    if not kept.exists():
        choose = np.random.default_rng(seed + 1)
        sentences = [[part for part in _SENTENCE.split(text) if part.strip()] or [text] for text in texts]
        queries = model.embed_queries([str(choose.choice(several)) for several in sentences])
        start = untrained(model, tokens)
        passages = model.embed_documents(texts)
        with new_file(kept) as work, work.open("wb") as file:
            np.savez(file, tokens=start.tokens, table=start.table, queries=queries, passages=passages)
    with np.load(kept) as stored:
        student = Student(stored["tokens"], stored["table"])
        queries, passages = stored["queries"], stored["passages"]
    # Held-out texts are no negatives of the others, because matching trains on negatives too.
    count = _trained(len(texts))
    trained = _nearest_others(queries[:count], passages[:count])
    held_out = count + _nearest_others(queries[count:], passages[count:])
    negatives = np.concatenate([trained, held_out])
    return student, Examples([student.places(text) for text in tokens], queries, passages, negatives)


def _trained(texts: int) -> int:
    """How many of the texts are trained on: the first."""
    return texts - max(2, int(HELD_OUT * texts))


def _nearest_others(queries: Floats, passages: Floats) -> NDArray[np.int64]:
    found = np.empty(len(queries), np.int64)
    for start in range(0, len(queries), 1024):
        scores = queries[start : start + 1024] @ passages.T
        scores[np.arange(len(scores)), start + np.arange(len(scores))] = -2
        found[start : start + 1024] = scores.argmax(axis=1)
    return found


class _Training:
    def __init__(self, student: Student, examples: Examples, settings: Settings, folder: Path) -> None:
        self._examples, self._settings, self._folder = examples, settings, folder
        self._tokens = student.tokens
        self._trained = _trained(len(examples.rows))
        self._table = mx.array(student.table)
        self._adam = mlx.optimizers.Adam(settings.rate)
        self._adam.init({"table": self._table})
        self._log: list[dict[str, float]] = []
        self._gradient = mx.value_and_grad(self._loss)
        self.best = student
        self.step = 0
        self._resume()

    def take_step(self, step: int) -> None:
        """One step on examples that the seed and the number of the step choose."""
        choose = np.random.default_rng((self._settings.seed, step))
        chosen = choose.choice(self._trained, min(self._settings.batch, self._trained), replace=False)
        _, gradient = self._gradient(self._table, chosen)
        self._table = self._adam.apply_gradients({"table": gradient}, {"table": self._table})["table"]
        mx.eval(self._table, self._adam.state)

    def record(self, step: int) -> dict[str, float]:
        """Measure on held-out texts, write everything, and return the record."""
        held = np.arange(self._trained, len(self._examples.rows))
        loss = float(self._loss(self._table, held[: self._settings.batch]))
        passages = np.array(_embed(self._table, [self._examples.rows[index] for index in held]))
        cosine = float(np.mean(np.sum(passages * self._examples.passages[held], axis=1)))
        line = {
            "step": step,
            "loss": loss,
            "cosine": cosine,
            "ndcg@10": _ndcg(self._examples.queries[held], passages),
        }
        if all(line["ndcg@10"] > before["ndcg@10"] for before in self._log):
            self.best = Student(self._tokens, np.array(self._table))
            self.best.save(self._folder / "student.npz")
        self._log.append(line)
        self._save()
        return line

    def _loss(self, table: mx.array, chosen: NDArray[np.int64]) -> mx.array:
        all_, negatives = self._examples, self._examples.negatives[chosen]
        queries = all_.queries[chosen]
        allowed = ((queries @ queries.T) < 1 - 1e-4) | np.eye(len(chosen), dtype=bool)
        return losses.recipe(
            _embed(table, [all_.rows[index] for index in chosen]),
            _embed(table, [all_.rows[index] for index in negatives]),
            mx.array(queries),
            mx.array(all_.passages[chosen]),
            mx.array(all_.passages[negatives]),
            mx.array(allowed),
            self._settings.weights,
        )

    def _save(self) -> None:
        state = dict(tree_flatten({"table": self._table, "adam": self._adam.state}))
        partial = self._folder / "state.part.safetensors"
        mx.save_safetensors(str(partial), state, {"log": json.dumps(self._log)})
        partial.replace(self._folder / "state.safetensors")
        lines = "".join(json.dumps(line) + "\n" for line in self._log)
        (self._folder / "log.jsonl").write_text(lines, encoding="utf-8")
        (self._folder / "training.svg").write_text(plot(self._log), encoding="utf-8")

    def _resume(self) -> None:
        path = self._folder / "state.safetensors"
        if not path.exists():
            return
        loaded: Any = mx.load(str(path), return_metadata=True)
        state: Any = tree_unflatten(list(loaded[0].items()))
        self._log = json.loads(loaded[1]["log"])
        self._table, self._adam.state = state["table"], state["adam"]
        with np.load(self._folder / "student.npz") as kept:
            self.best = Student(kept["tokens"], kept["table"])
        self.step = int(self._log[-1]["step"]) + 1


def _embed(table: mx.array, texts: Sequence[NDArray[np.int64]]) -> mx.array:
    """The student's vectors of texts given as rows of the table, as `Student.embed` gives them."""
    longest = max(1, *(len(rows) for rows in texts))
    padded = np.zeros((len(texts), longest), np.int32)
    there = np.zeros((len(texts), longest, 1), np.float32)
    for number, rows in enumerate(texts):
        padded[number, : len(rows)] = rows
        there[number, : len(rows)] = 1
    return losses.shorten(mx.sum(table[mx.array(padded)] * mx.array(there), axis=1), table.shape[1])


def _ndcg(queries: Floats, passages: Floats) -> float:
    """nDCG@10 where the passage of the same number is the only answer."""
    scores = queries @ passages.T
    ranks = 1 + (scores > np.diag(scores)[:, None]).sum(axis=1)
    return float(np.mean(np.where(ranks <= 10, 1 / np.log2(1 + ranks), 0)))
