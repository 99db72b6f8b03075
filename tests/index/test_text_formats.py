"""Notes, calendars, cards, references, captions and logs are read as the programs that wrote them meant."""

from __future__ import annotations

import base64
import quopri

import pytest

from index.extract import sniff
from index.extract.latex_text import plain_letters
from index.extract.source import from_bytes
from index.types import Document

PICTURE = base64.encodebytes(bytes(range(256)) * 60).decode()


def read(name: str, data: bytes | str) -> Document:
    return sniff.read(from_bytes(data.encode() if isinstance(data, str) else data, name))


def headings(document: Document) -> list[tuple[str, ...]]:
    return [section.heading for section in document.sections if section.kind == "heading"]


def under(document: Document, words: str) -> tuple[str, ...]:
    at = document.text.index(words)
    return next(s.heading for s in document.sections if s.start <= at < s.end)


def line_of(document: Document, words: str) -> int:
    at = document.text.index(words)
    assert document.lines is not None
    return next(line for start, line in reversed(document.lines) if start <= at)


ENEX = f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE en-export SYSTEM "http://xml.evernote.com/pub/evernote-export4.dtd">
<en-export export-date="20260302T080000Z">
<note><title>Pruning &amp; tying</title><created>20260302T080000Z</created>
<tag>garden</tag>
<content><![CDATA[<?xml version="1.0"?><en-note><h1>Espalier</h1><div>Prune in&nbsp;March.</div></en-note>]]></content>
<resource><data encoding="base64">
{PICTURE}</data><resource-attributes><file-name>pear.png</file-name></resource-attributes></resource></note>
<note>
<title>Second</title><content>&lt;en-note&gt;&lt;p&gt;Water the beans&lt;/p&gt;&lt;/en-note&gt;</content></note>
</en-export>
"""


@pytest.mark.parametrize("name", ["notes.enex", "notes", "notes.xml"])
def test_an_export_of_evernote_is_its_notes(name: str) -> None:
    document = read(name, ENEX)
    assert headings(document) == [("Pruning & tying",), ("Pruning & tying", "Espalier"), ("Second",)]
    assert under(document, "Water the beans") == ("Second",)
    assert "pear.png" in document.text
    assert "<" not in document.text and PICTURE[:30] not in document.text
    assert line_of(document, "Pruning") == 4


VCARD = f"""BEGIN:VCARD
VERSION:3.0
N:Möwe;Änne;;Dr.;
FN:Dr. Änne Möwe
ORG:Segelmacherei;Lager
TEL;TYPE=cell:+49 30 123456
NOTE:Mends sails\\, also jibs\\;
  ask for the
 old loft\\nRing twice
PHOTO;ENCODING=b;TYPE=JPEG:{PICTURE.replace(chr(10), chr(10) + " ").strip()}
END:VCARD
BEGIN:VCARD
VERSION:2.1
N;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;J=F6rg
NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:{quopri.encodestring("Rührt die Trommel, wenn das Boot anlegt und alle von Bord gegangen sind.".encode()).decode()}
END:VCARD
"""


@pytest.mark.parametrize("name", ["people.vcf", "people", "people.txt"])
def test_an_address_book_is_its_people(name: str) -> None:
    document = read(name, VCARD.replace("\n", "\r\n"))
    assert document.kind == "contacts"
    assert under(document, "Mends sails, also jibs; ask for theold loft") == ("Dr. Änne Möwe",)
    assert under(document, "Rührt die Trommel, wenn das Boot anlegt und alle von Bord") == ("Jörg Müller",)
    assert "Phone: +49 30 123456" in document.text and "Organization: Segelmacherei, Lager" in document.text
    assert PICTURE[:30] not in document.text
    assert line_of(document, "Phone") == 6


ICS = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VTIMEZONE
TZID:Europe/Berlin
END:VTIMEZONE
BEGIN:VEVENT
SUMMARY:Slip the boat\\, early
DTSTART;TZID=Europe/Berlin:20260302T083000
LOCATION:Halle Süd
DESCRIPTION:Bring the\\ntrolley and
  the straps
ATTENDEE;CN="Änne Möwe";ROLE=REQ-PARTICIPANT:mailto:anna@example.org
BEGIN:VALARM
DESCRIPTION:Reminder
END:VALARM
END:VEVENT
BEGIN:VTODO
SUMMARY:Varnish
DUE;VALUE=DATE:20260401
END:VTODO
END:VCALENDAR
"""


