"""Each format gives its text, its structure and its title."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from support import documents

from index.credentials import credentials
from index.errors import FileFailed, FileSkipped
from index.extract import sniff
from index.extract.source import from_bytes
from index.languages import language_of_text
from index.types import Document


def read(name: str, data: bytes | str) -> Document:
    return sniff.read(from_bytes(data.encode() if isinstance(data, str) else data, name))


def headings(document: Document) -> list[tuple[str, ...]]:
    return [section.heading for section in document.sections if section.kind == "heading"]


def pieces(document: Document, kind: str) -> list[str]:
    return [document.text[s.start : s.end].strip() for s in document.sections if s.kind == kind]


def test_markdown_keeps_its_text_and_shows_its_structure() -> None:
    document = read("a.md", documents.MARKDOWN)
    assert document.text == documents.MARKDOWN
    assert document.title == "Field notes"
    assert headings(document) == [
        ("Field notes",),
        ("Field notes", "Counting"),
        ("Field notes", "Setext heading"),
    ]
    assert pieces(document, "code") == ["```python\ndef total(rows):\n    return sum(rows)\n```"]
    assert pieces(document, "table")[0].count("\n") == 3
    assert pieces(document, "data")[0].startswith("---")


def test_a_heading_inside_a_fence_is_code() -> None:
    assert headings(read("a.md", "# One\n\n```sh\n# not a heading\n```\n")) == [("One",)]


def test_a_fence_that_is_never_closed_ends_with_the_file() -> None:
    document = read("a.md", "# One\n\n```\n" + "# x\n" * 1000)
    assert headings(document) == [("One",)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "cp1252", "utf-16-le"])
def test_text_is_read_in_its_encoding(encoding: str) -> None:
    words = "Die Fähre fährt früh über den Fluß, während die Brücke geschlossen bleibt. " * 8
    assert read("a.txt", words.encode(encoding)).text == words


def test_line_ends_are_made_one() -> None:
    assert read("a.txt", b"one\r\ntwo\rthree\n").text == "one\ntwo\nthree\n"


@pytest.mark.parametrize("data", [b"\0" * 400, bytes(range(32)) * 20, b"abc\0def" * 40])
def test_what_is_no_text_is_left_out(data: bytes) -> None:
    with pytest.raises(FileSkipped):
        read("a.txt", data)


def test_code_is_cut_at_its_definitions() -> None:
    document = read("a.py", documents.PYTHON)
    assert document.language == "python"
    assert headings(document) == [("Tide",), ("Tide", "height"), ("Tide", "name"), ("main",)]
    assert any(piece.startswith("@property\n    def name") for piece in pieces(document, "heading"))


@pytest.mark.parametrize(
    ("name", "code", "found"),
    [
        ("a.rs", "pub struct Tide;\n\nimpl Tide {\n    pub fn rise(&self) {\n    }\n}\n", "rise"),
        ("a.go", "package x\n\nfunc (t *Tide) Rise() int {\n\treturn 1\n}\n", "(t *Tide) Rise"),
        ("a.c", "#include <x.h>\n\nstatic int rise(int hour)\n{\n    return hour;\n}\n", "rise"),
        (
            "a.java",
            "public class Tide {\n    public int rise(int h) {\n        return h;\n    }\n}\n",
            "rise",
        ),
        ("a.ts", "export class Tide {\n  rise(h: number): number {\n    return h;\n  }\n}\n", "rise"),
        ("a.rb", "class Tide\n  def rise\n    1\n  end\nend\n", "rise"),
        ("a.sql", "CREATE TABLE IF NOT EXISTS tides (\n  h int\n);\n", "tides"),
        ("a.sh", "rise() {\n  echo 1\n}\n", "rise"),
        ("a.kt", "class Tide {\n    fun rise(): Int = 1\n}\n", "rise"),
        ("a.swift", "struct Tide {\n    func rise() -> Int {\n        1\n    }\n}\n", "rise"),
        ("a.lua", "local function rise(h)\n  return h\nend\n", "rise"),
        ("a.clj", "(defn rise [h]\n  h)\n", "rise"),
        ("a.ex", "defmodule Tide do\n  def rise(h), do: h\nend\n", "rise"),
        ("a.hs", "rise :: Int -> Int\nrise h = h\n", "rise"),
    ],
)
def test_languages_name_their_definitions(name: str, code: str, found: str) -> None:
    assert found in {part for path in headings(read(name, code)) for part in path}


_PROGRAM = """def free_berths(harbour):
    \"\"\"The berths where no boat lies, which are the ones that a visitor may take, in the order of length.
    Many harbours have none in summer.\"\"\"
    berths = sorted(harbour.berths, key=len)

    return [berth for berth in berths
            if not berth.boat]
