"""Words of one paragraph, comment or shape in OpenDocument XML."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from index.extract.archive import nearest_elements
from index.extract.document_builder import one_line, parse_number

DRAWN = frozenset(
    {"frame", "g", "custom-shape", "rect", "line", "path", "polygon", "polyline", "regular-polygon",
     "ellipse", "circle", "connector", "caption", "measure", "control"}
)  # fmt: skip
"""Shapes and pictures: they have words of their own, and words that are said of them."""
_APART = DRAWN | {"note", "annotation", "text-box", "ruby-text", "annotation-end"}
_MOST_BLANKS = 100


def inline_text(element: Element) -> str:
    """The words of a paragraph; its notes, comments and frames are left to themselves."""
    return "".join(_pieces(element))


def comment(annotation: Element) -> str:
    """What someone remarked, and who."""
    creator = annotation.find("creator")
    words = "\n".join(inline_text(p) for p in nearest_elements(annotation, ("p",)))
    name = one_line(creator.text or "") if creator is not None else ""
    return f"{name}: {words}" if name and words.strip() else words


def alternative_text(shape: Element) -> str:
    """The alternative text of a picture or shape."""
    found = (shape.find(tag) for tag in ("title", "desc"))
    return "\n".join(dict.fromkeys(one_line(node.text or "") for node in found if node is not None))


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
        elif node.tag not in _APART:
            yield node.text or ""
            stack.extend((child, True) for child in reversed(node))
