"""Measures retrieval quality: indexes and queries a BEIR-style folder as ken does otherwise.

A set is `corpus.jsonl`, `queries.jsonl` and `qrels.tsv` (or `qrels/test.tsv`). Documents are cut,
stored, embedded and searched exactly as files are; the index of a set is kept, so that asking again
embeds no document twice. Measures come from ir-measures (trec_eval's definitions).
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from app import paths
from app.errors import PathInvalid, UsageInvalid
from index.extract.code import SEARCHED, sections_of
from index.extract.text import paragraphs
from index.languages import language_of_text
from index.passages.chunker import MAX_TOKENS, OVERLAP_TOKENS, chunk_document, chunker_version
from index.passages.token_counter import CachedTokenCounter
from index.search.candidates import EmbedPending
from index.search.searcher import Searcher
from index.store.store import Store
from index.types import Document, FileRecord, Mode, Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from embedder import Embedder
    from embedder.prompts import QueryTask

RUNS: tuple[tuple[Mode, int | None], ...] = (
    ("words", None),
    ("meaning", 768),
    ("meaning", 256),
    ("hybrid", 768),
    ("hybrid", 256),
)
DEPTH = 100
BATCH = 128
"""Texts in a batch that is embedded and committed at once."""

OnProgress = Callable[[str, int, int], None]
"""Gets the step, how much of it is done, and its total."""
Qrels = dict[str, dict[str, int]]


class Embeds(Protocol):
    """What indexing needs of a model."""

    @property
    def fingerprint(self) -> str: ...
    def count_tokens(self, texts: Sequence[str]) -> list[int]: ...
    def embed_documents(self, texts: Sequence[str], titles: Sequence[str | None]) -> NDArray[np.float32]: ...


class SetDocument(NamedTuple):
    """A document of a set."""

    title: str
    text: str
    changed_ns: int = 0
    """The time of its last change, in nanoseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Documents and queries by id, and the relevance of documents to queries."""

    name: str
    documents: dict[str, SetDocument]
    queries: dict[str, str]
    qrels: Qrels


@dataclass(frozen=True, slots=True)
class RetrievalMeasures:
    """The measures of one mode and dimension, each from 0 to 1."""

    mode: Mode
    dimension: int | None
    ndcg: float
    recall_10: float
    recall_100: float
    mrr: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The measures of a set and the seconds they took, indexing included."""

    name: str
    documents: int
    passages: int
    queries: int
    code: int
    """Documents that are source code."""
    results: tuple[RetrievalMeasures, ...]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        return {
            "set": self.name,
            "documents": self.documents,
            "passages": self.passages,
            "queries": self.queries,
            "code": self.code,
            "results": [
                {
                    "mode": one.mode,
                    "dimension": one.dimension,
                    "ndcg@10": round(one.ndcg, 4),
                    "recall@10": round(one.recall_10, 4),
                    "recall@100": round(one.recall_100, 4),
                    "mrr@10": round(one.mrr, 4),
                }
                for one in self.results
            ],
            "seconds": round(self.seconds, 1),
        }


def evaluate(
    folder: Path,
    embedder: Embedder,
    *,
    mode: Mode | None = None,
    task: QueryTask | None = None,
    size: int = MAX_TOKENS,
    overlap: int = OVERLAP_TOKENS,
    progress: OnProgress = lambda _what, _done, _total: None,
) -> Evaluation:
    """Index the set in `folder` and measure every mode, or one of them.

    `task` is that of the queries' prompt; None: as a search asks, prose and code each by its own. `size` and
    `overlap` are those of passages, in tokens. Raises `PathInvalid` where the folder does not
    hold a set.
    """
    measure = measures()
    started = time.perf_counter()
    dataset = read_set(folder)
    vectors = None
    with index_dataset(dataset, embedder, size, overlap) as store:
        index = store.path
        fill(store, dataset, embedder, progress, size=size, overlap=overlap)
        passages = store.counts().passages
        code = sum(record.kind == "code" for record in store.files().values())
    if mode != "words":
        vectors = embed_queries(dataset, embedder, task, progress)
    results: list[RetrievalMeasures] = []
    with Searcher(index, cached_vectors=True) as searcher:
        for way, dimension in RUNS:
            if mode in (None, way):
                run = run_queries(searcher, dataset, vectors, way, dimension, progress)
                results.append(measure(dataset.qrels, run, way, dimension))
    seconds = time.perf_counter() - started
    return Evaluation(
        dataset.name, len(dataset.documents), passages, len(dataset.queries), code, tuple(results), seconds
    )


