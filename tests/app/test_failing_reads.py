"""A disk that fails for a while, and really does: nothing is lost or called damaged, all is tried again."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.failing_reads import run

from app.sync.retry_schedule import BACKOFF, MOST, DeletionGrace, Retries


@pytest.mark.parametrize(
    "scenario", ["reading_fails", "looking_fails", "its_server_dies", "a_read_never_comes_back"]
)
def test_a_disk_that_fails_for_a_while(home: Path, tmp_path: Path, scenario: str) -> None:
    run(scenario, tmp_path)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_fails_again_and_again_is_tried_less_and_less_often() -> None:
    clock = Clock()
    retries = Retries(clock)
    waits = []
    for _ in range(len(BACKOFF) + 1):
        retries.looking_at(["/a"])
        retries.failed("/a")
        retries.settle()
        waits.append(retries.due["/a"] - clock.now)
    assert waits == [*BACKOFF, BACKOFF[-1]]
    retries.looking_at(None)
    retries.settle()
    assert not retries.due
    retries.failed("/a")
    assert retries.due["/a"] == clock.now + BACKOFF[0]


def test_only_so_many_are_tried_by_the_clock() -> None:
    retries = Retries(Clock())
    for number in range(2 * MOST):
        retries.failed(f"/{number}")
    assert len(retries.due) == MOST


def test_what_is_away_is_dropped_when_its_grace_is_over() -> None:
    clock = Clock()
    grace = DeletionGrace(10.0, clock)
    assert grace.over(["/a", "/b"], [], with_grace=True) == []
    assert grace.over(["/a"], ["/b"], with_grace=True) == [] and set(grace.ends) == {"/a"}
    clock.now += 10.0
    assert grace.over(["/a"], [], with_grace=True) == ["/a"]
    assert grace.over(["/b"], [], with_grace=False) == ["/b"]
