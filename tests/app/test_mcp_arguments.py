"""Whatever an assistant sends as arguments, it gets an answer or an error in words.

A few calls in every run; `KEN_FUZZ=600 python -m pytest tests/app/test_mcp_arguments.py -s` goes on for so
many seconds and prints what it tried.
"""

from __future__ import annotations

import os
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from support.tiny_home import with_tiny_model

pytest.importorskip("mcp", reason="the mcp extra is not installed")

import anyio
from mcp.client import Client

from app.api import Library
from app.connect import local_library
from app.mcp.arguments import MAX_HITS, MAX_QUERY
from app.mcp.server import server

SECONDS = float(os.environ.get("KEN_FUZZ", "0"))
FUZZING = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
VALUES = st.sampled_from(
    ["", "99999999999999999999y", "1e999gb", "9" * 400, "nan", "-1", "0000", "9999", "~\0", "~root", "/../..",
     "*" * 200, "[", "[!", "pdf,type", "٣w", "²", "5" * 5000 + "w", "\ud800"]
)  # fmt: skip
FILTERS = st.builds(
    "{}:{}{}".format,
    st.sampled_from(["in", "type", "lang", "since", "before", "heading", "glob", "size", "mode"]),
    st.sampled_from(["", "<", ">", ">=", '"']),
    VALUES,
)
TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=40) | st.sampled_from(
    ["harbour", "a" * 1_000_000, "\0", '"', "(" * 2000, "NEAR(", "a OR", "-", "\U000e0041" * 50]
)
QUERIES = TEXT | st.lists(FILTERS | TEXT, max_size=4).map(" ".join)
PATHS = TEXT | TEXT.map("/{}".format) | st.sampled_from(
    ["/etc/passwd", "..", "~", "/dev/zero", "/proc/self/environ", "file:///etc/passwd", "/\\x00", "/\\ud800",
     "/\\U00110000", "/" + "a/" * 5000, "//"]
)  # fmt: skip
ODD = st.none() | st.booleans() | st.floats() | st.sampled_from(["3", "x", [], {}])
NUMBERS = st.integers(-3, 60) | st.integers(-(2**70), 2**70) | ODD
ARGUMENTS = {
    "query": QUERIES,
    "path": PATHS,
    "start": NUMBERS,
    "length": NUMBERS,
    "line": NUMBERS,
    "limit": NUMBERS,
    "around": NUMBERS,
    "tokens": NUMBERS | st.integers(200, 20_000),
    "filters": QUERIES,
    "questions": st.lists(QUERIES, max_size=3) | QUERIES | ODD,
    "spans": st.lists(st.fixed_dictionaries({"path": PATHS}, optional={"start": NUMBERS}), max_size=3) | ODD,
}
TOOLS = {
    "search": ("query", "limit"), "read": ("path", "start", "length", "around"), "forget": ("path",),
    "similar": ("path", "line", "limit"), "status": (), "outline": ("path",), "recent": ("filters", "limit"),
    "bundle": ("questions", "tokens"), "read_many": ("spans",),
}  # fmt: skip


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    tool = draw(st.sampled_from(sorted(TOOLS)))
    given = {name: draw(ARGUMENTS[name]) for name in TOOLS[tool] if draw(st.integers(0, 3))}
    if not draw(st.integers(0, 9)):
        given[draw(st.text(max_size=20))] = draw(NUMBERS | TEXT)
    return tool, given


