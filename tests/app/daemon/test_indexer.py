"""When the indexer compares everything, looks at single paths, waits and tries again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from support.waiting import until

from app.api import Progress, SyncReport
from app.config import Config, DaemonConfig
from app.daemon.parts import DaemonParts
from app.sync import indexer as keeping
from app.sync.background import BackgroundWriter
from app.sync.change_queue import ChangeQueue
from app.sync.indexer import Indexer
from app.sync.sync_run import RunOptions
from app.sync.watcher import Watcher
from index.errors import IndexFull


class Recorded:
    """Does nothing but remember what it was asked to do; fails while `failing`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.scans: list[tuple[str, ...] | None] = []
        self.taken: list[str] = []
        self.cancelled: list[bool] = []
        self.failing = False
        self.interrupted = False
        self.lacks_model = False

    def roots(self) -> list[str]:
        return [str(self.root)]

    def sync(self, paths: Sequence[str] | None, options: RunOptions) -> SyncReport:
        if self.failing:
            raise IndexFull("The disk is full.", "Free some space.")
        self.scans.append(None if paths is None else tuple(paths))
        return SyncReport()

    def take(self, paths: Sequence[str], options: RunOptions) -> SyncReport:
        self.cancelled.append(options.cancel.is_set())
        self.taken += [*paths, *options.priority_paths()]
        interrupted, self.interrupted = self.interrupted, False
        return SyncReport(interrupted=interrupted)

    def due(self) -> dict[str, float]:
        return {}

    def rest(self) -> None: ...


@pytest.fixture
def work(tmp_path: Path) -> Recorded:
    (tmp_path / "notes").mkdir()
    return Recorded(tmp_path / "notes")


@pytest.fixture
def indexer(work: Recorded) -> Iterator[Indexer]:
    queue = ChangeQueue()
    indexer = Indexer(work, queue, Watcher(queue), DaemonConfig())
    indexer.start()
    until(lambda: str(work.root) in indexer.watches and len(work.scans) >= 2, what="the scans of the start")
    yield indexer
    indexer.stop()


@pytest.mark.parametrize("jump", [-7200.0, 28_800.0], ids=["the clock set back", "a night's sleep"])
def test_a_jump_of_the_clock_means_to_compare_everything(
    indexer: Indexer, work: Recorded, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    before = len(work.scans)
    drift = keeping._drift()
    monkeypatch.setattr(keeping, "_drift", lambda: drift + jump)
    indexer.queue.mark(str(work.root / "wakes.md"), priority=True)
    until(lambda: len(work.scans) == before + 1, what="a scan")
    assert work.scans[-1] is None


def test_a_small_correction_of_the_clock_means_nothing(
    indexer: Indexer, work: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(work.scans)
    drift = keeping._drift()
    monkeypatch.setattr(keeping, "_drift", lambda: drift + 1.0)
    indexer.queue.mark(str(work.root / "wakes.md"), priority=True)
    until(lambda: work.taken, what="the marked path")
    assert len(work.scans) == before


def test_a_failure_is_told_and_tried_again(
    indexer: Indexer, work: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "BACKOFF", (0.01,))
    work.failing = True
    indexer.scan_soon("a test")
    until(lambda: "The disk is full." in indexer.notice, what="the notice")
    before = len(work.scans)
    work.failing = False
    until(lambda: len(work.scans) > before and not indexer.notice, what="recovery")


def test_what_is_saved_after_a_failure_is_taken_at_once(
    indexer: Indexer, work: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words may be stored although something else failed; the rest waits."""
    monkeypatch.setattr(keeping, "BACKOFF", (1000.0,))
    work.failing = True
    indexer.scan_soon("a test")
    until(lambda: "The disk is full." in indexer.notice, what="the notice")
    work.failing = False
    before = len(work.scans)
    indexer.scan_soon("another test, which waits")
    indexer.queue.mark(str(work.root / "saved.md"))
    until(lambda: work.taken == [str(work.root / "saved.md")], what="the marked path")
    assert len(work.scans) == before


def test_only_folders_that_cannot_be_watched_are_compared_at_intervals(
    work: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = tmp_path / "remote"
    remote.mkdir()
    monkeypatch.setattr("app.sync.watcher.is_remote", lambda path: path == str(remote))
    monkeypatch.setattr(work, "roots", lambda: [str(work.root), str(remote)])
    queue = ChangeQueue()
    indexer = Indexer(work, queue, Watcher(queue), DaemonConfig(poll_seconds=0))
    indexer.start()
    try:
        until(lambda: work.scans.count((str(remote),)) >= 3, what="three polls")
        assert {root for scan in work.scans if scan for root in scan} == {str(remote)}
    finally:
        indexer.stop()


def test_what_is_called_for_is_done_by_the_keeper_though_it_waits(indexer: Indexer, work: Recorded) -> None:
    indexer.pause()
    until(lambda: indexer.waiting_because == "paused")
    assert indexer.run(lambda: "done") == "done"
    with pytest.raises(ZeroDivisionError):
        indexer.run(lambda: 1 / 0)


def test_what_a_call_interrupts_is_taken_again(indexer: Indexer, work: Recorded) -> None:
    work.interrupted = True
    indexer.queue.mark(str(work.root / "saved.md"))
    until(lambda: len(work.taken) == 2, what="the second time")
    assert work.taken == [str(work.root / "saved.md")] * 2


def test_a_pause_while_a_step_is_chosen_cancels_that_step(
    indexer: Indexer, work: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "reason_to_wait", lambda config: indexer.pause() or "")
    indexer.queue.mark(str(work.root / "saved.md"), priority=True)
    until(lambda: work.taken, what="the marked path")
    assert work.cancelled == [True]


def test_a_model_that_comes_later_is_followed_by_a_scan(indexer: Indexer, work: Recorded) -> None:
    before = len(work.scans)
    work.lacks_model = True
    indexer.queue.mark(str(work.root / "wakes.md"), priority=True)
    until(lambda: len(work.scans) > before, what="a scan")
    work.lacks_model = False


def test_a_failure_is_told_until_a_further_try_has_stored(home: Path) -> None:
    library = DaemonParts(Config()).library
    writer = library.writer
    assert isinstance(writer, BackgroundWriter)
    library.index.made()
    writer.indexer.notice = "The disk is full."
    still = library.status()
    assert still.notices[-1] == "The disk is full."
    tried = replace(still, notices=(), progress=Progress("embedding", passages_done=0, passages_total=9))
    assert writer.add_writer_state(tried).notices == ("The disk is full.",)
    stored = replace(tried, progress=Progress("embedding", passages_done=4, passages_total=9))
    assert writer.add_writer_state(stored).notices == ()
