"""Notes, directories and signed files as other programs write them."""

from __future__ import annotations

import base64
import json

import pytest
from support import containers, documents

from index.errors import FileSkipped
from index.extract import sniff
from index.extract.source import from_bytes
from index.types import Document


def read(name: str, data: bytes | str) -> Document:
    return sniff.read(from_bytes(data.encode() if isinstance(data, str) else data, name))


def embedded(document: Document) -> str:
    """The text that is in a section other than data."""
    return " ".join(document.text[s.start : s.end] for s in document.sections if s.kind != "data")


@pytest.mark.parametrize("indent", [2, None])
def test_front_matter_in_json(indent: int | None) -> None:
    fields = {
        "title": "Wie man {spleißt}",
        "tags": ["tauwerk", "knoten"],
        "params": {"author": "Ada"},
        "draft": False,
    }
    text = json.dumps(fields, ensure_ascii=False, indent=indent)
    document = read("a.md", f"{text}\n\n# Anfang\n\nDas Auge.\n")
    assert document.title == "Wie man {spleißt}"
    assert {("tag", "tauwerk"), ("tag", "knoten"), ("params", "Ada")} <= set(document.fields)
    assert "draft" not in embedded(document) and "Das Auge." in embedded(document)


@pytest.mark.parametrize(
    "text",
    [
        "{{< figure >}}\n\n# Titel\n",
        "{x} ist eine Menge\n\n# Titel\n",
        '{"a": 1} ist JSON\n\n# Titel\n',
        "{}\n# Titel\n",
    ],
)
def test_a_brace_at_the_beginning_is_no_front_matter(text: str) -> None:
    document = read("a.md", text)
    assert document.title == "Titel" and not document.fields


JOPLIN = """Bootsliste

Der Rumpf wird gestrichen.

id: 2c5d34af711e46fd9a257a0c53d5b1b2
parent_id: aa5d34af711e46fd9a257a0c53d5b1b3
author: Ada Grau
source_url: https://example.org/rumpf
source: joplin-desktop
user_created_time: 2026-03-02T08:00:00.000Z
encryption_cipher_text: 
type_: 1"""  # noqa: W291 (as Joplin writes it)


@pytest.mark.parametrize("end", ["", "\n"])
def test_notes_of_joplin_have_their_titles_and_fields(end: str) -> None:
    document = read("2c5d34af711e46fd9a257a0c53d5b1b2.md", JOPLIN + end)
    assert document.title == "Bootsliste"
    assert {("author", "Ada Grau"), ("date", "2026-03-02")} <= set(document.fields)
    assert "gestrichen" in embedded(document) and "joplin-desktop" not in embedded(document)


def test_lines_that_look_like_fields_at_the_end_of_a_note_stay() -> None:
    document = read("a.md", "# Packliste\n\nseil: 20 m\nanker: zwei\ntype_: egal\n")
    assert "anker: zwei" in embedded(document) and document.title == "Packliste"


def test_every_text_cell_of_a_notebook_is_read() -> None:
    cells = [
        {"cell_type": "markdown", "source": "# Gezeiten\nEins"},
        {"cell_type": "markdown", "source": ["## Ebbe\n", "Zwei"]},
        {"cell_type": "raw", "source": "Drei"},
        {"cell_type": "heading", "level": 2, "source": ["Flut"]},
        {"cell_type": "markdown", "source": "# Anderes\nVier"},
    ]
    for book in ({"nbformat": 4, "cells": cells}, {"nbformat": 3, "worksheets": [{"cells": cells}]}):
        document = read("a.ipynb", json.dumps(book))
        assert document.title == "Gezeiten"
        assert document.text.split() == [
            "Gezeiten",
            "Eins",
            "Ebbe",
            "Zwei",
            "Drei",
            "Flut",
            "Anderes",
            "Vier",
        ]
        assert [s.heading for s in document.sections if s.kind == "heading"] == [
            ("Gezeiten",), ("Gezeiten", "Ebbe"), ("Gezeiten", "Flut"), ("Anderes",),
        ]  # fmt: skip


def encoded(words: str) -> str:
    return base64.b64encode(words.encode()).decode()


def test_entries_of_a_directory_are_under_their_names() -> None:
    note = encoded("Steuermann der Großen Fähre,\nwohnt am Deich")
    ldif = (
        f"version: 1\n\ndn:: {encoded('cn=Łódź')}\nobjectClass: person\n"
        f"cn;lang-de:: {encoded('Jürgen Möwe')}\n"
        f"description:: {note[:20]}\n {note[20:]}\n"
        f"userPassword:: {encoded('geheim')}\njpegPhoto:: {encoded('x' * 90)}\n"
        "jpegPhoto:< file:///a.jpg\nsn: Lang\n er Name\n\n# Kommentar\ndn: cn=Ben\ncn: Ben\n"
    )
    document = read("a.ldif", ldif)
    assert "Jürgen Möwe" in document.text and "Steuermann der Großen Fähre,\nwohnt am Deich" in document.text
    assert "sn: Langer Name" in document.text and "cn=Łódź" in document.text
    for left_out in ("geheim", "xxx", "objectClass", "Kommentar", "file:"):
        assert left_out not in document.text
    assert document.sections[-1].heading == ("Ben",)
    assert document.lines[-1][1] == ldif.count("\n")


@pytest.mark.parametrize("endless", [True, False])
@pytest.mark.parametrize("text", [True, False])
def test_a_signed_document_is_read_as_the_document(endless: bool, text: bool) -> None:
    data = containers.signed(documents.docx(), endless=endless)
    if text:
        data = b"-----BEGIN PKCS7-----\n" + base64.encodebytes(data) + b"-----END PKCS7-----\n"
    document = read("contract.docx.p7m", data)
    assert "Boats moor at the east quay." in document.text and "Except in June." in document.text


def test_mail_inside_a_signature_is_mail() -> None:
    inner = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    inner += base64.encodebytes("Die Ankerkette ist geprüft.".encode())
    assert "Die Ankerkette ist geprüft." in read("smime.p7m", containers.signed(inner)).text


@pytest.mark.parametrize(
    "data", [b"", b"M" * 40, b"-----BEGIN", b"\x30\x80\x06", containers.element(0x30, containers.SIGNED)]
)
def test_a_signature_without_a_document_says_so(data: bytes) -> None:
    with pytest.raises(FileSkipped):
        read("a.p7m", data)


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("# C#", "C#"), ("# F# und C# #", "F# und C#"),
        ("# Titel ##\t", "Titel"), ("# 2 * 3 * 4", "2 * 3 * 4"),
        ("# **Fett** und *kursiv*", "Fett und kursiv"), ("# [Link](http://a(b)c) Ende", "Link Ende"),
    ],
)  # fmt: skip
def test_signs_that_belong_to_words_of_a_heading_stay(line: str, title: str) -> None:
    assert read("a.md", f"{line}\n\nText\n").title == title
    cell = {"cell_type": "markdown", "source": f"{line}\n\nText"}
    assert read("a.ipynb", json.dumps({"nbformat": 4, "cells": [cell]})).title == title
