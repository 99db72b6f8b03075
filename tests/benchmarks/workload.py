"""A person's folder in motion: random edits, saves, moves, copies and deletes, the same for a seed."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

WORDS = [
    "river", "mountain", "kitchen", "garden", "letter", "winter", "journey", "engine", "market",
    "window", "doctor", "island", "bridge", "paper", "music", "forest", "shadow", "lantern",
    "harbour", "meadow", "station", "writer", "teacher", "painter", "evening", "morning", "distance",
    "answer",
]  # fmt: skip
"""What notes are made of: enough different words that no two are alike."""
LONGEST = 4000
"""Bytes from which on a note is written anew instead of added to."""


def prose(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(WORDS, k=words)) + "."


class Workload:
    """One action a `step`, on the files under `folder`: about `files` of them, however long it goes on."""

    def __init__(self, folder: Path, seed: int, files: int = 30) -> None:
        self.folder = folder
        self.files = files
        self.chance = random.Random(seed)
        self._number = 0
        for _ in range(files):
            self._create()

    def step(self) -> None:
        """Do one thing, whatever of it still can be done."""
        actions = (
            self._create,
            self._edit,
            self._save_atomically,
            self._move,
            self._copy,
            self._delete,
            self._move_tree,
        )
        weights = (3, 4, 3, 3, 2, 2, 1) if len(self._files()) < 2 * self.files else (0, 4, 3, 3, 0, 10, 1)
        with suppress(OSError):
            self.chance.choices(actions, weights)[0]()

    @contextmanager
    def running(self, pause: float = 0.01) -> Iterator[None]:
        """Steps in a thread of their own for as long as this lasts."""
        done = threading.Event()

        def work() -> None:
            while not done.wait(pause):
                self.step()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _files(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*.md") if path.is_file())

    def _text(self) -> str:
        paragraphs = [prose(self.chance, 12) for _ in range(self.chance.randint(1, 6))]
        title = f"# {self.chance.choice(WORDS)}\n\n" if self.chance.random() < 0.5 else ""
        return title + "\n\n".join(paragraphs) + "\n"

    def _new_path(self, name: str = "") -> Path:
        self._number += 1
        folder = self.folder / self.chance.choice(["", "a", "b", "a/deep", "c/very/deep"])
        folder.mkdir(parents=True, exist_ok=True)
        return folder / (name or f"note{self._number}.md")

    def _create(self) -> None:
        self._new_path().write_text(self._text())

    def _edit(self) -> None:
        path = self.chance.choice(self._files())
        with path.open("a" if path.stat().st_size < LONGEST else "w") as note:
            note.write("\n" + self._text())

    def _save_atomically(self) -> None:
        note = self.chance.choice(self._files())
        draft = note.with_name(f".{note.name}.swp")
        draft.write_text(self._text())
        draft.replace(note)

    def _move(self) -> None:
        note = self.chance.choice(self._files())
        note.rename(self._new_path(note.name if self.chance.random() < 0.5 else ""))

    def _copy(self) -> None:
        self._new_path().write_bytes(self.chance.choice(self._files()).read_bytes())

    def _delete(self) -> None:
        files = self._files()
        if len(files) > 10:
            self.chance.choice(files).unlink()

    def _move_tree(self) -> None:
        folders = sorted(path for path in self.folder.rglob("*") if path.is_dir())
        self.chance.choice(folders).rename(self.folder / f"tree{self._number}")
