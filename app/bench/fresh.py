"""`ken bench fresh`: from a save, a move or a delete to what a search shows, under a running daemon.

Makes a folder of its own and a daemon with a throw-away home; the model is the real one.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.daemon.client import RemoteLibrary
    from index.types import Hit

FILES = 5000
ROUNDS = 200
FOLDERS = 100
STEP = 0.01
TIMEOUT = 60.0
WORDS = [
    "river",
    "mountain",
    "kitchen",
    "garden",
    "letter",
    "winter",
    "journey",
    "engine",
    "market",
    "window",
    "doctor",
    "island",
    "bridge",
    "paper",
    "music",
    "forest",
    "shadow",
    "lantern",
    "harbour",
    "meadow",
    "station",
    "writer",
    "teacher",
    "painter",
    "evening",
    "morning",
    "distance",
    "answer",
]
"""What notes are made of: enough different words that no two are alike."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """Seconds from an action to the first answer that shows it, asked every hundredth of a second."""

    save_s_p50: float
    save_s_p95: float
    move_s_p95: float
    delete_s_p95: float
    tree_s: float
    """From renaming the folder of all files to an index that has every new path, nothing embedded."""
    tree_embedded: int
    files: int
    rounds: int


def run(files: int = FILES, rounds: int = ROUNDS, say: Callable[[str], None] = lambda _: None) -> Fresh:
    """Measure with `files` files and `rounds` saves, moves and deletes."""
    with _daemon(say) as folder:
        from app.daemon.client import RemoteLibrary

        library = RemoteLibrary()
        _fill(folder, files)
        library.add([str(folder)])
        say(f"indexing {files:,} files")
        library.sync(None, lambda now: say(f"{now.phase} {now.files_done:,}/{now.files_total:,} files"))
        bench = _Bench(library, folder)
        library.search("warm up")
        saves, moves, deletes = [], [], []
        for number in range(rounds):
            say(f"save, move and delete {number + 1} of {rounds}")
            saves.append(bench.save(number))
            moves.append(bench.move(number))
            deletes.append(bench.delete(number))
        say("renaming the tree")
        tree_s, tree_embedded = bench.rename_tree()
    return Fresh(
        _percentile(saves, 50), _percentile(saves, 95), _percentile(moves, 95), _percentile(deletes, 95),
        tree_s, tree_embedded, files, rounds,
    )  # fmt: skip


def as_json(result: Fresh) -> dict[str, object]:
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
        ]
    )


class _Bench:
    def __init__(self, library: RemoteLibrary, folder: Path) -> None:
        self.library = library
        self.folder = folder

    def save(self, number: int) -> float:
        """A one-page note is saved; until a search by meaning shows it, at its new content."""
        note = self._note(number)
        mark = f"quartz{number}"
        text = f"# The {mark} report\n\n" + _prose(random.Random(10_000 + number), 260)
        started = time.monotonic()
        note.write_text(text)
        return self._until(started, f"the {mark} report", lambda path: path == str(note))

    def move(self, number: int) -> float:
        old, new = self._note(number), self.folder / "moved" / self._note(number).name
        new.parent.mkdir(exist_ok=True)
        started = time.monotonic()
        old.rename(new)
        return self._until(started, f"the quartz{number} report", lambda path: path == str(new))

    def delete(self, number: int) -> float:
        note = self.folder / "moved" / self._note(number).name
        started = time.monotonic()
        note.unlink()
        while any(hit.path == str(note) for hit in self._ask(f"the quartz{number} report")):
            if time.monotonic() - started > TIMEOUT:
                raise TimeoutError("a deleted file is still shown")
            time.sleep(STEP)
        return time.monotonic() - started

    def rename_tree(self) -> tuple[float, int]:
        """All files at once under a new name; the index is read, so that every file counts."""
        from app import paths
        from index.database import open_reader, value

        before, after = self.folder / "all", self.folder / "renamed"
        prefix = os.fsencode(after) + b"/"
        db = open_reader(paths.index_path())
        try:
            wanted = sum(1 for _ in before.rglob("*.md"))
            vectors = value(db, "SELECT coalesce(max(seq), 0) FROM vector_log", int)
            started = time.monotonic()
            before.rename(after)
            query = "SELECT count(*) FROM files WHERE path > ? AND path < ?"
            while value(db, query, int, (prefix, prefix[:-1] + b"0")) < wanted:
                if time.monotonic() - started > TIMEOUT:
                    raise TimeoutError("the renamed tree did not arrive")
                time.sleep(STEP)
            seconds = time.monotonic() - started
            changed = value(db, "SELECT coalesce(max(seq), 0) FROM vector_log", int) - vectors
        finally:
            db.close()
        return seconds, changed

    def _note(self, number: int) -> Path:
        return self.folder / "all" / f"part{number % FOLDERS}" / f"saved{number}.md"

    def _until(self, started: float, query: str, shown: Callable[[str], bool]) -> float:
        while not any(shown(hit.path) and hit.similarity is not None for hit in self._ask(query)):
            if time.monotonic() - started > TIMEOUT:
                raise TimeoutError(f"{query} was not found in time")
            time.sleep(STEP)
        return time.monotonic() - started

    def _ask(self, query: str) -> tuple[Hit, ...]:
        return self.library.search(query, limit=5).hits


@contextmanager
def _daemon(say: Callable[[str], None]) -> Iterator[Path]:
    """A folder to fill, and a daemon with a home of its own for as long as this lasts."""
    from app.daemon import lifecycle
    from embedder.models import models_folder

    models = models_folder()
    before = {name: os.environ.get(name) for name in ("KEN_HOME", "KEN_MODELS")}
    top = Path(tempfile.mkdtemp(prefix="ken-bench-"))
    os.environ["KEN_HOME"], os.environ["KEN_MODELS"] = str(top / "home"), str(models)
    try:
        (top / "files").mkdir()
        lifecycle.start_daemon()
        yield top / "files"
    finally:
        lifecycle.stop_daemon()
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
        shutil.rmtree(top, ignore_errors=True)


def _fill(folder: Path, files: int) -> None:
    """Small notes, each of its own words, so that indexing them takes minutes and not hours."""
    chance = random.Random(1)
    for number in range(files):
        note = folder / "all" / f"part{number % FOLDERS}" / f"note{number}.md"
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(f"# Note {number}\n\n{_prose(chance, 12)}\n")


def _prose(chance: random.Random, words: int) -> str:
    return " ".join(chance.choice(WORDS) for _ in range(words)) + "."


def _percentile(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(percent / 100 * (len(ordered) - 1)))]
