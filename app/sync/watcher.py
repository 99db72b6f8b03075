"""Watches the roots with watchdog, and marks the paths of its events.

Owns which root is watched and how. Events mark paths (`ChangeQueue.mark`) or request a scan if some were lost
(`mark_all`). A root that cannot be watched has the state "polling" and is scanned at short intervals. Reads
no file.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from app.folders.disk_names import folded
from app.folders.mounts import Mount, is_remote, mounts
from app.sync import inotify
from app.sync.change_queue import ChangeQueue
from index.walk.own_folders import is_kens_folder
from index.walk.walker import IGNORE_FILES

log = logging.getLogger(__name__)

_Identity = tuple[int, int, tuple[tuple[str, ...], ...]]

EVENTS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]
"""All events but opening and closing without a change: reading a file must not mark it."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How a root is watched, and a note for the user."""

    state: Literal["watching", "polling", "missing"]
    note: str = ""


class Watcher:
    """Watches roots from `follow` to `stop`.

    Events in `ignored` folders (ken's own) are dropped. `watch_limit` replaces the system's limit on watched
    folders.
    """

    def __init__(
        self, queue: ChangeQueue, ignored: Sequence[str] = (), watch_limit: int | None = None
    ) -> None:
        self.queue = queue
        self.ignored = ignored
        self.watch_limit = watch_limit
        self.watches: dict[str, Watch] = {}
        self._scheduled: dict[str, ObservedWatch] = {}
        self._identities: dict[str, _Identity] = {}
        self._observer: BaseObserver | None = None
        self._losses = _LossListener(queue)

    def follow(self, roots: Sequence[str], *, again: bool = True) -> dict[str, Watch]:
        """Watch exactly these roots from now on; returns how each is watched.

        `again`: also retry, which takes time, the roots that could not be watched before.
        """
        for root in set(self._scheduled) - set(roots):
            self._drop(root)
        points = mounts()
        self.watches = {root: self._follow_one_alone(root, points, again) for root in roots}
        return self.watches

    def check(self) -> None:
        """Check that all watches are in place; if not, begin again and request a scan."""
        observer = self._observer
        if observer is None:
            return
        alive = observer.is_alive() and all(emitter.is_alive() for emitter in observer.emitters)
        if alive and not self._lacks(sum(map(inotify.count_folders, self._scheduled))):
            return
        roots = list(self.watches)
        self.stop()
        self.queue.mark_all("the watcher lost folders")
        self.follow(roots)

    def stop(self) -> None:
        """Stop watching; `follow` begins again."""
        observer, self._observer = self._observer, None
        self._losses.stop()
        self._scheduled.clear()
        self.watches = {}
        if observer is not None:
            observer.stop()
            observer.join()

    def _follow_one_alone(self, root: str, points: dict[str, Mount], again: bool) -> Watch:
        """Watch one root; its failure does not affect the others."""
        try:
            return self._follow_one(root, points, again)
        except Exception as error:
            failed = Watch("polling", f"cannot be watched ({type(error).__name__}): compared at intervals")
            if self.watches.get(root) != failed:
                log.exception("%s cannot be watched", root)
            return failed

    def _follow_one(self, root: str, points: dict[str, Mount], again: bool) -> Watch:
        if not os.path.lexists(root):
            self._drop(root)
            return Watch("missing", "missing now; its files stay in the index")
        identity = _identity(root, points)
        if root in self._scheduled and (identity != self._identities[root] or not self._is_alive(root)):
            self._drop(root)
            self.queue.mark(root, tree=True)
        before = self.watches.get(root)
        if before and (root in self._scheduled or (before.state == "polling" and not again)):
            return before
        self._identities[root] = identity
        if is_remote(root):
            return Watch("polling", "a network drive sends no events: compared at intervals")
        room = inotify.room(self.watch_limit)
        needed = inotify.count_folders(root) if room is not None else 0
        if room is not None and needed > room:
            return Watch("polling", _limit_note(needed, max(0, room)))
        return self._watch(root, needed)

    def _watch(self, root: str, needed: int) -> Watch:
        before = inotify.held() or 0
        try:
            handler = _Handler(self.queue, root, self.ignored)
            observer = self._running_observer()
            self._scheduled[root] = observer.schedule(handler, root, recursive=True, event_filter=EVENTS)
        except OSError as error:
            log.warning("%s cannot be watched: %s", root, error)
            return Watch("polling", f"cannot be watched ({error.strerror or error}): compared at intervals")
        if self._lacks(before + needed):
            got = (inotify.held() or 0) - before
            self._drop(root)
            return Watch("polling", _limit_note(needed, got))
        return Watch("watching")

    def _is_alive(self, root: str) -> bool:
        """Whether the thread that reads a root's events still runs: some end when the folder is deleted."""
        emitters = self._observer.emitters if self._observer is not None else ()
        return any(one.watch == self._scheduled[root] and one.is_alive() for one in emitters)

    def _lacks(self, needed: int) -> bool:
        """Whether clearly fewer folders are watched than `needed`; a margin allows for changes meanwhile."""
        held = inotify.held()
        return held is not None and held < needed - max(2, needed // 50)

    def _drop(self, root: str) -> None:
        watch = self._scheduled.pop(root, None)
        if watch is not None and self._observer is not None:
            self._observer.unschedule(watch)

    def _running_observer(self) -> BaseObserver:
        if self._observer is None:
            self._observer = _make_observer()
            self._observer.start()
            self._losses.start()
        return self._observer


DATA_VOLUME = "/System/Volumes/Data"
"""The mount point of the macOS volume whose folders also appear at `/` (firmlinks); events name either."""


class _Handler(FileSystemEventHandler):
    """Marks the paths of events.

    macOS reports real paths in the disk's spelling, which may not be the root's; they are mapped back to
    paths under the root.
    """

    def __init__(self, queue: ChangeQueue, root: str, ignored: Sequence[str]) -> None:
        self.queue = queue
        self.root = root
        self.real = os.path.realpath(root)
        self.ignored = ignored

    def dispatch(self, event: FileSystemEvent) -> None:
        """Mark the paths of an event. One that fails counts as lost: it must not end watchdog's thread."""
        try:
            for name in (event.src_path, event.dest_path):
                self._mark(self._own(os.fsdecode(name)), tree=event.is_directory)
        except Exception:
            log.exception("an event under %s could not be handled", self.root)
            self.queue.mark_all("an event could not be handled")

    def _mark(self, path: str, *, tree: bool) -> None:
        if path and os.path.basename(path) in IGNORE_FILES:  # noqa: PTH119
            self.queue.mark(os.path.dirname(path), tree=True)  # noqa: PTH120
        elif path:
            self.queue.mark(path, tree=tree)

    def _own(self, path: str) -> str:
        """The path as the index names it; empty if it is outside of the root or ignored."""
        below = _names_below(path, self.root)
        if below is None:
            below = _names_below(path, self.real)
        if below is None:
            return ""
        path = os.path.join(self.root, *below)  # noqa: PTH118
        if any(_is_under(path, folder) for folder in self.ignored):
            return ""
        return "" if is_kens_folder(os.path.dirname(path), ()) else path  # noqa: PTH120


class _LossListener(logging.Handler):
    """Requests a scan at any warning in watchdog's log: lost events are reported only there."""

    LOGGERS = ("watchdog", "fsevents")

    def __init__(self, queue: ChangeQueue) -> None:
        super().__init__(logging.WARNING)
        self.queue = queue

    def emit(self, record: logging.LogRecord) -> None:
        self.queue.mark_all("the system lost events")

    def start(self) -> None:
        for name in self.LOGGERS:
            logging.getLogger(name).addHandler(self)

    def stop(self) -> None:
        for name in self.LOGGERS:
            logging.getLogger(name).removeHandler(self)


def _make_observer() -> BaseObserver:
    """The observer for this system; on macOS it logs the flags that report lost events."""
    observer: BaseObserver = Observer()
    if sys.platform == "darwin":
        from watchdog.observers.fsevents import FSEventsEmitter

        class Emitter(FSEventsEmitter):
            # MustScanSubDirs | UserDropped | KernelDropped: FSEvents.h
            DROPPED = 0x1 | 0x2 | 0x4

            def events_callback(
                self, paths: list[bytes], inodes: list[int], flags: list[int], ids: list[int]
            ) -> None:
                if any(flag & self.DROPPED for flag in flags):
                    logging.getLogger("fsevents").warning("events were dropped")
                super().events_callback(paths, inodes, flags, ids)

        observer._emitter_class = Emitter
    return observer


def _identity(root: str, points: dict[str, Mount]) -> _Identity:
    """Tells a folder from another of the same name, with everything that is mounted in it.

    Events follow a folder, not its name, and a disk that is mounted later needs watches of its own.
    """
    inside = tuple(sorted((point, *mount) for point, mount in points.items() if _is_under(point, root)))
    try:
        stat = os.stat(root)  # noqa: PTH116
    except OSError:
        return (0, 0, inside)
    return (stat.st_dev, stat.st_ino, inside)


def _is_under(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _names_below(path: str, folder: str) -> list[str] | None:
    """The names of `path` below `folder`, whose case and Unicode form may differ; None if it is elsewhere."""
    if not _is_under(path, folder):
        path = path.removeprefix(DATA_VOLUME)
    names, depth = path.split("/"), folder.rstrip("/").count("/") + 1
    if folded("/".join(names[:depth])) != folded(folder.rstrip("/")):
        return None
    return names[depth:]


def _limit_note(needed: int, got: int) -> str:
    limit = "fs.inotify.max_user_watches"
    return f"{needed:,} folders to watch and room for {got:,} ({limit}): compared at intervals"
