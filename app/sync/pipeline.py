"""The way from disk to index: what is asked for is compared, and a run brings the index level.

Owns one writing process's readers and what it remembers from run to run. Knows nothing of watching.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.api import ProgressCallback, SyncReport
from app.folders.roots import Kept, is_under
from app.model import MISSING, TextModel
from app.sync.embed_stage import Embedding
from app.sync.extract_stage import Readers, Reading
from app.sync.later import Later
from app.sync.meanwhile import UrgentMeanwhile, added_up
from app.sync.presence import folders_away
from app.sync.progress import Meter
from app.sync.reconciler import Differences, Known, absent, compare, outside
from app.sync.run import Run, Urgent
from index.store.store import Store
from index.types import FileRecord
from index.walk.walker import Rules


def nothing_urgent() -> Sequence[str]:
    return ()


class Pipeline:
    """One writing process's way from disk to index. One `sync` or `take` runs at a time.

    `readers` are lent, or `count` are started for each run (0: one for each two cores); `passage_tokens`
    is the longest passage (0: the default). `later` is what to look at again.
    """

    def __init__(
        self,
        store: Store,
        model: TextModel,
        rules: Rules,
        *,
        count: int = 0,
        passage_tokens: int = 0,
        readers: Readers | None = None,
        later: Later | None = None,
    ) -> None:
        self._store = store
        self._model = model
        self._rules = rules
        self._count = readers_for(count)
        self._passage_tokens = passage_tokens
        self._readers = readers
        self._later = later or Later()
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
            self._later.retries.looking_at(None)
            meanwhile = UrgentMeanwhile(
                urgent, lambda paths: self._take_nested(paths, cancel, meanwhile.urgent, patient)
            )
            run = self._run(progress, cancel, urgent, patient)
            differences, known = self._compare(roots, run, meanwhile)
            report = added_up(meanwhile.report, run.apply(differences, known))
            notices = () if self._model.present else (MISSING,)
            return replace(report, notices=(*report.notices, *notices))

    def _compare(
        self, roots: Sequence[str], run: Run, meanwhile: UrgentMeanwhile
    ) -> tuple[Differences, Known]:
        """All differences under `roots` but for what was brought level meanwhile."""
        known = self._known(roots)
        kept = Kept(self._store.roots())
        differences = compare(
            list(roots),
            known,
            self._rules,
            run.meter.seen,
            verdicts=lambda root, rules: meanwhile.during(kept.walk(root, rules)),
            settled=meanwhile.paths,
        )
        known = outside(known, meanwhile.paths)
        self._tell_folders(roots, roots, differences, known)
        return differences, known

    def _take_nested(
        self, paths: Sequence[str], cancel: threading.Event | None, urgent: Urgent, patient: bool
    ) -> SyncReport:
        run = self._run(None, cancel, urgent, patient, nested=True)
        return run.apply(*self._look(paths), first=True)

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
            return run.apply(*self._look(paths), first=True)

    def stored(self) -> list[str]:
        """Files with new content since this was last asked."""
        stored, self._stored = self._stored, []
        return stored

    def _look(self, paths: Sequence[str]) -> tuple[Differences, dict[str, FileRecord]]:
        """What single paths differ in. Files that are away are looked at too: one may be back elsewhere.

        Those that are named are read even where they look unchanged: something said that they are not.
        """
        self._later.retries.looking_at(paths)
        kept = Kept(self._store.roots())
        roots = _roots_of(kept, paths)
        missing = {root: reason for root in roots if (reason := self._absent(root))}
        looked_at = {*paths, *self._later.grace.ends}
        wanted = [p for p in looked_at if (root := kept.root_of(p)) and root not in missing]
        known = self._known(wanted)
        differences = compare(
            wanted, known, self._rules, verdicts=kept.verdicts, careful=False, suspects=set(paths)
        )
        differences.missing = list(missing.items())
        self._tell_folders(roots, paths, differences, known)
        return differences, known

    def _absent(self, root: str) -> str:
        try:
            with os.scandir(root) as entries:
                if next(entries, None) is not None and os.path.realpath(root) == root:
                    return ""
        except OSError:
            pass
        return absent(root, self._store.files(root))

    def _tell_folders(
        self, roots: Iterable[str], looked_at: Sequence[str], differences: Differences, known: Known
    ) -> None:
        """Note which folders are missing, or in part, and which of them are there again.

        A folder is missing, too, where all that was indexed in it lay on a disk that is away.
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

    def _known(self, paths: Sequence[str]) -> dict[str, FileRecord]:
        return {path: record for one in paths for path, record in self._store.files(one).items()}

    def _run(
        self,
        progress: ProgressCallback | None,
        cancel: threading.Event | None,
        urgent: Urgent,
        patient: bool,
        *,
        nested: bool = False,
    ) -> Run:
        readers = self._readers or Readers(self._count)
        reading = Reading(self._model, readers, self._passage_tokens, lent=self._readers is not None)
        return Run(
            self._store,
            reading,
            Embedding(self._store, self._model),
            Meter(progress),
            cancel,
            urgent,
            self._look,
            self._later,
            self._stored,
            patient=patient,
            nested=nested,
        )


def _all_away(root: str, away: Sequence[FileRecord], known: Known) -> bool:
    """Whether no indexed file under `root` is elsewhere than on disks that are away."""
    paths = {record.path for record in away}
    return all(
        path in paths for path, record in known.items() if record.state == "indexed" and is_under(path, root)
    )


def _roots_of(kept: Kept, paths: Sequence[str]) -> set[str]:
    return {root for path in paths if (root := kept.root_of(path)) is not None}


def readers_for(wanted: int) -> int:
    """How many processes read: as many as wanted, or one for each two cores."""
    return wanted or max(1, min(4, (os.cpu_count() or 2) // 2))
