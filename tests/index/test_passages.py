"""Passages: exact positions, nothing lost, never too large, and steady under edits."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import documents
from support.sound import by_bytes
from support.sound import check_passages as check

from index.errors import FileFailed, FileSkipped
from index.extract import ReaderPool, sniff
from index.extract.markdown import sections_of
from index.extract.source import from_bytes
from index.passages.chunker import chunk_document
from index.passages.token_counter import CachedTokenCounter
from index.types import Document, Passage, Section
from index.walk.walker import FoundFile, Rules, walk

pytestmark = pytest.mark.fast


def by_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) + text.count("\n") for text in texts]


BLOCK = st.one_of(
    st.text(max_size=80),
    st.text("ab .!?\n\u3002\u4e2d\u00e9\U0001f600\t|#-`", max_size=200),
    st.sampled_from(
        [
            "# One",
            "## Two",
            "```\nx = 1\n",
            "```",
            "| a | b |\n| c | d |",
            "- item",
            "word " * 60,
            "\n\n",
            "x" * 300,
        ]
    ),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(BLOCK, max_size=25),
    st.integers(16, 120),
    st.sampled_from(["a.md", "a.txt", "a.py", "a.rst", "a.org", "a.tex"]),
)
def test_any_text_is_cut_exactly(blocks: list[str], size: int, name: str) -> None:
    try:
        document = sniff.read(from_bytes("\n".join(blocks).encode("utf-8", "replace"), name))
    except FileSkipped:
        return
    for counter in (by_bytes, by_words):
        check(
            document, chunk_document(document, "name", counter, size=size, overlap=size // 10), counter, size
        )


@settings(max_examples=100, deadline=None)
@given(
    st.text("ab \n.", max_size=300),
    st.lists(st.tuples(st.integers(-5, 320), st.integers(-5, 320)), max_size=8),
)
@example(f" {'a' * 20}", [(21, 0), (0, 2)])
def test_sections_that_overlap_or_lie_outside_lose_nothing(text: str, spans: list[tuple[int, int]]) -> None:
    document = Document(text, "text", sections=tuple(Section(max(0, a), min(b, len(text))) for a, b in spans))
    check(document, chunk_document(document, "name", by_bytes, size=40, overlap=4), by_bytes, 40)


@pytest.mark.parametrize("name", sorted(documents.every()))
def test_every_format_is_cut_exactly(name: str) -> None:
    document = sniff.read(from_bytes(documents.every()[name], name))
    check(document, chunk_document(document, "name", by_bytes, size=120, overlap=12), by_bytes, 120)


@pytest.mark.skipif("KEN_CORPORA" not in os.environ, reason="KEN_CORPORA names no folder of documents")
def test_every_readable_file_of_a_folder_is_cut_exactly() -> None:
    with ReaderPool() as pool:
        for verdict in walk(os.environ["KEN_CORPORA"], Rules()):
            if not isinstance(verdict, FoundFile):
                continue
            try:
                document = pool.read(verdict.path).document
            except (FileSkipped, FileFailed):
                continue
            check(document, chunk_document(document, Path(verdict.path).stem, by_words), by_words, 448)


CLASS = '''import os


class Harbour:
    """Boats, and where they lie."""

    def berths(self, boats):
        """Give every boat the shortest berth that is free and long enough.

        The longest boats choose first.
        """
        free = sorted(self.free, key=len)

        for boat in sorted(boats, key=len, reverse=True):
            berth = next(berth for berth in free if len(berth) >= len(boat))

            free.remove(berth)
            yield boat, berth

    def leave(self, boat):
        """Free the berth of a boat, which may come back later in the day, and tell the harbour master."""
        berth = self.berth_of(boat)

        self.free.append(berth)
        self.master.tell(boat, berth)
'''


def test_a_function_is_one_passage_in_source_code_only() -> None:
    def texts(name: str, size: int) -> list[str]:
        document = sniff.read(from_bytes(CLASS.encode(), name))
        return [one.text for one in chunk_document(document, "harbour", by_bytes, size=size)]

    whole = texts("harbour.py", 1200)
    assert len(whole) == 3
    assert [text.strip().splitlines()[0] for text in whole[1:]] == [
        "def berths(self, boats):",
        "def leave(self, boat):",
    ]
    assert whole[1].endswith("yield boat, berth")
    assert len(texts("harbour.txt", 1200)) > 3
    assert max(map(len, texts("harbour.py", 300))) <= 300


def words(random: Random, low: int, high: int) -> str:
    return " ".join(random.choice(VOCABULARY) for _ in range(random.randint(low, high))).capitalize() + "."


VOCABULARY = ["".join(Random(i).choices("etaoinshrdlucmf", k=3 + i % 6)) for i in range(800)]


def essay(random: Random, paragraphs: int) -> list[str]:
    found: list[str] = []
    for i in range(paragraphs):
        if i % 9 == 4:
            found.append(f"## {words(random, 2, 4)}")
        found.append(" ".join(words(random, 6, 24) for _ in range(random.randint(1, 6))))
    return found


def changed(before: str, after: str, name: str = "a.md") -> int:
    def passages(text: str) -> list[Passage]:
        return chunk_document(sniff.read(from_bytes(text.encode(), name)), "name", by_words)

    kept = {passage.key for passage in passages(before)}
    return sum(passage.key not in kept for passage in passages(after))


@pytest.mark.slow
def test_a_line_at_the_top_of_a_long_text_changes_three_passages_at_most() -> None:
    random = Random(3)
    for name, joint in (("a.md", "\n\n"), ("a.txt", "\n\n"), ("a.txt", "\n")):
        text = joint.join(words(random, 8, 30) for _ in range(5000))
        assert changed(text, f"A new first line.\n{text}", name) <= 3
        assert changed(text, f"A new first paragraph.\n\n{text}", name) <= 3


def test_an_edit_in_one_place_changes_three_passages_at_most() -> None:
    random = Random(5)
    for _ in range(30):
        before = essay(random, 60)
        at = random.choice([i for i, block in enumerate(before) if not block.startswith("#")])
        typed = [*before[:at], before[at] + " One more sentence.", *before[at + 1 :]]
        added = [*before[:at], words(random, 20, 40), *before[at:]]
        for after in (typed, added):
            assert changed("\n\n".join(before), "\n\n".join(after)) <= 3


def moves(random: Random, before: list[str], joint: str, name: str, times: int) -> list[int]:
    """How many passages are new after each of some moves of one paragraph."""

    def keys(blocks: Sequence[str]) -> set[bytes]:
        document = sniff.read(from_bytes(joint.join(blocks).encode(), name))
        return {passage.key for passage in chunk_document(document, "name", by_words)}

    known = keys(before)
    counts = []
    for _ in range(times):
        after = list(before)
        moved = after.pop(random.choice([i for i, block in enumerate(before) if block[0] != "#"]))
        after.insert(random.randrange(1, len(before)), moved)
        counts.append(len(keys(after) - known))
    return counts


@pytest.mark.slow
def test_moving_a_paragraph_changes_three_passages_at_most() -> None:
    random = Random(7)
    notes = [block for block in essay(random, 150) if block[0] != "#"]
    counts = [
        *moves(random, essay(random, 150), "\n\n", "a.md", 60),
        *moves(random, notes, "\n\n", "a.txt", 60),
        *moves(random, [words(random, 8, 30) for _ in range(400)], "\n", "a.txt", 60),
        *moves(random, [words(random, 3, 25) for _ in range(400)], "\n\n", "a.txt", 60),
    ]
    assert max(counts) <= 3


def test_sections_stand_alone_and_fragments_join() -> None:
    long = "word " * 200
    text = f"# Title\n\n## First\n\n{long}\n\n## Second\n\n{long}\n\n## Tiny\n\nfew words\n"
    passages = chunk_document(sniff.read(from_bytes(text.encode(), "a.md")), "name", by_words)
    assert [p.heading for p in passages] == [("Title", "First"), ("Title", "Second")]
    assert passages[0].text.startswith("# Title")
    assert passages[1].text.endswith("few words")


def test_tables_and_fences_are_whole_where_they_fit() -> None:
    table = "\n".join(f"| row {i} | {i} |" for i in range(30))
    fence = "```\n" + "\n\n".join(f"line {i}" for i in range(30)) + "\n```"
    text = "\n\n".join(
        [("word " * 150).strip(), table, ("word " * 150).strip(), fence, ("word " * 150).strip()]
    )
    passages = chunk_document(
        sniff.read(from_bytes(text.encode(), "a.md")), "name", by_words, size=300, overlap=30
    )
    assert sum(table in p.text for p in passages) == 1
    assert sum(fence in p.text for p in passages) == 1


def test_overlap_stands_only_where_a_cut_was_forced() -> None:
    sentences = " ".join(f"Sentence number {i} says a few more words." for i in range(200))
    text = f"First paragraph.\n\n{sentences}\n\nLast paragraph."
    passages = chunk_document(
        sniff.read(from_bytes(text.encode(), "a.txt")), "name", by_words, size=100, overlap=20
    )
    overlaps = [a.end > b.start for a, b in pairwise(passages)]
    assert all(overlaps[1:-1]) and len(passages) > 10
    whole = chunk_document(
        sniff.read(from_bytes(text.encode(), "a.txt")), "name", by_words, size=100, overlap=0
    )
    assert not any(a.end > b.start for a, b in pairwise(whole))


def test_what_is_withheld_is_in_no_passage() -> None:
    key = "AKIA" + "Q7RZ2M9XW4LK8TBV"
    text = f"# Setup\n\nBefore it.\n\nThe key is {key}.\n\nAfter it.\n"
    passages = chunk_document(sniff.read(from_bytes(text.encode(), "a.md")), "name", by_words)
    assert not any(key in p.text for p in passages)
    assert any("Before it." in p.text for p in passages) and any("After it." in p.text for p in passages)


def shapes(size: int) -> dict[str, Document]:
    """Documents of `size` small parts: what a hostile or merely large file is made of."""
    lines = "x y\n" * size
    whole = (Section(0, len(lines)),)
    blocks = tuple(Section(i * 4, i * 4 + 3) for i in range(size))
    headings = tuple(Section(i * 4, i * 4 + 3, "heading", ("h",) * (i % 7 + 1)) for i in range(size))
    spans = tuple((i * 4, i * 4 + 1) for i in range(0, size, 2))
    return {
        "lines in one section": Document(lines, "text", sections=whole),
        "lines of code": Document(lines, "code", sections=(whole[0]._replace(kind="code"),)),
        "items": Document("- a\n" * size, "text", sections=(whole[0]._replace(kind="list"),)),
        "sections": Document(lines, "text", sections=blocks),
        "headings": Document(lines, "text", sections=headings),
        "withheld lines": Document(lines, "text", sections=blocks, withheld=spans),
        "withheld in one line": Document("x y " * size, "text", withheld=spans),
        "one line of words": Document("word " * size, "text"),
        "one line without blanks": Document("x" * 4 * size, "text"),
        "stops": Document("a. " * size, "text"),
    }


@pytest.mark.parametrize("shape", shapes(1))
@pytest.mark.slow
def test_a_document_of_many_small_parts_is_cut(shape: str) -> None:
    """So many that work growing with the square of their number would not end within the suite's limit."""
    document = shapes(40_000)[shape]
    passages = chunk_document(document, "name", by_words)
    assert passages or document.withheld
    assert all(passage.text == document.text[passage.start : passage.end] for passage in passages)


