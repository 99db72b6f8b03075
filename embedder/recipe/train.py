"""Training of a student: examples from texts and their teacher, steps of Adam, what is saved and logged.

The head begins as the least-squares map to the teacher's vectors. A query is a sentence of a passage; its
hard negative is the other passage that the teacher finds nearest to it. Resumed from `state.safetensors`:
with the same texts, teacher and seed, training in parts gives the same head as training at once. Owns the
folder it writes; knows nothing of where texts come from.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import mlx.core as mx
import mlx.optimizers
import numpy as np
from mlx.utils import tree_flatten, tree_unflatten
from numpy.typing import NDArray

from embedder.checkpoints.atomic import new_file
from embedder.checkpoints.checkpoint import cached_checkpoint
from embedder.embedder import Embedder
from embedder.errors import InputInvalid
from embedder.recipe import losses
from embedder.recipe.plot import plot
from embedder.student import FILE, LENGTH, RAREST, SUMS, Head, Student, TokenTable, read_head
from embedder.tokenizer import GemmaTokenizer

HELD_OUT = 0.1
"""Share of the texts that are not trained on."""
LEAST = 16
"""Fewest texts."""
DECAY = 1.0
"""Of the least-squares map: what is added for each square of its numbers (ridge regression)."""
COMMONEST = 0.05
"""The least weight of a token."""
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s*")

Floats = NDArray[np.float32]
OnRecord = Callable[[dict[str, float]], None]


class Text(NamedTuple):
    """A passage, as the index has it."""

    text: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Steps in all, examples of a step, Adam's rate, the seed, and steps between two records."""

    steps: int = 400
    batch: int = 64
    rate: float = 0.00003
    seed: int = 0
    save_every: int = 50
    weights: tuple[float, float, float] = (0.1, 0.1, 1.0)
    """Of the contrastive, spread-out and matching losses. The paper does not print its own."""


@dataclass(frozen=True, slots=True)
class Examples:
    """The sums of token vectors of each text, (texts, 3 · 768), the teacher's vectors of its query and of
    itself, (texts, 768), and the number of its hard negative."""

    sums: Floats
    queries: Floats
    passages: Floats
    negatives: NDArray[np.int64]


def train(texts: Sequence[Text], model: Embedder, checkpoint: Path, folder: Path, settings: Settings,
          tell: OnRecord) -> Head:  # fmt: skip
    """Train on `texts` from where `folder` stands; the head of the record that is best on held-out texts.

    `model` is that of the folder `checkpoint`. Raises `InputInvalid` where there are too few texts, or where
    `folder` has another training.
    """
    if len(texts) < LEAST:
        raise InputInvalid(f"{len(texts)} texts are too few to train on.", f"Give {LEAST} or more.")
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, texts, model, settings)
    order = np.random.default_rng(settings.seed).permutation(len(texts))
    texts = [texts[index] for index in order]
    head, examples = _prepare(texts, model, checkpoint, folder, settings.seed)
    training = _Training(head, examples, settings, folder)
    for step in range(training.step, settings.steps + 1):
        if step:
            training.take_step(step)
        if step % settings.save_every == 0 or step == settings.steps:
            tell(training.record(step))
    return training.best


def _claim(folder: Path, texts: Sequence[Text], model: Embedder, settings: Settings) -> None:
    """Write what is trained, or check that it is the same. Raises `InputInvalid`."""
    digest = hashlib.sha256(json.dumps([model.fingerprint, *texts]).encode("utf-8", "replace")).hexdigest()
    same = (settings.batch, settings.rate, settings.seed, settings.save_every, settings.weights)
    wanted = json.dumps({"texts and teacher": digest, "settings": same})
    claim = folder / "training.json"
    if claim.exists() and claim.read_text(encoding="utf-8") != wanted:
        raise InputInvalid(f"{folder} has a training of other texts or settings.", "Give another folder.")
    claim.write_text(wanted, encoding="utf-8")


def _prepare(
    texts: Sequence[Text], model: Embedder, checkpoint: Path, folder: Path, seed: int
) -> tuple[Head, Examples]:
    """The least-squares head and the examples; what the teacher gave is kept in `folder`."""
    kept = folder / "teacher.npz"
    if not kept.exists():
        choose = np.random.default_rng(seed + 1)
        sentences = [[part for part in _SENTENCE.split(text) if part.strip()] or [text] for text, _ in texts]
        queries = model.embed_queries([str(choose.choice(several)) for several in sentences])
        passages = model.embed_documents([text for text, _ in texts], [title for _, title in texts])
        with new_file(kept) as work, work.open("wb") as file:
            np.savez(file, queries=queries, passages=passages)
    with np.load(kept) as stored:
        queries, passages = stored["queries"], stored["passages"]
    untrained, sums = _sums(texts, model, checkpoint)
    # Held-out texts are no negatives of the others, because matching trains on negatives too.
    count = _trained(len(texts))
    trained = _nearest_others(queries[:count], passages[:count])
    held_out = count + _nearest_others(queries[count:], passages[count:])
    head = _least_squares(untrained, sums[:count], passages[:count])
    return head, Examples(sums, queries, passages, np.concatenate([trained, held_out]))


