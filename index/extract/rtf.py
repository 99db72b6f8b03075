"""Rich Text Format: paragraphs, tables, notes, comments, headers and footers, in whatever code page.

Owns the control words that bear on text (RTF 1.9.1), the packing that Outlook uses (MS-OXRTFCP), and the
HTML that Outlook writes into RTF (MS-OXRTFEX). Reads in one pass, in time with the size of the file.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from index.errors import FileFailed
from index.extract.charsets import codec_of
from index.extract.document_builder import DocumentBuilder, table_row
from index.extract.html import add_html
from index.extract.source import MEBIBYTE, Source
from index.types import Document

_TOKEN = re.compile(
    rb"\\(?:'(?P<hex>[0-9a-fA-F]{2})|(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})? ?|(?P<sign>[^a-zA-Z]))"
    rb"|(?P<brace>[{}])|(?P<text>[^\\{}\r\n]+)|[\r\n]+|\\"
)
_PICTURE = re.compile(rb"(?:[0-9a-fA-F]{60,}\s*){2,}")
"""Runs of hexadecimal lines are pictures; without them the work is in proportion to the text."""
_NO_TEXT = frozenset(
    b"fonttbl colortbl stylesheet info pict listtable listoverridetable objdata rsidtbl generator"
    b" themedata colorschememapping latentstyles datastore xmlnstbl mmathPr pgptbl revtbl filetbl nonshppict"
    b" bkmkstart bkmkend datafield formfield shprslt listpicture blipuid atrfstart atrfend"
    b" atnref atndate atnparent wgrffmtfilter shpinst panose falt fname ftnsep ftnsepc ftncn aftnsep aftnsepc"
    b" aftncn template passwordhash pntxta pntxtb upr objclass objname private picprop hl hlsrc".split()
)
"""Destinations that hold no text of the document; parts of `upr` and `shpinst` are text."""
_APART = {b"header": "Header", b"headerl": "Header", b"headerr": "Header", b"headerf": "Header",
          b"footer": "Footer", b"footerl": "Footer", b"footerr": "Footer", b"footerf": "Footer",
          b"footnote": "Footnotes", b"annotation": "Comments"}  # fmt: skip
"""Destinations whose text is apart from the text around them, and its heading."""
_TEXT_INSIDE = frozenset({b"shptxt", b"ud", b"atnauthor", b"dptxbxtext"})
"""Destinations that hold text in one that holds none."""
_ASIDE = {b"fldinst": "\0field", b"sn": "\0name", b"sv": "\0value", b"shprslt": "\0again"}
"""Destinations whose text is looked at and is none of the document's."""
_ADDRESS = re.compile(r"HYPERLINK\s+\"([^\"]{1,2000})\"", re.IGNORECASE)
_DESCRIPTION = "wzDescription"
"""The name of the property of a shape that says what is seen on it."""
_SIGNS = {
    b"par": "\n", b"sect": "\n", b"page": "\n", b"line": " ", b"lbr": " ", b"tab": "\t", b"emdash": "—",
    b"endash": "–", b"emspace": " ", b"enspace": " ", b"qmspace": " ", b"bullet": "•", b"lquote": "‘",
    b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"zwj": "\u200d", b"zwnj": "\u200c",
    b"nestrow": "\n",
}  # fmt: skip
_CHARSETS = {
    0: "cp1252", 77: "mac_roman", 78: "shift_jis", 128: "shift_jis", 129: "euc-kr", 130: "johab", 134: "gbk",
    136: "big5", 161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257",
    204: "cp1251", 222: "cp874", 238: "cp1250", 254: "cp437", 255: "cp850",
}  # fmt: skip
"""The code page of each character set of a font (RTF 1.9.1, font table)."""
_DOCUMENT_PAGES = {b"ansi": "cp1252", b"mac": "mac_roman", b"pc": "cp437", b"pca": "cp850"}
_MOST_DEPTH = 10_000
_INFO = re.compile(rb"\{\\title\b ?")
_MOST_TITLE = 2_000
_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    b"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_MOST_UNPACKED = 48 * MEBIBYTE


def read(source: Source) -> Document:
    """An RTF document, a paragraph a block; its title is its properties'."""
    data = source.content()
    if not data.lstrip()[:5].startswith(b"{\\rt"):
        raise FileFailed("It is no RTF: it does not begin like one.")
    builder = DocumentBuilder()
    add_rtf(builder, data)
    return builder.document("rtf", _title(data))


