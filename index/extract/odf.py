"""OpenDocument texts, slides, drawings and sheets, packed or as one flat XML file.

Owns the OpenDocument XML: headings, paragraphs, lists, tables, notes, comments, text of shapes and what is
said of pictures, headers and footers, fields of forms, charts. Deleted text of tracked changes is left out.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from xml.etree.ElementTree import Element

from index.errors import FileFailed, FileSkipped
from index.extract.archive import Archive, nearest_elements, parse_xml
from index.extract.document_builder import DocumentBuilder, one_line, parse_number, table_row
from index.extract.odf_sheet import add_sheets
from index.extract.odf_text import DRAWN, alternative_text, comment, inline_text
from index.extract.source import MEBIBYTE, Source
from index.types import Document

_KINDS = {"spreadsheet": "sheet", "presentation": "odp", "drawing": "odg"}
_DROPPED = frozenset(
    {"tracked-changes", "annotation-end", "sequence-decls", "office-settings", "thumbnail", "settings"}
)
_HELD = DRAWN | {"note-body", "annotation"}
"""Elements inside a paragraph, heading or row that have paragraphs of their own."""
_READ_WHOLE = frozenset({"annotation", "forms", "footer-decl", "header-decl", "spreadsheet"})
_MARGINS = frozenset({"header", "footer", "header-left", "footer-left", "header-first", "footer-first"})
_FIELD_VALUES = ("current-value", "value", "current-selected", "label", "title")
_MOST_FLAT = 64 * MEBIBYTE
_BLOCKS_IN_CELLS = ("h", "table", "list")
_MOST_OBJECTS = 200


def read(source: Source) -> Document:
    """An OpenDocument file; slides are pages."""
    if source.head(2) == b"PK":
        return _read_package(Archive(source))
    if source.size > _MOST_FLAT:
        raise FileSkipped(f"It is flat XML of more than {_MOST_FLAT // MEBIBYTE} MB.")
    root = parse_xml(source.content())
    return _document(root, root, root, lambda path: None)


def _read_package(archive: Archive) -> Document:
    if archive.has("META-INF/manifest.xml") and b"encryption-data" in archive.member("META-INF/manifest.xml"):
        raise FileSkipped("It is locked with a password.", "Save a copy without a password.")

    def optional(name: str) -> Element | None:
        try:
            return archive.tree(name) if archive.has(name) else None
        except FileFailed:
            return None

    return _document(archive.tree("content.xml"), optional("styles.xml"), optional("meta.xml"), optional)


def _document(
    content: Element, styles: Element | None, meta: Element | None, part: Callable[[str], Element | None]
) -> Document:
    body = content.find("body")
    if body is None:
        raise FileFailed("It is no OpenDocument file: it has no body.")
    builder = DocumentBuilder()
    kind = next((kind for tag, kind in _KINDS.items() if body.find(tag) is not None), "odt")
    if kind == "odt":
        _margins(builder, styles, "header")
    _OdfReader(builder, part).read(body)
    if kind in ("odt", "sheet"):
        _margins(builder, styles, "footer" if kind == "odt" else "")
    return builder.document(kind, _title(meta))


class _OdfReader:
    """The blocks of a body into a builder."""

    def __init__(self, builder: DocumentBuilder, part: Callable[[str], Element | None]) -> None:
        self._builder = builder
        self._part = part
        self._listed = 0
        self._slide = 0
        self._objects = 0

    def read(self, body: Element) -> None:
        for node, entering in _events(body):
            if self._builder.full:
                return
            if node.tag in ("list", "list-item"):
                self._listed += 1 if entering else -1
            elif entering:
                self._enter(node)

    def _enter(self, node: Element) -> None:
        match node.tag:
            case "h":
                self._builder.open(parse_number(node.get("outline-level"), 1), inline_text(node))
            case "p":
                words = inline_text(node)
                listed = self._listed > 0 and words.strip()
                self._builder.add(f"- {words}" if listed else words, "list" if listed else "prose")
            case "spreadsheet":
                add_sheets(self._builder, node, self._object)
            case "table-row":
                if not _is_layout(node):
                    self._builder.add(table_row([_cell(cell) for cell in node if _is_cell(cell)]), "row")
            case "annotation":
                self._builder.add(comment(node))
            case "page":
                self._slide += 1
                self._builder.begin_page()
                title = _slide_title(node)
                self._builder.open(1, title or f"Slide {self._slide}", shown=bool(title))
            case "forms":
                self._builder.add("\n".join(_fields(node)), "list")
            case "footer-decl" | "header-decl":
                self._builder.add(inline_text(node))
            case _ if node.tag in DRAWN:
                self._builder.add(alternative_text(node))
            case "object":
                self._object(node)

    def _object(self, node: Element) -> None:
        """A chart that is kept as a document of its own: in a part, or inside a flat file."""
        self._objects += 1
        href = node.get("href") or ""
        root = (
            self._part(posixpath.normpath(f"{href}/content.xml")) if self._objects <= _MOST_OBJECTS else None
        )
        chart = (root if root is not None else node).find("body/chart")
        if chart is None:
            chart = node.find("document/body/chart")
        if chart is not None:
            self.read(chart)


def _events(root: Element) -> Iterator[tuple[Element, bool]]:
    """Nodes entered and left; what a paragraph, a heading or a row holds is theirs to read."""
    stack = [(root, True)]
    while stack:
        node, entering = stack.pop()
        yield node, entering
        if not entering:
            continue
        stack.append((node, False))
        if node.tag in _READ_WHOLE:
            continue
        if node.tag in ("h", "p") or (node.tag == "table-row" and not _is_layout(node)):
            stack.extend((held, True) for held in reversed([*nearest_elements(node, _HELD)]))
        else:
            title = node.tag == "frame" and node.get("class") == "title"
            stack.extend((child, True) for child in reversed(node) if not title and child.tag not in _DROPPED)


def _is_cell(node: Element) -> bool:
    return node.tag in ("table-cell", "covered-table-cell")


def _is_layout(row: Element) -> bool:
    """Whether a row lays out a page: it holds headings, lists or tables, which are blocks of their own."""
    return next(nearest_elements(row, _BLOCKS_IN_CELLS), None) is not None


def _cell(cell: Element) -> str:
    return " ".join(inline_text(p) for p in nearest_elements(cell, ("p",), _HELD))


def _slide_title(page: Element) -> str:
    frames = (frame for frame in nearest_elements(page, ("frame",)) if frame.get("class") == "title")
    frame = next(frames, None)
    return (
        one_line(" ".join(inline_text(p) for p in nearest_elements(frame, ("p",))))
        if frame is not None
        else ""
    )


def _fields(forms: Element) -> Iterator[str]:
    """Each field of a form with what is filled in."""
    for field in forms.iter():
        values = [one_line(value) for name in _FIELD_VALUES if (value := field.get(name))]
        if values and field.tag not in ("form", "property", "forms"):
            name = field.get("label") or field.get("name") or ""
            words = ", ".join(dict.fromkeys(value for value in values if value != name))
            yield f"- {name}: {words}" if words else f"- {name}"


def _margins(builder: DocumentBuilder, styles: Element | None, begins: str) -> None:
    """The headers and footers of the pages, once."""
    seen: set[str] = set()
    pages = styles.find("master-styles") if styles is not None else None
    for margin in nearest_elements(pages, _MARGINS) if pages is not None else ():
        words = one_line(" ".join(inline_text(p) for p in nearest_elements(margin, ("p", "h"))))
        if margin.tag.startswith(begins) and margin.get("display") != "false" and words not in seen:
            seen.add(words)
            builder.add(words)


def _title(meta: Element | None) -> str:
    found = None if meta is None else meta.find("meta/title")
    if found is None and meta is not None:
        found = next(meta.iter("title"), None) if meta.find("body") is None else None
    return one_line(found.text or "") if found is not None else ""
