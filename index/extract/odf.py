"""OpenDocument text and presentations: headings, paragraphs, lists, tables, notes, slides.

Owns the OpenDocument XML of texts and presentations; spreadsheets are read with the other sheets.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from index.errors import FileFailed, FileSkipped
from index.extract.archive import Archive, nearest_elements
from index.extract.document_builder import DocumentBuilder, one_line, parse_number, table_row
from index.extract.source import Source
from index.types import Document

_DROPPED = frozenset(
    {"tracked-changes", "annotation-end", "sequence-decls", "forms", "office-settings", "thumbnail"}
)
_HELD = frozenset({"note-body", "text-box"})
"""What stands in a paragraph, a heading or a row and has paragraphs of its own."""
_MOST_BLANKS = 100


def read(source: Source) -> Document:
    """An OpenDocument file; slides are pages."""
    archive = Archive(source)
    if archive.has("META-INF/manifest.xml") and b"encryption-data" in archive.member("META-INF/manifest.xml"):
        raise FileSkipped("It is locked with a password.", "Save a copy without a password.")
    body = archive.tree("content.xml").find("body")
    if body is None:
        raise FileFailed("It is no OpenDocument file: it has no body.")
    builder = DocumentBuilder()
    _Reader(builder).read(body)
    kind = "odp" if body.find("presentation") is not None else "odt"
    return builder.document(kind, _title(archive))


class _Reader:
    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder
        self._listed = 0
        self._slide = 0

    def read(self, body: Element) -> None:
        for node, entering in _events(body):
            if node.tag in ("list", "list-item"):
                self._listed += 1 if entering else -1
            elif entering:
                self._enter(node)

    def _enter(self, node: Element) -> None:
        match node.tag:
            case "h":
                self._builder.open(parse_number(node.get("outline-level"), 1), _text(node))
            case "p":
                words = _text(node)
                listed = self._listed > 0 and words.strip()
                self._builder.add(f"- {words}" if listed else words, "list" if listed else "prose")
            case "table-row":
                cells = [
                    " ".join(_text(p) for p in nearest_elements(cell, ("p",)))
                    for cell in node
                    if cell.tag.endswith("table-cell")
                ]
                if line := table_row(cells):
                    self._builder.add(line, "row")
            case "page":
                self._slide += 1
                self._builder.begin_page()
                self._builder.open(1, f"Slide {self._slide}", shown=False)


def _events(root: Element) -> Iterator[tuple[Element, bool]]:
    """Nodes entered and left; what a paragraph, a heading or a row holds is theirs to read."""
    stack = [(root, True)]
    while stack:
        node, entering = stack.pop()
        yield node, entering
        if entering:
            stack.append((node, False))
            if node.tag not in ("h", "p", "table-row"):
                stack.extend((child, True) for child in reversed(node) if child.tag not in _DROPPED)
            else:
                for held in reversed([*nearest_elements(node, _HELD)]):
                    stack.extend((box, True) for box in reversed(held))


def _text(element: Element) -> str:
    """The words of a paragraph, its notes and frames left to themselves."""
    return "".join(_pieces(element))


def _pieces(element: Element) -> Iterator[str]:
    stack: list[tuple[Element, bool]] = [(element, True)]
    while stack:
        node, entering = stack.pop()
        if not entering:
            yield node.tail or ""
            continue
        if node is not element:
            stack.append((node, False))
        if node.tag == "s":
            yield " " * min(_MOST_BLANKS, parse_number(node.get("c"), 1))
        elif node.tag in ("tab", "line-break"):
            yield "\t" if node.tag == "tab" else "\n"
        elif node.tag not in ("note", "text-box", "annotation"):
            yield node.text or ""
            stack.extend((child, True) for child in reversed(node))


def _title(archive: Archive) -> str:
    try:
        found = next(archive.tree("meta.xml").iter("title"), None)
    except FileFailed:
        return ""
    return one_line(found.text or "") if found is not None else ""
