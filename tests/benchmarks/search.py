"""Benchmark `search`: the index from ten thousand to a million passages, beside other exact searches.

Makes indexes of its own in a throw-away folder: passages of real words (the demo's, as
frequent as Zipf's law has them) and random unit vectors, which are the hardest to tell apart. Peers
(NumPy, and FAISS and usearch where they are installed) search the same vectors in the same process.
"""

from __future__ import annotations

import importlib
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app import paths
from app.daemon.run import SWITCH_INTERVAL
from index.search.searcher import Searcher
from index.search.vector_cache import VectorCache
from index.store.database import SnapshotPool, fetch_all
from index.store.generations import serving
from index.store.store import Store
from index.store.vectors import (
    FULL_DIMENSION,
    SEARCH_DIMENSION,
    cosines,
    iterate_chunks,
    read_vector,
    truncate_matryoshka,
)
from index.types import FileRecord, Passage
from tests.benchmarks.percentile import percentile

SIZES = (10_000, 100_000, 1_000_000)
QUESTIONS = 60
FOUND = 20
"""Nearest vectors every contestant brings; ken's ten best are scored again from the file."""
OF_A_PASSAGE = 0.3
"""Length of the noise that is added to the unit vector of a passage: its cosine with that becomes 0.96."""
OF_A_QUESTION = 1.0
"""The same for a question: its cosine with the passage becomes 0.7, as that of an answer is."""
PER_FILE = 10
BATCH = 5_000
WORDS_A_PASSAGE = 110
TURNS = 3
WRITES = 4_000
"""Passages a second that are written while a reader is timed: fifty times what a processor embeds."""
COLD = (
    "import sys, numpy; from pathlib import Path; from index.search.searcher import Searcher; "
    "print(Searcher(Path(sys.argv[1])).search(sys.argv[3], numpy.load(sys.argv[2])).hits[0].path)"
)

Floats = NDArray[np.float32]
Batch = tuple[list[tuple[FileRecord, list[Passage]]], Floats]
"""Files with their passages, and the passages' vectors."""


@dataclass(frozen=True, slots=True)
class SearchFigures:
    """Figures at one size; times are 95th percentiles, the query's embedding left out."""

    passages: int
    vector_ms_p95: float
    hybrid_ms_p95: float
    cold_ms: float
    """From process start to the first answer, the question's vector given."""
    bytes_per_passage: float
    """On disk, beyond the passage's text and words."""
    memory_mb: float
    """The vectors' copy in memory."""
    recall_at_10: float
    """Of the warm vector search, against NumPy's exact one in float32."""
    writes_per_second: float
    """Passages stored with words and vectors, embedding left out."""
    hybrid_ms_p95_while_writing: float
    """By a thread of the same process, `WRITES` passages a second."""
    hybrid_ms_median: float
    hybrid_ms_median_while_writing: float
    writes_per_second_meanwhile: float
    """Passages that were stored beside the reader; fewer than `WRITES` where disk or processor limit them."""
    peers: dict[str, float]
    """Vector search, milliseconds, 95th percentile."""


class Vectors:
    """Unit vectors: random ones, or those of an index with noise, as near one another as real ones."""

    def __init__(self, seed: int, like: Path | None) -> None:
        self._generator = np.random.default_rng(seed)
        self._real = _stored_vectors(like) if like else None

    def passages(self, count: int) -> Floats:
        return self._some(count, OF_A_PASSAGE)

    def questions(self) -> Floats:
        return self._some(QUESTIONS, OF_A_QUESTION)

    def _some(self, count: int, noise: float) -> Floats:
        random_ = _unit(self._generator.standard_normal((count, FULL_DIMENSION), np.float32))
        if self._real is None:
            return random_
        chosen = self._real[self._generator.integers(0, len(self._real), count)]
        return _unit(chosen + np.float32(noise) * random_)


