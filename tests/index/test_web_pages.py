"""Pages of the web and chapters of books, as programs and saved sites write them."""

from __future__ import annotations

import json

import pytest
from support import documents

from index.errors import FileSkipped
from index.extract import sniff
from index.extract.source import from_bytes
from index.types import Document

XHTML = '<html xmlns="http://www.w3.org/1999/xhtml">'


def read(name: str, data: bytes | str) -> Document:
    return sniff.read(from_bytes(data.encode() if isinstance(data, str) else data, name))


def lines_of(document: Document) -> list[str]:
    return [line for line in document.text.splitlines() if line]


def book(chapter: str, package: str = '<spine><itemref idref="a"/></spine>') -> bytes:
    return documents.zipped(
        {
            "META-INF/container.xml": '<container><rootfile full-path="p.opf"/></container>',
            "p.opf": "<package><metadata><title>The ferry</title></metadata><manifest>"
            f'<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>{package}</package>',
            "a.xhtml": chapter,
        }
    )


@pytest.mark.parametrize(
    "head",
    ["<head><title/></head>", '<head><script src="x.js"/><style type="text/css" /></head>', "<head/>"],
)
@pytest.mark.parametrize("prolog", ['<?xml version="1.0"?>\n', ""])
def test_elements_that_xhtml_closes_themselves_swallow_nothing(head: str, prolog: str) -> None:
    page = (
        f'{prolog}{XHTML}{head}<body><h2 id="x"/><p>Vor dem Wehr<a href="a/b"/>.</p><iframe src="v"/>'
        "<textarea/><p>Nach dem Wehr<br/>und weiter</p></body></html>"
    )
    expected = ["Vor dem Wehr.", "Nach dem Wehr und weiter"]
    assert lines_of(read("a.xhtml", page)) == lines_of(read("a.epub", book(page))) == expected
    assert not any(section.kind == "heading" for section in read("a.xhtml", page).sections)


def test_lines_of_xhtml_stay() -> None:
    page = f"{XHTML}<head><title/>\n<script\nsrc='a'\n/></head>\n<body>\n<p>Hier\nsteht es</p></body></html>"
    document = read("a.xhtml", page)
    assert document.lines[0] == (0, 6)


def test_how_a_word_sounds_is_no_part_of_it() -> None:
    ruby = "<p><ruby>東京<rp>(</rp><rt>とうきょう</rt><rp>)</rp></ruby>都の<ruby>橋<rt>はし</rt></ruby></p>"
    assert "東京都の橋" in read("a.html", f"<html><body>{ruby}</body></html>").text
    assert "東京都の橋" in read("a.epub", book(f"{XHTML}<body>{ruby}</body></html>")).text


@pytest.mark.parametrize("tag", ["nav", "noscript"])
def test_what_is_left_out_elsewhere_is_read_where_nothing_else_is(tag: str) -> None:
    only = f"<{tag}><ul><li><a href='a'>Der Kutter</a></li><li>Der Ewer</li></ul></{tag}>"
    assert "Der Kutter" in read("a.html", f"<html><body>{only}</body></html>").text
    with_more = read("a.html", f"<html><body>{only}<p>Die Jolle</p></body></html>").text
    assert "Der Kutter" not in with_more and "Die Jolle" in with_more


def test_a_book_without_a_reading_order_is_read_as_it_lists_its_chapters() -> None:
    chapter = f"{XHTML}<body><p>Ohne Reihenfolge</p></body></html>"
    for spine in ("<spine></spine>", '<spine><itemref idref="gone"/></spine>'):
        assert "Ohne Reihenfolge" in read("a.epub", book(chapter, spine)).text


def test_a_book_has_the_fields_of_its_package() -> None:
    about = (
        "<creator>B. Traven</creator><creator>Ada Grau</creator><subject>Seefahrt</subject>"
        "<date>1926-04-01T00:00</date><description>&lt;p&gt;Ein &lt;b&gt;Toten&lt;/b&gt;schiff&lt;/p&gt;"
        "&lt;p&gt;sinkt.&lt;/p&gt;</description>"
    )
    package = f'<spine><itemref idref="a"/></spine>{about}'
    document = read("a.epub", book(f"{XHTML}<body><h1>Eins</h1><p>Text</p></body></html>", package))
    assert document.title == "The ferry"
    assert document.fields == (
        ("author", "B. Traven"),
        ("author", "Ada Grau"),
        ("tag", "Seefahrt"),
        ("date", "1926-04-01"),
    )
    assert lines_of(document) == ["B. Traven, Ada Grau", "Ein Totenschiff", "sinkt.", "Eins", "Text"]


def test_notes_of_a_tiddlywiki_are_under_their_titles() -> None:
    notes = [
        {"title": "Knotenkunde", "text": "Der Palstek hält.\n\nDer Schotstek auch.", "tags": "boot"},
        {"title": "$:/core", "text": "the program itself"},
        {"title": "Ohne Text"},
    ]
    store = f'<script class="tiddlywiki-tiddler-store" type="application/json">{json.dumps(notes)}</script>'
    document = read("wiki.html", f"<!doctype html><html><head>{store}</head><body></body></html>")
    assert lines_of(document) == ["Knotenkunde", "Der Palstek hält.", "Der Schotstek auch."]
    assert document.sections[-1].heading == ("Knotenkunde",)


def test_a_tiddlywiki_whose_notes_are_damaged_says_so() -> None:
    store = '<script class="tiddlywiki-tiddler-store" type="application/json">[{"title"</script>'
    assert "TiddlyWiki" in read("wiki.html", f"<html><body>{store}<p>Rest</p></body></html>").note
    with pytest.raises(FileSkipped):
        read("wiki.html", f"<html><body>{store}</body></html>")


@pytest.mark.parametrize("form", ["&#{};", "&#{:04};", "&#x{:x};", "&#X{:04X};"])
def test_characters_by_their_numbers_are_characters(form: str) -> None:
    words = "Паром отходит в полдень • Größe 10 ₣ ℚ Ⓐ ☂ 渡轮"
    numbers = "".join(form.format(ord(c)) if ord(c) > 32 else c for c in words)
    assert words in read("a.html", f"<html><body><p>{numbers}</p></body></html>").text


@pytest.mark.parametrize("end", ["&#10;", "&#010;", "&#xA;", "&#x00a;", "&NewLine;", "&#10"])
def test_a_line_end_by_its_number_is_a_blank(end: str) -> None:
    assert "vor nach" in read("a.html", f"<html><body><p>vor{end}nach</p></body></html>").text


def test_a_note_s_number_and_a_correction_are_not_glued_to_words() -> None:
    page = (
        "<html><body><p>Der Steg<sup><a href='#1'>1</a></sup> ist 10 m<sup>2</sup> groß, "
        "H<sub>2</sub>O, <del>alt</del><ins>neu</ins>.</p></body></html>"
    )
    assert "Der Steg 1 ist 10 m2 groß, H2O, alt neu." in read("a.html", page).text
