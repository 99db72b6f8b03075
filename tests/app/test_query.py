"""Questions with filters in them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import query
from index.types import Filter

NOW = datetime(2024, 6, 15, 12, 0)


def nanoseconds(*date: int) -> int:
    return int(datetime(*date).timestamp()) * 1_000_000_000  # type: ignore[misc]


def test_filters_are_taken_out_and_quotes_stay() -> None:
    asked = query.parse('in:notes type:pdf,md how to "exact words" since:2w', now=NOW)
    assert asked.text == 'how to "exact words"'
    assert asked.filter == Filter(
        folders=("notes",), kinds=("pdf", "markdown"), since_ns=nanoseconds(2024, 6, 1, 12)
    )


@pytest.mark.parametrize(
    "typed", ["http://example.org/a?b", "note: this", "10:30 train", "since:", 'say:"hi']
)
def test_what_only_looks_like_a_filter_is_asked(typed: str) -> None:
    assert query.parse(typed) == query.Query(typed)


def test_a_quoted_value_may_hold_blanks() -> None:
    asked = query.parse('heading:"Set up" in:"my notes" boiler')
    assert asked.filter == Filter(folders=("my notes",), heading="Set up")
    assert asked.text == "boiler"


def test_mode_and_size() -> None:
    asked = query.parse("mode:words size:>1mb size:<2.5mb report")
    assert asked.mode == "words"
    assert asked.filter == Filter(min_size=1 << 20, max_size=int(2.5 * (1 << 20)))


@pytest.mark.parametrize(
    "typed", ["since:soon", "before:2024-13-01", "size:big", "mode:magic", "since:99999y"]
)
def test_what_is_not_understood_is_named(typed: str) -> None:
    asked = query.parse(f"{typed} words")
    assert asked.text == "words"
    assert asked.filter == Filter()
    assert len(asked.problems) == 1 and asked.problems[0].startswith(typed)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2024", (2024, 1, 1)),
        ("2024-05", (2024, 5, 1)),
        ("2024-05-31", (2024, 5, 31)),
        ("today", (2024, 6, 15)),
        ("yesterday", (2024, 6, 14)),
        ("3d", (2024, 6, 12, 12)),
        ("1w", (2024, 6, 8, 12)),
        ("12h", (2024, 6, 15, 0)),
    ],
)
def test_times(said: str, meant: tuple[int, ...]) -> None:
    assert query.parse_time(said, NOW) == nanoseconds(*meant)


def test_a_folder_below_here_is_a_path_and_any_other_a_name(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    assert query.folders(["notes"], tmp_path).folders == (str(tmp_path / "notes"),)
    assert query.folders(["drafts"], tmp_path).folders == ("drafts",)
    assert query.folders(["/srv/notes/"], tmp_path).folders == ("/srv/notes",)


@given(st.text(max_size=80))
def test_whatever_is_typed_parses(typed: str) -> None:
    asked = query.parse(typed, now=NOW)
    assert all(isinstance(problem, str) for problem in asked.problems)
    if all(sign.isspace() or (sign.isalnum() and not sign.isupper()) for sign in typed):  # no sign, OR, NOT
        assert asked.filter == Filter()
        assert asked.text.split() == typed.split()


@given(st.lists(st.sampled_from(["in:a", "type:md", "heading:x", "since:2024"]), max_size=6))
def test_merging_adds_lists_up_and_lets_the_later_value_count(filters: list[str]) -> None:
    whole = query.parse(" ".join(filters), now=NOW).filter
    assert len(whole.folders) == filters.count("in:a")
    assert (whole.since_ns is not None) == ("since:2024" in filters)


def test_a_problem_is_one_sentence() -> None:
    assert query.parse("type:pfd").first_problem == "type:pfd is no kind of file; did you mean pdf?"
    assert query.parse("since:foo").first_problem.endswith("2024-05-31.")
    assert query.parse("boiler").first_problem == ""