class Asker:
    """Calls tools of one server, and says what is wrong with an answer."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.counts: Counter[str] = Counter()

    def ask(self, tool: str, given: dict[str, Any]) -> Any:
        async def run() -> Any:
            async with Client(server(self.library)) as client:
                return await client.call_tool(tool, given)

        return anyio.run(run)

    def wrong(self, tool: str, given: dict[str, Any]) -> str:
        answer = self.ask(tool, given)
        told = "".join(part.text for part in answer.content)
        self.counts["refused" if answer.is_error else "answered"] += 1
        if "Traceback" in told or 'File "' in told or "unexpected" in told:
            return f"an error of ken's: {told[:200]}"
        if answer.is_error and len(told) > 6_000:
            return "an error as long as what was sent"
        hidden = [c for c in told if unicodedata.category(c) in ("Cc", "Cs") and c != "\n"]
        return f"a hidden character {hidden[0]!r}" if hidden or "\u202e" in told or "\u200b" in told else ""


@pytest.fixture
def asker(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asker]:
    with_tiny_model(monkeypatch, home)
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "quay.md").write_text("# Harbour\n\nThe quay is calm.\n")
    with local_library() as library:
        library.add([str(notes)])
        library.sync()
        yield Asker(library)


@pytest.mark.parametrize(
    ("tool", "given", "told"),
    [
        ("search", {"query": "quay", "limit": 1000}, f"should be less than or equal to {MAX_HITS}"),
        ("search", {"query": "quay", "limit": -1}, "limit: Input should be greater than or equal to 1"),
        ("search", {"query": "quay", "limit": "many"}, "limit: Input should be a valid integer"),
        ("search", {"query": "a" * 1_000_000}, f"Send at most {MAX_QUERY:,}."),
        ("search", {"query": "quay size:>" + "9" * 400}, "is larger than any file"),
        ("search", {"query": "quay", "colour": "red"}, "no argument 'colour'. It takes: query, limit."),
        ("search", {}, "query: Field required"),
        ("read", {"path": "/a\0b"}, "The path has a NUL character"),
        ("read", {"path": "/" + "a" * 5000}, "The path has 5,001 bytes"),
        ("read", {"path": "/a\ud800"}, "characters that no path has"),
        ("read", {"path": "notes/quay.md"}, "is not absolute"),
        ("read", {"path": "/etc/passwd", "start": -1}, "start: Input should be greater than or equal to 0"),
        ("similar", {"path": "/etc/passwd", "line": -3}, "line: Input should be greater than or equal to 1"),
        ("similar", {"path": "/etc/passwd"}, "is not in the index"),
        ("read", {"path": "/a", "around": 9999}, "around: Input should be less than or equal to 5000"),
        ("bundle", {"questions": []}, "questions: List should have at least 1 item"),
        ("bundle", {"questions": ["quay"], "tokens": 5}, "tokens: Input should be greater than or"),
        ("bundle", {"questions": ["quay type:foo"]}, "type:foo is no kind of file"),
        ("recent", {"filters": "since:soon"}, "since:soon is no time"),
        ("read_many", {"spans": [{"start": 3}]}, "spans.0.path: Field required"),
        ("outline", {"path": "/etc/passwd"}, "is not in the index"),
        ("forget", {"path": "/"}, "There is no tool 'forget'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_call_is_said_in_words(
    tool: str, given: dict[str, Any], told: str, asker: Asker
) -> None:
    answer = asker.ask(tool, given)
    assert answer.is_error
    assert told in answer.content[0].text
    assert len(answer.content[0].text) < 6_000


@pytest.mark.skipif(SECONDS > 0, reason="KEN_FUZZ asks for the long run")
def test_no_argument_breaks_the_server(asker: Asker) -> None:
    @settings(FUZZING, max_examples=100, derandomize=True)
    @given(calls())
    def holds(call: tuple[str, dict[str, Any]]) -> None:
        assert asker.wrong(*call) == ""

    holds()


@pytest.mark.skipif(SECONDS <= 0, reason="KEN_FUZZ names no seconds")
def test_as_many_calls_as_the_time_allows(asker: Asker) -> None:
    found: dict[str, str] = {}
    end = time.monotonic() + SECONDS

    @settings(FUZZING)
    @given(calls())
    def try_one(call: tuple[str, dict[str, Any]]) -> None:
        if time.monotonic() < end and (wrong := asker.wrong(*call)):
            found.setdefault(wrong, repr(call)[:500])

    round_ = int.from_bytes(os.urandom(4), "big")
    while time.monotonic() < end:
        round_ += 1
        seed(round_)(try_one)()
    print(f"{asker.counts.total():,} calls: {dict(asker.counts)}, {len(found)} found", file=sys.stderr)
    assert not found, "\n".join(f"{wrong}: {call}" for wrong, call in found.items())
