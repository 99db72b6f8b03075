"""Benchmark `halves FOLDER...`: whether the fusion of words and meaning holds on sets it was not chosen on.

The sets are those of `ken eval`, with the indexes that it keeps. In every division of the sets into halves,
the weights of words in prose and in code are chosen on one half and tried on the other. They hold where no
set of the other half loses more than `LOSS` against the better single mode. The form of the fusion and its
power are those of `index.search.fusion`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray

import embedder
from app import config
from app.errors import UsageInvalid
from app.evaluation.retrieval import document_path, embed_queries, fill, index_dataset, read_set
from app.model import engine_of
from index.search import fusion
from index.search.filters import FilteredIds
from index.search.ranking import Ranked, SearchRequest, rank
from index.search.vector_cache import VectorCache
from index.store.database import fetch_all, id_array
from index.store.fts_query import DocumentFrequencies, parse_query
from index.types import Filter
from tests.benchmarks.own_daemon import Say

Weights = tuple[float, float]
"""The weights of the lexical score in prose and in code."""
PROSE = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4, 1.6)
CODE = (0.0, 0.05, 0.1, 0.15, 0.2)
LOSS = 0.5
"""Points of nDCG@10 that a set may lose against the better single mode, or a choice against the best mean."""
DEPTH, CANDIDATES = 10, 200
EPSILON = 1e-3

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScoredSet:
    """nDCG@10 of a set, 0 to 100: in the better single mode, and of hybrid by the weights."""

    name: str
    single: float
    hybrid: dict[Weights, float]


@dataclass(frozen=True, slots=True)
class HeldBack:
    """nDCG@10 of a set, over the divisions in which it was held back."""

    name: str
    single: float
    used: float
    """By the weights that ken uses."""
    least: float
    mean: float
    most: float


@dataclass(frozen=True, slots=True)
class Halves:
    """How many choices held, and what was chosen."""

    choices: int
    held: int
    prose: tuple[float, float]
    """The least and the greatest weight that was chosen."""
    code: tuple[float, float]
    sets: tuple[HeldBack, ...]


def run(folders: Sequence[Path], say: Say) -> Halves:
    """Ask every set and try every division. Raises `UsageInvalid` for fewer than two sets."""
    if len(folders) < 2:
        raise UsageInvalid("One set has no halves.", "Name two sets or more.")
    model = config.load().model
    with embedder.load(model.name or None, engine=engine_of(model), precision=model.precision) as loaded:
        return divide([_scored(folder, loaded, say) for folder in folders])


def divide(sets: Sequence[ScoredSet]) -> Halves:
    """Choose on each half and try on the other; of an odd number of sets, the smaller half chooses."""
    chosen: list[Weights] = []
    held = 0
    back: dict[str, list[float]] = {one.name: [] for one in sets}
    sizes = {len(sets) // 2, len(sets) - len(sets) // 2}
    for half in itertools.chain.from_iterable(itertools.combinations(sets, size) for size in sorted(sizes)):
        weights = choose(half)
        others = [one for one in sets if one not in half]
        chosen.append(weights)
        held += all(one.hybrid[weights] >= one.single - LOSS for one in others)
        for one in others:
            back[one.name].append(one.hybrid[weights])
    used = (fusion.WORDS, fusion.WORDS_OF_CODE)
    prose, code = zip(*chosen, strict=True)
    table = tuple(
        HeldBack(one.name, one.single, one.hybrid[used], min(found), float(np.mean(found)), max(found))
        for one in sets
        for found in [back[one.name]]
    )
    return Halves(len(chosen), held, (min(prose), max(prose)), (min(code), max(code)), table)


def choose(sets: Sequence[ScoredSet]) -> Weights:
    """The middle weight of those that lose nothing and are near the best mean; first in prose, then in code.

    The middle is far from where some other set may lose, on either side.
    """
    worst = {one: min(each.hybrid[one] - each.single for each in sets) for one in sets[0].hybrid}
    bound = min(-LOSS, max(worst.values()))
    mean = {one: np.mean([each.hybrid[one] for each in sets]) for one in worst if worst[one] >= bound}
    near = sorted(one for one in mean if mean[one] >= max(mean.values()) - LOSS)
    weights = sorted({prose for prose, _ in near})
    prose = weights[len(weights) // 2]
    code = [code for weight, code in near if weight == prose]
    return prose, code[(len(code) - 1) // 2]


def _scored(folder: Path, loaded: embedder.Embedder, say: Say) -> ScoredSet:
    dataset = read_set(folder)
    documents = {document_path(id_): id_ for id_ in dataset.documents}
    vectors = embed_queries(dataset, loaded, None, lambda *_: None)
    say(f"{dataset.name}: {len(vectors)} questions are embedded")
    singles: list[tuple[float, float]] = []
    hybrid: list[dict[Weights, float]] = []
    cache, frequencies = VectorCache(), DocumentFrequencies()
    with index_dataset(dataset, loaded) as store:
        fill(store, dataset, loaded, lambda *_: None)
        with store.reading() as db:
            for id_, text in dataset.queries.items():
                query = parse_query(db, text, frequencies)
                asked = SearchRequest(query, vectors[id_], "hybrid", CANDIDATES, FilteredIds(db, Filter()))
                found = rank(db, asked, cache)
                if not len(found.ids) and query.groups:
                    asked = replace(asked, query=query.without_conditions())
                    found = rank(db, asked, cache)
                gains = _Gains(db, found, documents, dataset.qrels[id_])
                words = gains.ndcg(np.nan_to_num(found.lexical_scores))
                near = rank(db, replace(asked, mode="meaning"), cache)
                meaning = _Gains(db, near, documents, dataset.qrels[id_]).ndcg(near.scores)
                singles.append((words, meaning))
                hybrid.append({one: gains.ndcg(scores) for one, scores in _by_weights(found)})
    cache.close()
    by_weights = {one: 100 * float(np.mean([each[one] for each in hybrid])) for one in hybrid[0]}
    return ScoredSet(dataset.name, 100 * float(np.mean(singles, axis=0).max()), by_weights)


def _by_weights(found: Ranked) -> Iterator[tuple[Weights, Floats]]:
    """The scores of the candidates by every pair of weights; those that the query names keep their own."""
    lexical = np.nan_to_num(found.lexical_scores).astype(np.float64) ** fusion.POWER
    lexical *= fusion.share_known(found.query) ** (fusion.POWER / 2)
    is_code = np.zeros(len(found.ids), np.bool_) if found.is_code is None else found.is_code
    cosines = np.nan_to_num(found.cosines).astype(np.float64)
    used = found.scores * fusion.GREATEST - cosines
    is_named = np.abs(used - np.where(is_code, fusion.WORDS_OF_CODE, fusion.WORDS) * lexical) > EPSILON
    for prose, code in itertools.product(PROSE, CODE):
        added = np.where(is_code, code, prose) * lexical
        yield (prose, code), cosines + np.where(is_named, used, added)


class _Gains:
    """The relevance of the candidates of a query."""

    def __init__(
        self, db: apsw.Connection, found: Ranked, documents: dict[str, str], relevant: dict[str, int]
    ) -> None:
        sql = (
            "SELECT place.value, path FROM carray(?) AS place JOIN passages ON passages.text = place.value "
            "JOIN files ON files.id = passages.file ORDER BY path"
        )
        self._documents: dict[int, list[str]] = {}
        for text, path in fetch_all(db, sql, (id_array(found.ids),)):
            self._documents.setdefault(text, []).append(documents[path.decode()])
        self._ids, self._relevant = found.ids, relevant
        ideal = sorted(relevant.values(), reverse=True)[:DEPTH]
        self._ideal = sum(gain / np.log2(rank + 2) for rank, gain in enumerate(ideal))

    def ndcg(self, scores: NDArray[np.floating[Any]]) -> float:
        """nDCG@10 of the documents in the order of their best candidates."""
        order: dict[str, None] = {}
        for text in self._ids[np.argsort(-scores, kind="stable")].tolist():
            order.update(dict.fromkeys(self._documents[text]))
            if len(order) >= DEPTH:
                break
        gains = [self._relevant.get(one, 0) for one in itertools.islice(order, DEPTH)]
        return float(sum(gain / np.log2(rank + 2) for rank, gain in enumerate(gains)) / self._ideal)


def table(found: Halves) -> str:
    rows = [
        f"Chosen on one half, held on the other: {found.held} of {found.choices}. Weights of words chosen: "
        f"{found.prose[0]} to {found.prose[1]} in prose, {found.code[0]} to {found.code[1]} in code.",
        f"{'':<16}{'single mode':>12}{'used':>8}{'held back: least':>18}{'mean':>8}{'most':>8}",
    ]
    rows += [
        f"{one.name:<16}{one.single:>12.1f}{one.used:>8.1f}{one.least:>18.1f}{one.mean:>8.1f}{one.most:>8.1f}"
        for one in found.sets
    ]
    return "\n".join(rows)


def as_json(found: Halves) -> dict[str, Any]:
    return asdict(found)
