"""The interface of ken: everything a front can do, in one place.

Owns the `Library` protocol and its records. The command line, the terminal interface, the daemon and MCP are
thin fronts over it. `app.library.Library` implements it in this process, `app.daemon.client`
over the daemon's socket; `app.connect.open_library` chooses. Imports neither the model nor the database, so
that fronts start fast.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self

from index.types import Filter, Hit, Mode, Sort

Freshness = Literal["current", "changed", "gone"]
Phase = Literal["idle", "scanning", "reading", "embedding", "paused", "waiting"]
ProblemState = Literal["skipped", "failed", "partial"]


USUAL_LIMIT = 10
"""Hits shown where no number is asked for."""


UNTIL_READ = "approximate until the model has read it"
"""Said of a hit with an approximate vector."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a query: hits, best first, and facts on them for the user."""

    query: str
    mode: Mode
    hits: tuple[Hit, ...]
    is_close: bool
    """False: nothing in the index is close, and `hits` are only the nearest."""
    confidence: float
    waiting: int
    """Changed files that are not indexed yet; 0 means that all are current."""
    took_ms: float
    stale: frozenset[str] = frozenset()
    """Paths of hits whose file changed since it was indexed."""
    notice: str = ""
    """Text to show with the answer, such as why only words were searched."""
    complete: bool = True
    """False: vectors or the model are missing, so not all passages were compared by meaning. `is_close`
    being False then means nothing, and `notice` has the reason."""
    listed: bool = False
    """The query has no words: the hits are the files that pass its filter, newest first."""
    total: int | None = None
    """How many files pass; None unless `listed`."""
    corrected: str = ""
    """The query that was answered in place of `query`, of which nothing holds some word."""

    @property
    def fresh(self) -> bool:
        return self.waiting == 0 and not self.stale

    @property
    def abstains(self) -> bool:
        """Whether a front says above the hits that nothing is close."""
        return bool(self.hits) and not self.is_close and self.complete


@dataclass(frozen=True, slots=True)
class Folder:
    """A root: a folder or a single file that ken keeps indexed."""

    path: str
    files: int
    passages: int
    problems: int
    state: Literal["watching", "polling", "paused", "missing", "unwatched"]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that is not indexed, or only in part, and why."""

    path: str
    state: ProblemState
    reason: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of indexing. Rates are over the last seconds; None: not known yet."""

    phase: Phase
    files_done: int = 0
    files_total: int = 0
    passages_done: int = 0
    passages_total: int = 0
    tokens_per_second: float | None = None
    passages_per_second: float | None = None
    seconds_left: float | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """The result of a sync."""

    added: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    passages: int = 0
    embedded: int = 0
    """Passages for which a vector was computed; others kept theirs."""
    seconds: float = 0.0
    starved: float = 0.0
    """Seconds in which the model was idle while files were being read."""
    interrupted: bool = False
    notices: tuple[str, ...] = ()
    named: int = 0
    """New or changed files that are found by their name alone."""


@dataclass(frozen=True, slots=True)
class Status:
    """The state of the index and of indexing."""

    folders: tuple[Folder, ...]
    files: int
    passages: int
    pending: int
    """Passages without a vector, and changed files that are not indexed yet."""
    problems: int
    model: str
    engine: str
    dimension: int
    progress: Progress
    daemon: bool
    index_bytes: int
    notices: tuple[str, ...] = ()
    left_out: int = 0
    """The number of `problems` that are files left out by a rule."""
    revision: int = 0
    """Another number whenever the index holds something else."""
    saved_searches: int = 0
    """Another number whenever a saved search was added or removed, or something new answered one."""


@dataclass(frozen=True, slots=True)
class Why:
    """Whether a path is indexed, by which rule, when, and which problem it has."""

    path: str
    indexed: bool
    rule: str
    state: str
    reason: str
    indexed_ns: int | None
    passages: int
    links: tuple[str, ...] = ()
    """Paths of the files that it links to."""
    backlinks: tuple[str, ...] = ()
    """Paths of the files that link to it."""


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """A heading of a document, or a page of a document without headings."""

    title: str
    start: int
    depth: int
    """Number of headings above it."""
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a document's extracted text, and its position."""

    path: str
    text: str
    start: int
    """Position of `text` in the document, in characters."""
    line: int
    """Line of the extracted text on which `text` begins, from 1."""
    length: int
    """Characters of the document."""
    lines: int
    """Lines of the document."""
    kind: str
    language: str = ""
    title: str = ""
    pages: tuple[int, ...] = ()
    """Positions at which pages begin; empty if the format has no pages."""
    outline: tuple[OutlineEntry, ...] = ()
    links: tuple[str, ...] = ()
    """Paths of the files that the document links to."""
    backlinks: tuple[str, ...] = ()
    """Paths of the files that link to it."""
    file_line: int | None = None
    """Line of the file on which `text` begins; None where the format has no lines."""

    @property
    def numbered(self) -> bool:
        """Whether lines of the extracted text are lines of the file."""
        return self.file_line == self.line


ProgressCallback = Callable[[Progress], None]


class Library(Protocol):
    """Any thread may call the methods. They raise titled errors and no others on purpose."""

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
        """Answer a query; one without words lists the files that pass the filter, newest first.

        `typing` matches the last word as a prefix. `embed_pending`: the best pending passages are
        embedded first, for which the answer may wait 0.4 s. `sort` by "date" puts the newest of what
        answers first. Phrases, OR and AND in `query` are operators. Raises `UsageInvalid` where there is
        neither.
        """

    def similar(
        self,
        path: str,
        line: int | None = None,
        *,
        start: int | None = None,
        limit: int = 10,
        filter: Filter | None = None,  # noqa: A002
    ) -> Answer:
        """What else is like this file, or like its passage at this line, or at this position of its text."""

    def text(self, path: str) -> str:
        """The extracted text of an indexed file as it is now; positions of hits refer to it."""

    def excerpt(self, path: str, start: int, length: int) -> Excerpt:
        """A part of that text, in whole lines; a part outside of the document is moved into it.

        For previews: only this part of a large document is sent.
        """

    def similarities(self, query: str, texts: Sequence[str]) -> tuple[float, ...]:
        """The cosine of the query with each text: shows which sentences of a passage answer it."""

    def add(self, paths: Sequence[str]) -> tuple[Folder, ...]:
        """Add roots; `sync` indexes them."""

    def sync(
        self, paths: Sequence[str] | None = None, progress: ProgressCallback | None = None
    ) -> SyncReport:
        """Update the index from the disk, for all roots or those under `paths`."""

    def forget(self, path: str) -> int:
        """Remove a root, or everything under a path, from the index; returns the number of files."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def status(self) -> Status: ...
    def follow(self, progress: Callable[[Status], None]) -> None:
        """Call `progress` with the status now and, if a daemon indexes, at each change until the daemon ends.

        An exception of `progress` ends it early.
        """

    def kinds(self) -> dict[str, int]:
        """Kinds of indexed files, as `type:` takes them, and how many files there are; most files first."""

    def tags(self) -> tuple[str, ...]:
        """Tags of documents, as `tag:` takes them, the most used first."""

    def problems(self) -> tuple[Problem, ...]: ...
    def why(self, path: str) -> Why: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
