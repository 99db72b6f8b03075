"""Colours never hold the interface up: what takes too long to style is shown as it is."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psutil
import pytest
from support.waiting import until

from app.tui.code import code_lines
from app.tui.lexer_process import LexerProcess
from app.tui.markdown import markdown_lines
from app.tui.styled_lines import PreviewLine

pytestmark = pytest.mark.slow

ENDLESS = """
import sys; sys.path.append(sys.argv[1])
import re
from app.tui import lexing
lexing.styled_tokens = lambda language, text: re.match("(a+)+$", "a" * 64 + "b")
lexing.main()
"""
"""The process with a lexer that would take longer than the universe is old, in one expression."""
SLOW = [
    ("c#", "a\n" * 8_000), ("c#", "foo\nbar\n" * 2_000), ("c", "\n" * 16_000), ("java", "a\n" * 8_000),
    ("scala", "a." * 8_000),
]  # fmt: skip
HARD = (
    "`",
    "``a",
    "**a ",
    "_a",
    "[[",
    "[a](b(",
    "==a",
    "|",
    "- ",
    "| -",
    " |-",
    "> ",
    "[](a",
    " ",
    "\\",
    "a|",
)


def text_of(lines: list[PreviewLine]) -> str:
    return "\n".join(line.text for line in lines)


@pytest.fixture
def process() -> Iterator[LexerProcess]:
    opened = LexerProcess()
    yield opened
    opened.close()


def test_code_has_colours(process: LexerProcess) -> None:
    lines = code_lines("def boil(): # hot\n\treturn 100\n", 0, 1, "python", process)
    styles = {piece.text: piece.style for line in lines for piece in line.pieces}
    assert styles["def"] == "keyword"
    assert styles["boil"] == "name"
    assert styles["# hot"] == "comment"
    assert styles["100"] == "number"


@pytest.mark.parametrize(("language", "text"), SLOW)
def test_text_is_whole_where_its_lexer_is_slow(language: str, text: str, process: LexerProcess) -> None:
    assert text_of(code_lines(text, 0, 1, language, process)) == text


def test_a_lexer_that_never_ends_is_ended() -> None:
    process = LexerProcess(ENDLESS)
    started = {child.pid for child in psutil.Process().children()}
    assert text_of(code_lines("a\tb", 0, 1, "python", process)) == "a    b"
    until(
        lambda: {child.pid for child in psutil.Process().children()} <= started,
        what="the end of the process",
    )
    process.close()


def test_a_process_that_was_killed_is_started_again(process: LexerProcess) -> None:
    assert process.tokens("python", "return 1")
    alive = [c for c in psutil.Process().children() if c.status() != psutil.STATUS_ZOMBIE]
    lexers = [c for c in alive if "app.tui.lexing" in " ".join(c.cmdline())]
    child = max(lexers, key=psutil.Process.create_time)
    child.kill()
    child.wait()
    assert process.tokens("python", "return 1")


def test_styling_markdown_takes_no_more_than_the_square_of_a_line() -> None:
    def seconds(length: int) -> float:
        def once() -> float:
            begun = time.process_time()
            for unit in HARD:
                for end in ("x", "`", ")"):
                    for lead in ("", " " * (length // 4)):
                        markdown_lines((lead + unit * length)[: length - 1] + end, 0, 2)
            return time.process_time() - begun

        return min(once() for _ in range(3))

    assert seconds(1600) < 32 * seconds(400)
