"""The watcher on real folders, with the system's own events."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.waiting import until

from app.sync import inotify
from app.sync.change_queue import ChangeQueue
from app.sync.watcher import Watcher
from index.store.store import Store

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "old.md").write_text("old")
    return folder


@pytest.fixture
def queue() -> ChangeQueue:
    return ChangeQueue()


@pytest.fixture
def watcher(queue: ChangeQueue, notes: Path) -> Iterator[Watcher]:
    watcher = Watcher(queue, ignored=(str(notes / "ken-home"),))
    yield watcher
    watcher.stop()


@pytest.fixture
def marked(queue: ChangeQueue) -> Callable[[Path], bool]:
    """Whether a path was handed out by the queue, now or before, itself or with its tree."""
    seen: dict[str, bool] = {}

    def is_marked(path: Path) -> bool:
        seen.update(queue.take())
        return any(
            str(path) == one or (tree and str(path).startswith(one + os.sep)) for one, tree in seen.items()
        )

    return is_marked


@pytest.mark.fast
def test_saves_moves_and_deletes_mark_their_paths(
    watcher: Watcher, notes: Path, marked: Callable[[Path], bool]
) -> None:
    assert watcher.follow([str(notes)])[str(notes)].state == "watching"
    (notes / "deep" / "er" / "new.md").write_text("new")
    until(lambda: marked(notes / "deep" / "er" / "new.md"))
    (notes / "old.md").rename(notes / "deep" / "moved.md")
    until(lambda: marked(notes / "old.md") and marked(notes / "deep" / "moved.md"))
    (notes / "deep" / "er" / "new.md").unlink()
    until(lambda: marked(notes / "deep" / "er" / "new.md"))


def test_an_editors_atomic_save_marks_the_file_itself(
    watcher: Watcher, notes: Path, marked: Callable[[Path], bool]
) -> None:
    watcher.follow([str(notes)])
    draft = notes / ".old.md.swp-1"
    draft.write_text("edited")
    draft.replace(notes / "old.md")
    until(lambda: marked(notes / "old.md"))


def test_a_folder_moved_in_or_out_marks_its_tree(
    watcher: Watcher, notes: Path, tmp_path: Path, marked: Callable[[Path], bool]
) -> None:
    watcher.follow([str(notes)])
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "brought.md").write_text("x")
    outside.rename(notes / "inside")
    until(lambda: marked(notes / "inside" / "brought.md"))
    (notes / "deep").rename(tmp_path / "away")
    until(lambda: marked(notes / "deep" / "er"))


def test_reading_a_file_marks_nothing(watcher: Watcher, notes: Path, marked: Callable[[Path], bool]) -> None:
    watcher.follow([str(notes)])
    (notes / "old.md").read_text()
    list(notes.rglob("*"))
    (notes / "last.md").write_text("the events before this one have all been seen")
    until(lambda: marked(notes / "last.md"))
    assert not marked(notes / "old.md")


def test_kens_own_folder_inside_a_watched_one_marks_nothing(
    watcher: Watcher, notes: Path, marked: Callable[[Path], bool]
) -> None:
    (notes / "ken-home").mkdir()
    watcher.follow([str(notes)])
    (notes / "ken-home" / "index.db-wal").write_text("x")
    (notes / "last.md").write_text("x")
    until(lambda: marked(notes / "last.md"))
    assert not marked(notes / "ken-home" / "index.db-wal")


def test_a_folder_reached_through_a_link_keeps_its_own_name(
    watcher: Watcher, notes: Path, tmp_path: Path, marked: Callable[[Path], bool]
) -> None:
    link = tmp_path / "link"
    link.symlink_to(notes)
    watcher.follow([str(link)])
    (notes / "deep" / "new.md").write_text("x")
    until(lambda: marked(link / "deep" / "new.md"))


def test_names_that_are_not_text_are_marked(
    watcher: Watcher, notes: Path, marked: Callable[[Path], bool]
) -> None:
    if sys.platform == "darwin":
        pytest.skip("macOS allows no such names")
    watcher.follow([str(notes)])
    path = Path(os.fsdecode(os.fsencode(notes) + b"/bad-\xff.md"))
    path.write_text("x")
    until(lambda: marked(path))


def test_a_missing_folder_is_told_and_followed_when_it_is_back(
    watcher: Watcher, notes: Path, tmp_path: Path, marked: Callable[[Path], bool]
) -> None:
    watcher.follow([str(notes)])
    notes.rename(tmp_path / "unplugged")
    assert watcher.follow([str(notes)])[str(notes)].state == "missing"
    (tmp_path / "unplugged").rename(notes)
    assert watcher.follow([str(notes)])[str(notes)].state == "watching"
    (notes / "new.md").write_text("x")
    until(lambda: marked(notes / "new.md"))


def test_another_folder_under_the_same_name_is_followed_in_its_place(
    watcher: Watcher, notes: Path, tmp_path: Path, queue: ChangeQueue
) -> None:
    watcher.follow([str(notes)])
    notes.rename(tmp_path / "before")
    notes.mkdir()
    assert watcher.follow([str(notes)], again=False)[str(notes)].state == "watching"
    until(lambda: queue.take().get(str(notes)), what="the whole folder to be marked")
    (tmp_path / "before" / "old.md").write_text("no longer ours")
    (notes / "new.md").write_text("x")
    assert until(queue.take) == {str(notes / "new.md"): False}


def test_a_file_kept_by_itself_is_followed_through_atomic_saves(
    watcher: Watcher, notes: Path, queue: ChangeQueue
) -> None:
    file = notes / "old.md"
    for number in range(3):
        watcher.follow([str(file)], again=False)
        until(lambda: not queue.take() and not len(queue))
        draft = notes / "draft"
        draft.write_text(str(number))
        draft.replace(file)
        until(lambda: str(file) in queue.take())


def test_what_could_not_be_watched_is_tried_again_only_when_asked(
    queue: ChangeQueue, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = [True]
    monkeypatch.setattr("app.sync.watcher.is_remote", lambda path: remote[0])
    watcher = Watcher(queue)
    try:
        assert watcher.follow([str(notes)])[str(notes)].state == "polling"
        remote[0] = False
        assert watcher.follow([str(notes)], again=False)[str(notes)].state == "polling"
        assert watcher.follow([str(notes)])[str(notes)].state == "watching"
    finally:
        watcher.stop()


def test_folders_no_longer_followed_mark_nothing(
    watcher: Watcher, notes: Path, tmp_path: Path, marked: Callable[[Path], bool]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    watcher.follow([str(notes), str(other)])
    watcher.follow([str(other)])
    (notes / "old.md").write_text("changed")
    (other / "last.md").write_text("x")
    until(lambda: marked(other / "last.md"))
    assert not marked(notes / "old.md")


def test_a_warning_of_watchdog_means_to_compare_everything(
    watcher: Watcher, notes: Path, queue: ChangeQueue
) -> None:
    watcher.follow([str(notes)])
    logging.getLogger("watchdog.observers.inotify_c").warning("Inotify queue overflowed")
    assert queue.take_scan()


@linux_only
def test_a_real_overflow_means_to_compare_everything(
    watcher: Watcher, notes: Path, queue: ChangeQueue
) -> None:
    setting = Path("/proc/sys/fs/inotify/max_queued_events")
    if not os.access(setting, os.W_OK):
        pytest.skip("only root may lower the limit")
    before = setting.read_text()
    try:
        setting.write_text("4")
        watcher.follow([str(notes)])
    finally:
        setting.write_text(before)
    script = "import sys,os\nfor n in range(20000): open(os.path.join(sys.argv[1], str(n % 50)), 'w').close()"
    subprocess.run([sys.executable, "-c", script, str(notes)], check=True)
    until(queue.take_scan)


@linux_only
def test_more_folders_than_may_be_watched_are_polled(queue: ChangeQueue, notes: Path, tmp_path: Path) -> None:
    large = tmp_path / "large"
    for number in range(300):
        (large / str(number)).mkdir(parents=True)
    in_use = 10_000 - (inotify.room(10_000) or 0) - 1000
    watcher = Watcher(queue, watch_limit=round((in_use + 200) / 0.9))
    try:
        watches = watcher.follow([str(large), str(notes)])
        assert watches[str(large)].state == "polling"
        assert "301" in watches[str(large)].note
        assert watches[str(notes)].state == "watching"
    finally:
        watcher.stop()


@linux_only
def test_the_systems_limit_is_noticed_where_counting_did_not_help(tmp_path: Path) -> None:
    """In a user namespace of its own with room for 50 watches, the real call fails below the root."""
    if subprocess.run(["unshare", "-Ur", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespaces here")
    large = tmp_path / "large"
    for number in range(100):
        (large / str(number)).mkdir(parents=True)
    script = (
        "import sys; from app.sync.change_queue import ChangeQueue; from app.sync.watcher import Watcher\n"
        "watcher = Watcher(ChangeQueue(), watch_limit=10**9)\n"
        "print(watcher.follow([sys.argv[1]])[sys.argv[1]].state)\n"
        "watcher.stop()"
    )
    shell = 'echo 50 > /proc/sys/user/max_inotify_watches && exec "$0" -c "$1" "$2"'
    command = ["unshare", "-Ur", "sh", "-c", shell, sys.executable, script, str(large)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "polling", done.stderr


def test_another_home_inside_a_watched_folder_marks_nothing(
    watcher: Watcher, notes: Path, marked: Callable[[Path], bool]
) -> None:
    other = notes / "deep" / "other-home"
    other.mkdir()
    Store(other / "index.db").close()
    watcher.follow([str(notes)])
    (other / "ken.log").write_text("x")
    (notes / "last.md").write_text("x")
    until(lambda: marked(notes / "last.md"))
    assert not marked(other / "ken.log")


def test_what_one_folder_makes_fail_keeps_no_other_from_being_followed(
    watcher: Watcher, notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "odd"
    odd.mkdir()

    def fails(path: str) -> bool:
        if path == str(odd):
            raise RuntimeError("odd")
        return False

    monkeypatch.setattr("app.sync.watcher.is_remote", fails)
    watches = watcher.follow([str(odd), str(notes)])
    assert (watches[str(odd)].state, watches[str(notes)].state) == ("polling", "watching")


def test_an_event_that_cannot_be_understood_means_to_compare_everything(
    watcher: Watcher, notes: Path, queue: ChangeQueue, marked: Callable[[Path], bool]
) -> None:
    mark = queue.mark

    def odd(path: str, *, tree: bool = False, priority: bool = False) -> None:
        if path.endswith("odd.md"):
            raise ValueError(path)
        mark(path, tree=tree, priority=priority)

    queue.mark = odd  # type: ignore[method-assign]
    watcher.follow([str(notes)])
    (notes / "odd.md").write_text("x")
    until(queue.take_scan)
    (notes / "last.md").write_text("x")
    until(lambda: marked(notes / "last.md"))
