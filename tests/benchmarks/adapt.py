"""Benchmark `adapt FOLDER...`: what a head fitted to the documents of a set brings there, and elsewhere.

The sets are those of `ken eval`. Maps are fitted to pairs from two thirds of a set's documents, and measured
on the pairs of the other third, on the set's own queries, which nothing is fitted to, and on those of every
other set. The map with the best held-out pairs is chosen. By the rule it would be kept where it brings
held-out pairs `LEAST_GAIN` points or more and takes no set, its own included, more than `MOST_LOSS`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

import embedder
from app import config
from app.errors import UsageInvalid
from app.evaluation.retrieval import BATCH, document_path, read_set
from app.model import engine_of
from embedder.recipe.plot import plot
from index.passages.chunker import MAX_TOKENS, OVERLAP_TOKENS, chunker_version
from index.search.searcher import Searcher
from index.store.store import Store
from tests.benchmarks.adapt_maps import Descent, Maps, Training, descend, whiten_differences
from tests.benchmarks.adapt_pairs import EmbeddedSet, embedded_set
from tests.benchmarks.own_daemon import Say

LEAST_GAIN, MOST_LOSS = 1.0, 0.3
DIMENSIONS = (768, 256)
DEPTH = 10
LEAST_PAIRS = 8
"""Fewest pairs that a map is fitted to."""
_AT_ONCE = 500
"""Queries that are scored at once, to bound memory."""

WHITENED = {f"whitened, {share}": share for share in (0.05, 0.1, 0.2)}
DESCENTS = {"recipe": Descent(), "recipe, rank 32": Descent(weights=(1.0, 0.1, 10.0), rank=32, rate=1e-3)}
DRAWN = "recipe"
"""The descent of which the curves are drawn."""

Scores = tuple[float, ...]
"""nDCG@10, 0 to 100, at each of `DIMENSIONS`."""
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FittedMap:
    """What a map changes where it was fitted, in points of nDCG@10 at each of `DIMENSIONS`."""

    name: str
    held_out: Scores
    own: Scores


@dataclass(frozen=True, slots=True)
class AdaptedSet:
    """A set before, the maps that were fitted to its documents, and what the chosen one changes elsewhere."""

    name: str
    pairs: int
    held_out_pairs: int
    held_out: Scores
    ndcg: Scores
    maps: tuple[FittedMap, ...]
    chosen: str
    hybrid: tuple[float, float]
    """nDCG@10 of the set's queries by words and vectors, before and after the chosen map."""
    others: dict[str, Scores]
    kept: bool
    log: tuple[dict[str, float], ...]
    """Loss, held-out pairs and nDCG@10 of the set, by steps of `DRAWN`."""


def run(folders: Sequence[Path], say: Say) -> list[AdaptedSet]:
    """Fit to every set in turn and measure on all. Raises `PathInvalid` where a folder holds no set."""
    datasets = [read_set(folder) for folder in folders]
    model = config.load().model
    with embedder.load(model.name or None, engine=engine_of(model), precision=model.precision) as loaded:
        sets = [embedded_set(dataset, loaded, say) for dataset in datasets]
    before = {one.dataset.name: _ndcg(one, Maps()) for one in sets}
    return [_adapt(one, sets, before, say) for one in sets]


def _adapt(one: EmbeddedSet, sets: Sequence[EmbeddedSet], before: dict[str, Scores], say: Say) -> AdaptedSet:
    name = one.dataset.name
    is_held_out = one.documents[one.targets] % 3 == 0
    held_out, trained = np.flatnonzero(is_held_out), np.flatnonzero(~is_held_out)
    if len(trained) < LEAST_PAIRS or not len(held_out):
        raise UsageInvalid(f"The documents of {name} make too few pairs.", "Name a larger set.")
    start = _ndcg_of_pairs(one, held_out, Maps())
    log: list[dict[str, float]] = []

    def record(step: int, loss: float, maps: Maps) -> None:
        pairs, own = _ndcg_of_pairs(one, held_out, maps)[0], _ndcg(one, maps)[0]
        log.append({"step": step, "loss": loss, "held-out pairs": pairs, "nDCG@10": own})

    fitted = _fit(_training(one, trained), record, lambda what: say(f"{name}: {what}"))
    found = [
        FittedMap(
            what,
            _change(start, _ndcg_of_pairs(one, held_out, maps)),
            _change(before[name], _ndcg(one, maps)),
        )
        for what, maps in fitted.items()
    ]
    best = max(found, key=lambda each: each.held_out[0])
    say(f"{name}: {best.name}, with words, and on the other sets")
    hybrid = _hybrid(one, Maps()), _hybrid(one, fitted[best.name])
    others = {
        each.dataset.name: _change(before[each.dataset.name], _ndcg(each, fitted[best.name]))
        for each in sets
        if each is not one
    }
    least = min(change[0] for change in [best.own, *others.values()])
    kept = best.held_out[0] >= LEAST_GAIN and least >= -MOST_LOSS
    sizes = len(one.targets), len(held_out)
    return AdaptedSet(
        name, *sizes, start, before[name], tuple(found), best.name, hybrid, others, kept, tuple(log)
    )


