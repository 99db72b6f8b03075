"""Drawings in SVG: their words are read, those without words are found by their names and are no problem."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import documents
from support.tiny_home import with_tiny_model

from app import query
from app.connect import local_library
from app.library import Library
from index.errors import FileFailed
from index.extract import sniff
from index.extract.source import from_bytes
from index.types import Document

pytestmark = pytest.mark.fast

ICON = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M1 2L3 4"/></svg>'


def read(name: str, text: str) -> Document:
    return sniff.read(from_bytes(text.encode(), name))


def drawing(inner: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:h="http://www.w3.org/1999/xhtml">{inner}</svg>'


def test_texts_titles_and_descriptions_are_read_at_their_lines() -> None:
    document = read("a.svg", documents.SVG)
    assert (document.kind, document.title) == ("svg", "Plan of the harbour")
    assert document.text.splitlines() == [
        "Plan of the harbour", "Where boats moor.", "East quay", "three metres", "Lighthouse",
    ]  # fmt: skip
    assert document.lines is not None and [line for _, line in document.lines] == [3, 4, 5, 6]


@pytest.mark.parametrize(
    ("inner", "lines"),
    [
        ('<text y="5">One</text><text y="5">line</text><text y="9">next</text>', ["One line", "next"]),
        ("<text><tspan>T</tspan><tspan>ide</tspan></text>", ["Tide"]),
        ('<text><tspan x="0" y="1">a</tspan><tspan x="0" y="2">b</tspan></text>', ["a", "b"]),
        ("<switch><foreignObject><h:div>Shown</h:div><h:p>below</h:p></foreignObject><text>Not</text></switch>",
         ["Shown", "below"]),
        ("<metadata>data</metadata><script>run()</script><text>&amp;co&nbsp;x</text>", ["&co x"]),
        ("<g><title>Node</title><a><text>linked</text></a></g>", ["Node", "linked"]),
    ],
)  # fmt: skip
def test_what_is_one_line_in_a_drawing_is_one_line(inner: str, lines: list[str]) -> None:
    assert read("a.svg", drawing(inner)).text.splitlines() == lines


def test_entities_of_a_file_are_not_resolved() -> None:
    bomb = '<!DOCTYPE svg [<!ENTITY a "tide"><!ENTITY b "&a;&a;">]>\n' + drawing("<text>x &b; y</text>")
    assert read("a.svg", bomb).text.strip() == "x y"


def test_a_drawing_that_breaks_off_is_read_up_to_there() -> None:
    document = read("a.svg", drawing("<text>Tide</text>").removesuffix("</svg>") + "\n<text")
    assert document.text.strip() == "Tide" and "breaks off in line 2" in document.note


def test_a_drawing_is_told_by_its_content() -> None:
    assert read("plan", documents.SVG).kind == "svg"
    with pytest.raises(FileFailed, match="no drawing"):
        read("a.svg", "Words.")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    for name, text in (("icon.svg", ICON), ("plan.svg", documents.SVG)):
        (tmp_path / "root" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "root" / name).write_text(text)
    with_tiny_model(monkeypatch, tmp_path / "home")
    with local_library() as library:
        library.add([str(tmp_path / "root")])
        library.sync()
        yield library


def test_a_drawing_without_words_is_found_by_its_name_and_read_once(library: Library) -> None:
    assert library.problems() == ()
    assert Path(library.search("icon.svg").hits[0].path).name == "icon.svg"
    asked = query.parse("type:picture")
    assert {Path(hit.path).name for hit in library.search("", filter=asked.filter).hits} == {
        "icon.svg",
        "plan.svg",
    }
    report = library.sync()
    assert (report.named, report.changed, report.unchanged) == (0, 0, 2)
