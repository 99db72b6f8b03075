"""What is shown of a document that holds credentials: nothing of them, and everything at its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import documents

from index.errors import FileSkipped
from index.extract import sniff
from index.extract.source import from_bytes
from index.extract.withhold import withhold_credentials
from index.passages.chunker import chunk_document
from index.passages.withheld import MASK, mask_withheld
from index.types import Document, Section


def test_the_line_of_a_credential_is_covered_and_the_others_are_not() -> None:
    text = "before\nuser anna, key k3y-k3y-k3y\nafter\n"
    at = text.index("k3y")
    shown = mask_withheld(Document(text, "text", withheld=((at, at + 11),))).text
    assert shown == f"before\n{MASK * 26}\nafter\n"


def test_a_document_without_credentials_is_the_same_object() -> None:
    document = Document("words", "text")
    assert mask_withheld(document) is document


def test_of_a_line_without_end_only_the_words_that_touch_the_credential_are_covered() -> None:
    text = "word " * 1000 + 'x="s3cret-value"; ' + "word " * 1000
    at = text.index("s3cret")
    shown = mask_withheld(Document(text, "text", withheld=((at, at + 12),))).text
    assert shown == "word " * 1000 + MASK * 17 + " " + "word " * 1000


@given(
    st.text("ab \n\u2028é", max_size=1200),
    st.lists(st.tuples(st.integers(0, 1200), st.integers(1, 60)), max_size=9),
)
def test_no_position_moves_and_nothing_withheld_is_left(text: str, spans: list[tuple[int, int]]) -> None:
    withheld = tuple((a, min(len(text), a + n)) for a, n in spans if a < len(text))
    shown = mask_withheld(Document(text, "text", withheld=withheld)).text
    assert len(shown) == len(text)
    assert [i for i, c in enumerate(shown) if c == "\n"] == [i for i, c in enumerate(text) if c == "\n"]
    assert all(set(shown[a:b]) <= {MASK, "\n"} for a, b in withheld)


TOKEN = "ghp_" + "a1B2" * 9
WEAK = "Tr0ub4dor" + "-and-3xyz"


def zipped(name: str, members: dict[str, str]) -> tuple[str, bytes]:
    return name, documents.zipped({member: text.encode() for member, text in members.items()})


def epub() -> dict[str, str]:
    return {
        "META-INF/container.xml": "<c><rootfiles><rootfile full-path='p.opf'/></rootfiles></c>",
        "p.opf": f"<package><metadata><title>token {TOKEN}</title></metadata><manifest>"
        "<item id='a' href='a.xhtml'/></manifest><spine><itemref idref='a'/></spine></package>",
        "a.xhtml": "<html><body><p>A chapter about cranes on the river.</p></body></html>",
    }


NAMED = {
    "a heading": ("a.md", f"# Wifi password: {WEAK}\n\nThe router stands in the attic.\n".encode()),
    "a heading below": (
        "a.md",
        f"# Hut\n\n## api_key = {TOKEN}\n\nThe router stands in the attic.\n".encode(),
    ),
    "an underlined heading": ("a.md", f"token {TOKEN}\n=====\n\nThe router stands in the attic.\n".encode()),
    "front matter": (
        "a.md",
        f'---\ntitle: "token {TOKEN}"\n---\n\nThe router stands in the attic.\n'.encode(),
    ),
    "a password under its heading": (
        "a.md",
        f"# Password\n\n## {WEAK}\n\nThe router stands in the attic.\n".encode(),
    ),
    "a mail's subject": (
        "a.eml",
        f"From: a@b.org\nTo: c@d.org\nSubject: Wifi password: {WEAK}\n\nThe router.\n".encode(),
    ),
    "a page's title": (
        "a.html",
        f"<title>token {TOKEN}</title><h2>Wifi password: {WEAK}</h2><p>The router.".encode(),
    ),
    "an org title": (
        "a.org",
        f"#+TITLE: token {TOKEN}\n* Wifi password: {WEAK}\nThe router is there.\n".encode(),
    ),
    "a notebook": (
        "a.ipynb",
        json.dumps(
            {"cells": [{"cell_type": "markdown", "source": f"# token {TOKEN}\n\nThe router."}]}
        ).encode(),
    ),
    "a book": zipped("a.epub", epub()),
    "a key of settings": ("a.yaml", f"token {TOKEN}:\n  - the router\n".encode()),
    "names in an archive": zipped("a.zip", {f"token {TOKEN}.txt": "x", "cranes.txt": "x"}),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_title_or_heading_with_a_credential_is_nowhere(name: str) -> None:
    """Neither in the document nor in what is made of it for the index and the model."""
    file, data = NAMED[name]
    document = sniff.read(from_bytes(data, file))
    passages = chunk_document(document, "stem", lambda texts: [len(text.split()) for text in texts])
    names = [document.title, *(part for section in document.sections for part in section.heading)]
    shown = mask_withheld(document).text
    for place in (*names, shown, document.note, *map(str, passages), *(p.prompt_title for p in passages)):
        assert TOKEN not in place and WEAK not in place, place
    assert "credential" in document.note and "left out" in document.note


def test_what_is_beside_a_credential_in_a_title_stays() -> None:
    document = sniff.read(from_bytes(f"# Hut: token {TOKEN} of May\n\nThe router.\n".encode(), "a.md"))
    assert document.title == "Hut: token [left out] of May"
    assert document.note == (
        "The text around 1 credential (line 1) is left out. In a title or heading a credential is left out."
    )


def test_a_title_that_is_a_credential_is_none() -> None:
    document = sniff.read(from_bytes(f"# {TOKEN}\n\nThe router stands in the attic.\n".encode(), "a.md"))
    assert document.title == ""
    passages = chunk_document(document, "stem", lambda texts: [len(text.split()) for text in texts])
    assert {passage.title for passage in passages} == {"stem"}


def test_a_name_holds_no_control_characters_and_no_halves_of_characters() -> None:
    kept = {"language": "py\ud800\0", "title": "a\ud800b", "note": "x\x1b[0m\ny", "kind": "no\0te"}
    section = Section(0, 5, "prose", ("h\udfff",))
    document = withhold_credentials(Document("words", sections=(section,), **kept))
    names = (document.kind, document.language, document.title, document.note, *document.sections[0].heading)
    assert all(name.isprintable() and name.encode() for name in names), names


@pytest.mark.parametrize("name", ["a.csv", "notes.txt"])
def test_an_export_of_passwords_is_left_out_whatever_its_name(name: str) -> None:
    rows = "name,url,username,password,note\nshop,https://shop.example,anna,swordfish,\n"
    with pytest.raises(FileSkipped, match="export of passwords"):
        sniff.read(from_bytes(rows.encode(), name))


def test_a_column_of_passwords_is_withheld_with_the_weakest_of_them() -> None:
    rows = "Room,Password\nattic,swordfish\ncellar,gr33nboat7\n"
    document = sniff.read(from_bytes(rows.encode(), "a.csv"))
    shown = mask_withheld(document).text
    assert "swordfish" not in shown and "gr33nboat7" not in shown
