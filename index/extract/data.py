"""JSON, YAML, TOML, XML and their like, where they hold prose.

Owns telling prose from data, and the keys of blocks of settings; `json_text` and `xml_text`
own those two languages.
"""

from __future__ import annotations

import json
import plistlib
import re
from collections.abc import Iterator
from dataclasses import replace

from index.errors import FileFailed, FileSkipped
from index.extract.charsets import declared_in_markup
from index.extract.decode import decode_text
from index.extract.drawings import with_drawings
from index.extract.json_text import read_json_text
from index.extract.prose import prose_in
from index.extract.source import Source
from index.extract.text import paragraphs
from index.extract.xml_text import xml_text
from index.types import Document, Section

_KEY = re.compile(
    r"^(?P<name>[A-Za-z_][\w .-]{0,60}):(?=\s|$)|^\[+(?P<table>[\w.\"' -]{1,80})\]+", re.MULTILINE
)
_JSON = (".json", ".jsonl", ".ndjson", ".json5", ".geojson", ".canvas")
_KEYED = (".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".properties", ".url")
_BINARY_PLIST = b"bplist00"
_SMALL = 16_384
_LONGEST_WORD = 60
"""Characters: what is longer is data inside the data, and is left out for itself."""
_LEAST_PROSE = 0.1


def read(source: Source) -> Document:
    """The text of a file of data; raises FileSkipped where hardly any of it is prose."""
    data = source.content()
    if data.startswith(_BINARY_PLIST):
        return read_json_text(_plist_as_json(data), ".json")
    markup = data.lstrip()[:1] == b"<" or source.suffix == ".xml" or bool(declared_in_markup(data))
    text = decode_text(data, declared_in_markup(data) if markup else "")
    if text.lstrip()[:1] == "<":
        text = xml_text(with_drawings(text))
    elif source.suffix in _JSON:
        document = read_json_text(text, source.suffix)
        return document if document.sections else _of_paragraphs(document)
    if len(text) > _SMALL and _share_of_prose(text) < _LEAST_PROSE:
        raise FileSkipped("It holds data, hardly any prose.")
    if source.suffix in _KEYED:
        return Document(text, "data", sections=tuple(_sections_by_key(text)))
    return _of_paragraphs(Document(text, "data"))


def _plist_as_json(data: bytes) -> str:
    """A property list in Apple's binary form as JSON, its bytes and dates left out."""
    try:
        return json.dumps(plistlib.loads(data), ensure_ascii=False, indent=1, default=lambda _: None)
    except (ValueError, RecursionError, OverflowError, plistlib.InvalidFileException) as error:
        raise FileFailed("The property list cannot be decoded.") from error


def _of_paragraphs(document: Document) -> Document:
    return replace(document, sections=tuple(paragraphs(document.text, kind="data")))


def _share_of_prose(text: str) -> float:
    """In the first and last parts of a large text."""
    sample = text if len(text) < 1_000_000 else text[:500_000] + text[-500_000:]
    words = sum(len(word) for word in sample.split() if len(word) < _LONGEST_WORD)
    return prose_in(sample) / max(1, words)


def _sections_by_key(text: str) -> Iterator[Section]:
    """Blocks under the key or table they belong to."""
    at = 0
    heading: tuple[str, ...] = ()
    for key in _KEY.finditer(text):
        yield from paragraphs(text, at, key.start(), heading, "data")
        at, heading = key.start(), ((key["name"] or key["table"]).strip(),)
    yield from paragraphs(text, at, None, heading, "data")