def index_dataset(
    dataset: EvaluationSet, embedder: Embeds, size: int = MAX_TOKENS, overlap: int = OVERLAP_TOKENS
) -> Store:
    """The index of a set, which stays; `fill` makes it current."""
    path = paths.home() / "evaluation" / f"{dataset.name}.db"
    return Store(path, fingerprint=embedder.fingerprint, chunker=chunker_version(size, overlap))


def read_set(folder: Path) -> EvaluationSet:
    """Read a set. Queries without a relevant document are left out, as trec_eval does."""
    folder = folder.expanduser().absolute()
    if not folder.is_dir():
        raise PathInvalid(
            f"{folder} is not a folder.", "Name a folder with corpus.jsonl, queries.jsonl and qrels.tsv."
        )
    documents = {
        str(one["_id"]): SetDocument(str(one.get("title") or ""), str(one["text"]), _changed_ns(one))
        for one in _lines(folder / "corpus.jsonl")
    }
    queries = {str(one["_id"]): str(one["text"]) for one in _lines(folder / "queries.jsonl")}
    qrels = _qrels(folder)
    answered = {id_: text for id_, text in queries.items() if any(qrels.get(id_, {}).values())}
    if not documents or not answered:
        raise PathInvalid(
            f"{folder} has no documents, or no question with an answer.", "Check the ids in qrels.tsv."
        )
    return EvaluationSet(folder.name, documents, answered, {id_: qrels[id_] for id_ in answered})


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _record(path, number, line)
    except (OSError, UnicodeDecodeError) as error:
        raise PathInvalid(
            f"{path} cannot be read: {error}.", "A set holds corpus.jsonl, queries.jsonl and qrels.tsv."
        ) from error


