"""The queue of marked paths, against a clock of the test's own."""

from __future__ import annotations

import threading

from app.sync.change_queue import LONGEST, MOST, QUIET, ChangeQueue


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_path_waits_until_it_is_quiet() -> None:
    clock = Clock()
    queue = ChangeQueue(clock)
    queue.mark("/notes/a.md")
    clock.now += QUIET * 0.9
    queue.mark("/notes/a.md")
    clock.now += QUIET * 0.9
    assert queue.take() == {} and len(queue) == 1
    clock.now += QUIET
    assert queue.take() == {"/notes/a.md": False}
    assert queue.take() == {} and len(queue) == 0


def test_a_path_that_is_never_quiet_is_taken_all_the_same() -> None:
    clock = Clock()
    queue = ChangeQueue(clock)
    started = clock.now
    while not queue.has_ready:
        queue.mark("/logs/busy.txt")
        clock.now += QUIET / 2
    assert clock.now - started <= LONGEST + QUIET
    assert queue.take() == {"/logs/busy.txt": False}


def test_a_tree_stands_for_everything_under_it() -> None:
    clock = Clock()
    queue = ChangeQueue(clock)
    queue.mark("/notes/old/before.md")
    queue.mark("/notes/old", tree=True)
    for number in range(100):
        queue.mark(f"/notes/old/sub/{number}.md")
    queue.mark("/notes/older.md")
    clock.now += LONGEST
    assert queue.take() == {"/notes/old": True, "/notes/older.md": False}


def test_more_paths_than_can_be_followed_become_one_scan() -> None:
    queue = ChangeQueue(Clock())
    for number in range(MOST + 1):
        queue.mark(f"/notes/{number}.md")
    assert len(queue) == 0
    assert queue.take_scan()
    assert not queue.take_scan()


def test_wait_ends_when_a_path_is_marked_from_another_thread() -> None:
    queue = ChangeQueue()
    waiter = threading.Thread(target=lambda: queue.wait(60.0))
    waiter.start()
    queue.mark_all("a test")
    waiter.join(timeout=10.0)
    assert not waiter.is_alive()
