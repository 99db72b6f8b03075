"""The text in JSON: escapes resolved, in a large file the strings that are language, each behind its key.

Owns the strings of JSON, JSON Lines and what is like them. A file that is cut off or has comments is read all
the same: strings are looked for, and no tree is built.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from index.errors import FileSkipped
from index.extract.document_builder import DocumentBuilder, mark
from index.extract.no_language import is_language
from index.extract.prose import is_prose, is_short_prose
from index.extract.terminal_text import without_codes
from index.extract.xml_text import resolve_entities, strip_tags
from index.types import Document

_STRING = re.compile(r'"((?:[^"\\]++|\\.)*+)(?:"|\\?\Z)|([{}\[\]])', re.DOTALL)
"""A string, which the end of the text ends too: to look for its end from each quotation mark takes long."""
_KEY = re.compile(r"\s*:")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_NESTED = re.compile(r"[{\[,:]\s*\\+\"|\\+\"\s*:")
"""JSON inside a string, by its escaped quotation marks."""
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_CONTROLS = {"n": "\n", "r": "\n", "t": " ", "b": " ", "f": " "}
_MISREAD = re.compile(r"(?:\\u00[89a-fA-F][0-9a-fA-F])+")
"""Bytes above 127 written as if each were a character."""
_MOST_NOT_MISREAD = 0.05
_ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,30}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_PAGE = re.compile(r"</[A-Za-z][A-Za-z0-9]{0,15}>|<br ?/?>")
_RICH = re.compile(
    r"\[\s*+(?:(?:\"(?:[^\"\\]++|\\.)*+\"|\{(?:[^\"{}\[\]]++|\"(?:[^\"\\]++|\\.)*+\")*+\})\s*+,?\s*+){2,}+\]",
    re.DOTALL,
)
"""A list of strings and of objects that hold no others."""
_PIECE = re.compile(r"\{(?:[^\"{}]++|\"(?:[^\"\\]++|\\.)*+\")*+\}|\"((?:[^\"\\]++|\\.)*+)\"", re.DOTALL)
_MEMBER = re.compile(r"\"((?:[^\"\\]++|\\.)*+)\"\s*+:\s*+(?:\"((?:[^\"\\]++|\\.)*+)\")?", re.DOTALL)
_MOST_MEMBERS = 4
"""Of a piece of text: its type, its words, and what it leads to. An object with more is a record."""
_DEEPEST = 6
"""JSON inside JSON inside JSON: so often are escapes resolved."""
_SMALL = 16_384
"""Characters: a smaller file is shown as it is, its keys and numbers included."""
_LONGEST_LINE = 4_000
_LEAST_PROSE = 0.1
_REPEATED = 20
"""A short string is read so often; after that it is a value of a type, and no name."""


def read_json_text(text: str, suffix: str) -> Document:
    """Raises FileSkipped where a large file holds hardly any prose."""
    text = _restore_letters(text)
    long_line = max(map(len, text.split("\n"))) > _LONGEST_LINE
    if len(text) <= _SMALL and not long_line and suffix != ".canvas":
        if any(sign in text for sign in ("\\", "&", "</")):
            text = "\n".join(map(_plain, text.split("\n")))
        return Document(text, "data")
    builder = DocumentBuilder()
    prose = _add_strings(builder, text)
    if len(text) > _SMALL and prose < _LEAST_PROSE:
        raise FileSkipped("It holds data, hardly any prose.")
    return builder.document("data")


def unescaped(string: str) -> str:
    """A string of JSON as the text it stands for; one that is JSON itself is resolved too."""
    for _ in range(_DEEPEST):
        nested = _NESTED.search(string)
        string = _ESCAPE.sub(_character, string) if "\\" in string else string
        if not nested:
            break
    string = _SURROGATES.sub(lambda m: m.group().encode("utf-16", "surrogatepass").decode("utf-16"), string)
    return without_codes(_strip_markup(string).encode("utf-8", "replace").decode("utf-8"))


def _strip_markup(string: str) -> str:
    """A string without the tags and entities of HTML: feeds, chats and backups of sites hold whole pages."""
    if _PAGE.search(string):
        string = strip_tags(string)
    return resolve_entities(string) if _ENTITY.search(string) else string


def _restore_letters(text: str) -> str:
    """JSON whose letters are bytes of UTF-8, each taken for a character (Meta's exports), with its letters.

    Only where nearly all are such bytes: in another text, a few may look like them by chance.
    """
    other = 0
    found = 0

    def letters(bytes_: re.Match[str]) -> str:
        nonlocal other, found
        found += 1
        try:
            return bytes.fromhex(bytes_.group().replace("\\u00", "")).decode()
        except UnicodeDecodeError:
            other += 1
            return bytes_.group()

    written = _MISREAD.sub(letters, text)
    return written if found and other <= _MOST_NOT_MISREAD * found else text


def _character(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return _CONTROLS.get(found[2], found[2])


def _plain(line: str) -> str:
    """A line of a small file: it stays one line."""

    def plain(found: re.Match[str]) -> str:
        end = '"' if found.end(1) < found.end() else ""
        return f'"{" ".join(unescaped(found[1]).split(chr(10)))}{end}' if found[1] else found.group()

    return _STRING.sub(plain, line)


def _add_strings(builder: DocumentBuilder, text: str) -> float:
    """Put the strings that are language into the builder, one block an object; returns the share of prose."""
    block: list[str] = []
    said = prose = 0
    for key, value, line in _values(text):
        if value is None:
            if block:
                builder.add("\n".join(block), "data")
                block = []
            continue
        is_sentence = is_prose(value)
        said += len(value)
        prose += len(value) if is_sentence else 0
        block.append(mark(line) + (f"{key}: {value}" if key and not is_sentence else value))
        if is_sentence and len(block) > 8:
            builder.add("\n".join(block), "data")
            block = []
    if block:
        builder.add("\n".join(block), "data")
    return prose / said if said else 0.0


def _values(text: str) -> Iterator[tuple[str, str | None, int]]:
    """Strings that are language with their keys and lines; None where an object ends."""
    key, line, at, rich_until = "", 1, 0, 0
    last = ""
    seen: Counter[tuple[str, str]] = Counter()
    for found in _STRING.finditer(text):
        if found.start() < rich_until:
            continue
        joined = ""
        if found[2] == "[" and (rich := _RICH.match(text, found.start())):
            joined = _join_pieces(rich.group())
            rich_until = rich.end() if joined else 0
        if found[2] and not joined:
            if found[2] in "}]":
                yield "", None, line
            key = "" if found[2] == "{" else key
            continue
        line += text.count("\n", at, found.start())
        at = found.start()
        if not joined and _KEY.match(text, found.end()):
            key = unescaped(found[1])[:80]
            continue
        value = (joined or unescaped(found[1])).strip()
        if (
            not value
            or (joined and value == last)
            or not (is_prose(value) or is_short_prose(value))
            or not is_language(value)
        ):
            continue
        last = value
        seen[key, value] += len(value) < 200
        if seen[key, value] <= _REPEATED:
            yield key, value, line


def _join_pieces(rich: str) -> str:
    """The text of a list of pieces, plain and formatted (chats, editors); empty where it is no such list.

    Pieces of one text have their blanks at their edges. Those of a list of texts have not.
    """
    pieces: list[str] = []
    for found in _PIECE.finditer(rich):
        if found[1] is not None:
            pieces.append(unescaped(found[1]))
            continue
        members = {member[1]: member[2] for member in _MEMBER.finditer(found.group())}
        if "type" not in members or not members.get("text") or len(members) > _MOST_MEMBERS:
            return ""
        pieces.append(unescaped(members["text"]))
    edges = sum(before[-1:].isspace() or after[:1].isspace() for before, after in pairwise(pieces))
    return "".join(pieces) if 2 * edges >= len(pieces) - 1 else ""
