"""Every word that names a kind or a language finds a document of it, in every front that takes one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import documents
from support.tiny_home import indexed_library, ken, ken_json, with_tiny_model

from app import query
from app.library import Library
from index import kinds, languages
from index.types import Filter


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """A library that holds one file of every kind, and one of every suffix that is plain text."""
    folder = tmp_path_factory.mktemp("kinds")
    root = folder / "documents"
    root.mkdir()
    for name, data in documents.every().items():
        known = kinds.of_file_name(name)
        told_by_name = known is not None and name in known.file_names
        (root / (name if told_by_name else f"lantern{Path(name).suffix}")).write_bytes(data)
    for kind in kinds.KINDS:
        for suffix in kind.suffixes if kind.name in ("text", "code", "markdown") else ():
            (root / f"tower{suffix}").write_text(f"The harbour lies open, written as {suffix[1:]} here.\n")
    with pytest.MonkeyPatch.context() as patch, indexed_library(patch, folder / "home", root) as library:
        yield library


def found(library: Library, narrowed: Filter) -> set[str]:
    """Names of the files that a filter lets through."""
    hits = library.search("", limit=1000, filter=narrowed).hits
    return {Path(hit.path).name for hit in hits}


@pytest.mark.parametrize("kind", kinds.UNREAD, ids=lambda kind: str(kind.name))
def test_every_word_for_a_kind_that_is_not_read_selects_it(kind: kinds.UnreadKind) -> None:
    for word in (kind.name, *kind.aliases):
        assert kind.name in kinds.select(word).kinds
    for suffix in kind.suffixes.split():
        assert kinds.guessed(f"a{suffix}") == kind.name
        assert suffix.count(".") > 1 or kinds.select(suffix) != kinds.Selection()


WORDS = [
    *kinds.GROUPS,
    *kinds.OFFERED,
    *(word for kind in kinds.KINDS for word in (kind.name, *kind.aliases)),
]


@pytest.mark.parametrize("word", dict.fromkeys(WORDS))
def test_a_word_for_a_kind_finds_a_document(word: str, indexed: Library) -> None:
    asked = query.parse(f"harbour type:{word}")
    assert not asked.problems
    assert found(indexed, asked.filter)


def test_every_kind_is_stored_under_its_own_name(indexed: Library) -> None:
    for kind in kinds.KINDS:
        assert found(indexed, Filter(kinds=(kind.name,))), kind.name


def test_words_are_counted_as_they_select(indexed: Library) -> None:
    counted = indexed.kinds()
    assert {"md", "word", "txt"} <= counted.keys() and "docx" not in counted
    assert list(counted.values()) == sorted(counted.values(), reverse=True)
    for word, files in counted.items():
        assert indexed.search("", limit=1, filter=query.parse(f"type:{word}").filter).total == files, word


def test_a_suffix_finds_files_of_that_suffix_and_no_others(indexed: Library) -> None:
    for kind in kinds.KINDS:
        for suffix in kind.suffixes:
            chosen = kinds.select(suffix)
            names = found(indexed, Filter(kinds=chosen.kinds, suffixes=chosen.suffixes))
            if not chosen.kinds:
                assert all(kinds.suffix_of(name) in chosen.suffixes for name in names), suffix


@pytest.mark.parametrize("word", dict.fromkeys([*languages.OFFERED, *languages.ALIASES]))
def test_a_word_for_a_language_finds_its_code(word: str, indexed: Library) -> None:
    assert found(indexed, query.languages([word])), word


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("type:pfd", "pfd is no kind of file; did you mean pdf?"),
        ("type:picure", "picure is no kind of file; did you mean picture?"),
        ("lang:pyhton", "pyhton is no language; did you mean python?"),
        ("type:pdf,zzzz", "pdf,zzzz (zzzz) is no kind of file"),
    ],
)
def test_a_word_that_names_nothing_is_told_with_the_nearest(typed: str, told: str) -> None:
    asked = query.parse(f"harbour {typed}")
    assert [problem.partition(":")[2] for problem in asked.problems] == [told]


def test_the_command_line_tells_a_wrong_kind(
    monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path
) -> None:
    with_tiny_model(monkeypatch, home)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("The harbour.\n")
    ken("index", tmp_path / "notes")
    for wrong in (["--type", "pfd", "harbour"], ["harbour type:pfd"]):
        told = ken("search", "--mode", "words", *wrong)
        assert told.exit_code != 0
        assert "did you mean pdf?" in told.stderr
    assert ken_json("search", "--mode", "words", "--type", "md", "harbour")["hits"]


def test_the_documentation_lists_every_kind() -> None:
    page = (Path(__file__).parents[2] / "assets" / "docs" / "reading.md").read_text(encoding="utf-8")
    for kind in kinds.KINDS:
        assert kind.name in page, kind.name
        assert not kind.suffixes or any(suffix in page for suffix in kind.suffixes) or kind.name == "code"
