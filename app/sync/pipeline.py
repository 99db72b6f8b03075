"""From disk to index: compares paths with the index, and starts the run that stores the differences.

Owns the readers of one writing process and what stays from run to run. Knows nothing of watching.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.api import SyncReport
from app.folders.roots import RootSet, is_under
from app.model import MISSING, TextModel
from app.sync.approximate_stage import ApproximateStage
from app.sync.during_walk import PriorityDuringWalk, added_up
from app.sync.embed_stage import AskedTexts, EmbedStage
from app.sync.extract_stage import ExtractStage, ReaderPools
from app.sync.presence import folders_away, why_away
from app.sync.recognize_stage import Recognizing
from app.sync.reconciler import Differences, Known, compare, outside
from app.sync.retry_schedule import RetrySchedule
from app.sync.sync_run import RunOptions, SyncRun
from index.passages.chunker import MAX_TOKENS
from index.store.store import Store
from index.types import FileRecord
from index.walk.walker import Rules


class Pipeline:
    """Indexing for one writing process. One `sync` or `take` runs at a time.

    `readers` are lent; without them each run starts `count` (0: one for each two cores). `passage_tokens` is
    the longest passage (0: the default). `retry_schedule` says what to look at again, `asked` what to embed
    first.
    """

    def __init__(
        self,
        store: Store,
        model: TextModel,
        rules: Rules,
        *,
        count: int = 0,
        passage_tokens: int = 0,
        readers: ReaderPools | None = None,
        retry_schedule: RetrySchedule | None = None,
        asked: AskedTexts | None = None,
    ) -> None:
        self._store = store
        self._model = model
        self._rules = rules
        self._count = readers_for(count)
        self._passage_tokens = passage_tokens
        self._readers = readers
        self._asked = asked
        self._retry_schedule = retry_schedule or RetrySchedule()
        self._stored: list[str] = []
        self._guard = threading.Lock()

    def sync(self, roots: Sequence[str], options: RunOptions | None = None) -> SyncReport:
        """Index everything under `roots`."""
        options = options or RunOptions()
        with self._guard:
            self._retry_schedule.retries.looking_at(None)
            during_walk = PriorityDuringWalk(
                options.priority_paths, lambda paths: self._take(paths, short, nested=True)
            )
            short = replace(options, progress=None, priority_paths=during_walk.priority_paths, pictures=False)
            run = self._run(options)
            differences, known = self._compare(roots, run, during_walk)
            report = added_up(during_walk.report, run.apply(differences, known))
            notices = () if self._model.present else (MISSING,)
            return replace(report, notices=(*report.notices, *notices))

    def _compare(
        self, roots: Sequence[str], run: SyncRun, during_walk: PriorityDuringWalk
    ) -> tuple[Differences, Known]:
        """The differences under `roots`, without the paths indexed during the walk."""
        known = self._known_files(roots)
        kept = RootSet(self._store.roots())
        differences = compare(
            list(roots),
            known,
            self._rules,
            run.meter.seen,
            verdicts=lambda root, rules: during_walk.during(kept.walk(root, rules)),
            settled=during_walk.paths,
        )
        known = outside(known, during_walk.paths)
        self._update_roots(roots, roots, differences, known)
        return differences, known

    def take(self, paths: Sequence[str], options: RunOptions) -> SyncReport:
        """Index single paths under roots: new, changed or deleted."""
        with self._guard:
            return self._take(paths, options)

    def _take(self, paths: Sequence[str], options: RunOptions, *, nested: bool = False) -> SyncReport:
        return self._run(options, nested=nested).apply(*self._look(paths), first=True)

    def stored(self) -> list[str]:
        """Files stored with new content since the last call."""
        stored, self._stored = self._stored, []
        return stored

    def _look(self, paths: Sequence[str]) -> tuple[Differences, dict[str, FileRecord]]:
        """The differences of single paths and of missing files: one of these may be back elsewhere.

        A path that the disk spells differently means both spellings. The paths are read even if they look
        unchanged, because an event named them.
        """
        self._retry_schedule.retries.looking_at(paths)
        kept = RootSet(self._store.roots())
        paths = list(dict.fromkeys([*paths, *map(kept.spelled, paths)]))
        roots = _roots_of(kept, paths)
        missing = {root: reason for root in roots if (reason := self._why_away(root))}
        looked_at = {*paths, *self._retry_schedule.grace.ends}
        wanted = [p for p in looked_at if (root := kept.root_of(p)) and root not in missing]
        known = self._known_files(wanted)
        differences = compare(
            wanted, known, self._rules, verdicts=kept.verdicts, careful=False, suspects=set(paths)
        )
        differences.missing = list(missing.items())
        self._update_roots(roots, paths, differences, known)
        return differences, known

    def _why_away(self, root: str) -> str:
        try:
            with os.scandir(root) as entries:
                if next(entries, None) is not None and os.path.realpath(root) == root:
                    return ""
        except OSError:
            pass
        return why_away(root, self._store.files(root))

    def _update_roots(
        self, roots: Iterable[str], looked_at: Sequence[str], differences: Differences, known: Known
    ) -> None:
        """Record which roots are missing, whole or in part, and which have come back.

        A root is missing, too, if all its indexed files are on a disk that is not mounted.
        """
        away = folders_away(differences.away)
        for folder in self._store.roots():
            if folder.path not in roots:
                continue
            note = " ".join(text for place, text in away.items() if is_under(place, folder.path))
            if note and _all_away(folder.path, differences.away, known):
                differences.missing.append((folder.path, note))
            else:
                differences.notices += [note] if note else []
            missing = dict(differences.missing).get(folder.path, "")
            if not (missing or note or folder.state == "missing" or folder.path in looked_at):
                continue
            state, note = ("missing", missing) if missing else ("unwatched", note)
            if (state, note) != (folder.state, folder.note):
                self._store.set_root_state(folder.path, state, note)

    def _known_files(self, paths: Sequence[str]) -> dict[str, FileRecord]:
        return {path: record for one in paths for path, record in self._store.files(one).items()}

    def _run(self, options: RunOptions, *, nested: bool = False) -> SyncRun:
        readers = self._readers or ReaderPools(self._count)
        size = self._passage_tokens or MAX_TOKENS
        recognizing = Recognizing(self._store, self._model, self._rules, size) if options.pictures else None
        reading = ExtractStage(self._model, readers, self._passage_tokens, lent=self._readers is not None)
        return SyncRun(
            self._store,
            reading,
            EmbedStage(self._store, self._model, self._asked),
            ApproximateStage(self._store, self._model),
            options,
            self._look,
            self._retry_schedule,
            self._stored,
            nested=nested,
            recognizing=recognizing,
        )


def _all_away(root: str, away: Sequence[FileRecord], known: Known) -> bool:
    """Whether all indexed files under `root` are on disks that are not mounted."""
    paths = {record.path for record in away}
    return all(
        path in paths for path, record in known.items() if record.state == "indexed" and is_under(path, root)
    )


def _roots_of(kept: RootSet, paths: Sequence[str]) -> set[str]:
    return {root for path in paths if (root := kept.root_of(path)) is not None}


def readers_for(wanted: int) -> int:
    """How many reader processes: as many as wanted, or one for each two cores."""
    return wanted or max(1, min(4, (os.cpu_count() or 2) // 2))
