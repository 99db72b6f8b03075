"""A throw-away home with an index of any size and the daemon that serves it, for what measures speed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from app import paths


@contextmanager
def filled_home(top: Path, files: int, per_file: int, say: Callable[[str], None]) -> Iterator[None]:
    """A home whose index has `files` files of `per_file` passages, and its daemon, with the real model."""
    from app.daemon import lifecycle
    from embedder.checkpoints.models import models_folder

    before = {name: os.environ.get(name) for name in ("KEN_HOME", "KEN_MODELS")}
    os.environ["KEN_MODELS"] = str(models_folder())
    os.environ["KEN_HOME"] = str(top / "home")
    try:
        paths.make_home()
        paths.config_path().write_text("[daemon]\nnice = 0\n")
        _fill(top / "files", files, per_file, say)
        say("starting the daemon")
        lifecycle.start_daemon()
        try:
            yield
        finally:
            lifecycle.stop_daemon()
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _fill(folder: Path, files: int, per_file: int, say: Callable[[str], None]) -> None:
    """Files of real words with random vectors: what meaning finds does not matter for how long it takes."""
    from app.config import ModelConfig
    from app.model import Model
    from index.store.store import Store
    from index.types import FileRecord, Passage
    from tests.benchmarks.search import Vocabulary

    generator = np.random.default_rng(7)
    words = Vocabulary()
    with Store(paths.index_path(), fingerprint=Model(ModelConfig()).fingerprint) as store:
        for first in range(0, files, 500):
            items = []
            for number in range(first, first + 500):
                file = folder / str(first) / f"note-{number}.md"
                file.parent.mkdir(parents=True, exist_ok=True)
                texts = [words.some(110) for _ in range(per_file)]
                file.write_text("\n\n".join(texts))
                stat = file.stat()
                title = words.some(3)
                record = FileRecord(str(file), stat.st_ino, stat.st_size, stat.st_mtime_ns, b"\0" * 16,
                                    kind="markdown", title=title)  # fmt: skip
                starts = np.cumsum([0, *(len(text) + 2 for text in texts)])
                passages = [
                    Passage(text, int(starts[i]), int(starts[i]) + len(text), 2 * i + 1, title, (), None, 160)
                    for i, text in enumerate(texts)
                ]
                items.append((record, passages))
            store.put(items)
            while waiting := store.pending(5_000):
                vectors = generator.standard_normal((len(waiting), 768), dtype=np.float32)
                vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
                store.put_vectors([text.id for text in waiting], vectors)
            say(f"{(first + 500) * per_file:,} of {files * per_file:,} passages")