def run(
    say: Callable[[str], None], sizes: Sequence[int] = SIZES, like: Path | None = None
) -> list[SearchFigures]:
    """`like`: an index whose vectors the passages have, with noise; else they are random.

    Threads take turns as in the daemon, where a query and a writer share one interpreter.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        with tempfile.TemporaryDirectory(prefix="ken-bench-") as folder:
            return [_measure(Path(folder) / f"{size}.db", size, say, Vectors(size, like)) for size in sizes]
    finally:
        sys.setswitchinterval(before)


def as_json(results: list[SearchFigures]) -> list[dict[str, Any]]:
    return [asdict(one) for one in results]


def table(results: list[SearchFigures]) -> str:
    lines = ["passages   vector  hybrid  writing    cold  bytes  memory  recall@10  writes/s  peers"]
    for one in results:
        peers = ", ".join(f"{name} {ms:.1f}" for name, ms in one.peers.items())
        lines.append(
            f"{one.passages:>9,}{one.vector_ms_p95:>8.1f}{one.hybrid_ms_p95:>8.1f}"
            f"{one.hybrid_ms_p95_while_writing:>9.1f}{one.cold_ms:>8.0f}{one.bytes_per_passage:>7,.0f}"
            f"{one.memory_mb:>8.1f}{one.recall_at_10:>11.3f}{one.writes_per_second:>10,.0f}  {peers}"
        )
    return "\n".join([*lines, "Times are milliseconds, 95th percentile; memory is MB."])


def _measure(path: Path, size: int, say: Callable[[str], None], made: Vectors) -> SearchFigures:
    words = Vocabulary()
    with Store(path, fingerprint="bench") as store:
        rate = _fill(store, size, words, made, say)
        beyond = _bytes_beyond_text(path) / size
        questions = _questions(words, made)
        say(f"{size:,} passages: searching")
        found, vector_ms, memory = _warm(path, [vector for _, vector in questions])
        peers, exact = _peers(path, [truncate_matryoshka(vector[None])[0] for _, vector in questions], say)
        recall = np.mean([len(set(a[:10]) & set(b[:10])) / 10 for a, b in zip(found, exact, strict=True)])
        cold = min(_cold(path, questions[i]) for i in range(3))
        with Searcher(path, cached_vectors=True) as searcher:
            _ask(searcher, questions[:3])
            hybrid, writing, meanwhile = _beside_a_writer(store, searcher, questions, words, made)
    return SearchFigures(
        passages=size,
        vector_ms_p95=vector_ms,
        hybrid_ms_p95=_p95(hybrid),
        cold_ms=cold,
        bytes_per_passage=round(beyond, 1),
        memory_mb=round(memory / 1e6, 2),
        recall_at_10=round(float(recall), 4),
        writes_per_second=round(rate),
        hybrid_ms_p95_while_writing=_p95(writing),
        hybrid_ms_median=round(percentile(hybrid, 50), 2),
        hybrid_ms_median_while_writing=round(percentile(writing, 50), 2),
        writes_per_second_meanwhile=round(meanwhile),
        peers=peers,
    )


def _warm(path: Path, asked: Sequence[Floats]) -> tuple[list[NDArray[np.int64]], float, int]:
    """The ten nearest as a warm process finds them: from the copy in memory, scored again from the file."""
    with SnapshotPool(path) as pool, pool.snapshot() as db:
        number = serving(db)
        cache = VectorCache()

        def search(vector: Floats) -> NDArray[np.int64]:
            near, _ = cache.nearest(db, number, truncate_matryoshka(vector[None])[0], FOUND)
            ids, true = cosines(db, number, vector[None], near.tolist(), SEARCH_DIMENSION)
            return ids[np.argsort(-true[:, 0], kind="stable")[:10]]

        found, milliseconds = _timed(search, asked)
        memory = cache.nbytes
        cache.close()
    return found, milliseconds, memory


class Vocabulary:
    """Text of the words of a folder or of the demo, each as frequent as Zipf's law has a word of its rank."""

    def __init__(self, folder: Path | None = None) -> None:
        files = sorted((folder or paths.assets_path() / "demo").glob("**/*"))
        notes = (file for file in files if file.suffix in (".md", ".txt") and file.is_file())
        text = " ".join(file.read_text(errors="replace") for file in notes)
        ranked = [word for word, _ in Counter(re.findall(r"[^\W\d_]{2,}", text)).most_common()]
        shares = 1 / np.arange(1, len(ranked) + 1)
        self._words = np.array(ranked)
        self._edges = np.cumsum(shares / shares.sum())
        self._generator = np.random.default_rng(0)

    def some(self, count: int) -> str:
        drawn = np.searchsorted(self._edges, self._generator.random(count))
        return " ".join(self._words[np.minimum(drawn, len(self._words) - 1)])


