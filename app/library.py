"""The library that does the work in this process.

Reading needs no permission of anybody; writing takes the write lock for as long as it lasts. Each part
(index, model, readers) is opened when it is first needed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from app import config as configuration
from app import paths
from app.api import Answer, Excerpt, Folder, Problem, Progress, ProgressCallback, Status, SyncReport, Why
from app.errors import NothingIndexed, PathInvalid, UsageInvalid
from app.lock import WriteLock
from app.model import LazyModel, TextModel
from app.places import absolute, usable
from app.preview import Documents, Excerpts, allowed
from app.roots import FORGOTTEN, Kept, is_under
from app.rules import rules_of
from app.stale_hits import check, notice
from app.sync.pipeline import Pipeline
from app.why import covered, folder_now, problem_of, verdict_on
from embedder.errors import EmbedderError, ModelNotFound
from index.errors import IndexBusy, IndexUnreachable
from index.passages.chunker import SIZE, chunker
from index.search.searcher import Searcher
from index.store.store import Store
from index.store.vectors import DIMENSION
from index.types import FileRecord, Filter, Mode, Results
from index.walk.walker import Rules, configured_faults

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REFRESH_BYTES = 64 * 1024
"""Changed files among the hits are read again before answering, up to this much of them."""
MOST_ASKED = 2000
"""Characters of a question that are compared by meaning: a page, whose beginning says what is meant."""


class LocalLibrary:
    """`app.api.Library` in this process. `resident`: keep vectors in memory for many questions.

    `model` is the settings' own unless another is given; it is closed with the library.
    """

    goes_on = "`ken index` goes on."
    """How passages that wait for their vectors get them."""

    def __init__(
        self,
        config: configuration.Config | None = None,
        model: TextModel | None = None,
        *,
        index: Path | None = None,
        resident: bool = False,
        purpose: str = "ken",
    ) -> None:
        self.config = config or configuration.load()
        self.model: TextModel = model or LazyModel(self.config.model)
        self.index = index or paths.index_path()
        self.purpose = purpose
        self._resident = resident
        self._guard = threading.RLock()
        self._write_guard = threading.RLock()
        self._cancel = threading.Event()
        self._progress = Progress("idle")
        self._opened: Store | None = None
        self._identity: tuple[int, int] | None = None
        """Device and inode of the index file that is open."""
        self._asked: Searcher | None = None
        self._documents = Documents()

    # -- asking

    def search(
        self,
        query: str,
        *,
        limit: int = 10,
        mode: Mode = "hybrid",
        filter: Filter | None = None,  # noqa: A002
        explain: bool = False,
        typing: bool = False,
    ) -> Answer:
        started = time.perf_counter()
        if not query.strip():
            raise UsageInvalid("The question is empty.", 'Say what to look for: ken search "how to …".')
        searcher = self._searcher()
        vector, used, told = self._vector(query, mode)

        def ask(number: int) -> Results:
            narrowed = filter or Filter()
            return searcher.search(
                query, vector, mode=used, limit=number, filter=narrowed, explain=explain, typing=typing
            )

        answer = self._answer(ask, query, used, limit, started)
        return replace(answer, notice=told or answer.notice)

    def similar(
        self,
        path: str,
        line: int | None = None,
        *,
        limit: int = 10,
        filter: Filter | None = None,  # noqa: A002
    ) -> Answer:
        started = time.perf_counter()
        path = absolute(path)
        searcher = self._searcher()
        allowed(path, *self._known(path), self.rules)

        def ask(number: int) -> Results:
            return searcher.similar(path, line, limit=number, filter=filter or Filter())

        return self._answer(ask, path if line is None else f"{path}:{line}", "meaning", limit, started)

    def text(self, path: str) -> str:
        return self._document(path).document.text

    def excerpt(self, path: str, start: int, length: int) -> Excerpt:
        return self._document(path).cut(path, start, length)

    def closeness(self, query: str, texts: Sequence[str]) -> tuple[float, ...]:
        if not texts:
            return ()
        question = self.model.embed_queries([query[:MOST_ASKED]])[0]
        return tuple(float(cosine) for cosine in self.model.embed_documents(list(texts)) @ question)

    # -- keeping

    def add(self, paths: Sequence[str]) -> tuple[Folder, ...]:
        wanted = [usable(path) for path in paths]
        with self._writing() as store:
            for path in wanted:
                kept = Kept(store.folders())
                if kept.owner(path) == path and kept.forgotten(path):
                    store.forget(path)
                    kept = Kept(store.folders())
                if not covered(path, kept, self.rules):
                    store.add_folder(path)
            return tuple(folder_now(store, f) for f in store.folders() if f.path in wanted)

    def sync(
        self, paths: Sequence[str] | None = None, progress: ProgressCallback | None = None
    ) -> SyncReport:
        def tell(now: Progress) -> None:
            self._progress = now
            if progress is not None:
                progress(now)

        self._cancel.clear()
        fingerprint = self.model.fingerprint
        try:
            with self._writing(fingerprint) as store:
                kept = Kept(store.folders())
                roots = kept.roots if paths is None else kept.related([absolute(path) for path in paths])
                report = self._pipeline(store).sync(roots, tell, self._cancel)
                store.wipe()
                return report
        except KeyboardInterrupt:
            return SyncReport(interrupted=True)
        finally:
            self._progress = Progress("idle")

    def forget(self, path: str) -> int:
        path = absolute(path)
        with self._writing() as store:
            known = any(is_under(f.path, path) for f in store.folders()) or bool(store.files(path))
            if not known:
                raise PathInvalid(f"Nothing under {path} is in the index.", "`ken status` lists what is.")
            dropped = store.forget(path)
            if Kept(store.folders()).root_of(path) is not None:
                store.add_folder(path)
                store.set_folder_state(path, FORGOTTEN)
            self._documents.clear()
            store.wipe(now=True)
            return dropped

    def pause(self) -> None:
        """Stop a `sync` in progress; what is done is kept. Who looks for changes by himself leaves it."""
        paths.make_home()
        paths.pause_mark().touch(mode=0o600)
        self._cancel.set()

    def resume(self) -> None:
        paths.pause_mark().unlink(missing_ok=True)

    # -- knowing

    def status(self) -> Status:
        store = self._store()
        stored = () if store is None else store.folders()
        counts = None if store is None else store.counts()
        idle = self._progress.phase == "idle"
        return Status(
            folders=tuple(folder_now(store, f) for f in stored if store and f.state != FORGOTTEN),
            files=counts.files if counts else 0,
            passages=counts.passages if counts else 0,
            pending=counts.pending if counts else 0,
            problems=counts.problems if counts else 0,
            model=self.model.model,
            engine=self.model.engine,
            dimension=DIMENSION,
            progress=Progress("paused") if idle and paths.pause_mark().exists() else self._progress,
            daemon=False,
            index_bytes=_bytes(self.index),
            notices=tuple(configured_faults(self.rules)),
        )

    def follow(self, progress: Callable[[Status], None]) -> None:
        progress(self.status())

    def problems(self) -> tuple[Problem, ...]:
        store = self._store()
        return tuple(map(problem_of, store.problems() if store else ()))

    def why(self, path: str) -> Why:
        path = absolute(path)
        store = self._store()
        kept = Kept(store.folders() if store else ())
        record = store.files(path).get(path) if store else None
        passages = store.counts(path).passages if store and record else 0
        state, rule, reason = verdict_on(path, kept, self.rules)
        if record is not None and record.reason:
            reason = record.reason
        return Why(
            path=path,
            indexed=record is not None and record.state == "indexed",
            rule=rule,
            state=record.state if record else state,
            reason=reason,
            indexed_ns=store.indexed_ns(path) if store and record else None,
            passages=passages,
        )

    # -- life

    def close(self) -> None:
        self._cancel.set()
        with self._guard:
            for part in (self._opened, self._asked):
                if part is not None:
                    part.close()
            self._opened = self._asked = None
            self._documents.close()
            self.model.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- parts

    @cached_property
    def lock(self) -> WriteLock:
        """The right to write; held between calls where somebody acquired it."""
        return WriteLock(self.purpose, self.index.with_name(paths.lock_path().name))

    @property
    def rules(self) -> Rules:
        return rules_of(self.config.reading)

    @contextmanager
    def _writing(self, fingerprint: str = "") -> Iterator[Store]:
        """The store, with the write lock held; `fingerprint`: vectors of this kind will be written."""
        with self._write_guard:
            held = self.lock.held
            self.lock.acquire()
            try:
                if fingerprint:
                    with Store(self.index, fingerprint=fingerprint, chunker=self._chunker):
                        """Opening takes note of what makes vectors and passages."""
                store = self._store(create=True)
                assert store is not None
                yield store
            finally:
                if not held:
                    self.lock.release()

    @property
    def _chunker(self) -> str:
        return chunker(self.config.reading.passage_tokens or SIZE)

    def _store(self, *, create: bool = False) -> Store | None:
        """The open index; None where there is none yet."""
        with self._guard:
            self._let_go_of_replaced()
            if self._opened is None and (create or self.index.exists()):
                self._opened = Store(self.index)
                self._identity = file_identity(self.index)
            return self._opened

    def _let_go_of_replaced(self) -> None:
        """Close what is open of an index file that was removed, or replaced by another."""
        if self._identity is not None and self._identity != file_identity(self.index):
            for part in (self._opened, self._asked):
                if part is not None:
                    part.close()
            self._opened = self._asked = self._identity = None
            self._documents.clear()

    def _searcher(self) -> Searcher:
        with self._guard:
            self._let_go_of_replaced()
            if self._asked is None:
                if not self.index.exists():
                    raise _nothing()
                self._asked = Searcher(self.index, resident=self._resident)
                self._identity = file_identity(self.index)
            return self._asked

    def _pipeline(self, store: Store) -> Pipeline:
        reading = self.config.reading
        return Pipeline(
            store, self.model, self.rules, count=reading.processes, passage_tokens=reading.passage_tokens
        )

    # -- answering

    def _vector(self, query: str, mode: Mode) -> tuple[NDArray[np.float32] | None, Mode, str]:
        """The question's vector, the mode it allows, and what a person should be told of that."""
        if mode == "words":
            return None, mode, ""
        cut = f"Only the first {MOST_ASKED:,} characters of the question were compared by meaning."
        try:
            made_by = self._searcher().fingerprint
            vector = self.model.embed_queries([query[:MOST_ASKED]], made_by=made_by)[0]
        except EmbedderError as error:
            if mode == "meaning":
                raise
            return None, "words", f"Found by words only. {error.what} {error.fix}"
        return vector, mode, cut if len(query) > MOST_ASKED else ""

    def _answer(
        self, ask: Callable[[int], Results], query: str, mode: Mode, limit: int, started: float
    ) -> Answer:
        """Ask until every hit is true: what is gone is left out, what changed is read again or marked."""
        results = ask(limit)
        checked = check(results.hits)
        if checked.changed and self._refreshed(checked.changed):
            results = ask(limit)
            checked = check(results.hits)
        gone = checked.gone
        if gone:
            results = ask(limit + gone)
            checked = check(results.hits)
        hits = checked.hits[:limit]
        if not hits:
            self._require_files()
        stale = frozenset(hit.path for hit in hits if hit.path in checked.changed)
        return Answer(
            query=query,
            mode=mode,
            hits=hits,
            close=results.close and bool(hits),
            confidence=results.confidence,
            waiting=len(stale),
            took_ms=(time.perf_counter() - started) * 1000,
            stale=stale,
            notice=notice(self._store(), mode, gone, self.goes_on),
        )

    def _refreshed(self, changed: dict[str, int]) -> bool:
        """Take in changed files at once where they are small and nobody else is writing."""
        if sum(changed.values()) > REFRESH_BYTES:
            return False
        try:
            with self._writing(self.model.fingerprint) as store:
                self._pipeline(store).take(list(changed))
                store.wipe()
        except (IndexBusy, IndexUnreachable, ModelNotFound):
            return False
        return True

    def _require_files(self) -> None:
        store = self._store()
        if store is None or not store.counts().files:
            raise _nothing()

    # -- looking

    def _document(self, path: str) -> Excerpts:
        path = absolute(path)
        return self._documents.read(path, *self._known(path), self.rules)

    def _known(self, path: str) -> tuple[FileRecord | None, str | None]:
        """What the index has of a path, and the folder that keeps it."""
        store = self._store()
        if store is None:
            return None, None
        return store.files(path).get(path), Kept(store.folders()).root_of(path)


def _nothing() -> NothingIndexed:
    return NothingIndexed(
        "No file has been indexed.", "Run `ken index FOLDER` first, or `ken demo` to see how it works."
    )


def file_identity(index: Path) -> tuple[int, int] | None:
    """Device and inode; None where there is no file."""
    try:
        stat = index.stat()
    except OSError:
        return None
    return (stat.st_dev, stat.st_ino)


def _bytes(index: Path) -> int:
    files = (index, index.with_name(index.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
