"""Benchmark `fresh`: from a save, a move or a delete to what a search shows, with a running daemon.

Also what a renamed tree takes, and how long a question takes while indexing goes at full speed.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.own_daemon import Say, index_all, own_daemon
from tests.benchmarks.percentile import percentile
from tests.benchmarks.workload import prose

if TYPE_CHECKING:
    from app.api import Library
    from index.types import Hit

FILES = 5000
ROUNDS = 200
FOLDERS = 100
TEXTS = 500
"""Different texts among the files: equal ones are embedded once, so that filling takes seconds."""
PAGE = 260
"""Words of a one-page note."""
QUESTIONS = 200
QUESTION_PAUSE = 0.05
BACKLOG = 2000
"""Pages to be indexed while questions are asked: more than are done by then."""
STEP = 0.01
TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Fresh:
    """Seconds from an action to the first answer that shows it, asked every hundredth of a second."""

    save_s_p50: float
    save_s_p95: float
    move_s_p95: float
    delete_s_p95: float
    tree_s: float
    """From renaming the folder of all files to an index that has every new path."""
    tree_embedded: int
    busy_query_ms_p50: float
    """A question's whole way, client to client, while pages are indexed at full speed."""
    busy_query_ms_p95: float
    busy_passages_per_s: float
    """Passages indexed meanwhile."""
    files: int
    rounds: int


def run(say: Say, files: int = FILES, rounds: int = ROUNDS) -> Fresh:
    """Measure with `files` files and `rounds` saves, moves and deletes."""
    with own_daemon() as (library, folder):
        _fill(folder, files)
        index_all(library, folder, say)
        library.search("warm up")
        bench = _Bench(library, folder)
        saves, moves, deletes = [], [], []
        for number in range(rounds):
            say(f"save, move and delete {number + 1} of {rounds}")
            saves.append(bench.save(number))
            moves.append(bench.move(number))
            deletes.append(bench.delete(number))
        say("renaming the tree")
        tree_s, tree_embedded = bench.rename_tree()
        say("asking while indexing")
        took, passages_per_s = bench.ask_while_indexing()
    return Fresh(
        save_s_p50=percentile(saves, 50),
        save_s_p95=percentile(saves, 95),
        move_s_p95=percentile(moves, 95),
        delete_s_p95=percentile(deletes, 95),
        tree_s=tree_s,
        tree_embedded=tree_embedded,
        busy_query_ms_p50=percentile(took, 50),
        busy_query_ms_p95=percentile(took, 95),
        busy_passages_per_s=passages_per_s,
        files=files,
        rounds=rounds,
    )


def as_json(result: Fresh) -> dict[str, Any]:
    return asdict(result)


def table(result: Fresh) -> str:
    """What was measured, as a person reads it."""
    return "\n".join(
        [
            f"{result.rounds} of each in a folder of {result.files:,} files",
            f"save to searchable    p50 {result.save_s_p50:.2f} s   p95 {result.save_s_p95:.2f} s",
            f"move to new path                  p95 {result.move_s_p95:.2f} s",
            f"delete to not shown               p95 {result.delete_s_p95:.3f} s",
            f"rename the whole tree     {result.tree_s:.2f} s, {result.tree_embedded} passages embedded",
            f"question while indexing   p50 {result.busy_query_ms_p50:.0f} ms   "
            f"p95 {result.busy_query_ms_p95:.0f} ms, {result.busy_passages_per_s:.1f} passages/s meanwhile",
        ]
    )


