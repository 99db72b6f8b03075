"""The façade: everything a person can do with ken, in one place.

The command line, the terminal interface, the daemon and MCP are thin fronts over `Library`. Two
things keep the promise: `app.library.Library` does the work in this process, and
`app.daemon.client.RemoteLibrary` asks the daemon that does. `open_library` chooses. This module
imports neither the model nor the index's database, so that a front that only asks starts at once.
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


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question: hits, best first, and what a person should know of them."""

    query: str
    mode: Mode
    hits: tuple[Hit, ...]
    close: bool
    """False: nothing in the index is close; `hits` are then merely the nearest."""
    confidence: float
    waiting: int
    """Files known to have changed that the index has not taken in yet; 0 is "all current"."""
    took_ms: float
    stale: frozenset[str] = frozenset()
    """Paths among the hits whose file changed since it was indexed."""
    notice: str = ""
    """What a person should see beside the answer (words only: model missing, ...)."""
    complete: bool = True
    """False: meaning was not asked of every passage (vectors are still made, or the model is missing).
    A `close` of False says nothing then; `notice` has the reason."""
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
        """Whether to say above the hits that nothing is close."""
        return bool(self.hits) and not self.close and self.complete


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder (or single file) ken keeps."""

    path: str
    files: int
    passages: int
    problems: int
    state: Literal["watching", "polling", "paused", "missing", "unwatched"]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that is not in the index, or only in part, and why."""

    path: str
    state: ProblemState
    reason: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where indexing stands. Rates are over the last seconds; None where nothing is known yet."""

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
    """What a sync did."""

    added: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    passages: int = 0
    embedded: int = 0
    """Passages for which a vector was computed; the others kept theirs."""
    seconds: float = 0.0
    starved: float = 0.0
    """Seconds in which the model had nothing to embed while files were still being read."""
    interrupted: bool = False
    notices: tuple[str, ...] = ()
    named: int = 0
    """New or changed files that are found by their name alone."""


@dataclass(frozen=True, slots=True)
class Status:
    """How things stand, in one look."""

    folders: tuple[Folder, ...]
    files: int
    passages: int
    pending: int
    """Passages without a vector yet, and files known to be waiting."""
    problems: int
    model: str
    engine: str
    dimension: int
    progress: Progress
    daemon: bool
    index_bytes: int
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Why:
    """Whether a path is indexed, by which rule, when, and what went wrong."""

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
    """A heading of a document, or the beginning of a page without one."""

    title: str
    start: int
    depth: int
    """Headings above it."""
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A stretch of a document's extracted text, and where in the document it lies."""

    path: str
    text: str
    start: int
    """Position of `text` in the whole, in characters."""
    line: int
    """Line of the extracted text on which `text` begins, from 1."""
    length: int
    """Characters of the whole."""
    lines: int
    """Lines of the whole."""
    kind: str
    language: str = ""
    title: str = ""
    pages: tuple[int, ...] = ()
    """Positions at which pages begin; empty where the format has none."""
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
    """All methods may be called from any thread; all raise titled errors and nothing else on purpose."""

    def search(
        self,
        query: str,
        *,
        limit: int = 10,
        mode: Mode = "hybrid",
        filter: Filter | None = None,  # noqa: A002
        explain: bool = False,
        typing: bool = False,
        sort: Sort = "score",
    ) -> Answer:
        """Answer a query; one without words lists the files that pass the filter, newest first.

        `typing` matches the last word as a prefix. `sort` by "date" puts the newest of what answers first.
        Phrases, OR and AND in `query` are operators. Raises `UsageInvalid` where there is neither.
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
        """The extracted text of an indexed file as it is now, in which a hit's positions count."""

    def excerpt(self, path: str, start: int, length: int) -> Excerpt:
        """A stretch of that text, moved into the document where it lies outside, with whole lines.

        For previews: of a document of any size only the stretch travels.
        """

    def similarities(self, query: str, texts: Sequence[str]) -> tuple[float, ...]:
        """How close each text is to the question, as cosines: which sentences of a passage answer."""

    def add(self, paths: Sequence[str]) -> tuple[Folder, ...]:
        """Keep these folders or files from now on; reading them is `sync`'s work."""

    def sync(
        self, paths: Sequence[str] | None = None, progress: ProgressCallback | None = None
    ) -> SyncReport:
        """Bring the index level with the disk, for all folders or those under `paths`."""

    def forget(self, path: str) -> int:
        """Drop a folder, or everything under a path, from the index; returns files dropped."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def status(self) -> Status: ...
    def follow(self, progress: Callable[[Status], None]) -> None:
        """Tell the status now and, where a daemon keeps the index, each time it changes until that ends.

        Ends early where `progress` raises.
        """

    def tags(self) -> tuple[str, ...]:
        """Tags of documents, as `tag:` takes them, the most used first."""

    def problems(self) -> tuple[Problem, ...]: ...
    def why(self, path: str) -> Why: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