def test_the_title_is_the_documents_or_the_given_name() -> None:
    assert chunk_document(Document("words", "text"), "my notes", by_words)[0].title == "my notes"
    assert (
        chunk_document(Document("words", "text", title="Stated"), "my notes", by_words)[0].title == "Stated"
    )


def test_the_word_counter_asks_once_and_adds_up() -> None:
    asked: list[str] = []

    def slow(texts: Sequence[str]) -> list[int]:
        asked.extend(texts)
        return by_bytes(texts)

    counter = CachedTokenCounter(slow)
    texts = ["one two one", "two\n\nthree " + "x" * 2000, ""]
    assert counter(texts) == by_bytes(texts)
    before = len(asked)
    assert counter(["one two"]) == [7]
    assert len(asked) == before


def test_numbers_of_one_length_are_asked_for_once() -> None:
    asked: list[str] = []

    def slow(texts: Sequence[str]) -> list[int]:
        asked.extend(texts)
        return by_bytes(texts)

    counter = CachedTokenCounter(slow)
    assert counter(["in 1907 and é2"]) == by_bytes(["in 1907 and é2"])
    before = len(asked)
    assert counter(["in 2026 and é7"]) == by_bytes(["in 2026 and é7"])
    assert len(asked) == before


@given(st.lists(st.text("ab \n\t.,-1é中ไ\u00a0", max_size=60), max_size=4))
@example([" \n  ", "a \nb  c", "a  \n b", "\u00a0  a \n \nb "])
def test_words_counted_apart_are_never_fewer_than_their_text(texts: list[str]) -> None:
    for text, counted in zip(texts, CachedTokenCounter(by_bytes)(texts), strict=True):
        assert (
            by_bytes([text])[0]
            <= counted
            <= by_bytes([text])[0] + 1 + text.count("\t") + text.count("\u00a0")
        )


def test_a_long_list_is_cut_between_its_items() -> None:
    items = [
        f"- **Item {n}** holds what was agreed on it,\n  and goes on over a second line." for n in range(80)
    ]
    text = "# Lease\n\n" + "\n".join(items) + "\n"
    document = Document(text, "markdown", title="Lease", sections=tuple(sections_of(text)))
    passages = chunk_document(
        document, "lease", lambda texts: [len(t.split()) for t in texts], size=120, overlap=12
    )
    assert len(passages) > 5
    assert all(p.text.startswith(("# ", "- ")) for p in passages)
    assert all(p.text.endswith("line.") for p in passages)