def _fit(training: Training, record: Callable[[int, float, Maps], None], say: Say) -> dict[str, Maps]:
    fitted = {name: whiten_differences(training, share) for name, share in WHITENED.items()}
    for name, how in DESCENTS.items():
        say(f"training, {name}")
        fitted[name] = descend(training, how, record) if name == DRAWN else descend(training, how)
    return fitted


def _training(one: EmbeddedSet, chosen: NDArray[np.int64]) -> Training:
    """These pairs; the hard negative is the passage of another document that is nearest to the query."""
    targets = one.targets[chosen]
    documents = one.documents[targets]
    scores = _scores(one.pair_queries[chosen], one.passages, one.is_code)
    scores[one.documents[None, :] == documents[:, None]] = -2
    negatives = one.passages[scores.argmax(axis=1)]
    return Training(_asked(one, chosen), one.pair_passages[chosen], negatives, documents)


def _asked(one: EmbeddedSet, chosen: NDArray[np.int64]) -> Floats:
    """The vector of each pair's query for the kind of its passage, (n, 768)."""
    return one.pair_queries[chosen, one.is_code[one.targets[chosen]].astype(np.int64)]


def _ndcg(one: EmbeddedSet, maps: Maps) -> Scores:
    """nDCG@10 of the set's queries, by vectors alone; a document ranks by its best passage."""
    queries, passages = _mapped(one.queries, maps.queries), _mapped(one.passages, maps.passages)
    names, qrels = list(one.dataset.documents), [one.dataset.qrels[id_] for id_ in one.dataset.queries]
    found = []
    for dimension in DIMENSIONS:
        gains: list[float] = []
        short = _unit(passages[:, :dimension])
        for start in range(0, len(queries), _AT_ONCE):
            scores = _scores(_unit(queries[start : start + _AT_ONCE, :, :dimension]), short, one.is_code)
            for row, relevant in zip(scores, qrels[start : start + _AT_ONCE], strict=True):
                gains.append(_gain([names[place] for place in _best(row, one.documents)], relevant))
        found.append(100 * float(np.mean(gains)))
    return tuple(found)


def _hybrid(one: EmbeddedSet, maps: Maps) -> float:
    """nDCG@10 of the set's queries as a search answers, in a copy of the index with mapped vectors."""
    queries = _unit(_mapped(one.queries, maps.queries))
    passages = _unit(_mapped(one.passages, maps.passages))
    places = {text_id: place for place, text_id in enumerate(one.text_ids.tolist())}
    names = {document_path(id_): id_ for id_ in one.dataset.documents}
    gains: list[float] = []
    with TemporaryDirectory() as folder:
        index = Path(shutil.copy(one.index, folder))
        with Store(index, fingerprint="mapped", chunker=chunker_version(MAX_TOKENS, OVERLAP_TOKENS)) as store:
            while waiting := [job.id for job in store.pending(BATCH)]:
                store.put_vectors(waiting, passages[[places[id_] for id_ in waiting]])
        with Searcher(index, cached_vectors=True) as searcher:
            for vector, (id_, text) in zip(queries, one.dataset.queries.items(), strict=True):
                found = [names[path] for path, _ in searcher.ranking(text, vector, limit=DEPTH)]
                gains.append(_gain(found, one.dataset.qrels[id_]))
    return 100 * float(np.mean(gains))


