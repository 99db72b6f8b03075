"""What a page's geometry says: columns, hyphens, running heads, headings, titles."""

from __future__ import annotations

import re

import pytest
from support.documents import pdf

from index.errors import FileFailed, FileSkipped
from index.extract import sniff
from index.extract.source import from_bytes
from index.types import Document

LEFT = [
    f"left column line number {word} goes on"
    for word in ["one", "two", "three", "four", "five", "six", "seven", "eight"]
]
RIGHT = [
    f"right column line number {word} goes on"
    for word in ["one", "two", "three", "four", "five", "six", "seven", "eight"]
]


def read(pages: list[list[tuple[int, int, int, str]]], title: str = "") -> Document:
    return sniff.read(from_bytes(pdf(pages, title), "a.pdf"))


def test_two_columns_drawn_row_by_row_are_read_column_by_column() -> None:
    rows = [
        line
        for i, (a, b) in enumerate(zip(LEFT, RIGHT, strict=True))
        for line in ((60, 700 - 14 * i, 10, a), (330, 700 - 14 * i, 10, b))
    ]
    text = " ".join(read([rows]).text.split())
    assert text == " ".join([*LEFT, *RIGHT])


def test_hyphens_at_line_ends_are_mended_unless_they_belong() -> None:
    text = read(
        [
            [
                (72, 700, 10, "The harbour is a well-known place and the commu-"),
                (72, 687, 10, "nication of the port is well-"),
                (72, 674, 10, "known to all who sail there."),
            ]
        ]
    ).text
    assert "the communication of the port is well-known to all" in text


def test_running_heads_are_read_once_and_page_numbers_are_dropped() -> None:
    body = "The tide rises slowly over the flats on day"
    pages = [
        [(72, 760, 9, "Journal of Tides"), (72, 700, 10, f"{body} {word}."), (300, 30, 9, str(i))]
        for i, word in enumerate(["one", "two", "three", "four", "five"], 11)
    ]
    document = read(pages)
    assert document.text.count("Journal of Tides") == 1
    assert not any(str(i) in document.text for i in range(11, 16))
    assert len(document.pages) == 5
    assert document.text[document.pages[2] :].startswith(f"{body} three.")


def test_numbered_lines_that_go_on_are_headings() -> None:
    body = [(72, 600 - 13 * i, 10, f"Water moves in sentence number {i} of this text.") for i in range(8)]
    document = read([[(72, 700, 14, "1 Introduction"), *body], [(72, 700, 14, "2 Methods"), *body]])
    assert [s.heading for s in document.sections if s.kind == "heading"] == [
        ("1 Introduction",),
        ("2 Methods",),
    ]


def test_the_title_is_the_largest_line_where_the_metadata_names_a_file() -> None:
    lines = [(72, 700, 24, "A guide to the harbour")]
    lines += [(72, 600 - 13 * i, 10, "Boats moor at the east quay in the evening.") for i in range(5)]
    assert read([lines], "guide-final.docx").title == "A guide to the harbour"
    assert read([lines], "Harbour rules").title == "Harbour rules"


def test_pages_without_text_are_told_to_be_read_as_pictures() -> None:
    line = [(72.0, 700.0, 10.0, "Boats moor at the east quay.")]
    assert read([[], line, []]).scans == (1, 3)
    assert not read([[]]).text.strip()


def test_a_truncated_file_fails_or_gives_what_is_left() -> None:
    whole = pdf([[(72, 700, 10, "Boats moor at the east quay.")]])
    assert "cut off" in sniff.read(from_bytes(whole[: whole.index(b"xref")], "a.pdf")).note
    for size in (9, 60, whole.index(b"/MediaBox")):
        with pytest.raises((FileFailed, FileSkipped)):
            sniff.read(from_bytes(whole[:size], "a.pdf"))


@pytest.mark.parametrize("columns", [2, 3, 4])
def test_columns_written_line_by_line_are_read_one_after_the_other(columns: int) -> None:
    width = 540 // columns
    lines = [
        (30 + width * column, 700 - 13 * line, 7, f"column {column} line {line} goes on")
        for line in range(30)
        for column in range(columns)
    ]
    text = sniff.read(from_bytes(pdf([lines]), "a.pdf")).text
    places = [text.index(f"column {column} line {line} ") for column in range(columns) for line in (0, 29)]
    assert places == sorted(places)


def apart(*words: str) -> str:
    """What draws words as some scanners do: letters apart, the last one a piece of its own."""
    pieces = (f"2 Tc ({word[:-1]}) Tj 0 Tc ({word[-1]} ) Tj" for word in words)
    return f") Tj {' '.join(pieces)} ("


def test_a_letter_that_is_a_piece_of_its_own_ends_its_word() -> None:
    lines = ["North Buona Vista Drive", "The Metropolis Tower", "United States of America", "Plate 54780"]
    drawn = [(72, 700 - 20 * i, 9, apart(*line.split())) for i, line in enumerate(lines)]
    text = sniff.read(from_bytes(pdf([drawn]), "a.pdf")).text
    assert all(line in text for line in lines), text


@pytest.mark.parametrize("words", ["abgehoben", "an bodenhohen gaben", "a b a"])
def test_letters_set_apart_are_words(words: str) -> None:
    """All of these letters are 5 points wide at this size."""
    places = [(72 + 8 * i + 6 * words[:i].count(" "), letter) for i, letter in enumerate(words)]
    drawn = [(x, 700, 9, letter) for x, letter in places if letter != " "]
    assert sniff.read(from_bytes(pdf([drawn]), "a.pdf")).text.split("\n")[0] == words


def test_of_a_file_that_is_cut_off_the_pages_that_are_there_are_read() -> None:
    whole = pdf([[(72, 700, 10, f"Boats moor at quay {n}.")] for n in range(1, 6)])
    for pages in range(1, 6):
        end = [found.end() for found in re.finditer(rb"endstream", whole)][pages - 1]
        document = sniff.read(from_bytes(whole[:end], "a.pdf"))
        assert [f"quay {n}." in document.text for n in range(1, 6)] == [n <= pages for n in range(1, 6)]
        assert len(document.pages) == pages and "cut off" in document.note
    assert "cut off" not in sniff.read(from_bytes(whole, "a.pdf")).note


def test_pages_of_nothing_but_a_number_are_kept() -> None:
    data = pdf([[(300, 40, 11, "1")], [(300, 40, 11, "2")]])
    assert sniff.read(from_bytes(data, "a.pdf")).text.split() == ["1", "2"]
