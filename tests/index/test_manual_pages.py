"""Manual pages in man and mdoc, packed or not, are the text that `man` shows; others of such names not."""

from __future__ import annotations

import gzip

import pytest
from support import documents

from index.extract import sniff
from index.extract.roff_text import resolved
from index.extract.source import from_bytes
from index.types import Document


def read(name: str, data: bytes | str) -> Document:
    return sniff.read(from_bytes(data.encode() if isinstance(data, str) else data, name))


def line_of(document: Document, words: str) -> int:
    at = document.text.index(words)
    assert document.lines is not None
    return next(line for start, line in reversed(document.lines) if start <= at)


def test_a_page_of_man_is_its_sections_and_options() -> None:
    page = read("tide.1", documents.MAN)
    assert (page.kind, page.title) == ("man", "tide(1)")
    assert page.text.split("\n\n") == [
        "NAME", "tide - print the height of the water", "SYNOPSIS", "tide [hours ...]", "OPTIONS",
        "-a, --all\nPrint every quay's height.", "• Boats moor.", "Table",
        "| quay | metres |\n| east | three meters |\ntide -a > low.txt\n  sort low.txt", "",
    ]  # fmt: skip
    assert next(section.heading for section in page.sections if section.kind == "row") == ("OPTIONS", "Table")
    assert (line_of(page, "Print every"), line_of(page, "sort low")) == (14, 28)


def test_a_page_of_mdoc_is_its_sections_and_options() -> None:
    page = read("ebb.8", documents.MDOC)
    assert (page.kind, page.title) == ("man", "ebb(8)")
    assert page.text.split("\n\n") == [
        "NAME", "ebb – show the ebb", "SYNOPSIS", "ebb [-vlevel]", "DESCRIPTION",
        "The ebb utility reads /etc/tides, see tide(1).", "-v level\nHow much is said.", "| east | 3 |\n",
    ]  # fmt: skip


def test_a_packed_page_is_a_page_without_lines() -> None:
    page = read("tide.1.gz", gzip.compress(documents.MAN.encode()))
    assert (page.kind, page.title, page.lines) == ("man", "tide(1)", ())
    assert page.text == read("tide.1", documents.MAN).text


@pytest.mark.parametrize("name", ["access.log.1", "notes.3", "backup.5.gz"])
def test_other_files_of_such_names_are_no_pages(name: str) -> None:
    words = b"10:02 The harbour opened.\n.TH is a macro of man.\n"
    document = read(name, gzip.compress(words) if name.endswith(".gz") else words)
    assert document.kind == ("archive" if name.endswith(".gz") else "text")
    assert ".TH is a macro" in document.text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (r"\fB\-a\fR \(em \f[I]x\f[]\|y", "-a — xy"),
        (r"Pok\['e]mon, \(:u, \[u00E9], \[a ao]", "Pokémon, ü, é, å"),
        (r"\s-1POSIX\s0 \h'-04'\(bu\h'+03'\c", "POSIX •"),
        (r"C:\edir \*[set]! \" a remark", "C:\\dir said! "),
        (r"a\&.b \w'abc'u \o'xy' \N'65' \\", "a.b u xy A \\"),
        ("end\\", "end"),
        (r"\[nosuch] \(zz", "nosuch zz"),
    ],
)
def test_escapes_are_the_characters_they_stand_for(written: str, shown: str) -> None:
    assert resolved(written, {"set": "said"}) == shown


PREAMBLE = ".TH A 1\n"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (".if t shown only in print\n.if n shown here\n", "shown here"),
        (".ie t \\{\\\nprint\n.\\}\n.el \\{\\\nscreen\n.\\}\nafter\n", "screen after"),
        ('.if "a"b" \\{\n.if n \\{ x\n.\\}\nno\n.\\}\nyes\n', "yes"),
        (
            ".de OPT\n\\\\$2 of \\\\$1\n..\n.als AGAIN OPT\n.OPT tide high\n.AGAIN b a\n",
            "high of tide a of b",
        ),
        (
            ".de URL\n.  ie t print\n.  el \\\\$2 <\\\\$1>\n.  .\n.URL http://x.example the tide\n",
            "the <http://x.example>",
        ),
        (".de LOOP\n.LOOP\n..\n.LOOP\nstill read\n", "still read"),
        (".ig\nleft out\n..\nread\n", "read"),
        (".de NEVER\nwords of no definition\n", "words of no definition"),
        (".UR http://x.example\nthe tides\n.UE .\n", "the tides <http://x.example>."),
        (".PP\n.B bold\n.br\nnext\n", "bold\nnext"),
        ('.IP "\\-a" 4\n.PD 0\n.IP "\\-\\-all" 4\n.PD\nAll of it.\n', "-a\n--all\nAll of it."),
        (".so man1/other.1\n", "See man1/other.1."),
    ],
)
def test_requests_and_macros_are_done(written: str, shown: str) -> None:
    assert read("a.1", PREAMBLE + written).text.strip() == shown


def test_a_page_in_an_old_encoding_says_which() -> None:
    page = "'\\\" -*- coding: ISO-8859-2 -*-\n.TH A 1\n.SH NAME\nsťahuje súbory\n".encode("iso-8859-2")
    assert "sťahuje súbory" in read("a.1", page).text