class _Bench:
    def __init__(self, library: Library, folder: Path) -> None:
        self.library = library
        self.folder = folder

    def save(self, number: int) -> float:
        """A one-page note is saved; until a search by meaning shows it."""
        note = self._note(number)
        text = f"# The quartz{number} report\n\n{prose(random.Random(10_000 + number), PAGE)}\n"
        started = time.monotonic()
        note.write_text(text)
        return self._until(started, number, lambda hits: any(_shows(hit, note) for hit in hits))

    def move(self, number: int) -> float:
        old, new = self._note(number), self.folder / "moved" / self._note(number).name
        new.parent.mkdir(exist_ok=True)
        started = time.monotonic()
        old.rename(new)
        return self._until(started, number, lambda hits: any(_shows(hit, new) for hit in hits))

    def delete(self, number: int) -> float:
        note = self.folder / "moved" / self._note(number).name
        started = time.monotonic()
        note.unlink()
        return self._until(started, number, lambda hits: not any(_shows(hit, note) for hit in hits))

    def rename_tree(self) -> tuple[float, int]:
        """All files at once under a new name; the index is read, so that every file counts."""
        from app import paths
        from index.store.database import fetch_value, open_reader

        before, after = self.folder / "all", self.folder / "renamed"
        prefix = os.fsencode(after) + b"/"
        db = open_reader(paths.index_path())
        try:
            wanted = sum(1 for _ in before.rglob("*.md"))
            vectors = fetch_value(db, "SELECT coalesce(max(seq), 0) FROM vector_log", int)
            started = time.monotonic()
            before.rename(after)
            query = "SELECT count(*) FROM files WHERE path > ? AND path < ?"
            while fetch_value(db, query, int, (prefix, prefix[:-1] + b"0")) < wanted:
                _give_up_after(started, "the renamed tree did not arrive")
                time.sleep(STEP)
            seconds = time.monotonic() - started
            changed = fetch_value(db, "SELECT coalesce(max(seq), 0) FROM vector_log", int) - vectors
        finally:
            db.close()
        return seconds, changed

    def ask_while_indexing(self) -> tuple[list[float], float]:
        """Milliseconds of each question, and passages embedded a second meanwhile."""
        backlog = self.folder / "backlog"
        backlog.mkdir()
        for number in range(BACKLOG):
            text = f"# Page {number}\n\n{prose(random.Random(50_000 + number), PAGE)}\n"
            (backlog / f"page{number}.md").write_text(text)
        started = time.monotonic()
        while self.library.status().progress.phase in ("idle", "waiting", "scanning"):
            _give_up_after(started, "indexing did not begin")
            time.sleep(STEP)
        chance, took = random.Random(3), []
        started, before = time.monotonic(), self._with_vectors()
        for _ in range(QUESTIONS):
            asked = time.perf_counter()
            self.library.search(prose(chance, 7))
            took.append(1000 * (time.perf_counter() - asked))
            time.sleep(QUESTION_PAUSE)
        return took, (self._with_vectors() - before) / (time.monotonic() - started)

    def _with_vectors(self) -> int:
        from app import paths
        from index.store.database import fetch_value, open_reader

        db = open_reader(paths.index_path())
        try:
            sql = "SELECT (SELECT count(*) FROM texts) - (SELECT count(*) FROM todo)"
            return fetch_value(db, sql, int)
        finally:
            db.close()

    def _note(self, number: int) -> Path:
        return self.folder / "all" / f"part{number % FOLDERS}" / f"saved{number}.md"

    def _until(self, started: float, number: int, shown: Callable[[tuple[Hit, ...]], bool]) -> float:
        while not shown(self.library.search(f"the quartz{number} report", limit=5).hits):
            _give_up_after(started, f"what happened to note {number} did not show")
            time.sleep(STEP)
        return time.monotonic() - started


def _shows(hit: Hit, note: Path) -> bool:
    """Whether the hit is the note, with its vector."""
    return hit.path == str(note) and hit.similarity is not None


def _give_up_after(started: float, what: str) -> None:
    if time.monotonic() - started > TIMEOUT:
        raise TimeoutError(f"{what} within {TIMEOUT:.0f} s")


def _fill(folder: Path, files: int) -> None:
    """Small notes, a few of each text under different names."""
    chance = random.Random(1)
    texts = [f"# Note {number}\n\n{prose(chance, 12)}\n" for number in range(TEXTS)]
    for number in range(files):
        note = folder / "all" / f"part{number % FOLDERS}" / f"note{number}.md"
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(texts[number % TEXTS])
