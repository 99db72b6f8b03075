"""The real library over a few files, for tests of the fronts; one call of it can be held or made to fail.

Equal files are indexed once a run, with the tiny model. Each library gets a copy of that index, so that a
test may change its index; the files themselves are shared and stay as they are.
"""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from support.tiny_home import tiny_models
from support.tiny_model import PRECISION

from app.api import Status
from app.config import Config, ModelConfig
from app.library import Library
from app.model import Model
from app.open_index import OpenIndex
from app.sync.writer import CommandWriter

MODIFIED = 1_760_000_000 - 20 * 86400
"""When the files were last changed, in seconds since 1970."""


class DrivenLibrary:
    """Hands every call to the real library, notes it in `calls`, and waits or fails where a test says so.

    A call goes by the name of its method, a search also by its mode.
    """

    def __init__(self, real: Library, root: str) -> None:
        self.real = real
        self.root = root
        """The folder with the files."""
        self.home = Path(root).parent
        self.calls: list[tuple[object, ...]] = []
        self.failure: Exception | None = None
        """What every call raises."""
        self.instead: dict[str, Callable[..., Any]] = {}
        """What answers in place of a method."""
        self.shown: dict[str, Any] = {"daemon": True}
        """Fields of the status that are not those of the real library."""
        self._held: dict[str, threading.Event] = {}
        self.closed = threading.Event()

    def hold(self, name: str) -> None:
        """Let no call of this name answer until `release`."""
        self._held[name] = threading.Event()

    def release(self, name: str) -> None:
        self._held.pop(name).set()

    def status(self) -> Status:
        self._check("status")
        return replace(self.real.status(), **self.shown)

    def follow(self, progress: Callable[[Status], None]) -> None:
        """As the daemon does, at once: the real one looks once a second."""
        last = None
        while not self.closed.wait(0.01 if last else 0):
            status = self.status()
            if status != last:
                progress(status)
                last = status
            if not status.daemon:
                return

    def close(self) -> None:
        self.closed.set()
        for name in list(self._held):
            self.release(name)
        self.real.close()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.real, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self.calls.append((name, *_texts(arguments)))
            self._check(name, str(named.get("mode", "hybrid")) if name == "search" else "")
            return self.instead.get(name, method)(*arguments, **named)

        return call

    def _check(self, *names: str) -> None:
        for name in names:
            if name in self._held:
                self._held[name].wait(10)
        if self.failure is not None:
            raise self.failure
        if self.closed.is_set():
            raise RuntimeError("the library is closed")


def _texts(arguments: tuple[Any, ...]) -> Iterator[str]:
    """The paths and queries among the arguments."""
    for argument in arguments:
        if isinstance(argument, str):
            yield argument
        elif isinstance(argument, (list, tuple)):
            yield from argument


def driven_library(
    files: dict[str, str | bytes], *, model: bool = True, precision: str = PRECISION
) -> DrivenLibrary:
    """A library that has indexed these files (by name), in an index of its own; with none, an empty one.

    With `f32`, similarities are the same on every machine.
    """
    index = Path(tempfile.mkdtemp(prefix="ken-driven-")) / "index.db"
    root = index.parent
    if files:
        root, indexed = _indexed(tuple(sorted(files.items())), precision)
        shutil.copyfile(indexed, index)
    return DrivenLibrary(_library(index, precision, model=model), str(root))


def _library(index: Path, precision: str, *, model: bool = True) -> Library:
    opened, config = OpenIndex(index), Config()
    used = _tiny_model(precision) if model else Model(config.model)
    return Library(config, opened, CommandWriter(opened, used, config.reading, "a test"), used)


class _SharedModel(Model):
    """Loaded once a run: no library that uses it closes it."""

    def close(self) -> None:
        pass


@functools.cache
def _tiny_model(precision: Any) -> Model:
    name = str(tiny_models() / "embeddinggemma-300m")
    return _SharedModel(ModelConfig(name=name, precision=precision, threads=1))


@functools.cache
def _indexed(files: tuple[tuple[str, str | bytes], ...], precision: str) -> tuple[Path, Path]:
    """Write files into `HOME/notes` and index that folder: the folder, and the closed index."""
    home = Path(tempfile.mkdtemp(prefix="ken-driven-home-"))
    root = home / "notes"
    for name, content in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (MODIFIED, MODIFIED))
    index = home / "index.db"
    with _library(index, precision) as library:
        library.add([str(root)])
        library.sync()
    return root, index
