"""What a file declares of its encoding is believed where it names a character set, and else is nothing."""

from __future__ import annotations

import codecs
import encodings
import pkgutil
from encodings.aliases import aliases

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import documents

from index.extract import sniff
from index.extract.charsets import codec_of
from index.extract.source import from_bytes
from index.types import Document

NAMES = sorted({*aliases, *(module.name for module in pkgutil.iter_modules(encodings.__path__))})
NO_CHARSETS = (
    "zip", "zlib", "bz2", "base64", "hex", "uu", "quopri", "rot13", "rot_13", "idna", "punycode",
    "unicode_escape", "unicode-escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "x-unknown", "",
    "utf-16", "utf-32", "é", "x" * 5_000,
)  # fmt: skip
TEXT = "Der Fährmann kommt um acht."


def read(name: str, data: bytes) -> Document:
    return sniff.read(from_bytes(data, name))


@pytest.mark.parametrize("name", NAMES)
def test_every_codec_that_is_taken_decodes_any_bytes(name: str) -> None:
    codec = codec_of(name)
    if codec:
        assert isinstance(bytes(range(256)).decode(codec, "replace"), str)


@given(st.text(max_size=60))
def test_a_name_of_anything_is_a_codec_or_nothing(name: str) -> None:
    assert not (codec := codec_of(name)) or codecs.lookup(codec)


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("ISO-8859-1", "cp1252"), (' "Latin1" ', "cp1252"), ("windows-31j", "cp932"), ("x-sjis", "cp932"),
        ("GB2312", "gb18030"), ("ks_c_5601-1987", "cp949"), ("KOI8-R", "koi8-r"),
        ("iso-8859-8-i", "iso8859_8"), ("macintosh", "mac-roman"), ("utf8", "utf-8"),
        ("iso-2022-jp", "iso2022_jp"), ("utf-7", "utf-7"),
    ],
)  # fmt: skip
def test_names_mean_what_the_encoding_standard_says(declared: str, codec: str) -> None:
    assert codecs.lookup(codec_of(declared)).name == codecs.lookup(codec).name


@pytest.mark.parametrize("name", NO_CHARSETS)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_file_that_declares_what_is_no_character_set_is_read_all_the_same(name: str, encoding: str) -> None:
    text = TEXT.encode(encoding) * 3
    shown = TEXT if encoding == "utf-8" else "hrmann kommt um acht."  # what else it is can only be guessed
    label = name.encode("utf-8")
    mail = b"Subject: =?" + label + b'?q?Harbour?=\nContent-Type: text/plain; charset="' + label + b'"\n'
    assert shown in read("a.eml", mail + b"Content-Transfer-Encoding: 8bit\n\n" + text).text
    page = b'<html><meta charset="' + label + b'"><p>' + text + b"</p></html>"
    assert shown in read("a.html", page).text
    xml = b"<?xml version='1.0' encoding='" + label + b"'?>\n<a><b>" + text + b"</b></a>"
    assert shown in read("a.xml", xml).text


@pytest.mark.parametrize("name", [name for name in NO_CHARSETS if name.isascii() and 0 < len(name) < 40])
def test_so_are_the_parts_of_an_archive(name: str) -> None:
    declared = f'<?xml version="1.0" encoding="{name}"?>'
    word = documents.zipped(
        {"word/document.xml": f"{declared}<document><body><p><r><t>{TEXT}</t></r></p></body></document>"}
    )
    assert TEXT in read("a.docx", word).text
    book = documents.zipped(
        {
            "META-INF/container.xml": f'{declared}<container><rootfile full-path="p.opf"/></container>',
            "p.opf": f'{declared}<package><manifest><item id="x" href="1.xhtml"/></manifest>'
            '<spine><itemref idref="x"/></spine></package>',
            "1.xhtml": f"{declared}<html><body><p>{TEXT}</p></body></html>",
        }
    )
    assert TEXT in read("a.epub", book).text


def test_xml_in_a_character_set_that_expat_has_no_table_for() -> None:
    text = "吾輩は猫である。名前はまだ無い。"
    body = f"<document><body><p><r><t>{text}</t></r></p></body></document>"
    xml = f'<?xml version="1.0" encoding="Shift_JIS"?>{body}'
    word = documents.zipped({"word/document.xml": xml.encode("shift_jis")})
    assert text in read("a.docx", word).text


@pytest.mark.parametrize("page", ["0", "1200", "65001", "10000", "99999", "4294967296", "-1", ""])
def test_an_rtf_of_an_unknown_code_page_is_read(page: str) -> None:
    data = (
        rb"{\rtf1\ansi\ansicpg" + page.encode() + rb" {\fonttbl{\f0\fcharset0 Arial;}}\f0 Boats moor here.}"
    )
    assert "Boats moor here." in read("a.rtf", data).text
