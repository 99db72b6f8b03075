"""What a document must not hand on: credentials in its text, title and headings, characters that are none.

Owns this for every format at once, after its reader: no reader knows of it. A file's own name is not judged:
the user finds the file by its path, and is in the index whatever it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from index.credentials import credentials
from index.credentials.exports import is_export, names_accounts
from index.errors import FileWithheld
from index.types import Document, Section

LEFT_OUT = "[left out]"
"""Replaces a credential in a title or heading."""
_TABLES = frozenset({"csv", "sheet"})
_PLAIN = frozenset({"csv", "text", "data"})
"""Kinds whose files are text that begins with the names of its columns, or with its outermost element."""
_APART = "\n\n.\n\n"
"""Between headings that are judged together: a name of a password and a value never meet across it."""
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]+")
_LINES_NAMED = 5


def withhold_credentials(document: Document) -> Document:
    """The document with credentials marked in its text and taken out of all its names.

    Raises FileWithheld where it is nothing but credentials.
    """
    refuse_accounts(document)
    found = credentials(document.text, code=document.kind == "code")
    names = _names(document)
    clean = _clean(document, names, found)
    changed = sum(LEFT_OUT in clean[name] and LEFT_OUT not in name for name in names)
    title = clean.get(document.title, "")
    return replace(
        document,
        title="" if title == LEFT_OUT else title,
        kind=_printable(document.kind),
        language=_printable(document.language),
        sections=tuple(_rename_headings(document.sections, clean)),
        withheld=tuple(found),
        fields=_fields(document.fields),
        catalog=tuple(
            entry._replace(path=_printable(entry.path), fields=_fields(entry.fields))
            for entry in document.catalog
        ),
        links=tuple(link for link in document.links if not credentials(link)),
        note=_printable(f"{document.note} {_note(document.text, found, changed)}").strip(),
    )


def _fields(fields: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The fields that hold no credential. They are judged together first, for most hold none."""
    if credentials(_APART.join(f"{name}: {words}" for name, words in fields)):
        fields = [(name, words) for name, words in fields if not credentials(f"{name}: {words}")]
    return tuple((name, _printable(words)) for name, words in fields)


def refuse_accounts(document: Document) -> None:
    """Raise FileWithheld where the document is a table of passwords."""
    if document.kind in _TABLES and any(map(names_accounts, _heads(document))):
        raise FileWithheld("It is a table of passwords.")


def refuse_export(kind: str, head: bytes) -> None:
    """Raise FileWithheld where a file of `kind` that begins with `head` is an export of passwords."""
    if kind in _PLAIN and is_export(head.decode("utf-8", "replace")):
        raise FileWithheld("It is an export of passwords.")


def _heads(document: Document) -> Iterator[str]:
    """The lines of a table that can name its columns."""
    rows = (s for s in document.sections if s.kind == "row" and document.text.startswith("| ", s.start))
    return (document.text[s.start : s.end] for s in rows)


def _names(document: Document) -> list[str]:
    parts = {part for section in document.sections for part in section.heading}
    return list(dict.fromkeys([document.title, *sorted(parts)]))


def _clean(document: Document, names: Sequence[str], found: Sequence[tuple[int, int]]) -> dict[str, str]:
    """What each name becomes."""
    clean = {name: _printable(name) for name in names}
    joined = _APART.join(clean.values())
    spans = credentials(joined)
    if spans:
        at = 0
        for name, words in list(clean.items()):
            clean[name] = _without(words, at, spans)
            at += len(words) + len(_APART)
    for name in _headings_withheld(document.sections, found):
        if LEFT_OUT not in clean[name]:
            clean[name] = LEFT_OUT
    return clean


def _headings_withheld(sections: Sequence[Section], found: Sequence[tuple[int, int]]) -> Iterator[str]:
    """The headings in whose own lines something is withheld; both sequences are in order."""
    headings = [section for section in sections if section.kind == "heading" and section.heading]
    i = 0
    for section in headings:
        while i < len(found) and found[i][1] <= section.start:
            i += 1
        if i < len(found) and found[i][0] < section.end:
            yield section.heading[-1]


def _without(words: str, at: int, spans: Sequence[tuple[int, int]]) -> str:
    """`words`, which begin at `at` in the text of the spans, with a mark for each of them."""
    end = at + len(words)
    parts: list[str] = []
    last = at
    for start, stop in spans:
        if start < end and stop > at:
            parts += (words[last - at : max(start, at) - at], LEFT_OUT)
            last = min(stop, end)
    return "".join([*parts, words[last - at :]]).strip()


def _rename_headings(sections: Sequence[Section], clean: dict[str, str]) -> Iterator[Section]:
    paths: dict[tuple[str, ...], tuple[str, ...]] = {}
    for section in sections:
        path = paths.get(section.heading)
        if path is None:
            path = paths[section.heading] = tuple(clean[part] for part in section.heading)
        yield section._replace(heading=path) if path != section.heading else section


def _printable(words: str) -> str:
    """Without control characters, line ends and halves of characters."""
    return _CONTROLS.sub(" ", words.replace("\n", " ")) if words else ""


def _note(text: str, found: Sequence[tuple[int, int]], names: int) -> str:
    """How many credentials are left out, and where."""
    sentences = []
    if found:
        lines = _lines(text, [start for start, _ in found[:_LINES_NAMED]])
        more = ", ..." if len(found) > _LINES_NAMED else ""
        where = f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}{more}"
        sentences.append(
            f"The text around {len(found)} credential{'s' if len(found) > 1 else ''} ({where}) is left out."
        )
    if names:
        several = f"{names} titles or headings" if names > 1 else "a title or heading"
        sentences.append(f"In {several} a credential is left out.")
    return " ".join(sentences)


def _lines(text: str, positions: Sequence[int]) -> list[int]:
    lines: list[int] = []
    line, at = 1, 0
    for position in positions:
        line += text.count("\n", at, position)
        at = position
        if not lines or lines[-1] != line:
            lines.append(line)
    return lines