@pytest.mark.parametrize("name", ["cal.ics", "cal"])
def test_a_calendar_is_its_events(name: str) -> None:
    document = read(name, ICS)
    assert document.kind == "calendar"
    assert under(document, "trolley and the straps") == ("Slip the boat, early",)
    assert "Begins: 2026-03-02 08:30" in document.text and "Due: 2026-04-01" in document.text
    assert "Änne Möwe <anna@example.org>" in document.text
    assert "Reminder" not in document.text and "TZID" not in document.text


LETTERS = [
    (r"M{\"u}ller", "Müller"), (r"M\"uller", "Müller"), (r"M\"{u}ller", "Müller"), (r"Garc{\'i}a", "García"),
    (r"Garc\'{\i}a", "García"), (r"{\L}ukasz", "Łukasz"), (r"Stra{\ss}er", "Straßer"), (r"Gro\ss{}enbrode", "Großenbrode"),
    (r"Bj{\o}rn", "Bjørn"), (r"Bj\o rn", "Bjørn"), (r"Fran\c{c}ois", "François"), (r"\v{S}koda", "Škoda"),
    (r"\AA ngstr\"om", "Ångström"), (r"{H}erring", "Herring"), (r"Schleu\-sen\-w\"ar\-ter", "Schleusenwärter"),
    (r"{{{Methylation}} of {DNA}}", "{{{Methylation}} of {DNA}}"), (r"\emph{word} and \textbf{{B}old}", r"\emph{word} and \textbf{Bold}"),
    (r"Nov\'ak \& Dvo\v r\'ak", "Novák & Dvořák"), (r"E\u{g}itim", "Eğitim"), (r"\H{o}r", "őr"),
    (r"\begin{document} \frac{a}{b}", r"\begin{document} \frac{a}{b}"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "meant"), LETTERS, ids=range(len(LETTERS)))
def test_letters_of_latex_are_letters(written: str, meant: str) -> None:
    assert plain_letters(written) == meant


def test_a_bibliography_is_its_references() -> None:
    text = '@string{x = {y}}\n\n@article{a1,\n  title = {{H}erring in {DNA}},\n  author = {M{\\"u}ller},\n}\n@book{b2,\n title="Tides"\n}\n'
    document = read("a.bib", text)
    assert under(document, "Müller") == ("Herring in DNA",)
    assert under(document, "@book") == ("Tides",)
    assert document.text.count("\n") == text.count("\n")


def test_a_title_of_latex_has_no_thanks_and_no_line_breaks() -> None:
    text = "\\title{Tides\\thanks{To all.}\\\\[2pt] and ropes}\n\\begin{document}\nHemp.\n"
    assert read("a.tex", text).title == "Tides and ropes"


def test_a_heading_of_latex_may_have_two_lines() -> None:
    text = "\\title{On tides}\n\\section{Stichprobe und\n Fanggebiet}\nDie Fische.\n"
    assert headings(read("a.tex", text)) == [("Stichprobe und Fanggebiet",)]


def test_a_heading_of_org_has_none_of_its_keywords() -> None:
    text = "#+TITLE: Garden\n#+TODO: WAIT(w) HOLD | DONE CANCELED(c)\n* WAIT [#A] Weeding [2/5] :work:home:\n* CANCELED Hedge\n* Waiting list\n"
    assert headings(read("a.org", text)) == [("Weeding",), ("Hedge",), ("Waiting list",)]


HEADINGS = [
    (
        "- ## Cooling\n\t- The impeller.\n- ## Fuel\n\t- ### Filters\n",
        [("Cooling",), ("Fuel",), ("Fuel", "Filters")],
    ),
    ("> ## Quoted\n> text\n", [("Quoted",)]),
    ("# Tides {#tides .intro}\n## Ebb <a id='x'></a>&amp; flow\n", [("Tides",), ("Tides", "Ebb & flow")]),
    ("# A #tag stays\n", [("A #tag stays",)]),
    ("- #tag is no heading\n- # \n* text\n", []),
    ("# *One* [two](http://x) `three`\n", [("One two three",)]),
]