def _sums(texts: Sequence[Text], model: Embedder, checkpoint: Path) -> tuple[Head, Floats]:
    """The weights and the mean of tokens, and the sums of texts by these: tokens as long as their inverse
    document frequency among the texts."""
    config = cached_checkpoint(checkpoint).config
    found: NDArray[np.int64] = np.zeros(config.vocab_size, np.int64)
    for tokens in model.tokenize([text for text, _ in texts]):
        found[np.unique(np.asarray(tokens[:LENGTH], np.int64))] += 1
    weights = np.clip(np.log((1 + len(texts)) / (1 + found)), COMMONEST, RAREST).astype(np.float32)
    met = np.flatnonzero(found)
    mean = model.embed_tokens(met.tolist()).mean(axis=0)
    size = len(mean)
    fingerprint = cached_checkpoint(checkpoint).fingerprint
    empty = np.zeros((SUMS * size, size), np.float32)
    head = Head(fingerprint, weights, mean, empty, np.zeros(size, np.float32))
    table = TokenTable(fingerprint, config.vocab_size, size)
    student = Student(head, GemmaTokenizer.from_folder(checkpoint), table, model.embed_tokens)
    parts = [
        student.sums([text for text, _ in part], [title for _, title in part])
        for part in (texts[start : start + 256] for start in range(0, len(texts), 256))
    ]
    return head, np.concatenate(parts)


def _least_squares(head: Head, sums: Floats, passages: Floats) -> Head:
    """The map and bias nearest to the teacher's vectors: the matching loss of raw vectors, solved."""
    inputs = np.concatenate([sums, np.ones((len(sums), 1), np.float32)], axis=1).astype(np.float64)
    square = inputs.T @ inputs
    square[np.diag_indices(len(square) - 1)] += DECAY
    solved = np.linalg.solve(square, inputs.T @ passages).astype(np.float32)
    return replace(head, map=solved[:-1], bias=solved[-1])


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
    def __init__(self, head: Head, examples: Examples, settings: Settings, folder: Path) -> None:
        self._head, self._examples, self._settings, self._folder = head, examples, settings, folder
        self._trained = _trained(len(examples.sums))
        self._parameters = {"map": mx.array(head.map), "bias": mx.array(head.bias)}
        self._adam = mlx.optimizers.Adam(settings.rate)
        self._adam.init(self._parameters)
        self._log: list[dict[str, float]] = []
        self._gradient = mx.value_and_grad(self._loss)
        self.best = head
        self.step = 0
        self._resume()

    def take_step(self, step: int) -> None:
        """One step on examples that the seed and the number of the step choose."""
        choose = np.random.default_rng((self._settings.seed, step))
        chosen = choose.choice(self._trained, min(self._settings.batch, self._trained), replace=False)
        _, gradient = self._gradient(self._parameters, chosen)
        self._parameters = self._adam.apply_gradients(gradient, self._parameters)
        mx.eval(self._parameters, self._adam.state)

    def record(self, step: int) -> dict[str, float]:
        """Measure on held-out texts, write everything, and return the record."""
        held = np.arange(self._trained, len(self._examples.sums))
        loss = float(self._loss(self._parameters, held[: self._settings.batch]))
        head = self._calibrated()
        passages, true = head.apply(self._examples.sums[held]), self._examples.passages[held]
        lengths = np.linalg.norm(passages, axis=1)
        unexplained = float(np.sum((passages - true) ** 2) / np.sum((true - true.mean(axis=0)) ** 2))
        line = {
            "step": step,
            "loss": loss,
            "cosine": float(np.mean(np.sum(passages * true, axis=1) / lengths)),
            "explained": 1 - unexplained,
            "ndcg@10": _ndcg(self._examples.queries[held], passages),
        }
        if all(line["ndcg@10"] > before["ndcg@10"] for before in self._log):
            self.best = head
            with new_file(self._folder / FILE) as work:
                head.save(work)
        self._log.append(line)
        self._save()
        return line

    def _calibrated(self) -> Head:
        """The head, as long as makes its products with queries the expectations of the cosines: the losses
        compare directions only."""
        map_, bias = (np.array(self._parameters[name]) for name in ("map", "bias"))
        given = self._examples.sums[: self._trained] @ map_ + bias
        length = np.sum(given * self._examples.passages[: self._trained]) / np.sum(given**2)
        return replace(self._head, map=map_ * length, bias=bias * length)

    def _loss(self, parameters: dict[str, mx.array], chosen: NDArray[np.int64]) -> mx.array:
        all_, negatives = self._examples, self._examples.negatives[chosen]
        queries = all_.queries[chosen]
        allowed = ((queries @ queries.T) < 1 - 1e-4) | np.eye(len(chosen), dtype=bool)
        both = mx.array(all_.sums[np.concatenate([chosen, negatives])])
        rows = losses.shorten(both @ parameters["map"] + parameters["bias"], len(self._head.bias))
        return losses.recipe(
            rows[: len(chosen)],
            rows[len(chosen) :],
            mx.array(queries),
            mx.array(all_.passages[chosen]),
            mx.array(all_.passages[negatives]),
            mx.array(allowed),
            self._settings.weights,
        )

    def _save(self) -> None:
        state = dict(tree_flatten({"head": self._parameters, "adam": self._adam.state}))
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
        self._parameters, self._adam.state = state["head"], state["adam"]
        self.best = read_head(self._folder / FILE)
        self.step = int(self._log[-1]["step"]) + 1


def _ndcg(queries: Floats, passages: Floats) -> float:
    """nDCG@10 where the passage of the same number is the only answer."""
    scores = queries @ passages.T
    ranks = 1 + (scores > np.diag(scores)[:, None]).sum(axis=1)
    return float(np.mean(np.where(ranks <= 10, 1 / np.log2(1 + ranks), 0)))
