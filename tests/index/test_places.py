"""Line, page, heading, slide and message of a hit are those of the sentence that is shown."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import documents
from support.sound import by_bytes, check_places

from index.extract import sniff
from index.extract.source import from_bytes
from index.passages.chunker import chunk_document
from index.search.searcher import Searcher
from index.store.store import Store
from index.types import FileRecord, Filter, Hit

SENTENCES = 60
WORDS = ("rope", "mast", "keel", "oar", "tide", "quay", "sand", "gull", "hull", "sail", "knot")


def name(number: int) -> str:
    """A word that stands in one sentence only."""
    return "zq" + "".join("abcdefghij"[int(digit)] for digit in f"{number:03}")


def sentence(chance: random.Random, number: int) -> str:
    words = " ".join(chance.choices(WORDS, k=chance.randint(4, 14)))
    return f"The {name(number)} is {words}."


def hits(name: str, data: bytes, queries: list[str], folder: Path) -> Iterator[Hit]:
    """The first hit of each query in an index of one file."""
    document = sniff.read(from_bytes(data, name))
    passages = chunk_document(document, Path(name).stem, by_bytes, size=1200)
    for passage in passages:
        check_places(document, passage)
    with Store(folder / f"{name}.db") as store:
        record = FileRecord(f"/srv/{name}", 1, len(data), 1, b"h", "indexed", kind=document.kind)
        store.put([(record, passages)])
    with Searcher(folder / f"{name}.db") as searcher:
        for query in queries:
            found = searcher.search(query, None, mode="words", limit=1).hits
            assert found, query
            assert query in found[0].snippet
            yield found[0]


def markdown(chance: random.Random) -> tuple[str, dict[int, str]]:
    """Sentences under headings, and the heading of each."""
    lines: list[str] = []
    under: dict[int, str] = {}
    heading = ""
    for number in range(SENTENCES):
        if chance.random() < 0.3:
            heading = f"Part {number}"
            lines += ["", f"{'#' * chance.randint(1, 3)} {heading}", ""]
        lines.append(chance.choice(["", "- ", "> "]) + sentence(chance, number))
        lines += [""] * chance.randint(0, 2)
        under[number] = heading
    return "\n".join(lines) + "\n", under


def line_of(text: str, number: int) -> int:
    return text[: text.index(name(number))].count("\n") + 1


QUERIES = [name(number) for number in range(SENTENCES)]


@pytest.mark.parametrize("seed", range(6))
def test_markdown(seed: int, tmp_path: Path) -> None:
    text, under = markdown(random.Random(seed))
    for number, hit in enumerate(hits("a.md", text.encode(), QUERIES, tmp_path)):
        assert hit.line == line_of(text, number)
        assert (hit.heading or ("",))[-1] == under[number]


def html(chance: random.Random) -> tuple[str, dict[int, str]]:
    """A page with what takes lines away from its text: comments, scripts, tags over several lines."""
    parts = [
        "<!doctype html>\n<html><head>\n<title>Page</title>\n<style>\np { color: red }\n</style></head><body>"
    ]
    under: dict[int, str] = {}
    heading = ""
    noise = [
        "<!-- a\ncomment -->", "<script>\nvar a = 1;\n</script>", "<div\n class='x'\n id='y'>\n", "</div\n>",
        "<br>\n", "<img alt='one\ntwo'>", "<nav>\nHome\n</nav>", "<template>\n</template>", "\n\n",
    ]  # fmt: skip
    for number in range(SENTENCES):
        if chance.random() < 0.2:
            heading = f"Part {number}"
            parts.append(f"<h2>{heading}</h2>")
        said = (
            sentence(chance, number).replace(" ", "\n") if chance.random() < 0.3 else sentence(chance, number)
        )
        block = chance.choice(
            [
                "<p>{}</p>",
                "<ul><li>\n{}\n</li></ul>",
                "<p>\n{} <b\n>bold</b\n></p>",
                "<table><tr><td>{}</td><td>x\n</td></tr></table>",
                "<pre>\n{}\n</pre>",
            ]
        )
        parts.append(chance.choice(noise) + block.replace("{}", said) + chance.choice(["", "\n"]))
        under[number] = heading
    return "".join(parts) + "</body></html>\n", under


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("seed", range(6))
def test_html(seed: int, size: str, tmp_path: Path) -> None:
    text, under = html(random.Random(seed))
    if size == "large":  # pages above a size are made simpler before they are parsed
        text += "<p>\nfiller</p>\n" * 6_000
    for number, hit in enumerate(hits("a.html", text.encode(), QUERIES, tmp_path)):
        at = text.index(name(number))
        at = text.rindex("The", 0, at) if "The" in hit.snippet.split(name(number))[0] else at
        assert hit.line == text[:at].count("\n") + 1, (number, hit.snippet)
        assert (hit.heading or ("",))[-1] == under[number]


@pytest.mark.parametrize("seed", range(3))
def test_a_table_whose_cells_have_line_ends(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    rows = ["what,note"]
    for number in range(SENTENCES):
        note = "two\nlines" if chance.random() < 0.4 else "one"
        rows.append(f'"{sentence(chance, number)}","{note}"')
    text = "\n".join(rows) + "\n"
    for number, hit in enumerate(hits("a.csv", text.encode(), QUERIES, tmp_path)):
        assert hit.line == line_of(text, number)


@pytest.mark.parametrize("indent", [None, 1])
def test_a_notebook(indent: int | None, tmp_path: Path) -> None:
    chance = random.Random(1)
    cells = [
        {"cell_type": "markdown" if number % 2 else "code", "source": ["first\n", sentence(chance, number)],
         "outputs": [], "metadata": {}}
        for number in range(SENTENCES)
    ]  # fmt: skip
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}, indent=indent)
    for number, hit in enumerate(hits("a.ipynb", text.encode(), QUERIES, tmp_path)):
        assert hit.line == line_of(text, number)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("count", [SENTENCES, 2_000])
def test_json(indent: int | None, count: int, tmp_path: Path) -> None:
    chance = random.Random(2)
    text = json.dumps([{"id": n, "say": sentence(chance, n % 1000)} for n in range(count)], indent=indent)
    for number, hit in enumerate(hits("a.json", text.encode(), QUERIES[:20], tmp_path)):
        if count < 1000:
            assert hit.line == line_of(text, number)


def test_slides_and_pages(tmp_path: Path) -> None:
    deck = documents.every()["a.pptx"]
    document = sniff.read(from_bytes(deck, "a.pptx"))
    assert document.lines == ()
    for found in hits("a.pptx", deck, [document.text.split()[0]], tmp_path):
        assert (found.line, found.page) == (0, 1)


WITHOUT_LINES = frozenset(
    {"pdf", "docx", "pptx", "odt", "odp", "odg", "sheet", "epub", "mail", "mbox", "archive"}
)


def test_formats_without_lines_have_none() -> None:
    for file, data in documents.every().items():
        document = sniff.read(from_bytes(data, file))
        assert document.kind not in WITHOUT_LINES or document.lines == (), file
        if document.lines is not None:
            assert all(line <= io.BytesIO(data).read().count(b"\n") + 1 for _, line in document.lines), file


def test_a_filter_by_heading_finds_and_shows_what_stands_under_it(tmp_path: Path) -> None:
    text = "# Hut\n\n## Stove\n\nOil hinges.\n\n## Ökologie\n\nOil kills newts.\n\n## Tools\n\nOil can.\n"
    list(hits("a.md", text.encode(), [], tmp_path))
    with Searcher(tmp_path / "a.md.db") as searcher:
        for heading, words, line in (("Stove", "hinge", 5), ("ökologie", "newts", 9), ("tools", "can", 13)):
            found = searcher.search("oil", None, mode="words", filter=Filter(heading=heading)).hits
            assert (found[0].line, found[0].heading[-1].casefold()) == (line, heading.casefold())
            assert words in found[0].snippet
        assert not searcher.search("oil", None, mode="words", filter=Filter(heading="Roof")).hits
