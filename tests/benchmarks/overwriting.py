"""What overwriting dropped texts costs: rows written a second with `secure_delete` off, fast and on.

Three kinds of work, each in an index of its own: files put, every file replaced by another text, every file
removed. Then what `Store.wipe` takes, which no writing waits for.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from index.store.store import Store
from index.types import FileRecord, Passage
from tests.benchmarks.workload import prose

SETTINGS = ("OFF", "FAST", "ON")
PASSAGES = 5
"""Passages of each file."""
BATCH = 200
"""Files of a transaction, as many as the pipeline stores at once."""


@dataclass
class Overwriting:
    """Passages a second with one setting, and seconds of a wipe."""

    setting: str
    put: float
    replaced: float
    removed: float
    wipe: float
    megabytes: float


def run(files: int, rounds: int) -> list[Overwriting]:
    """The median of each figure over `rounds`, the settings taken in turn."""
    found = [[_measured(setting, files) for setting in SETTINGS] for _ in range(rounds)]
    return [_median([one[place] for one in found]) for place in range(len(SETTINGS))]


def table(result: list[Overwriting]) -> str:
    lines = ["secure_delete      put  replaced   removed  (passages a second)  wipe, s     MB"]
    lines += [
        f"{one.setting:<13}{one.put:9,.0f} {one.replaced:9,.0f} {one.removed:9,.0f}"
        f"{one.wipe:30.2f}{one.megabytes:7.0f}"
        for one in result
    ]
    return "\n".join(lines)


def as_json(result: list[Overwriting]) -> list[dict[str, Any]]:
    return [asdict(one) for one in result]


def _measured(setting: str, files: int) -> Overwriting:
    draw = random.Random(1)
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "index.db", fingerprint="a") as store:
        store._connection.pragma("secure_delete", setting)
        with _clock() as put:
            _put(store, files, draw)
        with _clock() as replaced:
            _put(store, files, draw)
        megabytes = store.path.stat().st_size / 1e6
        with _clock() as removed:
            for first in range(0, files // 2, BATCH):
                store.remove([_path(number) for number in range(first, min(first + BATCH, files // 2))])
        with _clock() as wiped:
            store.wipe("all")
    passages = files * PASSAGES
    return Overwriting(
        setting, passages / put[0], passages / replaced[0], passages / 2 / removed[0], wiped[0], megabytes
    )


def _put(store: Store, files: int, draw: random.Random) -> None:
    for first in range(0, files, BATCH):
        items = [_file(number, draw) for number in range(first, min(first + BATCH, files))]
        store.put(items)
        waiting = store.pending(BATCH * PASSAGES)
        rows = np.random.default_rng(first).normal(size=(len(waiting), 768)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        store.put_vectors([one.id for one in waiting], rows)


def _file(number: int, draw: random.Random) -> tuple[FileRecord, list[Passage]]:
    texts = [prose(draw, 120) for _ in range(PASSAGES)]
    passages = [Passage(text, 0, len(text), line, "T") for line, text in enumerate(texts, start=1)]
    return FileRecord(_path(number), number, 1, draw.getrandbits(40)), passages


def _path(number: int) -> str:
    return f"/notes/{number}.md"


@contextmanager
def _clock() -> Iterator[list[float]]:
    """A list that holds the seconds of the block once it has ended."""
    seconds: list[float] = []
    began = time.perf_counter()
    yield seconds
    seconds.append(time.perf_counter() - began)


def _median(found: list[Overwriting]) -> Overwriting:
    names = ("put", "replaced", "removed", "wipe", "megabytes")
    return Overwriting(
        found[0].setting, *(float(np.median([getattr(one, n) for one in found])) for n in names)
    )
