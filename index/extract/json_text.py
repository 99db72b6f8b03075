"""The text in JSON: escapes resolved, in a large file the strings that are language, each behind its key.

Owns the strings of JSON, JSON Lines and what is like them. A file that is cut off or has comments is read all
the same: strings are looked for, and no tree is built.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from index.errors import FileSkipped
from index.extract.document_builder import DocumentBuilder, mark
from index.extract.no_language import is_language
from index.extract.prose import is_prose, is_short_prose
from index.extract.terminal_text import without_codes
from index.types import Document

_STRING = re.compile(r'"((?:[^"\\]++|\\.)*+)"|([{}\[\]])', re.DOTALL)
_KEY = re.compile(r"\s*:")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_NESTED = re.compile(r"[{\[,:]\s*\\+\"|\\+\"\s*:")
"""JSON inside a string, by its escaped quotation marks."""
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_CONTROLS = {"n": "\n", "r": "\n", "t": " ", "b": " ", "f": " "}
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
    long_line = max(map(len, text.split("\n"))) > _LONGEST_LINE
    if len(text) <= _SMALL and not long_line and suffix != ".canvas":
        if "\\" in text:
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
    return without_codes(string.encode("utf-8", "replace").decode("utf-8"))


def _character(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return _CONTROLS.get(found[2], found[2])


def _plain(line: str) -> str:
    """A line of a small file: it stays one line."""
    return _STRING.sub(lambda m: f'"{" ".join(unescaped(m[1]).split(chr(10)))}"' if m[1] else m.group(), line)


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
    key, line, at = "", 1, 0
    seen: Counter[tuple[str, str]] = Counter()
    for found in _STRING.finditer(text):
        if found[2]:
            if found[2] in "}]":
                yield "", None, line
            key = "" if found[2] == "{" else key
            continue
        line += text.count("\n", at, found.start())
        at = found.start()
        if _KEY.match(text, found.end()):
            key = unescaped(found[1])[:80]
            continue
        value = unescaped(found[1]).strip()
        if not value or not (is_prose(value) or is_short_prose(value)) or not is_language(value):
            continue
        seen[key, value] += len(value) < 200
        if seen[key, value] <= _REPEATED:
            yield key, value, line