def _fill(store: Store, size: int, words: Vocabulary, made: Vectors, say: Callable[[str], None]) -> float:
    """Returns passages stored a second, words and vectors, without the time to make them up."""
    spent = 0.0
    for start in range(0, size, BATCH):
        count = min(BATCH, size - start)
        spent += _put(store, _batch(f"/bench/{start}", count, words, made))
        say(f"{size:,} passages: {start + count:,} stored, {(start + count) / spent:,.0f} a second")
    return size / spent


def _batch(folder: str, count: int, words: Vocabulary, made: Vectors) -> Batch:
    items = []
    for first in range(0, count, PER_FILE):
        path = f"{folder}/note-{first}.md"
        record = FileRecord(path, first, 9_000, first, b"\0" * 16, kind="markdown", title=words.some(3))
        texts = [words.some(WORDS_A_PASSAGE) for _ in range(min(PER_FILE, count - first))]
        passages = [
            Passage(text, 900 * i, 900 * i + len(text), 12 * i + 1, record.title, ("Part",), None, 160)
            for i, text in enumerate(texts)
        ]
        items.append((record, passages))
    return items, made.passages(count)


def _put(store: Store, batch: Batch) -> float:
    """Returns the seconds it took."""
    items, vectors = batch
    started = time.perf_counter()
    store.put(items)
    waiting = store.pending(len(vectors))
    store.put_vectors([one.id for one in waiting], vectors[: len(waiting)])
    return time.perf_counter() - started


def _questions(words: Vocabulary, made: Vectors) -> list[tuple[str, Floats]]:
    asked = enumerate(made.questions())
    return [(words.some(random.Random(i).randrange(2, 9)), one) for i, one in asked]


def _stored_vectors(index: Path) -> Floats:
    """All vectors of an index, (n, 768)."""
    with SnapshotPool(index) as pool, pool.snapshot() as db:
        number = serving(db)
        ids = np.concatenate([some for some, _ in iterate_chunks(db, number)]).tolist()
        return np.stack([one for id_ in ids if (one := read_vector(db, number, id_)) is not None])


def _unit(rows_: Floats) -> Floats:
    return np.asarray(rows_ / np.linalg.norm(rows_, axis=1, keepdims=True), np.float32)


def _ask(searcher: Searcher, questions: Sequence[tuple[str, Floats]]) -> list[float]:
    times = []
    for text, vector in questions:
        started = time.perf_counter()
        searcher.search(text, vector)
        times.append(1e3 * (time.perf_counter() - started))
    return times


def _beside_a_writer(
    store: Store,
    searcher: Searcher,
    questions: Sequence[tuple[str, Floats]],
    words: Vocabulary,
    made: Vectors,
) -> tuple[list[float], list[float], float]:
    """Milliseconds of each question alone and beside a writer, in turns: a machine is not always as quick;
    and passages that were written a second."""
    alone, beside, rates = [], [], []
    for turn in range(TURNS):
        batches = [_batch(f"/more/{turn}/{i}", 200, words, made) for i in range(100)]
        alone += _ask(searcher, questions)
        times, rate = _while_writing(store, batches, lambda: _ask(searcher, questions))
        beside += times
        rates.append(rate)
    return alone, beside, float(np.mean(rates))


