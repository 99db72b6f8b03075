"""What `python -m tests.benchmarks halves` chooses, and what it counts as held."""

from __future__ import annotations

import itertools

from tests.benchmarks.halves import CODE, PROSE, ScoredSet, choose, divide, table


def scored(name: str, least: float, most: float, *, gain: float = 1.0) -> ScoredSet:
    """A set that gains by weights in prose from `least` to `most`, and loses a lot by others."""
    hybrid = {
        (prose, code): 80 + (gain if least <= prose <= most else -5.0)
        for prose, code in itertools.product(PROSE, CODE)
    }
    return ScoredSet(name, 80.0, hybrid)


def test_the_middle_of_the_weights_that_lose_nothing_is_chosen() -> None:
    assert choose([scored("a", 0.3, 0.9), scored("b", 0.5, 1.4)]) == (0.7, 0.1)
    assert choose([scored("a", 0.2, 0.4), scored("b", 1.0, 1.4)])[0] in PROSE


def test_a_choice_holds_where_no_set_of_the_other_half_loses() -> None:
    alike = divide([scored(name, 0.6, 1.1) for name in "abcd"])
    assert (alike.choices, alike.held, alike.prose) == (6, 6, (0.9, 0.9))
    two_kinds = divide([scored("a", 0.2, 0.5), scored("b", 0.2, 0.5), *(scored(n, 0.7, 1.6) for n in "cd")])
    assert two_kinds.held == 0
    assert "0 of 6" in table(two_kinds)
    assert [one.least for one in two_kinds.sets][2:] == [75.0, 75.0]
