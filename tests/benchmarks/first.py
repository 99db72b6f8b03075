"""Benchmark `first`: how soon and how well a new index answers by meaning, with the real model.

From the start of `ken index` to the first answer by words, to the first by meaning, and to the time at which
every passage is found by meaning; how many approximate vectors are made a second; and nDCG@10 of sets of
`ken eval` by words, by hybrid search with approximate vectors alone, as a search answers, for which the model
first reads the best of what is found, and with the model's vectors.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import embedder
from app import config
from app.answers.embed_pending import CHARACTERS, first_within
from app.api import Library
from app.daemon import lifecycle
from app.errors import TITLED_ERRORS, UsageInvalid
from app.evaluation.retrieval import embed_queries, fill, index_dataset, measures, read_set, run_queries
from app.model import Model, engine_of
from app.sync.approximate_stage import ApproximateStage
from index.search.candidates import EmbedPending
from index.search.searcher import Searcher
from index.store import approximate
from index.store.embedding_queue import EmbeddingJob
from index.store.store import Store
from index.store.vectors import Floats
from index.types import FileRecord, Mode, Passage
from tests.benchmarks.own_daemon import Say, own_daemon
from tests.benchmarks.search import Vocabulary

FILES = 2000
PASSAGES = 20_000
WORDS_A_PASSAGE = 150
PARAGRAPHS = 4
"""Of a file: one to three passages."""
QUERIES = 20
"""For which the times of answers are measured, each other than the last."""
STEP = 0.02
TIMEOUT = 7200.0
WITHOUT = "[model]\napproximate = false\n"
"""Settings without approximate vectors."""
KEN = "from app.cli import main; main()"


@dataclass(frozen=True, slots=True)
class SetFirst:
    """nDCG@10 of a set, 0 to 100."""

    words: float
    student: float
    asked: float
    """As a search answers, for which the model reads the best of what is found; each query as if it were the
    first."""
    half: float
    """The same with the model's vectors of a random half, to which the student is adapted as in indexing."""
    full: float


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds from the start of `ken index` on a fresh home; None: not waited for."""

    seconds_to_first_words: float
    seconds_to_first_meaning: float
    seconds_to_all_words: float
    """Until every file is extracted and stored."""
    seconds_to_all_meaning: float
    """Until no passage is without a vector, approximate or not."""
    seconds_to_all_embedded: float | None
    """Until no passage is without the model's vector."""
    milliseconds_to_answer: float
    """Of a search by the daemon, while it indexes, median."""
    milliseconds_to_embed_and_answer: float
    """The same with what is found read first."""


@dataclass(frozen=True, slots=True)
class First:
    """Of a new folder; approximate vectors a second; and nDCG@10 of sets."""

    files: int
    times: Times
    without: Times | None
    """Without approximate vectors."""
    passages_per_second: float
    sets: dict[str, SetFirst]


def run(
    say: Say,
    folders: Sequence[Path] = (),
    files: int = FILES,
    passages: int = PASSAGES,
    folder: Path | None = None,
    *,
    until_embedded: bool = False,
) -> First:
    """Measure; the indexes of the sets are kept, as those of `ken eval` are. Raises `UsageInvalid` where the
    model has no student.

    `folder` is indexed, else `files` of made-up notes. `until_embedded` waits until the model has read
    it, with approximate vectors and without."""
    settings = config.load().model
    student = Model(settings)
    if student.student() is None:
        raise UsageInvalid("This model has no approximate vectors.", "Measure the default model.")
    say("indexing a new folder")
    count, times = _times(files, folder, until_embedded=until_embedded)
    without = _times(files, folder, until_embedded=True, settings=WITHOUT)[1] if until_embedded else None
    say("making approximate vectors")
    rate = _passages_per_second(student, passages)
    sets = {}
    if folders:
        engine, precision = engine_of(settings), settings.precision
        with embedder.load(settings.name or None, engine=engine, precision=precision) as model:
            sets = {folder.name: _measured(folder, model, student, say) for folder in folders}
    return First(count, times, without, rate, sets)