def _while_writing(
    store: Store, batches: Sequence[Batch], ask: Callable[[], list[float]]
) -> tuple[list[float], float]:
    """What `ask` returns, and passages that were written a second meanwhile."""
    done = threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        for batch in batches:
            next_at = time.perf_counter() + len(batch[1]) / WRITES
            _put(store, batch)
            written += len(batch[1])
            if done.wait(max(0.0, next_at - time.perf_counter())):
                return

    writer = threading.Thread(target=write)
    started = time.perf_counter()
    writer.start()
    try:
        return ask(), written / (time.perf_counter() - started)
    finally:
        done.set()
        writer.join()


def _timed(
    search: Callable[[Floats], NDArray[np.int64]], asked: Sequence[Floats]
) -> tuple[list[NDArray[np.int64]], float]:
    search(asked[0])
    found, times = [], []
    for query in asked:
        started = time.perf_counter()
        found.append(np.asarray(search(query)))
        times.append(1e3 * (time.perf_counter() - started))
    return found, _p95(times)


def _p95(times: Sequence[float]) -> float:
    return round(percentile(times, 95), 2)


def _peers(
    path: Path, asked: Sequence[Floats], say: Callable[[str], None]
) -> tuple[dict[str, float], list[NDArray[np.int64]]]:
    """Milliseconds of each peer, and the exact answers by NumPy."""
    with SnapshotPool(path) as pool, pool.snapshot() as db:
        ids, heads = zip(*iterate_chunks(db, serving(db)), strict=True)
    numbers, matrix = np.concatenate(ids), np.concatenate(heads)

    def with_numpy(query: Floats) -> NDArray[np.int64]:
        scores = matrix @ query
        best = np.argpartition(scores, -FOUND)[-FOUND:]
        return np.asarray(numbers[best[np.argsort(-scores[best])]])

    exact, milliseconds = _timed(with_numpy, asked)
    peers = {"numpy": milliseconds}
    for name, make in (("faiss", _faiss), ("usearch", _usearch)):
        try:
            module = importlib.import_module("faiss" if name == "faiss" else "usearch.index")
        except ImportError:
            continue
        say(f"{len(numbers):,} passages: {name}")
        peers[name] = _timed(make(module, matrix), asked)[1]
    return peers, exact


def _faiss(faiss: Any, matrix: Floats) -> Callable[[Floats], NDArray[np.int64]]:
    index = faiss.IndexFlatIP(SEARCH_DIMENSION)
    index.add(matrix)
    return lambda query: np.asarray(index.search(query[None], FOUND)[1][0], np.int64)


def _usearch(usearch: Any, matrix: Floats) -> Callable[[Floats], NDArray[np.int64]]:
    codes = np.rint(matrix * 127 / np.abs(matrix).max()).astype(np.int8)

    def search(query: Floats) -> NDArray[np.int64]:
        code = np.rint(query * 127 / np.abs(query).max()).astype(np.int8)
        found = usearch.search(codes, code, FOUND, usearch.MetricKind.IP, exact=True)
        return np.asarray(found.keys, np.int64)

    return search


def _cold(path: Path, question: tuple[str, Floats]) -> float:
    stored = path.with_suffix(".npy")
    np.save(stored, question[1])
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", COLD, str(path), str(stored), question[0]],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return round(1e3 * (time.perf_counter() - started), 1)


def _bytes_beyond_text(path: Path) -> int:
    """The file's pages, without those of words and names and without the texts' own bytes."""
    with SnapshotPool(path) as pool, pool.snapshot() as db:
        pages = dict(fetch_all(db, "SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
        texts = fetch_all(
            db, "SELECT sum(length(CAST(text AS BLOB)) + length(CAST(title AS BLOB))) FROM texts"
        )[0][0]
    words = sum(size for name, size in pages.items() if name.startswith(("words", "names")))
    return int(sum(pages.values()) - words - texts)
