"""Composes the daemon's library: an index with cached vectors, a background writer, a model in processes.

Owns the life of these parts, and when an idle daemon gives memory back. Knows nothing of sockets.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import psutil

from app import __version__, paths
from app.answers.saved_searches import SavedSearchRunner
from app.config import Config, ModelConfig
from app.daemon.protocol import DaemonInfo
from app.library import Library
from app.model import Model, TextEmbedder
from app.model_process.pair import ModelProcesses
from app.model_process.process import ModelProcess
from app.open_index import OpenIndex
from app.sync.background import BackgroundWriter

log = logging.getLogger(__name__)


class DaemonParts:
    """The parts of the daemon; they work from `start` to `close`."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._started = time.time()
        self._saved_searches = SavedSearchRunner(notify=config.daemon.notify)
        self._saved_thread = ThreadPoolExecutor(1, thread_name_prefix="saved-searches")
        """Runs them: a hundred searches must not delay a file that is saved meanwhile."""
        self.index = OpenIndex(paths.index_path(), cached_vectors=True)
        self.processes = ModelProcesses(config, self._embeds_backlog_apart)
        self.model = Model(config.model, self._load)
        self.writer = BackgroundWriter(
            self.index,
            self.model,
            config,
            stored=self._queue_saved_searches,
            resting=self._rest,
            notices=lambda: (*self.index.faults, *self.processes.notices),
        )
        self.library = Library(config, self.index, self.writer, self.model)

    def start(self) -> None:
        self.writer.start()

    def close(self) -> None:
        self._saved_searches.stop()
        self._saved_thread.shutdown(wait=False, cancel_futures=True)
        self.library.close()

    def info(self) -> DaemonInfo:
        """Memory and processor time of this process and those it started."""
        own = psutil.Process()
        memory = cpu = 0.0
        for process in [own, *own.children(recursive=True)]:
            with suppress(psutil.Error):
                memory += process.memory_info().rss
                times = process.cpu_times()
                cpu += times.user + times.system
        return DaemonInfo(
            os.getpid(), __version__, self._started, memory / (1 << 20), cpu, self.processes.loaded
        )

    def _load(self, config: ModelConfig) -> TextEmbedder:
        return self.processes if config == self._config.model else ModelProcess(config)

    def _embeds_backlog_apart(self) -> bool:
        return self.writer.has_backlog and self.model.engine != "mlx"

    def _queue_saved_searches(self, stored: Sequence[str]) -> None:
        with suppress(RuntimeError):  # the daemon is stopping
            self._saved_thread.submit(self._run_saved_searches, stored)

    def _run_saved_searches(self, stored: Sequence[str]) -> None:
        try:
            self._saved_searches.ask(stored, self.library)
        except Exception:
            log.exception("saved searches failed")

    def _rest(self) -> None:
        """Give memory back when nothing was embedded or searched for a while."""
        self.processes.rest()
        idle = min(self.processes.idle_for, time.monotonic() - self.library.last_search)
        if idle > 60 * self._config.daemon.idle_minutes and (self.index.is_warm or self.writer.is_warm):
            self.processes.release()
            self.model.release()
            self.writer.release()
            self.library.release()
            _trim()


@contextmanager
def daemon_parts(config: Config) -> Iterator[DaemonParts]:
    """The parts, closed at the end of the block; `start` begins the work."""
    parts = DaemonParts(config)
    try:
        yield parts
    finally:
        parts.close()


def _trim() -> None:
    """Ask the C library to return freed memory (malloc_trim, glibc)."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