def as_json(result: First) -> dict[str, Any]:
    """The times with approximate vectors beside the rest."""
    parts = asdict(result)
    return {"files": parts.pop("files"), **parts.pop("times"), **parts}


def table(result: First) -> str:
    """What was measured, as a person reads it."""
    lines = [f"{result.files:,} new files: {_sentence(result.times)}"]
    if result.without:
        lines.append(f"without approximate vectors: {_sentence(result.without)}")
    lines.append(f"{result.passages_per_second:,.0f} approximate vectors a second")
    if result.sets:
        lines.append(f"{'nDCG@10':<20}{'words':>10}{'student':>10}{'asked':>10}{'half':>10}{'full':>10}")
    for name, one in result.sets.items():
        columns = (one.words, one.student, one.asked, one.half, one.full)
        lines.append(f"{name:<20}" + "".join(f"{column:>10.1f}" for column in columns))
    return "\n".join(lines)


def _sentence(times: Times) -> str:
    read = f", is read after {times.seconds_to_all_embedded:.0f} s" if times.seconds_to_all_embedded else ""
    return (
        f"the first answer by words after {times.seconds_to_first_words:.1f} s, by meaning after "
        f"{times.seconds_to_first_meaning:.1f} s; every passage is found by words after "
        f"{times.seconds_to_all_words:.1f} s, by meaning after {times.seconds_to_all_meaning:.1f} s{read}; "
        f"an answer takes {times.milliseconds_to_answer:.0f} ms meanwhile, and "
        f"{times.milliseconds_to_embed_and_answer:.0f} where what is found is read first"
    )


def _passages_per_second(model: Model, passages: int) -> float:
    """Through the stage of indexing into a store, without the first window and the loading of the student."""
    words = Vocabulary()
    with (
        tempfile.TemporaryDirectory(prefix="ken-bench-") as top,
        Store(Path(top) / "index.db", fingerprint=model.fingerprint) as store,
    ):
        for first in range(0, passages, 1000):
            store.put([(_record(first), [_passage(words, at) for at in range(1000)])])
        _run_stage(store, model, 1)
        left, started = len(approximate.waiting(store, passages)), time.perf_counter()
        _run_stage(store, model)
        return left / (time.perf_counter() - started)


def _record(number: int) -> FileRecord:
    return FileRecord(f"/bench/{number}.md", number, 1, number, b"\0" * 16, kind="markdown", title="Bench")


def _passage(words: Vocabulary, at: int) -> Passage:
    text = words.some(WORDS_A_PASSAGE)
    return Passage(text, 2000 * at, 2000 * at + len(text), at, "Bench", (), None, 200)


def _run_stage(store: Store, model: Model, rounds: int = 2**31) -> None:
    """Approximate vectors for all pending texts, or for those of so many windows at least."""
    with closing(ApproximateStage(store, model)) as stage:
        stage.fill(())
        while stage.running and rounds:
            wait(stage.running, return_when="FIRST_COMPLETED")
            stage.finished()
            rounds -= approximate.exist(store)
            stage.fill(())


