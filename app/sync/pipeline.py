"""From differences to an index that has them: reading, cutting, storing and embedding, overlapped.

Reader threads read and cut, one thread embeds, and the thread that calls does all the storing: a
file's words are committed as soon as it is read, vectors follow batch by batch. What is committed
stays; whatever stops the work, the next run goes on from there. Knows nothing of watching.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from typing import Any

from app.api import ProgressCallback, SyncReport
from app.errors import TITLED_ERRORS, TitledError
from app.model import TextModel
from app.roots import Kept
from app.sync.embed_stage import Embedding
from app.sync.extract_stage import Reading, Taken
from app.sync.progress import Meter
from app.sync.reconciler import Differences, absent, compare
from embedder.errors import EmbedderError
from index.extract import ReaderPool
from index.store.store import Store
from index.types import FileRecord
from index.walk.walker import Rules

Content = tuple[bytes, int, str, str, str]
"""What makes two files the same to a reader: hash, size, kind, language and title, which may be the name."""
Urgent = Callable[[], Sequence[str]]
STORE_PASSAGES = 1000
STORE_FILES = 200
STORE_SECONDS = 0.5
TICK = 0.05
MOST_STORED = 1000
"""New files remembered for whoever asks what was new."""


def nothing_urgent() -> Sequence[str]:
    return ()


class Pipeline:
    """One writing process's way from disk to index. One `sync` or `take` runs at a time.

    `readers` child processes read (0: one for each two cores) unless a `pool` is lent; `passage_tokens`
    is the longest passage (0: the default). Files that are away are dropped once they have been so for
    `grace` seconds.
    """

    def __init__(
        self,
        store: Store,
        model: TextModel,
        rules: Rules,
        *,
        readers: int = 0,
        passage_tokens: int = 0,
        pool: ReaderPool | None = None,
        grace: float = 0.0,
    ) -> None:
        self._store = store
        self._model = model
        self._rules = rules
        self._readers = readers_for(readers)
        self._passage_tokens = passage_tokens
        self._pool = pool
        self._grace = grace
        self._away: dict[str, float] = {}
        self._stored: list[str] = []
        self._guard = threading.Lock()

    def sync(
        self,
        roots: Sequence[str],
        progress: ProgressCallback | None = None,
        cancel: threading.Event | None = None,
        *,
        urgent: Urgent = nothing_urgent,
        patient: bool = False,
    ) -> SyncReport:
        """Bring everything under `roots` level with the disk; returns early once `cancel` is set.

        `urgent` is asked often for paths that go before all others. `patient`: files that are away are
        given their grace.
        """
        with self._guard:
            run = self._run(progress, cancel, urgent, patient)
            known = self._known(roots)
            kept = Kept(self._store.folders())
            differences = compare(list(roots), known, self._rules, run.meter.seen, verdicts=kept.walk)
            self._tell_back(kept, roots, differences)
            return run.apply(differences, known)

    def take(
        self,
        paths: Sequence[str],
        progress: ProgressCallback | None = None,
        cancel: threading.Event | None = None,
        *,
        urgent: Urgent = nothing_urgent,
        patient: bool = False,
    ) -> SyncReport:
        """The same for single paths under kept folders: what is new there, changed or gone."""
        with self._guard:
            run = self._run(progress, cancel, urgent, patient)
            return run.apply(*self._look(paths))

    @property
    def away(self) -> dict[str, float]:
        """Files of the index that are not on the disk, and when their grace ends on the monotonic clock."""
        return dict(self._away)

    def stored(self) -> list[str]:
        """Files with new content since this was last asked."""
        stored, self._stored = self._stored, []
        return stored

    def _look(self, paths: Sequence[str]) -> tuple[Differences, dict[str, FileRecord]]:
        """What single paths differ in. Files that are away are looked at too: one may be back elsewhere."""
        kept = Kept(self._store.folders())
        roots = _roots_of(kept, paths)
        missing = {root: reason for root in roots if (reason := self._absent(root))}
        wanted = [p for p in {*paths, *self._away} if (root := kept.root_of(p)) and root not in missing]
        known = self._known(wanted)
        differences = compare(wanted, known, self._rules, verdicts=kept.verdicts, careful=False)
        differences.missing = list(missing.items())
        self._tell_back(kept, roots, differences)
        return differences, known

    def _absent(self, root: str) -> str:
        try:
            with os.scandir(root) as entries:
                if next(entries, None) is not None:
                    return ""
        except OSError:
            pass
        return absent(root, self._store.files(root))

    def _tell_back(self, kept: Kept, roots: Iterable[str], differences: Differences) -> None:
        """Folders that were missing and are there again."""
        for root in set(roots).intersection(kept.missing).difference(dict(differences.missing)):
            self._store.set_folder_state(root, "unwatched")

    def _known(self, paths: Sequence[str]) -> dict[str, FileRecord]:
        return {path: record for one in paths for path, record in self._store.files(one).items()}

    def _run(
        self,
        progress: ProgressCallback | None,
        cancel: threading.Event | None,
        urgent: Urgent,
        patient: bool,
    ) -> _Run:
        reading = Reading(self._model, self._readers, self._passage_tokens, self._pool)
        embedding = Embedding(self._store, self._model)
        leave = _Leave(self._away, self._grace if patient else 0.0)
        return _Run(
            self._store, reading, embedding, Meter(progress), cancel, urgent, self._look, leave, self._stored
        )


class _Leave:
    """Who has been away for long enough to be dropped; `away` is kept from run to run."""

    def __init__(self, away: dict[str, float], grace: float) -> None:
        self._away = away
        self._grace = grace

    def over(self, gone: Sequence[str], there: Iterable[str]) -> list[str]:
        """Those of `gone` to drop now; `there` were looked at and are on the disk, or dropped already."""
        now = time.monotonic()
        for path in there:
            self._away.pop(path, None)
        if not self._grace:
            over = list(gone)
        else:
            over = [path for path in gone if self._away.setdefault(path, now + self._grace) <= now]
        for path in over:
            self._away.pop(path, None)
        return over


class _Run:
    """One run from differences to a report."""

    def __init__(
        self,
        store: Store,
        reading: Reading,
        embedding: Embedding,
        meter: Meter,
        cancel: threading.Event | None,
        urgent: Urgent,
        look: Callable[[Sequence[str]], tuple[Differences, dict[str, FileRecord]]],
        leave: _Leave,
        stored: list[str],
    ) -> None:
        self.meter = meter
        self._store = store
        self._reading = reading
        self._embedding = embedding
        self._cancel = cancel or threading.Event()
        self._urgent = urgent
        self._look = look
        self._leave = leave
        self._stored = stored
        self._started = self._stored_at = time.monotonic()
        self._starved = 0.0
        self._report = SyncReport()
        self._ready: list[Taken] = []
        self._hurry = False
        self._known: dict[str, FileRecord] = {}
        self._gone: dict[str, FileRecord] = {}
        self._gone_content: dict[Content, str] = {}
        self._failure: TitledError | None = None

    def apply(self, differences: Differences, known: dict[str, FileRecord]) -> SyncReport:
        """Do what `differences` say; an interrupt ends it early, with all that was done kept.

        Raises what the model raised, once everything that needs no model is done.
        """
        try:
            self._accept(differences, known)
            self._reading.begin(differences.read)
            self.meter.begin(len(differences.read), *self._store.waiting())
            self._work()
            self._drop_gone()
        except KeyboardInterrupt:
            self._cancel.set()
        finally:
            self._reading.close()
            self._embedding.close()
        if self._failure is not None and not self._cancel.is_set():
            raise self._failure
        seconds = time.monotonic() - self._started
        interrupted = self._cancel.is_set()
        return replace(self._report, seconds=seconds, starved=self._starved, interrupted=interrupted)

    def _accept(self, differences: Differences, known: dict[str, FileRecord]) -> None:
        self._known.update(known)
        for path in known:
            self._gone.pop(path, None)
        self._gone.update((record.path, record) for record in differences.gone)
        self._gone_content = {_content(record): path for path, record in self._gone.items() if record.hash}
        self._tell_missing(differences)
        self._keep_moved(differences)

    def _take_urgent(self) -> None:
        """Let paths in that cannot wait until this run is over."""
        paths = self._urgent()
        if not paths:
            return
        differences, known = self._look(paths)
        self._accept(differences, known)
        self._reading.first(differences.read)
        self.meter.tell(files_total=len(differences.read))
        self._hurry = bool(differences.read)

    def _tell_missing(self, differences: Differences) -> None:
        for root, reason in differences.missing:
            self._store.set_folder_state(root, "missing", reason)
        missing = tuple(f"{root}: {reason}" for root, reason in differences.missing)
        notices = (*self._report.notices, *missing, *differences.notices)
        unchanged = self._report.unchanged + differences.unchanged
        self._report = replace(self._report, unchanged=unchanged, notices=notices)

    def _keep_moved(self, differences: Differences) -> None:
        self._store.move_all([(old, record) for old, record in differences.moved])
        for old, record in differences.moved:
            self._known.pop(old, None)
            self._known[record.path] = record
        if differences.skipped:
            self._store.put([(record, ()) for record in differences.skipped])
        self._count(moved=len(differences.moved), skipped=len(differences.skipped))

    def _drop_gone(self) -> None:
        """Last of all, so that a text that only moved is in use again before it is let go."""
        if not self._cancel.is_set():
            over = self._leave.over(
                list(self._gone), [path for path in self._known if path not in self._gone]
            )
            self._count(removed=self._store.remove(over))

    def _work(self) -> None:
        while not self._cancel.is_set():
            self._take_urgent()
            self._embedding.fill()
            running: set[Future[Any]] = {*self._reading.running, *self._embedding.running}
            if not running and not self._ready:
                return
            began, starved = time.monotonic(), bool(self._reading.running and not self._embedding.running)
            if running:
                wait(running, timeout=TICK, return_when=FIRST_COMPLETED)
            self._collect()
            if starved:
                self._starved += time.monotonic() - began

    def _collect(self) -> None:
        taken, files = self._reading.finished()
        self._ready += taken
        self.meter.tell(files_done=files, path=taken[-1].record.path if taken else "")
        self._store_ready()
        try:
            passages, tokens = self._embedding.finished()
        except TITLED_ERRORS as error:
            if not isinstance(error, EmbedderError):
                raise
            self._failure, passages, tokens = error, 0, 0
        if passages:
            self.meter.embedded(passages, tokens)
            self._count(embedded=passages)
        if not self._reading.running:
            self.meter.tell(phase="embedding")

    def _store_ready(self) -> None:
        """Commit what was read: many files at once, but soon; at once where the model has nothing to do."""
        passages = sum(len(taken.passages) for taken in self._ready)
        full = len(self._ready) >= STORE_FILES or passages >= STORE_PASSAGES
        late = time.monotonic() - self._stored_at > STORE_SECONDS
        hurry = self._hurry or (passages and not self._embedding.running)
        if not self._ready or not (full or late or hurry or not self._reading.running):
            return
        new = [taken for taken in self._ready if not self._kept(taken.record)]
        waiting = self._store.put([(taken.record, taken.passages) for taken in new])
        if waiting:
            self._embedding.more(urgent=self._hurry)
            tokens = sum(passage.tokens for taken in new for passage in taken.passages)
            self.meter.waiting(waiting, tokens * waiting // sum(len(taken.passages) for taken in new))
        self._hurry = self._hurry and self._reading.has_urgent
        self._stored += [taken.record.path for taken in new if taken.passages][
            : MOST_STORED - len(self._stored)
        ]
        for taken in new:
            self._count_taken(taken)
        self._ready.clear()
        self._stored_at = time.monotonic()

    def _kept(self, record: FileRecord) -> bool:
        """Whether the index has this content already: this file's, or that of one that is gone."""
        before = self._known.get(record.path)
        if record.state != "indexed":
            return False
        if before is not None:
            same = before.state == "indexed" and before.hash == record.hash and before.kind == record.kind
            if same:
                self._store.move(record.path, record.path, record)
                self._count(unchanged=1)
            return same
        old = self._gone_content.pop(_content(record), None)
        if old is None:
            return False
        del self._gone[old]
        self._store.move(old, record.path, record)
        self._known[record.path] = record
        self._known.pop(old, None)
        self._count(moved=1)
        return True

    def _count_taken(self, taken: Taken) -> None:
        record = taken.record
        if record.state == "skipped":
            self._count(skipped=1)
        elif record.state == "failed":
            self._count(failed=1)
        elif record.path in self._known:
            self._count(changed=1, passages=len(taken.passages))
        else:
            self._count(added=1, passages=len(taken.passages))

    def _count(self, **more: int) -> None:
        counts = {name: getattr(self._report, name) + number for name, number in more.items()}
        self._report = replace(self._report, **counts)


def _content(record: FileRecord) -> Content:
    return record.hash, record.size, record.kind, record.language, record.title


def _roots_of(kept: Kept, paths: Sequence[str]) -> set[str]:
    return {root for path in paths if (root := kept.root_of(path)) is not None}


def readers_for(wanted: int) -> int:
    """How many processes read: as many as wanted, or one for each two cores."""
    return wanted or max(1, min(4, (os.cpu_count() or 2) // 2))