"""


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (_PROGRAM, "python"),
        ("const berth = (boat) => {\n  const free = find(boat);\n  return free;\n}\n", "javascript"),
        ("berth() {\n  echo $1\n}\n\nberth 7\n", "shell"),
        ("func Berth(boat Boat) int {\n\treturn boat.Length / 2\n}\n", "go"),
        ("class struggle is old:\nso says the book.\nEvery page of it repeats what the last page said.", ""),
        ("A list:\n- rope,\n- sail,\n- anchor;\n", ""),
        ("def", ""),
        ("", ""),
    ],
)
def test_a_program_is_known_by_its_lines(text: str, language: str) -> None:
    assert language_of_text(text).name == language
    if language:
        document = sniff.read(from_bytes(text.encode(), "berths"))
        assert (document.kind, document.language) == ("code", language)
        assert any(section.kind == "heading" for section in document.sections)
        assert sniff.read(from_bytes(text.encode(), "berths.txt")).kind == "text"


def test_html_drops_what_is_not_read() -> None:
    document = read("a.html", documents.HTML)
    assert document.title == "Tide tables"
    assert headings(document) == [("Tides",), ("Tides", "Wind")]
    assert "High water is at noon." in document.text
    assert "| Monday | 3.1 |" in document.text
    assert "ebb()\nflow()" in document.text
    assert "var x" not in document.text and "About" not in document.text


def test_word_documents_keep_tables_boxes_and_footnotes() -> None:
    document = read("a.docx", documents.docx())
    assert document.title == "Harbour rules"
    assert headings(document) == [("Harbour",)]
    assert "| meadow | 412 |" in document.text
    assert "Inside a box" in document.text
    assert "Except in June." in document.text


def test_slides_come_in_their_order_with_notes() -> None:
    document = read("a.pptx", documents.pptx())
    assert [name for (name,) in headings(document)] == ["Opening", "Ending"]
    assert "Speak slowly" in document.text
    assert len(document.pages) == 2
    assert document.text[document.pages[1] :].startswith("Ending")


def test_open_document_text() -> None:
    document = read("a.odt", documents.odt())
    assert "Boats moor here now." in document.text
    assert "- ropes" in document.text and "| weir | 38 |" in document.text
    assert headings(document) == [("Harbour",)]


def test_books_come_in_the_order_of_the_spine() -> None:
    document = read("a.epub", documents.epub())
    assert document.title == "The ferry"
    assert headings(document) == [("Morning",), ("Evening",)]


def test_mail_names_people_date_and_attachments() -> None:
    document = read("a.eml", documents.EML)
    assert document.title == "Ferry café"
    assert "From: Ada <ada@example.org>" in document.text
    assert "02 March 2026" in document.text
    assert "timetable.pdf" in document.text
    assert "The ferry leaves from the café at six." in document.text


def test_a_mailbox_holds_its_messages_apart() -> None:
    document = read("a.mbox", documents.MBOX)
    assert {section.heading for section in document.sections} == {
        ("Ferry café",),
        ("Ferry café", "timetable.pdf"),
        ("Second",),
    }


def test_rich_text() -> None:
    document = read("a.rtf", documents.RTF)
    assert document.title == "Harbour rules"
    assert "Moor at the east quay." in document.text and "Arial" not in document.text


def test_rows_carry_the_names_of_their_columns() -> None:
    document = read("a.csv", documents.CSV)
    assert pieces(document, "row")[2] == "name: Tern; harbour: north basin; depth: 3.1"


def test_notebooks() -> None:
    document = read("a.ipynb", documents.NOTEBOOK)
    assert (document.title, document.language) == ("Tide model", "python")
    assert pieces(document, "code") == ["fit(2)"] and pieces(document, "data") == ["error 0.02"]


@pytest.mark.parametrize(
    ("name", "text", "title", "paths"),
    [
        ("a.tex", documents.LATEX, "On tides", [("Moon",), ("Moon", "Spring tides")]),
        ("a.org", documents.ORG, "Garden", [("Beds",), ("Beds", "Weeding")]),
        ("a.rst", documents.RST, "Garden", [("Garden",), ("Garden", "Beds"), ("Garden", "Paths")]),
    ],
)
def test_markup_languages(name: str, text: str, title: str, paths: list[tuple[str, ...]]) -> None:
    document = read(name, text)
    assert document.text == text
    assert document.title == title
    assert headings(document) == paths


@pytest.mark.parametrize(("name", "text"), [("a.srt", documents.SRT), ("a.vtt", documents.VTT)])
def test_subtitles_keep_their_lines_and_lose_their_times(name: str, text: str) -> None:
    document = read(name, text)
    assert "-->" not in document.text and "<i>" not in document.text
    line = next(i for i, row in enumerate(text.split("\n")) if "ferry" in row)
    assert document.text.split("\n")[line] == "The ferry has left."


def test_data_is_read_where_it_holds_prose() -> None:
    assert "The café closes" in read("a.json", documents.JSON).text
    assert read("a.yaml", documents.YAML).sections[-1].heading == ("rules",)
    numbers = "[" + ",\n".join(f'{{"id": {i}, "value": {i * 7}}}' for i in range(4000)) + "]"
    with pytest.raises(FileSkipped, match="hardly any prose"):
        read("a.json", numbers)


def test_a_credential_is_withheld_and_noted() -> None:
    key = "AKIA" + "Q7RZ2M9XW4LK8TBV"
    document = read("a.md", f"# Setup\n\nCall the office.\n\nThe key is {key}.\n")
    assert [document.text[a:b] for a, b in document.withheld] == [key]
    assert "line 5" in document.note


@pytest.mark.parametrize(
    ("start", "rest"),
    [
        ("AKIA", "Q7RZ2M9XW4LK8TBV"),
        ("AIza", "Sy" + "b4" * 16 + "Q"),
        ("ghp_", "a1B2" * 9),
        ("github_pat_", "a1_B" * 11),
        ("glpat-", "a1-B" * 6),
        ("xoxb-", "17-a1B2c3D4e5"),
        ("sk-proj-", "a1_B" * 9),
        ("npm_", "a1B2" * 9),
        ("hf_", "aBcD" * 8),
        ("-----BEGIN RSA ", "PRIVATE KEY-----\n" + "a1B2" * 16 + "\n-----END RSA PRIVATE KEY-----"),
        ("eyJ", "hbGciOiJ9x.eyJ" + "a1B2" * 4 + "." + "c3D4" * 6),
        ("://", "ada:w0rdpress@example.org"),
    ],
)
def test_every_kind_of_credential_is_known_by_how_it_begins(start: str, rest: str) -> None:
    text = f"Über alles: {start[:2]} {start}ö, then {start}{rest} and no more.\n"
    at = text.index(start + rest)
    assert credentials(text) == [(at, at + len(start + rest))]


def test_a_password_is_found_where_it_stands_behind_letters_that_grow_in_small() -> None:
    text = "İİ ẞ 東京\nPASSWORD = Tr0ub4dor&3\n"
    at = text.index("PASSWORD")
    assert credentials(text) == [(at, len(text) - 1)]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", b"Only words, whatever the name says."),
        ("a.doc", documents.RTF),
        ("a", documents.MARKDOWN.encode()),
        ("a.bin2", documents.docx()),
        ("a.txt", documents.every()["a.pdf"]),
    ],
    ids=["text", "rtf", "markdown", "docx", "pdf"],
)
def test_a_file_is_read_as_what_it_holds(name: str, data: bytes) -> None:
    assert len(read(name, data).text) > 20


def test_a_file_of_another_kind_than_its_name_says_fails_with_a_reason() -> None:
    for name in ("a.docx", "a.xlsx", "a.pdf", "a.epub", "a.odt", "a.pptx", "a.rtf", "a.ipynb"):
        with pytest.raises((FileFailed, FileSkipped)) as caught:
            read(name, b"\x01\x02\x00This is no such file at all." * 20)
        assert caught.value.what.endswith(".")


def test_charts_and_diagrams_are_read() -> None:
    chart = (
        "<c:chartSpace xmlns:c='c' xmlns:a='a'><c:chart><c:title><a:t>Cranes</a:t></c:title><c:ser>"
        "<c:tx><c:v>meadow</c:v></c:tx><c:cat><c:v>May</c:v><c:v>June</c:v></c:cat>"
        "<c:val><c:v>41</c:v><c:v>38</c:v></c:val></c:ser></c:chart></c:chartSpace>"
    )
    diagram = (
        "<d:m xmlns:d='d' xmlns:a='a'><d:pt><a:t>Ranger</a:t></d:pt><d:pt><a:t>Warden</a:t></d:pt></d:m>"
    )
    with zipfile.ZipFile(io.BytesIO(documents.docx())) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    parts = {"word/charts/chart1.xml": chart, "word/diagrams/data1.xml": diagram}
    text = sniff.read(from_bytes(documents.zipped({**members, **parts}), "a.docx")).text
    assert "Cranes\nmeadow: May: 41; June: 38" in text
    assert "- Ranger\n- Warden" in text
    broken = documents.zipped({**members, "word/charts/chart1.xml": chart[:60]})
    assert "damaged" in sniff.read(from_bytes(broken, "a.docx")).note


def test_an_archive_names_what_it_cannot_read() -> None:
    data = documents.zipped({"tax/2025.pdf": b"%PDF", "photos/cranes.jpg": b"x"})
    document = sniff.read(from_bytes(data, "papers.zip"))
    assert (document.kind, document.text.split()) == ("archive", ["tax/2025.pdf", "photos/cranes.jpg"])
    assert document.note == "tax/2025.pdf in it is damaged and not read."


def test_a_page_nested_without_end_is_read() -> None:
    assert sniff.read(from_bytes(b"<div>" * 200_000 + b"words", "a.html")).text == "words\n\n"
    assert sniff.read(from_bytes(b"<div>" * 500 + b"words", "a.html")).text == "words\n\n"


def test_western_text_is_not_taken_for_eastern() -> None:
    words = "Größe: naïve café über Straße, façade. Señor Muñoz kam spät.\n"
    assert sniff.read(from_bytes(words.encode("cp1252") * 20, "a.txt")).text.startswith(words)


def test_a_damaged_message_costs_a_mailbox_nothing_else() -> None:
    damaged = b"Subject: One\nContent-Type: text/plain; charset*=a\0b'en'x%80\n\nText.\n"
    document = read("a.mbox", b"From a\n" + damaged + b"\nFrom b\nSubject: Two\n\nFine.\n")
    assert "Fine." in document.text and document.note == "Damaged messages are not read: 1."


@pytest.mark.parametrize(
    ("named", "language"),
    [
        ("Python", "python"),
        ("R", "r"),
        ("C++17", "c++"),
        ("bash", "shell"),
        ("py\ud800", ""),
        (["x"], ""),
        (None, ""),
    ],
)
def test_a_notebook_s_language_is_a_known_one_or_none(named: object, language: str) -> None:
    cells = [{"cell_type": "markdown", "source": "# t"}]
    book = {"cells": cells, "metadata": {"kernelspec": {"language": named}}}
    assert read("a.ipynb", json.dumps(book)).language == language


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("<x-a><template shadowrootmode=open><p>Tung oil.</p></template></x-a>", "Tung oil."),
        ("<iframe srcdoc='&lt;p&gt;The &amp;quot;tung&amp;quot; oil'></iframe>", 'The "tung" oil'),
        ("<select><option>Tung oil<option>Linseed</select>", "Tung oil\n\nLinseed"),
        ("<button>Order tung oil</button>", "Order tung oil"),
        ("<input value=Tung><input type=password value=geheim><textarea>\nOil</textarea>", "Tung Oil"),
        ("<dialog open>Tung oil dries slowly</dialog>", "Tung oil dries slowly"),
        ("<svg><path d='M0'/><text>Tung <tspan>oil</tspan></text></svg>", "Tung oil"),
        ("<p>Tung <svg><title>Drop</title><path d='M0'/></svg>oil</p>", "Tung oil"),
    ],
    ids=["template", "srcdoc", "options", "button", "fields", "dialog", "drawing", "icon"],
)  # fmt: skip
def test_what_a_page_keeps_in_odd_places_is_read(markup: str, words: str) -> None:
    for filler in ("", "<p>filler</p>\n" * 8_000):
        text = read(
            "a.html", f"<title>Oil</title><style>p{{}}</style><body><p>One.</p>{markup}<p>Last.</p>{filler}"
        ).text
        assert " ".join(words.split()) in " ".join(text.split())
        assert "One." in text and "Last." in text and "geheim" not in text


@pytest.mark.parametrize(
    ("name", "table", "row"),
    [
        ("a.csv", "sep=;\nArtikel;Lager\nDollen;Halle 2, Süd\n", "Artikel: Dollen; Lager: Halle 2, Süd"),
        (
            "a.tsv",
            'id\tsentence\n1\t"Otters swim.\n2\tThe ferryman waits.\n',
            "id: 2; sentence: The ferryman waits.",
        ),
        ("a.csv", 'what,note\nrope,5" thick\nsail,"two\nlines"\n', "what: sail; note: two lines"),
        (
            "a.csv",
            "Konto;1\nTag;An;Betrag\n2.3.;Hafenamt;-88,50\n3.3.;Moewe;-240,00\n",
            "Tag: 2.3.; An: Hafenamt; Betrag: -88,50",
        ),
        ("a.csv", "a,b,c\n1,2,3\n4,5,6\n", "a: 4; b: 5; c: 6"),
        ("a.csv", 'what,note\nrope,"never closed\nsail,white\n', "what: sail; note: white"),
    ],
)
def test_a_table_is_divided_as_it_was_meant(name: str, table: str, row: str) -> None:
    assert row in read(name, table).text.split("\n")


def test_outputs_of_a_notebook_are_read_in_the_form_that_says_most() -> None:
    said = [
        ({"text/markdown": ["**Result**: the neap tide lags"], "text/plain": ["<IPython.Markdown object>"]}),
        ({"text/html": ["<table><td>sluicegate</table>"], "text/plain": ["<Styler at 0x7f>"]}),
        ({"text/html": ["<b>9</b>"], "text/plain": ["array([4.2])"]}),
    ]
    outputs = [*({"data": data} for data in said), {"text": ["line\n"] * 1_000}]
    cells = [{"cell_type": "code", "source": ["show(report)"], "outputs": outputs}]
    document = read("a.ipynb", json.dumps({"cells": cells, "metadata": {}}))
    assert (
        "neap tide lags" in document.text
        and "sluicegate" in document.text
        and "array([4.2])" in document.text
    )
    assert "IPython" not in document.text and "Styler" not in document.text
    assert "1 output " in document.note
