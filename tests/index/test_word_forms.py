"""A word is found however it is typed and however it is written, and what is marked is as it is written."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.index_content import passage, record

from index.search.searcher import Searcher
from index.store.database import fetch_all, open_reader
from index.store.store import Store
from index.store.word_forms import FORM, fold, fold_with_origins
from index.types import Filter

FIXTURE = Path(__file__).parents[1] / "fixtures" / "index-0.1.0.db.gz"
WRITTEN = [
    ("Der Schleu\u00adsen\u00adwär\u00adter kommt.", "Schleusenwärter"),
    ("Der Schleusenwärter kommt.", "Schleu\u00adsenwarter"),
    ("a\u200bnti\u2060dis\ufeffestablish", "antidisestablish"),
    ("ملوان‌ها می‌خواهند بروند", "میخواهند"),
    ("ملوان‌ها میخواهند بروند", "می‌خواهند"),
    ("שָׁלוֹם עוֹלָם", "שלום"),
    ("كِتَابٌ جَدِيدٌ", "كتاب"),
    ("كتـــاب جديد", "كتاب"),
    ("اگر کتاب", "كتاب"),
    ("أحمد", "احمد"),
    ("Łódź leży", "lodz"),
    ("Straße nach Großenbrode", "grossenbrode"),
    ("STRASSE", "straße"),
    ("Bjørn på Ærø", "bjorn"),
    ("Bjørn på Ærø", "aero"),
    ("İstanbul ılık", "istanbul"),
    ("The family \U0001f469\u200d\U0001f469\u200d\U0001f467 came", "\U0001f467"),
    ("Ship it \U0001f680!", "\U0001f680"),
    ("good \U0001f44d\U0001f3fd", "\U0001f44d"),
    ("Ferry ❤️", "❤"),
    ("It is written in C++17.", "C++"),
    ("A small C# program", "C#"),
    ("A small C＃ program", "C#"),
    ("Compiled by g++ today", "g++"),
]


def found(path: Path, query: str) -> list[str]:
    with Searcher(path) as searcher:
        return [hit.path for hit in searcher.search(query, None, mode="words").hits]


@pytest.mark.parametrize(("written", "typed"), WRITTEN)
def test_a_word_is_found_as_it_is_typed(written: str, typed: str, tmp_path: Path) -> None:
    with Store(tmp_path / "index.db") as store:
        store.put(
            [(record("/n/a.md"), [passage(written)]), (record("/n/b.md"), [passage("Vitamin C, plan")])]
        )
    for query in (typed, f'"{typed}"'):
        with Searcher(tmp_path / "index.db") as searcher:
            hits = searcher.search(query, None, mode="words").hits
            assert hits[0].path == "/n/a.md"
            assert hits[0].snippet == written
            assert hits[0].matched, "nothing is marked"


@pytest.mark.parametrize("sign", ["C#", "C++", "F#", "\U0001f680"])
def test_a_sign_that_is_quoted_must_occur(sign: str, tmp_path: Path) -> None:
    texts = {"/n/a.md": f"We ship {sign} code", "/n/b.md": "Vitamin C and a plan C, F and ship"}
    with Store(tmp_path / "index.db") as store:
        store.put([(record(path), [passage(text)]) for path, text in texts.items()])
    assert found(tmp_path / "index.db", f'"{sign}"') == ["/n/a.md"]


@given(st.text(max_size=60))
def test_every_character_of_a_folded_text_has_its_origin(text: str) -> None:
    folded = fold_with_origins(text)
    assert folded.origins is None or len(folded.origins) == len(folded.text) + 1
    for i in range(len(folded.text)):
        start, end = folded.span(i, i + 1)
        assert 0 <= start < end <= max(1, len(text))


@given(st.text("abcšłßøC#+ \u00ad\u200c\u0301\U0001f680", max_size=40))
def test_piece_by_piece_and_as_a_whole_the_same_comes_out(text: str) -> None:
    assert fold_with_origins(text).text.split() == fold(text).split()


def test_words_of_an_index_of_an_earlier_release_are_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    path.write_bytes(gzip.decompress(FIXTURE.read_bytes()))
    with Store(path) as store:
        assert store.check() == []
    form = fetch_all(open_reader(path), "SELECT value FROM settings WHERE name = 'words form'")
    assert form == [(FORM,)]
    assert [Path(one).name for one in found(path, "south wall")] == ["garden.md"]


@pytest.mark.parametrize("asked", ["übersicht", "ÜBERSICHT", "u\u0308bersicht"])
@pytest.mark.parametrize("name", ["Übersicht", "U\u0308bersicht"])
def test_a_folder_is_meant_whatever_its_case_and_its_accents_are_made_of(
    asked: str, name: str, tmp_path: Path
) -> None:
    with Store(tmp_path / "index.db") as store:
        store.put([(record(f"/n/{name}/a.md"), [passage("boat")]), (record("/n/b/b.md"), [passage("boat")])])
    with Searcher(tmp_path / "index.db") as searcher:
        hits = searcher.search("boat", None, mode="words", filter=Filter(folders=(asked,))).hits
        assert [hit.path for hit in hits] == [f"/n/{name}/a.md"]
