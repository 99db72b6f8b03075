"""The library over an index, a writer and a model: answers queries, and passes every change to the writer.

Owns that an answer agrees with the disk, and the notices beside it. `OpenIndex` reads, a `Writer` changes the
index (in the calling thread or in the daemon's), a `TextModel` makes vectors. `app.connect` and
`app.daemon.parts` compose them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from app import paths
from app.answers import saved_searches
from app.answers.embed_pending import PendingEmbedders
from app.answers.empty_filters import empty_filters_note
from app.answers.preview import DocumentCache, Excerpts, require_shown
from app.answers.stale_hits import absent_root_note, check_hits, incomplete_note, join_sentences
from app.api import Answer, Excerpt, Folder, Problem, Progress, ProgressCallback, Status, SyncReport, Why
from app.config import Config
from app.errors import PathInvalid, UsageInvalid
from app.folders.pictures import unread_pictures
from app.folders.roots import FORGOTTEN, RootSet
from app.folders.rules import rules_of
from app.folders.typed_paths import absolute_path, spelled_filter
from app.folders.why import folder_now, problem_of, problems_above, verdict_on
from app.model import MISSING, TextModel
from app.open_index import OpenIndex, nothing_indexed
from app.query import FIELDS
from embedder.errors import EmbedderError
from index.closing import Closing
from index.kinds import count_words
from index.search.newest import DATED, by_date
from index.store import scans
from index.store.vectors import SEARCH_DIMENSION
from index.types import FileRecord, Filter, Mode, Results, Sort
from index.walk.walker import configured_faults

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

QUERY_CHARACTERS = 2000
"""Characters of a query that are embedded: the beginning of a longer text says what it is about."""
FOLLOW_BUSY = 0.25
"""Seconds between two checks of the status for a follower, while there is work."""
FOLLOW_IDLE = 1.0
"""The same without work."""
FOLLOW_AGAIN = 15.0
"""Seconds after which an unchanged status is sent: only a send shows that a follower has left."""


class Writer(Protocol):
    """Changes the index. Safe from any thread; paths are absolute."""

    @property
    def progress(self) -> Progress: ...
    @property
    def embedding_note(self) -> str:
        """A sentence on how passages without vectors get them, or what prevents it."""

    @property
    def in_background(self) -> bool:
        """Whether it works without requests, so that the status changes by itself."""

    @property
    def waiting(self) -> int:
        """Changed files that are not indexed yet."""

    def add(self, paths: Sequence[str]) -> tuple[Folder, ...]: ...
    def forget(self, path: str) -> int: ...
    def sync(
        self, paths: Sequence[str] | None = None, progress: ProgressCallback | None = None
    ) -> SyncReport: ...
    def refresh(self, changed: dict[str, int]) -> bool:
        """Index these files (path to bytes) again before an answer; False if that takes too long."""

    def prefer(self, texts: Sequence[int]) -> None:
        """Embed these texts before others: a search has shown them."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def add_writer_state(self, status: Status) -> Status:
        """The status with the facts that only the writer knows."""

    def close(self) -> None: ...