def _best(scores: Floats, documents: NDArray[np.int64]) -> list[int]:
    """The `DEPTH` documents with the best passages, best first."""
    count = min(len(scores), 4 * DEPTH)
    while True:
        near = np.argpartition(-scores, count - 1)[:count]
        order = near[np.argsort(-scores[near], kind="stable")]
        found = list(dict.fromkeys(documents[order].tolist()))
        if len(found) >= DEPTH or count == len(scores):
            return found[:DEPTH]
        count = min(len(scores), 4 * count)


def _gain(found: Sequence[str], relevant: dict[str, int]) -> float:
    gains = [relevant.get(one, 0) for one in found]
    ideal = sorted(relevant.values(), reverse=True)[:DEPTH]
    return _discounted(gains) / _discounted(ideal)


def _discounted(gains: Sequence[int]) -> float:
    return float(sum(gain / np.log2(rank + 2) for rank, gain in enumerate(gains)))


def _ndcg_of_pairs(one: EmbeddedSet, chosen: NDArray[np.int64], maps: Maps) -> Scores:
    """nDCG@10 where the passage of the pair is the only answer, among all passages of the set."""
    queries, answers = _mapped(one.pair_queries[chosen], maps.queries), one.pair_passages[chosen]
    passages, answers = _mapped(one.passages, maps.passages), _mapped(answers, maps.passages)
    targets = one.targets[chosen]
    found = []
    for dimension in DIMENSIONS:
        short = _unit(queries[:, :, :dimension])
        scores = _scores(short, _unit(passages[:, :dimension]), one.is_code)
        scores[one.text_ids[None, :] == one.text_ids[targets][:, None]] = -2
        used = short[np.arange(len(short)), one.is_code[targets].astype(np.int64)]
        own = np.sum(used * _unit(answers[:, :dimension]), axis=1)
        ranks = 1 + np.sum(scores > own[:, None], axis=1)
        found.append(100 * float(np.mean(np.where(ranks <= DEPTH, 1 / np.log2(ranks + 1), 0))))
    return tuple(found)


def _scores(queries: Floats, passages: Floats, is_code: NDArray[np.bool_]) -> Floats:
    """Cosines (n, m) of queries (n, 2, d), each with the vector for the passage's kind."""
    scores = queries[:, 0] @ passages.T
    if is_code.any():
        scores[:, is_code] = queries[:, 1] @ passages[is_code].T
    return np.asarray(scores, np.float32)


def _mapped(rows: Floats, matrix: Floats | None) -> Floats:
    return rows if matrix is None else np.asarray(rows @ matrix, np.float32)


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12), np.float32)


def _change(before: Scores, after: Scores) -> Scores:
    return tuple(new - old for old, new in zip(before, after, strict=True))


def svg(result: Sequence[AdaptedSet]) -> dict[str, str]:
    """The curves of each set, as SVG."""
    return {one.name: plot(one.log) for one in result if one.log}


def as_json(result: Sequence[AdaptedSet]) -> list[dict[str, Any]]:
    return [asdict(one) for one in result]


def table(result: Sequence[AdaptedSet]) -> str:
    rows = [
        "nDCG@10 at 768 / 256 numbers before, and what each map changes. *: chosen by held-out pairs.",
        f"{'':<20}{'held-out pairs':>18}{'own queries':>18}{'hybrid':>10}{'worst of the others':>34}  kept",
    ]
    for one in result:
        rows.append(f"{one.name:<20}{_pair(one.held_out):>18}{_pair(one.ndcg):>18}{one.hybrid[0]:>10.1f}")
        worst = min(one.others, key=lambda name: one.others[name][0], default="")
        elsewhere = f"{worst} {_pair(one.others[worst], '+')}" if worst else ""
        for each in one.maps:
            changes = f"{_pair(each.held_out, '+'):>18}{_pair(each.own, '+'):>18}"
            chosen = f"{one.hybrid[1] - one.hybrid[0]:>+10.2f}{elsewhere:>34}  {'yes' if one.kept else 'no'}"
            is_chosen = each.name == one.chosen
            rows.append(f"{'*' if is_chosen else ' '} {each.name:<18}{changes}{chosen if is_chosen else ''}")
    return "\n".join(rows)


def _pair(scores: Scores, sign: str = "") -> str:
    return " / ".join(f"{score:{sign}.{2 if sign else 1}f}" for score in scores)
