"""Measures how often ken says "nothing close": queries of a set against its own and other indexes.

Three cases: the set's own index, which can answer; the same index while only the documents that answer
are taken out of it, the hard case; and the indexes of other sets, which are about something else. Uses
`Searcher.search`, as every front does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.evaluation.retrieval import (
    EvaluationSet,
    OnProgress,
    document_path,
    embed_queries,
    fill,
    index_dataset,
    read_set,
)
from index.search.searcher import Searcher
from index.store.store import Store
from index.types import Mode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from embedder import Embedder
    from embedder.prompts import QueryTask

QUESTIONS = 250
"""Queries that are measured, evenly spread over those of the set."""


@dataclass(frozen=True, slots=True)
class AbstentionRates:
    """Shares of the queries of a set, 0 to 1, that were answered "nothing close"."""

    name: str
    questions: int
    own: float
    removed: float
    """In its own index, without the documents that answer the query."""
    others: dict[str, float]
    """In the index of each other set."""

    def as_json(self) -> dict[str, Any]:
        return {
            "set": self.name,
            "questions": self.questions,
            "refused": {
                "own": round(self.own, 4),
                "removed": round(self.removed, 4),
                "others": {name: round(share, 4) for name, share in self.others.items()},
            },
        }


def measure(
    folder: Path,
    others: Sequence[Path],
    embedder: Embedder,
    *,
    mode: Mode = "hybrid",
    task: QueryTask | None = None,
    progress: OnProgress = lambda _what, _done, _total: None,
) -> AbstentionRates:
    """Run the queries of `folder` on its own index, with and without answers, and on those of `others`."""
    dataset = some(read_set(folder))
    vectors = embed_queries(dataset, embedder, task, progress)
    refused_others: dict[str, float] = {}
    for other in map(read_set, others):
        refused_others[other.name] = _abstention_rate(other, dataset, vectors, embedder, mode, progress)
    return AbstentionRates(
        dataset.name,
        len(dataset.queries),
        _abstention_rate(dataset, dataset, vectors, embedder, mode, progress),
        _refused_without_answers(dataset, vectors, embedder, mode, progress),
        refused_others,
    )


def some(whole: EvaluationSet) -> EvaluationSet:
    """The set with at most `QUESTIONS` of its queries."""
    step = max(1.0, len(whole.queries) / QUESTIONS)
    ids = list(whole.queries)
    chosen = [ids[int(i * step)] for i in range(min(QUESTIONS, len(ids)))]
    return EvaluationSet(
        whole.name,
        whole.documents,
        {id_: whole.queries[id_] for id_ in chosen},
        {id_: whole.qrels[id_] for id_ in chosen},
    )


def _abstention_rate(
    of: EvaluationSet,
    dataset: EvaluationSet,
    vectors: dict[str, NDArray[np.float32]],
    embedder: Embedder,
    mode: Mode,
    progress: OnProgress,
) -> float:
    with index_dataset(of, embedder) as store:
        fill(store, of, embedder, progress)
        return share_refused(store, dataset, vectors, mode, lambda *_: None)


def share_refused(
    store: Store,
    dataset: EvaluationSet,
    vectors: dict[str, NDArray[np.float32]],
    mode: Mode,
    progress: OnProgress,
) -> float:
    """The share of the queries of `dataset` that the index of `store` answers with "nothing close"."""
    refused = 0
    with Searcher(store.path, cached_vectors=True) as searcher:
        for done, (id_, text) in enumerate(dataset.queries.items()):
            refused += not searcher.search(text, vectors[id_], mode=mode, limit=1).is_close
            progress(f"Asking {dataset.name}", done, len(dataset.queries))
    return refused / len(dataset.queries)


def _refused_without_answers(
    dataset: EvaluationSet,
    vectors: dict[str, NDArray[np.float32]],
    embedder: Embedder,
    mode: Mode,
    progress: OnProgress,
) -> float:
    refused = 0
    with index_dataset(dataset, embedder) as store, Searcher(store.path, cached_vectors=True) as searcher:
        for done, (id_, text) in enumerate(dataset.queries.items()):
            relevant = [document for document, score in dataset.qrels[id_].items() if score > 0]
            store.remove([document_path(document) for document in relevant])
            refused += not searcher.search(text, vectors[id_], mode=mode, limit=1).is_close
            fill(store, dataset, embedder, lambda *_: None)
            progress("Asking without the answers", done, len(dataset.queries))
    return refused / len(dataset.queries)
