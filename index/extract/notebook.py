"""Jupyter notebooks: text cells as Markdown, code cells as code, what they printed beside them.

Owns the notebook's JSON.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from index.errors import FileFailed
from index.extract.decode import decode_text
from index.extract.document_builder import DocumentBuilder, mark, parse_number
from index.extract.html import add_html
from index.extract.located_json import LineCounter, loads_located
from index.extract.markdown import parse_heading, sections_of
from index.extract.source import Source
from index.languages import TITLES
from index.types import Document

_MOST_OUTPUT = 2_000
_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_RICH = ("text/markdown", "text/html", "text/latex", "text/plain")
"""Forms of an output, the one that says most first."""
_BARE = re.compile(r"\s*<[\w.]+[^\n]{0,200}>\s*\Z")
"""What Python prints for an object that has no words."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """The text of a cell, and on which lines of the file parts of it begin."""

    text: str
    lines: tuple[tuple[int, int], ...]

    def part(self, start: int, end: int) -> str:
        """A part with the lines it comes from marked in it."""
        begun = [(at, line) for at, line in self.lines if at <= start][-1:]
        inside = [(at, line) for at, line in self.lines if start < at < end]
        pieces: list[str] = []
        for (at, line), after in zip([*begun, *inside], [*(at for at, _ in inside), end], strict=False):
            words = self.text[max(at, start) : after]
            body = words.lstrip()
            pieces.append(words[: len(words) - len(body)] + (mark(line) + body if body and line else body))
        return "".join(pieces) if begun else self.text[start:end]


def read(source: Source) -> Document:
    """A notebook; its title is its first heading."""
    text = decode_text(source.content())
    try:
        book = loads_located(text)
        cells = book.get("cells") or [
            cell for sheet in book.get("worksheets", []) for cell in sheet.get("cells", [])
        ]
        language = _language(book.get("metadata", {}).get("kernelspec", {}).get("language"))
    except (ValueError, AttributeError, TypeError):
        raise FileFailed("It is damaged or no notebook: its JSON cannot be read.") from None
    builder = DocumentBuilder()
    counter = LineCounter(text)
    title = ""
    cut = 0
    for cell in cells if isinstance(cells, list) else []:
        if not isinstance(cell, dict):
            continue
        body = _join_lines(cell.get("source", cell.get("input", "")), counter)
        if cell.get("cell_type") == "code":
            builder.add(body.part(0, len(body.text)), "code")
            outputs = cell.get("outputs")
            printed = outputs if isinstance(outputs, list) else []
            cut += sum(_add_output(builder, one, counter) for one in printed)
        else:
            if cell.get("cell_type") == "heading":  # of before 2015
                body = _Cell(f"{'#' * parse_number(str(cell.get('level')), 1)} {body.text}", body.lines)
            first = _add_markdown(builder, body)
            title = title or first
    if cut:
        builder.notes.append(
            f"Of {cut} output{'s' if cut > 1 else ''} only the first {_MOST_OUTPUT:,} characters are read."
        )
    return builder.document("notebook", title, language=language)


def _language(named: Any) -> str:
    """The language by the name it has elsewhere; empty where it is none that is known."""
    bare = named.lower().rstrip("0123456789. ") if isinstance(named, str) else ""
    bare = "shell" if bare == "bash" else bare
    return bare if bare in TITLES else ""


def _add_markdown(builder: DocumentBuilder, cell: _Cell) -> str:
    """Put a text cell into the builder; returns its first top heading."""
    first = ""
    for section in sections_of(cell.text):
        words = cell.text[section.start : section.end]
        if section.kind == "heading":
            level, title = parse_heading(words.strip().split("\n")[0])
            line = next((line for at, line in reversed(cell.lines) if at <= section.start), 0)
            builder.open(level or 1, (mark(line) if line else "") + title)
            first = first or (title if level < 2 else "")
        else:
            builder.add(cell.part(section.start, section.end), section.kind)
    return first


def _join_lines(lines: Any, counter: LineCounter) -> _Cell:
    parts = lines if isinstance(lines, list) else [lines]
    text: list[str] = []
    places: list[tuple[int, int]] = []
    length = 0
    for part in parts:
        if isinstance(part, str):
            places.append((length, counter.line_of(part)))
            text.append(str(part))
            length += len(part)
    return _Cell("".join(text), tuple(places))


def _add_output(builder: DocumentBuilder, output: Any, counter: LineCounter) -> bool:
    """Put what a cell printed into the builder; returns whether some of it is left out."""
    if not isinstance(output, dict):
        return False
    data = output.get("data")
    forms = data if isinstance(data, dict) else {"text/plain": output.get("text", "")}
    kind, cell = _choose_output(forms, counter)
    if not cell.text and isinstance(output.get("evalue"), str):
        cell = _Cell(f"{output.get('ename', '')}: {output['evalue']}", ())
    if kind == "text/html":
        add_html(builder, cell.text[: 50 * _MOST_OUTPUT])
        return len(cell.text) > 50 * _MOST_OUTPUT
    builder.add(_ESCAPE.sub("", cell.part(0, min(len(cell.text), _MOST_OUTPUT))), "data")
    return len(cell.text) > _MOST_OUTPUT


def _choose_output(forms: dict[Any, Any], counter: LineCounter) -> tuple[str, _Cell]:
    """The form of an output that is read: plain text where it is more than the name of an object."""
    plain = _join_lines(forms.get("text/plain", ""), counter)
    if plain.text.strip() and not _BARE.match(plain.text):
        return "text/plain", plain
    for kind in _RICH:
        if kind in forms and (cell := _join_lines(forms[kind], counter)).text.strip():
            return kind, cell
    return "text/plain", _Cell("", ())