class Library(Closing):
    """`app.api.Library` over the given parts; closes them."""

    def __init__(self, config: Config, index: OpenIndex, writer: Writer, model: TextModel) -> None:
        self.config = config
        self.index = index
        self.writer = writer
        self.model = model
        self.last_search = time.monotonic()
        """Time of the last search, on the monotonic clock."""
        self._documents = DocumentCache()
        self._pending_embedders = PendingEmbedders(model, index)
        self._closed = threading.Event()

    # Answering

    def search(
        self,
        query: str,
        *,
        limit: int = 10,
        mode: Mode = "hybrid",
        filter: Filter | None = None,  # noqa: A002
        explain: bool = False,
        typing: bool = False,
        embed_pending: bool = True,
        sort: Sort = "score",
    ) -> Answer:
        started = self.last_search = time.monotonic()
        query, narrowed = self._with_known_fields(query, spelled_filter(filter or Filter()))
        if not query.strip():
            return self._newest(narrowed, limit, started)
        vector, used, reason = self._vector(query, mode)
        embed = self._pending_embedders.for_search() if embed_pending and vector is not None else None
        find = partial(self.index.searcher().search, query, vector, mode=used, filter=narrowed)

        def ask(number: int) -> Results:
            deep = max(number, DATED) if sort == "date" else number
            found = find(limit=deep, explain=explain, typing=typing, embed_pending=embed)
            self.writer.prefer(found.pending)
            return by_date(found, number) if sort == "date" else found

        answer = self._answer(ask, query, used, limit, started, narrowed)
        return replace(
            answer,
            notice=join_sentences(reason, answer.notice) if used == mode else reason,
            complete=answer.complete and used == mode,
            waiting=max(answer.waiting, self.writer.waiting),
        )

    def _with_known_fields(self, query: str, narrowed: Filter) -> tuple[str, Filter]:
        """`name:value` narrows where some document has a field of that name; else it is words."""
        names = {name for name, _ in narrowed.fields}
        unknown = names - self.index.searcher().known_fields(names) - set(FIELDS) if names else set()
        if not unknown:
            return query, narrowed
        words = (f"{name}:{','.join(values)}" for name, values in narrowed.fields if name in unknown)
        fields = tuple(field for field in narrowed.fields if field[0] not in unknown)
        return " ".join([query, *words]).strip(), replace(narrowed, fields=fields)

    def _newest(self, narrowed: Filter, limit: int, started: float) -> Answer:
        if narrowed == Filter():
            raise UsageInvalid(
                "The query is empty.", "Say what to look for, or what to list: type:pdf since:2w."
            )
        newest = self.index.searcher().newest
        answer = self._answer(
            lambda number: newest(limit=number, filter=narrowed), "", "words", limit, started, narrowed
        )
        return replace(answer, listed=True, waiting=max(answer.waiting, self.writer.waiting))

    def similar(
        self,
        path: str,
        line: int | None = None,
        *,
        start: int | None = None,
        limit: int = 10,
        filter: Filter | None = None,  # noqa: A002
    ) -> Answer:
        started = time.monotonic()
        path = self._path(path)
        alike = partial(self.index.searcher().similar, path, line, start=start)
        unread = require_shown(path, *self._known(path), rules_of(self.config.reading)).unread
        if unread:
            raise PathInvalid(f"{path} has no text to compare. {unread}", "Name a file that is read.")
        narrowed = spelled_filter(filter or Filter())
        subject = path if line is None else f"{path}:{line}"
        return self._answer(
            lambda number: alike(limit=number, filter=narrowed), subject, "meaning", limit, started, narrowed
        )

    def text(self, path: str) -> str:
        return self._document(path).document.text

    def excerpt(self, path: str, start: int, length: int) -> Excerpt:
        document = self._document(path)
        links, backlinks = self.index.searcher().linked(self._path(path))
        return replace(document.cut(path, start, length), links=links, backlinks=backlinks)

    def similarities(self, query: str, texts: Sequence[str]) -> tuple[float, ...]:
        if not texts:
            return ()
        vector = self.model.embed_query(query[:QUERY_CHARACTERS])[0]
        return tuple(float(cosine) for cosine in self.model.embed_documents(list(texts)) @ vector)

    # Changing

    def add(self, paths: Sequence[str]) -> tuple[Folder, ...]:
        return self.writer.add([absolute_path(path) if path else "" for path in paths])

    def sync(
        self, paths: Sequence[str] | None = None, progress: ProgressCallback | None = None
    ) -> SyncReport:
        return self.writer.sync(None if paths is None else [absolute_path(path) for path in paths], progress)

    def forget(self, path: str) -> int:
        dropped = self.writer.forget(self._path(path))
        self._documents.clear()
        return dropped

    def pause(self) -> None:
        """Stop indexing until `resume`, also across restarts; finished work is kept."""
        paths.make_home()
        paths.pause_mark().touch(mode=0o600)
        self.writer.pause()

    def resume(self) -> None:
        paths.pause_mark().unlink(missing_ok=True)
        self.writer.resume()

    # State

    def status(self) -> Status:
        store = self.index.store()
        stored = () if store is None else store.roots()
        counts = None if store is None else store.counts()
        above = problems_above(RootSet(stored), rules_of(self.config.reading))
        progress, has_model = self.writer.progress, self.model.present
        status = Status(
            folders=tuple(folder_now(store, f) for f in stored if store and f.state != FORGOTTEN),
            files=counts.files if counts else 0,
            passages=counts.passages if counts else 0,
            pending=counts.pending if counts else 0,
            problems=(counts.problems if counts else 0) + len(above),
            left_out=counts.left_out if counts else 0,
            revision=store.revision if store else 0,
            saved_searches=saved_searches.revision(),
            model=self.model.model if has_model else "",
            engine=self.model.engine if has_model else "",
            dimension=SEARCH_DIMENSION,
            progress=Progress("paused")
            if progress.phase == "idle" and paths.pause_mark().exists()
            else progress,
            daemon=self.writer.in_background,
            index_bytes=self.index.bytes,
            notices=(*([] if has_model else [MISSING]), *configured_faults(rules_of(self.config.reading))),
        )
        return self.writer.add_writer_state(status)

    def follow(self, progress: Callable[[Status], None]) -> None:
        if not self.writer.in_background:
            progress(self.status())
            return
        last, reported_at, pause = None, 0.0, 0.0
        while not self._closed.wait(pause):
            status = self.status()
            if status != last or time.monotonic() - reported_at > FOLLOW_AGAIN:
                progress(status)
                last, reported_at = status, time.monotonic()
            pause = FOLLOW_IDLE if status.progress.phase in ("idle", "paused") else FOLLOW_BUSY

    def kinds(self) -> dict[str, int]:
        return count_words(self.index.searcher().kinds())

    def tags(self) -> tuple[str, ...]:
        return self.index.searcher().tags()

    def problems(self) -> tuple[Problem, ...]:
        store = self.index.store()
        if store is None:
            return ()
        rules = rules_of(self.config.reading)
        above = problems_above(RootSet(store.roots()), rules)
        return (*map(problem_of, store.problems()), *above, *unread_pictures(store, rules))

    def why(self, path: str) -> Why:
        path = self._path(path)
        store = self.index.store()
        kept = RootSet(store.roots() if store else ())
        record = store.files(path).get(path) if store else None
        passages = store.counts(path).passages if store and record else 0
        links, backlinks = self.index.searcher().linked(path) if store and record else ((), ())
        state, rule, reason = verdict_on(path, kept, rules_of(self.config.reading))
        if record is not None and (record.reason or state == "found"):
            reason = record.reason
        return Why(
            path=path,
            indexed=record is not None and record.state == "indexed",
            rule=rule,
            state=record.state if record else state,
            reason=reason,
            indexed_ns=store.indexed_ns(path) if store and record else None,
            passages=passages,
            links=links,
            backlinks=backlinks,
        )

    # Life cycle

    def release(self) -> None:
        """Release memory; each part is opened again when it is needed."""
        self.index.release()
        self._documents.clear()

    def close(self) -> None:
        self._closed.set()
        self.writer.close()
        self.index.close()
        self._documents.close()
        self.model.close()

    # Making an answer

    def _vector(self, query: str, mode: Mode) -> tuple[NDArray[np.float32] | None, Mode, str]:
        """The vectors of the query, the mode that is possible with it, and a notice on that."""
        if mode == "words":
            return None, mode, ""
        cut = f"Only the first {QUERY_CHARACTERS:,} characters of the question were compared by meaning."
        try:
            made_by = self.index.searcher().fingerprint
            vector = self.model.embed_query(query[:QUERY_CHARACTERS], made_by=made_by)
        except EmbedderError as error:
            if mode == "meaning":
                raise
            return None, "words", f"Found by words only. {error.what} {error.fix}"
        return vector, mode, cut if len(query) > QUERY_CHARACTERS else ""

    def _answer(
        self,
        ask: Callable[[int], Results],
        query: str,
        mode: Mode,
        limit: int,
        started: float,
        narrowed: Filter,
    ) -> Answer:
        """Search until all hits agree with the disk: deleted files go, changed ones are read or marked."""
        complete = self._has_every_vector()
        results = ask(limit)
        checked = check_hits(results.hits)
        if checked.changed and self.writer.refresh(checked.changed):
            results = ask(limit)
            checked = check_hits(results.hits)
        gone = checked.gone
        if gone:
            results = ask(limit + gone)
            checked = check_hits(results.hits)
        hits = checked.hits[:limit]
        if not hits:
            self._require_files()
        stale = frozenset(hit.path for hit in hits if hit.path in checked.changed)
        complete = complete and self._has_every_vector()
        is_settled = complete or (mode == "words" and results.is_close)
        return Answer(
            query=query,
            mode=mode,
            hits=hits,
            is_close=results.is_close and bool(hits),
            confidence=results.confidence,
            waiting=len(stale),
            took_ms=(time.monotonic() - started) * 1000,
            stale=stale,
            notice=join_sentences(
                *results.notes,
                absent_root_note(self.index.store()) if gone else "",
                "" if hits else empty_filters_note(narrowed, self.index.searcher()),
                "" if is_settled else incomplete_note(self.index.store(), self.writer.embedding_note),
            ),
            corrected=results.corrected,
            complete=complete,
            total=results.total,
        )

    def _has_every_vector(self) -> bool:
        return not ((store := self.index.store()) and store.pending(1))

    def _require_files(self) -> None:
        if not ((store := self.index.store()) and store.counts().files):
            raise nothing_indexed()

    def _document(self, path: str) -> Excerpts:
        path = self._path(path)
        store = self.index.store()
        known, rules = self._known(path), rules_of(self.config.reading)
        return self._documents.read(path, *known, rules, scans.recognized(store, path) if store else ())

    def _path(self, typed: str) -> str:
        """A path as the index names it."""
        store, path = self.index.store(), absolute_path(typed)
        return path if store is None else RootSet(store.roots()).as_kept(path)

    def _known(self, path: str) -> tuple[FileRecord | None, str | None]:
        """The record of a path, and the root it belongs to."""
        store = self.index.store()
        if store is None:
            return None, None
        return store.files(path).get(path), RootSet(store.roots()).root_of(path)
