"""Time as evidence: what a query asks for in words, and what the times of files add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from support.index_content import embed_all, passage, record

from index.search.recency import EQUAL, IN_PERIOD, TimeAsked, time_asked
from index.search.searcher import Searcher
from index.store.store import Store
from index.types import Hit

NOW = datetime(2026, 11, 27, 18)
"""A Friday."""


def asked(query: str) -> tuple[str, str] | None:
    found = time_asked(query, NOW)
    assert found is None or found.period is not None
    return None if found is None else (f"{found.period[0]:%Y-%m-%d}", f"{found.period[1]:%Y-%m-%d}")


@pytest.mark.parametrize(
    ("query", "first", "over"),
    [
        ("what I wrote yesterday", "2026-11-26", "2026-11-27"),
        ("notes of last week", "2026-11-16", "2026-11-23"),
        ("Rechnungen vom letzten Monat", "2026-10-01", "2026-11-01"),
        ("la semaine dernière", "2026-11-16", "2026-11-23"),
        ("facturas del año pasado", "2025-01-01", "2026-01-01"),
        ("上周的笔记", "2026-11-16", "2026-11-23"),
        ("去年的账单", "2025-01-01", "2026-01-01"),
        ("3 days ago", "2026-11-24", "2026-11-25"),
        ("a photo of March 2023", "2023-03-01", "2023-04-01"),
        ("on October 13, 2023", "2023-10-13", "2023-10-14"),
        ("am 3. März 2023", "2023-03-03", "2023-03-04"),
        ("el 3 de marzo de 2023", "2023-03-03", "2023-03-04"),
        ("2023年5月3日", "2023-05-03", "2023-05-04"),
        ("log of 2024-05-31", "2024-05-31", "2024-06-01"),
        ("budget 2024", "2024-01-01", "2025-01-01"),
        ("what happened in March", "2026-03-01", "2026-04-01"),
        ("what happened in December", "2025-12-01", "2026-01-01"),
    ],
)
def test_a_time_in_words_is_a_period(query: str, first: str, over: str) -> None:
    assert asked(query) == (first, over)


@pytest.mark.parametrize("query", ["latest invoice", "die neueste Fassung", "最新的版本", "most recent note"])
def test_the_newest_may_be_asked_for(query: str) -> None:
    assert time_asked(query, NOW) == TimeAsked()


@pytest.mark.parametrize(
    "query",
    ["tide", "port 2024:80", "v2024.1", "ISO 2022-7", "hier steht es", "you may march", "30000 miles",
     "in 2030", "the year 1492", "0000-00-00", "9999-12-31", "last 0 cups"],
)  # fmt: skip
def test_what_is_no_time_or_has_not_begun_is_none(query: str) -> None:
    assert asked(query) is None


def test_of_an_impossible_date_the_year_counts() -> None:
    assert asked("31 February 2023") == ("2023-01-01", "2024-01-01")


def search(
    tmp_path: Path, query: str, files: Sequence[tuple[str, str, str]], date: dict[str, str] | None = None
) -> tuple[Hit, ...]:
    """The hits for a query in an index of files: names, days of their last change, texts."""
    with Store(tmp_path / "index.db", fingerprint="a") as store:
        for name, day, text in files:
            changed = int(datetime.fromisoformat(day).timestamp() * 1e9)
            fields = (("date", date[name]),) if date and name in date else ()
            store.put([(replace(record(name), mtime_ns=changed, fields=fields), [passage(text)])])
        embed_all(store)
        with Searcher(store.path) as searcher:
            return searcher.search(query, None, mode="words", explain=True).hits


NOTES = [
    ("/a.md", "2023-03-04", "The boatyard wrote an invoice for the mast."),
    ("/b.md", "2024-07-01", "The boatyard wrote an invoice for the pump."),
    ("/c.md", "2022-01-09", "The boatyard wrote an invoice for the keel."),
]


def test_the_period_that_is_asked_for_comes_first_and_is_told(tmp_path: Path) -> None:
    first, *others = search(tmp_path, "invoice of the boatyard in March 2023", NOTES)
    assert first.path == "/a.md"
    assert first.explain["date"] == pytest.approx(IN_PERIOD)
    assert all("date" not in hit.explain for hit in others)


def test_the_newest_that_answers_comes_first(tmp_path: Path) -> None:
    notes = [*NOTES, ("/d.md", "2026-01-01", "Tea is at four.")]
    found = search(tmp_path, "latest invoice of the boatyard", notes)
    assert [hit.path for hit in found] == ["/b.md", "/a.md", "/c.md"]


def test_the_date_that_a_document_gives_counts_before_its_change(tmp_path: Path) -> None:
    dates = {"/b.md": "2023", "/c.md": "2023-03-09"}
    found = search(tmp_path, "invoice of the boatyard, 9 March 2023", NOTES, dates)
    assert {hit.path for hit in found if hit.explain.get("date", 0) > EQUAL} == {"/c.md", "/b.md"}


def test_among_equals_the_newest_comes_first_and_a_better_one_before_it(tmp_path: Path) -> None:
    better = ("/z.md", "2001-01-01", "Invoice: the boatyard wrote an invoice.")
    found = search(tmp_path, "boatyard invoice", [*NOTES, better])
    assert [hit.path for hit in found] == ["/z.md", "/b.md", "/a.md", "/c.md"]