def _times(files: int, given: Path | None, *, until_embedded: bool, settings: str = "") -> tuple[int, Times]:
    """The number of files that were indexed, and how long it took."""
    words, chance = Vocabulary(given), random.Random(1)
    with own_daemon(settings) as (library, folder):
        for number in range(0 if given else files):
            text = "\n\n".join(words.some(chance.randint(40, 120)) for _ in range(PARAGRAPHS))
            (folder / f"note{number}.md").write_text(f"# Note {number}\n\n{text}\n")
        query = words.some(6)
        lifecycle.stop_daemon()  # the command starts it
        started = time.monotonic()
        indexing = subprocess.Popen(
            [sys.executable, "-c", KEN, "index", str(given or folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name != "KEN_NO_DAEMON"},
        )

        def seconds_until(what: str, comes: Callable[[], bool]) -> float:
            while time.monotonic() - started < TIMEOUT:
                with suppress(*TITLED_ERRORS):
                    if comes():
                        return time.monotonic() - started
                time.sleep(STEP)
            raise TimeoutError(f"{what}: not within {TIMEOUT:.0f} s")

        def is_found(mode: Mode) -> bool:
            hits = library.search(query, mode=mode, embed_pending=False).hits
            return any(mode == "words" or hit.similarity is not None for hit in hits)

        def have_all_vectors() -> bool:
            with Store(Path(os.environ["KEN_HOME"]) / "index.db") as store:
                return approximate.are_complete(store)

        try:
            first = seconds_until("first words", lambda: is_found("words"))
            meaning = seconds_until("first meaning", lambda: is_found("meaning"))
            every = seconds_until(
                "all words", lambda: library.status().progress.phase in ("embedding", "idle")
            )
            known = 0.0 if settings == WITHOUT else seconds_until("all meaning", have_all_vectors)
            milliseconds = _milliseconds(library, words)
            embedded = (
                seconds_until("all embedded", lambda: not library.status().pending)
                if until_embedded
                else None
            )
            times = Times(first, meaning, every, known or embedded or 0.0, embedded, *milliseconds)
            return library.status().files, times
        finally:
            indexing.terminate()
            indexing.wait()


def _milliseconds(library: Library, words: Vocabulary) -> tuple[float, float]:
    times: dict[bool, list[float]] = {False: [], True: []}
    for query in range(2 * QUERIES):
        embed = query % 2 == 1
        times[embed].append(library.search(words.some(6), embed_pending=embed).took_ms)
    return statistics.median(times[False]), statistics.median(times[True])


def _measured(folder: Path, model: embedder.Embedder, student: Model, say: Say) -> SetFirst:
    measure, dataset = measures(), read_set(folder)

    def progress(what: str, done: int, total: int) -> None:
        say(f"{dataset.name}: {what} {done:,} of {total:,}")

    def ndcg(store: Store, mode: Mode, embed: EmbedPending | None = None) -> float:
        with Searcher(store.path, cached_vectors=True) as searcher:
            run = run_queries(searcher, dataset, vectors, mode, None, progress, embed)
        return 100 * measure(dataset.qrels, run, mode, None).ndcg

    known: dict[tuple[str, str], Floats] = {}

    def vectors_of(jobs: Sequence[EmbeddingJob]) -> Floats:
        return np.stack([known[job.title, job.text] for job in jobs])

    def vectors_in_time(jobs: Sequence[EmbeddingJob]) -> dict[int, Floats]:
        """Of what a search embeds on any machine; a fast one embeds more."""
        return {job.id: known[job.title, job.text] for job in first_within(CHARACTERS, jobs)}

    vectors = embed_queries(dataset, model, None, progress)
    with index_dataset(dataset, model) as store:
        fill(store, dataset, model, progress)
        words, full = ndcg(store, "words"), ndcg(store, "hybrid")
        jobs, rows = approximate.with_vectors(store, 2**31)
        known.update(((job.title, job.text), row) for job, row in zip(jobs, rows, strict=True))
    with index_dataset(replace(dataset, name=f"{dataset.name}.approximate"), model) as store:
        fill(store, dataset, model, progress, embed=False)
        _run_stage(store, student)
        alone = ndcg(store, "hybrid")
        asked = ndcg(store, "hybrid", vectors_in_time)
    with index_dataset(replace(dataset, name=f"{dataset.name}.half"), model) as store:
        fill(store, dataset, model, progress, embed=False)
        jobs = store.pending(2**31)
        some = random.Random(1).sample(jobs, max(0, len(jobs) - len(known) // 2))
        if some:
            store.put_vectors([job.id for job in some], vectors_of(some))
        _run_stage(store, student)
        return SetFirst(words, alone, asked, ndcg(store, "hybrid", vectors_in_time), full)