def add_rtf(builder: DocumentBuilder, data: bytes, *, base_level: int = 0) -> None:
    """Put the blocks of an RTF document into `builder`; HTML that is in it as HTML."""
    parsed = _Parser()
    parsed.feed(_PICTURE.sub(b"", data))
    if parsed.html:
        add_html(builder, "".join(parsed.html), base_level=base_level)
        return
    for name, text in parsed.apart():
        if name:
            builder.open(base_level + 1, name, shown=False)
        for line in text.split("\n"):
            cells = line.split("\x07")
            if len(cells) > 1:
                builder.add(table_row(cells[:-1] if not cells[-1].strip() else cells), "row")
            else:
                builder.add(line.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


@dataclass(frozen=True, slots=True)
class _State:
    """The state inside a group."""

    silent: bool = False
    codec: str = ""
    after_unicode: int = 1
    """Characters that stand in for one in Unicode, for old programs."""
    apart: str = ""
    is_link: bool = False
    deleted: bool = False
    hidden_html: bool = False
    """In HTML: what is there only for programs that read RTF."""


class _Parser:
    """Text by its place: the body, and what is apart from it."""

    def __init__(self) -> None:
        self._state = _State()
        self._stack: list[_State] = []
        self._texts: dict[str, list[str]] = {"": []}
        self._bytes = bytearray()
        self._skip = 0
        self._first = False
        self._starred = False
        self._page = "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = 0
        self._in_fonts = 0
        self._from_html = False
        self._address = ""
        self.html: list[str] = []

    def apart(self) -> Iterator[tuple[str, str]]:
        """The body's text, then headers, footers, notes and comments, each kind once."""
        for name, parts in self._texts.items():
            if not name.startswith("\0"):
                yield name, "".join(parts)

    def feed(self, data: bytes) -> None:
        at, end = 0, len(data)
        while at < end:
            token = _TOKEN.match(data, at)
            if token is None:
                break
            at = token.end()
            first, self._first = self._first, False
            if token["text"] is not None:
                self._take(token["text"])
            elif token["hex"] is not None:
                self._take(bytes([int(token["hex"], 16)]))
            elif token["brace"] is not None:
                self._brace(token["brace"])
            elif token["word"] == b"bin":
                at = min(end, at + max(0, int(token["number"] or 0)))
            elif token["word"] is not None:
                self._control(token["word"], int(token["number"]) if token["number"] else None)
            elif token["sign"] is not None:
                self._sign(token["sign"], first)
        self._flush()

    def _brace(self, brace: bytes) -> None:
        self._flush()
        self._skip = 0
        self._starred = False
        self._first = brace == b"{"
        if self._first:
            if len(self._stack) < _MOST_DEPTH:
                self._stack.append(self._state)
        elif self._stack:
            if self._in_fonts > len(self._stack) - 1:
                self._in_fonts = 0
            ended, self._state = self._state, self._stack.pop()
            if ended != self._state:
                self._leave(ended)

    def _leave(self, ended: _State) -> None:
        """What the end of a destination brings: the address behind a link, what is said of a shape."""
        if ended.apart.startswith("\0") and ended.apart != self._state.apart:
            words = "".join(self._texts.pop(ended.apart, ()))
            if ended.apart == "\0field":
                found = _ADDRESS.search(words)
                self._address = found[1] if found else ""
            elif ended.apart == "\0name":
                self._texts["\0property"] = [words]
            elif ended.apart == "\0value" and self._texts.get("\0property") == [_DESCRIPTION]:
                self._texts.setdefault("Pictures", []).append(f"{words}\n")
        if ended.is_link and not self._state.is_link and self._address:
            self._put(f" ({self._address})")
            self._address = ""

    def _sign(self, sign: bytes, first: bool) -> None:
        if sign == b"*":  # anywhere but at the beginning of a group it says nothing
            self._starred = first
        elif sign in b"\\{}":
            self._take(sign)
        elif sign == b"~":
            self._put(" ")
        elif sign == b"_":
            self._put("-")
        elif sign in b"\r\n":
            self._put("\n")

    def _control(self, word: bytes, number: int | None) -> None:
        starred, self._starred = self._starred, False
        if word == b"u":
            self._unicode(number or 0)
            return
        self._flush()
        if word in _SIGNS:
            self._put(_SIGNS[word])
        elif word in (b"cell", b"nestcell"):
            self._put("\x07")
        elif word in (b"row", b"trowd"):
            self._put("\n")
        elif word in _APART and not self._state.silent:
            self._state = replace(self._state, apart=_APART[word])
            self._put("\n")
        elif word == b"htmltag":
            self._state = replace(self._state, silent=False, hidden_html=False)
        elif word in _ASIDE:
            self._state = replace(self._state, silent=False, apart=_ASIDE[word])
        elif word == b"fldrslt":
            self._state = replace(self._state, is_link=True)
        elif word in _TEXT_INSIDE:
            self._state = replace(self._state, silent=False)
            if word == b"atnauthor":
                self._state = replace(self._state, apart="Comments")
        elif word in _NO_TEXT or starred:
            self._state = replace(self._state, silent=True)
            if word == b"fonttbl":
                self._in_fonts = len(self._stack)
        else:
            self._setting(word, number)

    def _setting(self, word: bytes, number: int | None) -> None:
        if word == b"ansicpg":
            self._page = codec_of(f"cp{number}") or self._page
        elif word in _DOCUMENT_PAGES:
            self._page = _DOCUMENT_PAGES[word]
        elif word == b"uc":
            self._state = replace(self._state, after_unicode=min(max(0, number or 0), 16))
        elif word == b"f":
            self._font = number or 0
            if not self._in_fonts:
                self._state = replace(self._state, codec=self._fonts.get(self._font, ""))
        elif word == b"fcharset" and self._in_fonts:
            if number in _CHARSETS and number != 0:
                self._fonts[self._font] = codec_of(_CHARSETS[number])
        elif word == b"cpg" and self._in_fonts:
            self._fonts[self._font] = codec_of(f"cp{number}")
        elif word == b"plain":
            self._state = replace(self._state, codec="", deleted=False)
        elif word == b"deleted":
            self._state = replace(self._state, deleted=number != 0)
        elif word == b"fromhtml":
            self._from_html = number != 0
        elif word == b"htmlrtf":
            self._state = replace(self._state, hidden_html=number != 0)

    def _unicode(self, number: int) -> None:
        self._flush()
        if number < 0:
            number += 1 << 16
        self._put(chr(number) if 0 <= number < 0x110000 else "\ufffd")
        self._skip = self._state.after_unicode

    def _take(self, data: bytes) -> None:
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        if not self._state.silent:
            self._bytes += data

    def _flush(self) -> None:
        if self._bytes:
            words = self._bytes.decode(self._state.codec or self._page, "replace")
            self._bytes.clear()
            self._put(words)

    def _put(self, words: str) -> None:
        self._flush()
        if self._state.silent or self._state.deleted:
            return
        if self._from_html and not self._state.hidden_html:
            self.html.append(words)
        self._texts.setdefault(self._state.apart, []).append(words)


def _title(data: bytes) -> str:
    """The title among the properties."""
    found = _INFO.search(data[:100_000])
    if found is None:
        return ""
    parser = _Parser()
    parser.feed(b"{\\rtf1 " + _code_page(data) + _group(data[found.end() : found.end() + _MOST_TITLE]))
    return next(parser.apart())[1]


def _code_page(data: bytes) -> bytes:
    found = re.search(rb"\\ansicpg\d{1,5} ?", data[:2_000])
    return found.group() if found else b""


def _group(data: bytes) -> bytes:
    """The text before the brace that ends the group."""
    depth = 0
    for brace in re.finditer(rb"\\.|[{}]", data, re.DOTALL):
        depth += {b"{": 1, b"}": -1}.get(brace.group(), 0)
        if depth < 0:
            return data[: brace.start()]
    return b""


def unpacked(data: bytes) -> bytes:
    """RTF as Outlook packs it (MS-OXRTFCP); empty where it is damaged."""
    if len(data) < 16:
        return b""
    _, size, magic, _ = struct.unpack_from("<IIII", data)
    if magic == 0x414C454D:
        return data[16 : 16 + size]
    if magic != 0x75465A4C or size > _MOST_UNPACKED:
        return b""
    held = bytearray(_DICTIONARY.ljust(4096, b"\0"))
    out, write, at = bytearray(), len(_DICTIONARY), 16
    while at < len(data) and len(out) < size:
        control = data[at]
        at += 1
        for bit in range(8):
            if not control >> bit & 1:
                if at >= len(data):
                    return bytes(out)
                held[write] = data[at]
                out.append(data[at])
                write, at = (write + 1) % 4096, at + 1
                continue
            if at + 1 >= len(data):
                return bytes(out)
            place, length = data[at] << 4 | data[at + 1] >> 4, (data[at + 1] & 15) + 2
            at += 2
            if place == write:
                return bytes(out)
            for i in range(length):
                byte = held[(place + i) % 4096]
                held[write] = byte
                out.append(byte)
                write = (write + 1) % 4096
    return bytes(out)