def _record(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise PathInvalid(f"{path}, line {number}, is not JSON: {error}.", "Correct the line.") from error
    if not isinstance(record, dict) or "_id" not in record or "text" not in record:
        raise PathInvalid(f"{path}, line {number}, has no `_id` and `text`.", "Correct the line.")
    return record


def _changed_ns(record: dict[str, Any]) -> int:
    """The `date` of a document, as ISO 8601 has it, as nanoseconds since the epoch; 0 where it has none."""
    try:
        return (
            int(datetime.fromisoformat(record["date"]).timestamp()) * 1_000_000_000 if "date" in record else 0
        )
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise PathInvalid(
            f"{record['_id']} has no date in {record['date']!r}.", "Write it as in 2024-05-31."
        ) from error


def _qrels(folder: Path) -> Qrels:
    path = next((one for one in (folder / "qrels.tsv", folder / "qrels" / "test.tsv") if one.is_file()), None)
    if path is None:
        raise PathInvalid(
            f"{folder} has no qrels.tsv.", "A set holds corpus.jsonl, queries.jsonl and qrels.tsv."
        )
    qrels: Qrels = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        fields = line.split("\t")
        if number == 1 and not fields[-1].strip().lstrip("-").isdigit():
            continue
        try:
            query, document, score = fields[0], fields[-2], int(float(fields[-1]))
        except (ValueError, IndexError) as error:
            raise PathInvalid(
                f"{path}, line {number}, is not query, document, score.", "Correct the line."
            ) from error
        qrels.setdefault(query, {})[document] = score
    return qrels


def fill(
    store: Store,
    dataset: EvaluationSet,
    embedder: Embeds,
    progress: OnProgress,
    *,
    size: int = MAX_TOKENS,
    overlap: int = OVERLAP_TOKENS,
    embed: bool = True,
) -> None:
    """Index the documents of the set: cut, store and, with `embed`, embed them."""
    known = store.files()
    store.remove(sorted(known.keys() - {document_path(id_) for id_ in dataset.documents}))
    put_documents(
        store, dataset.documents, embedder, progress, known, size=size, overlap=overlap, embed=embed
    )


def put_documents(
    store: Store,
    documents: Mapping[str, SetDocument],
    embedder: Embeds,
    progress: OnProgress,
    known: Mapping[str, FileRecord],
    *,
    size: int = MAX_TOKENS,
    overlap: int = OVERLAP_TOKENS,
    embed: bool = True,
) -> None:
    """Index these documents by id, but those that are `known` and the same."""
    count = CachedTokenCounter(embedder.count_tokens)
    items = iter(documents.items())
    done = 0
    while batch := list(itertools.islice(items, BATCH)):
        new: list[tuple[FileRecord, list[Passage]]] = []
        for id_, one in batch:
            document = _document(one.title, one.text)
            record = _file(id_, document, one.changed_ns)
            before = known.get(record.path)
            if before is None or _identity(before) != _identity(record):
                new.append((record, chunk_document(document, "", count, size=size, overlap=overlap)))
        store.put(new)
        done += len(batch)
        progress("Cutting", done, len(documents))
    total = store.counts().pending
    done = 0
    while embed and (waiting := store.pending(BATCH)):
        texts, titles = [one.text for one in waiting], [one.title or None for one in waiting]
        store.put_vectors([one.id for one in waiting], embedder.embed_documents(texts, titles))
        done += len(waiting)
        progress("Embedding", done, total)


def document_path(id_: str) -> str:
    """A path without words: documents of a set have no names that a query could match."""
    return "/" + blake2b(id_.encode("utf-8", "replace"), digest_size=12).hexdigest().translate(_LETTERS)


_LETTERS = str.maketrans("0123456789", "ghijklmnop")


def _document(title: str, text: str) -> Document:
    """A text as the reader of files without a suffix gives it: source code or paragraphs."""
    language = language_of_text(text[:SEARCHED])
    if language.name:
        return Document(text, "code", title, language.name, tuple(sections_of(text, language)))
    return Document(text, "text", title, sections=tuple(paragraphs(text)))


def _identity(record: FileRecord) -> tuple[bytes, str, int]:
    return record.hash, record.kind, record.mtime_ns


def _file(id_: str, document: Document, changed_ns: int) -> FileRecord:
    content = f"{document.title}\0{document.text}".encode("utf-8", "replace")
    return FileRecord(
        document_path(id_),
        0,
        len(content),
        changed_ns,
        blake2b(content, digest_size=16).digest(),
        kind=document.kind,
        language=document.language,
        title=document.title,
    )


def embed_queries(
    dataset: EvaluationSet, embedder: Embedder, task: QueryTask | None, progress: OnProgress
) -> dict[str, NDArray[np.float32]]:
    """The vectors of each query, (2, 768) as a search has them, or (768,) under one task."""
    vectors: dict[str, NDArray[np.float32]] = {}
    for id_, text in dataset.queries.items():
        vectors[id_] = embedder.embed_queries([text], task=task)[0] if task else embedder.embed_query(text)
        progress("Embedding questions", len(vectors), len(dataset.queries))
    return vectors


def run_queries(
    searcher: Searcher,
    dataset: EvaluationSet,
    vectors: dict[str, NDArray[np.float32]] | None,
    mode: Mode,
    dimension: int | None,
    progress: OnProgress,
    embed_pending: EmbedPending | None = None,
) -> dict[str, dict[str, float]]:
    """For each query the documents found, with scores in their order."""
    ids = {document_path(id_): id_ for id_ in dataset.documents}
    run: dict[str, dict[str, float]] = {}
    for done, (id_, text) in enumerate(dataset.queries.items()):
        if done % BATCH == 0:
            progress(f"Asking, {mode}", done, len(dataset.queries))
        vector = vectors[id_] if vectors is not None else None
        ranked = searcher.ranking(
            text, vector, mode=mode, limit=DEPTH, dimension=dimension or 768, embed_pending=embed_pending
        )
        # trec_eval orders by score and breaks ties by name; ranks keep ken's own order.
        run[id_] = {ids[path]: float(DEPTH - rank) for rank, (path, _) in enumerate(ranked)}
    return run


def measures() -> Callable[[Qrels, dict[str, dict[str, float]], Mode, int | None], RetrievalMeasures]:
    """What computes the measures of a run. Raises `UsageInvalid` where it is not installed."""
    try:
        import ir_measures
        from ir_measures import RR, R, nDCG
    except ImportError as error:
        raise UsageInvalid(
            "`ken eval` needs ir-measures, which is not installed.", "Run `pip install 'ken-search[eval]'`."
        ) from error

    def measure(
        qrels: Qrels, run: dict[str, dict[str, float]], mode: Mode, dimension: int | None
    ) -> RetrievalMeasures:
        chosen = (nDCG @ 10, R @ 10, R @ 100, RR @ 10)
        found = ir_measures.calc_aggregate(list(chosen), qrels, run)
        return RetrievalMeasures(mode, dimension, *(float(found[one]) for one in chosen))

    return measure
