"""Measures how often ken says "nothing close" in one index of several sets.

An index is about many subjects, and few of its passages answer a query. Each query is
asked of the index of all sets, of that without the documents that answer it, the hard case, and of that
without its own set, in which it is foreign. Sets whose names begin alike up to a hyphen (`xquad-de-en`,
`xquad-th`) are taken out together: they hold the same texts. Vectors come from the indexes of single sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.errors import UsageInvalid
from app.evaluation.abstention import share_refused, some
from app.evaluation.retrieval import (
    EvaluationSet,
    OnProgress,
    document_path,
    embed_queries,
    fill,
    index_dataset,
    put_documents,
    read_set,
)
from index.search.searcher import Searcher
from index.store import generations
from index.store.database import fetch_all
from index.store.store import Store
from index.store.vectors import read_vector
from index.types import Mode

if TYPE_CHECKING:
    from embedder import Embedder
    from embedder.prompts import QueryTask

NAME = "mixed"
"""The name of the index of all sets."""

Vectors = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class SetRates:
    """Shares of the queries of one set, 0 to 1, that were answered "nothing close" in the mixed index."""

    name: str
    questions: int
    own: float
    removed: float
    """Without the documents that answer the query."""
    foreign: float
    """Without the set, and those that begin alike."""


@dataclass(frozen=True, slots=True)
class MixedRates:
    """The rates of every set, and the size of the index of all."""

    documents: int
    passages: int
    sets: tuple[SetRates, ...]

    def mean(self, of: str) -> float:
        """The mean over sets, so that each counts alike."""
        return float(np.mean([getattr(one, of) for one in self.sets]))

    def as_json(self) -> dict[str, Any]:
        def rates(own: float, removed: float, foreign: float) -> dict[str, float]:
            return {"own": round(own, 4), "removed": round(removed, 4), "foreign": round(foreign, 4)}

        return {
            "sets": [
                {
                    "set": one.name,
                    "questions": one.questions,
                    "refused": rates(one.own, one.removed, one.foreign),
                }
                for one in self.sets
            ],
            "documents": self.documents,
            "passages": self.passages,
            "refused": rates(self.mean("own"), self.mean("removed"), self.mean("foreign")),
        }


class StoredVectors:
    """Gives texts the vectors that they have in the indexes of single sets."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.fingerprint = embedder.fingerprint
        self._vectors: dict[tuple[str, str], NDArray[np.float32]] = {}

    def add(self, store: Store) -> None:
        with store.reading() as db:
            number = generations.serving(db)
            for id_, title, text in fetch_all(db, "SELECT id, title, text FROM texts"):
                vector = read_vector(db, number, id_)
                if vector is not None:
                    self._vectors[title, text] = vector

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._embedder.count_tokens(texts)

    def embed_documents(self, texts: Sequence[str], titles: Sequence[str | None]) -> NDArray[np.float32]:
        """(n, 768) unit rows."""
        pairs = zip(titles, texts, strict=True)
        return np.stack([self._vectors[title or "", text] for title, text in pairs])


def measure(
    folders: Sequence[Path],
    embedder: Embedder,
    *,
    mode: Mode = "hybrid",
    task: QueryTask | None = None,
    progress: OnProgress = lambda _what, _done, _total: None,
) -> MixedRates:
    """Index the sets together and ask. Raises `UsageInvalid` for two sets with one name, `PathInvalid` where
    a folder does not hold a set."""
    sets = [read_set(folder) for folder in folders]
    names = [one.name for one in sets]
    if len({*names}) < len(names):
        raise UsageInvalid("Two folders have the same name.", "Rename one: sets are told apart by name.")
    asked = [_prefixed(some(one)) for one in sets]
    vectors = {one.name: embed_queries(one, embedder, task, progress) for one in asked}
    known = _stored_vectors(sets, embedder, progress)
    mixed = {one.name: _prefixed(one) for one in sets}
    foreign: dict[str, float] = {}
    for group in sorted({_group(name) for name in names}):
        others = [one for name, one in mixed.items() if _group(name) != group]
        with _filled(others, known, progress) as store:
            for one in asked:
                if _group(one.name) == group:
                    foreign[one.name] = share_refused(store, one, vectors[one.name], mode, progress)
    with _filled([*mixed.values()], known, progress) as store:
        counts = store.counts()
        rates = tuple(
            SetRates(
                one.name,
                len(one.queries),
                share_refused(store, one, vectors[one.name], mode, progress),
                _refused_without_answers(store, one, mixed, vectors[one.name], known, mode, progress),
                foreign[one.name],
            )
            for one in asked
        )
    return MixedRates(counts.files, counts.passages, rates)


def _group(name: str) -> str:
    return name.split("-")[0]


def _prefixed(one: EvaluationSet) -> EvaluationSet:
    """The set with the ids of its documents made different from those of other sets."""
    return EvaluationSet(
        one.name,
        {_id(one.name, id_): document for id_, document in one.documents.items()},
        one.queries,
        {
            query: {_id(one.name, id_): score for id_, score in qrels.items()}
            for query, qrels in one.qrels.items()
        },
    )


def _id(name: str, document: str) -> str:
    return f"{name}/{document}"


def _stored_vectors(sets: Sequence[EvaluationSet], embedder: Embedder, progress: OnProgress) -> StoredVectors:
    known = StoredVectors(embedder)
    for one in sets:
        with index_dataset(one, embedder) as store:
            fill(store, one, embedder, progress)
            known.add(store)
    return known


@contextmanager
def _filled(sets: Sequence[EvaluationSet], known: StoredVectors, progress: OnProgress) -> Iterator[Store]:
    """The mixed index with these sets and no others."""
    documents = {id_: document for one in sets for id_, document in one.documents.items()}
    whole = EvaluationSet(NAME, documents, {}, {})
    with index_dataset(whole, known) as store:
        fill(store, whole, known, progress)
        yield store


def _refused_without_answers(
    store: Store,
    asked: EvaluationSet,
    mixed: dict[str, EvaluationSet],
    vectors: Vectors,
    known: StoredVectors,
    mode: Mode,
    progress: OnProgress,
) -> float:
    """Also without what answers the same query in sets that begin alike."""
    alike = [one for name, one in mixed.items() if _group(name) == _group(asked.name)]
    refused = 0
    with Searcher(store.path, cached_vectors=True) as searcher:
        for done, (id_, text) in enumerate(asked.queries.items()):
            relevant = {
                document: one.documents[document]
                for one in alike
                for document, score in one.qrels.get(id_, {}).items()
                if score > 0 and document in one.documents
            }
            store.remove([document_path(document) for document in relevant])
            refused += not searcher.search(text, vectors[id_], mode=mode, limit=1).is_close
            put_documents(store, relevant, known, lambda *_: None, {})
            progress(f"Asking {asked.name} without the answers", done, len(asked.queries))
    return refused / len(asked.queries)