@pytest.mark.parametrize(("text", "found"), HEADINGS, ids=range(len(HEADINGS)))
def test_headings_of_every_dialect(text: str, found: list[tuple[str, ...]]) -> None:
    document = read("a.md", text)
    assert headings(document) == found
    assert document.text == text


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("title:: Boat/Engine\n\n- ## Cooling\n", "Boat/Engine"),
        ('---\ntitle: "The \\"Otter\\""\n---\nHemp.\n', 'The "Otter"'),
        ("---\nexcalidraw-plugin: parsed\n---\n# Excalidraw Data\n## Text Elements\nKeel ^a1\n", ""),
    ],
)
def test_the_title_of_a_note(text: str, title: str) -> None:
    assert read("a.md", text).title == title


LOG = "\x1b[32mINFO\x1b[0m starting\n\x1b[1;31mERROR\x1b[0m \x1b[33mbilgepump\x1b[0m stalled\n\x1b]0;title\x07done\x1b(B\x1b[m\n"


@pytest.mark.parametrize("name", ["build.log", "build", "build.md", "typescript.txt"])
def test_colours_of_a_terminal_are_no_letters(name: str) -> None:
    assert read(name, LOG).text == "INFO starting\nERROR bilgepump stalled\ndone\n"


def test_letters_struck_over_are_one() -> None:
    assert read("ls.txt", "N\bNA\bAM\bME\bE\n     _\bl_\bs - list\n" * 5).text.startswith(
        "NAME\n     ls - list\n"
    )


def rolling(count: int) -> str:
    """Captions as YouTube makes them: each line comes once below and once above, twice alone."""
    cues = ["WEBVTT\nKind: captions\nLanguage: en\n"]
    for i in range(count):
        cues.append(
            f"00:00:{i:02}.000 --> 00:00:{i + 1:02}.000 align:start\nwords of line {i - 1}\nwords<00:00:{i:02}.500><c> of</c> line {i}\n"
        )
        cues.append(f"00:00:{i + 1:02}.000 --> 00:00:{i + 1:02}.010\nwords of line {i}\n \n")
    return "\n".join(cues)


def test_captions_that_roll_are_read_once() -> None:
    text = rolling(40)
    document = read("a.vtt", text)
    assert [document.text.count(f"line {i}\n") for i in (5, 20, 33)] == [1, 1, 1]
    assert document.text.count("\n") == text.count("\n")
    assert (
        read(
            "b.srt", "1\n00:00:01,000 --> 00:00:02,000\nNo.\n\n2\n00:00:02,000 --> 00:00:03,000\nNo.\n"
        ).text.count("No.")
        == 2
    )


def test_advanced_subtitles_give_what_is_said() -> None:
    text = "[Script Info]\nTitle: x\n\n[Events]\nFormat: Layer, Start\nDialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\i1}Good, evening{\\i0}\\NAnna\n"
    document = read("a.ass", text)
    assert " ".join(document.text.split()) == "Good, evening Anna"
    assert document.text.index("Good") and document.text[: document.text.index("Good")].count("\n") == 5


SCRIPTS = [
    ("#!/bin/sh", "shell"), ("#!/usr/bin/env bash", "shell"), ("#! /usr/bin/env -S python3 -u", "python"),
    ("#!/usr/local/bin/python3.12", "python"), ("#!/usr/bin/perl -w", "perl"), ("#!/usr/bin/env node", "javascript"),
    ("#!/usr/bin/env FOO=1 ruby", "ruby"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "language"), SCRIPTS)
def test_a_script_without_a_suffix_is_code(first: str, language: str) -> None:
    document = read("tidy", f"{first}\n# Oil the hinge.\nx = 1\n")
    assert (document.kind, document.language) == ("code", language)
    assert read("notes", "#!not a script at all\nWords.\n").kind == "text"


def test_a_mind_map_and_objective_c_share_a_suffix() -> None:
    assert read("a.mm", "<map><node TEXT='Oil the hinge'/></map>").kind == "data"
    assert read("a.mm", "// Oil\n@implementation Hinge\n- (void)oil {}\n@end\n").language == "objective-c"
