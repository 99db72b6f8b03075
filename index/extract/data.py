"""JSON, YAML, TOML, XML and their like, where they hold prose.

Owns telling prose from data, and making the text inside quotes and tags readable line by line, so
that a line here is a line of the file.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from index.errors import FileSkipped
from index.extract.charsets import declared_in_markup
from index.extract.decode import decode
from index.extract.source import Source
from index.extract.text import paragraphs
from index.types import Document, Section

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([nrtbf\"\\/]))")
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_PLAIN = {"n": " ", "r": " ", "t": " ", "b": " ", "f": " "}
_PROSE = re.compile(
    r"(?<![^\W\d_])(?:[^\W\d_]{2,}+[,;:.'’]?[ ]){3,}[^\W\d_]{2,}"
    r"|[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]{8,}"
)
_KEY = re.compile(
    r"^(?P<name>[A-Za-z_][\w .-]{0,60}):(?=\s|$)|^\[+(?P<table>[\w.\"' -]{1,80})\]+", re.MULTILINE
)
_NAMED = re.compile(
    r"<(?P<name>[\w.-]{0,40}?(?:passw|passphrase|pwd|secret|token|api[_-]?key)[\w.-]{0,40})>(?=[^<>\n])",
    re.IGNORECASE,
)
"""Elements whose names stay: by them a credential is known."""
_COMMENT_OR_TAG = re.compile(r"<!--.*?-->|<[^<>]{0,4000}>", re.DOTALL)
_TAG = re.compile(r"<[^<>]{0,4000}>")
_NO_CHARACTER = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
"""A number beyond every character's: Python does not turn thousands of digits into a number."""
_SMALL = 16_384
_LEAST_PROSE = 0.1
_LONG_LINE = 20_000
_ITEM_END = re.compile(r"(?<=[\"}\]]),(?=[\"{\[])")


def read(source: Source) -> Document:
    """The text of a file of data; raises FileSkipped where hardly any of it is prose."""
    data = source.content()
    markup = source.suffix in (".xml", ".plist", ".rss", ".atom", ".opml", ".xsl", ".xsd", ".xhtml")
    text = decode(data, declared_in_markup(data) if markup else "")
    if markup:
        named = _NAMED.sub(r"\g<name>: ", text)
        text = html.unescape(_NO_CHARACTER.sub("\ufffd", _without_tags(named)))
    elif source.suffix in (".json", ".jsonl", ".ndjson", ".json5", ".geojson"):
        text = _readable(text)
    if len(text) > _SMALL and _prose(text) < _LEAST_PROSE * len(text):
        raise FileSkipped("It holds data, hardly any prose.")
    sections = (
        _keyed(text)
        if source.suffix in (".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf")
        else paragraphs(text, kind="data")
    )
    return Document(text, "data", sections=tuple(sections))


def _readable(text: str) -> str:
    """JSON with its escapes as characters; one long line is divided between its items."""
    if "\n" not in text[:_LONG_LINE]:
        text = _ITEM_END.sub(",\n", text)
    if "\\" not in text:
        return text
    text = _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else _PLAIN.get(m[2], m[2]), text)
    text = _SURROGATES.sub(lambda m: m.group().encode("utf-16", "surrogatepass").decode("utf-16"), text)
    return text.encode("utf-8", "replace").decode("utf-8")


def _without_tags(text: str) -> str:
    """XML without comments and tags; every line keeps its number."""
    end = text.rfind("-->") + 3  # behind it no comment ends, and looking for that would take long
    commented = text[:end] if end > 2 else ""
    return _COMMENT_OR_TAG.sub(_line_ends, commented) + _TAG.sub(_line_ends, text[len(commented) :])


def _line_ends(found: re.Match[str]) -> str:
    return "\n" * found.group().count("\n")


def _prose(text: str) -> int:
    """Characters in runs of four words and more, in the first and last parts of a large text."""
    sample = text if len(text) < 1_000_000 else text[:500_000] + text[-500_000:]
    found = sum(len(run.group()) for run in _PROSE.finditer(sample))
    return found * len(text) // max(1, len(sample))


def _keyed(text: str) -> Iterator[Section]:
    """Blocks under the key or table they belong to."""
    at = 0
    heading: tuple[str, ...] = ()
    for key in _KEY.finditer(text):
        yield from paragraphs(text, at, key.start(), heading, "data")
        at, heading = key.start(), ((key["name"] or key["table"]).strip(),)
    yield from paragraphs(text, at, None, heading, "data")
