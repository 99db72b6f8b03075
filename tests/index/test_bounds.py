"""No shape of a file takes a reader more time or memory than it has: it is read, and a bomb is refused.

`KEN_FUZZ=1` tries every shape of `support.shapes`, and not only those that once took too long.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import bombs, shapes
from support.sound import bytes_counter

from index.errors import FileFailed, FileSkipped
from index.extract import ChunkerSettings, ReaderPool

PROCESSOR_SECONDS = 30.0
"""Half of what a reader has; what grows with the square of these sizes takes minutes and more."""
UNFORESEEN = ("took more than", "made the reader crash", "not what its name says (")
SHAPES = dict([*shapes.of_text(), *shapes.of_archives()])
BOMBS = bombs.every()
LARGE: dict[str, Callable[[], bytes]] = {
    "backticks.md": lambda: b"`" * 500_000,
    "tildes.md": lambda: b"~" * 500_000,
    "comments.xml": lambda: b"<!--" * 500_000 + b"The ferry leaves at six.",
    "digits.xml": lambda: b"<a>&#" + b"9" * 500_000 + b"; The ferry leaves at six.</a>",
    "blanks.org": lambda: b"* a" + b" " * 1_300_000 + b"b",
    "lists.html": lambda: b"<dl><dd>" * 100_000 + b"words",
    "unknown.html": lambda: b"<x-y><div></x-y>" * 60_000 + b"words",
    "formatting.html": lambda: b"".join(b"<p><b class=a%d></p>" % i for i in range(30_000)) + b"words",
    "options.html": lambda: b"<optgroup><option>" * 60_000 + b"words",
    "outside.html": lambda: b"<tbody></li><ul>" * 60_000 + b"words",
    "attributes.html": lambda: b"<p " + b"".join(b"a%d='1' " % i for i in range(250_000)) + b">words",
    "capitals.html": lambda: b"<DIV>" * 200_000 + b"words",
    "links.rtf": lambda: rb"{\rtf1{\field{\*\fldinst{" + b'HYPERLINK "' * 60_000 + b"x}}words}",
    "fonts.rtf": lambda: rb"{\rtf1\ansi{\fonttbl{" + rb"\f0\fcharset0 " * 60_000 + rb"Arial}}\pard words}",
    **{
        name: functools.partial(SHAPES[name], 15_000)
        for name in ("in-tables.docx", "in-boxes.docx", "in-tables.pptx", "in-shapes.pptx", "in-notes.odt",
                     "in-frames.odt", "attributes.docx")
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def pool() -> Iterator[ReaderPool]:
    with ReaderPool(1, seconds=PROCESSOR_SECONDS) as started:
        yield started


def reason(pool: ReaderPool, path: Path, data: bytes) -> str:
    """Why a file was not read; empty where it was."""
    path.write_bytes(data)
    try:
        pool.read(str(path), ChunkerSettings(bytes_counter, 768))
    except FileSkipped as error:
        return error.what
    except FileFailed as error:
        assert error.what
        return error.what
    return ""


@pytest.fixture(autouse=True)
def code_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


@pytest.mark.parametrize("name", LARGE)
def test_what_is_large_and_odd_is_read(name: str, pool: ReaderPool, tmp_path: Path) -> None:
    foreseen = ("", "It holds data, hardly any prose.", "It holds data, and no text.")
    assert reason(pool, tmp_path / name, LARGE[name]()) in foreseen


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_with_a_reason_or_read_in_part(name: str, pool: ReaderPool, tmp_path: Path) -> None:
    said = reason(pool, tmp_path / name, BOMBS[name]())
    assert not any(words in said for words in UNFORESEEN)


# Some three thousand, so that they are collected only where KEN_FUZZ asks for them.
@pytest.mark.parametrize("name", SHAPES if "KEN_FUZZ" in os.environ else ())
def test_every_shape_is_read_or_refused_in_time(name: str, pool: ReaderPool, tmp_path: Path) -> None:
    assert "took more than" not in reason(pool, tmp_path / name, SHAPES[name](60_000))
