"""What Office draws from data: charts as rows of their values, diagrams (SmartArt) as their words.

Owns DrawingML's charts and diagrams, which Word and PowerPoint keep in parts of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from xml.etree.ElementTree import Element

from index.errors import FileFailed
from index.extract.archive import Archive, nearest_elements
from index.extract.document_builder import DocumentBuilder, one_line

_PART = re.compile(r"/(?P<kind>charts|diagrams)/(?:chart(?:Ex)?|data)\d*\.xml$")
_MOST_POINTS = 500
_LOOKED_AT = 2_000
"""Elements in which words are looked for: alternatives may be nested in one another without end."""


def add_drawings(builder: DocumentBuilder, archive: Archive, parts: Iterable[str]) -> None:
    """Put the charts and diagrams among `parts` into `builder`; a damaged one is noted."""
    for part in parts:
        if builder.full:
            return
        drawn = _PART.search(part)
        if drawn is None or not archive.has(part):
            continue
        try:
            root = archive.tree(part)
        except FileFailed:
            builder.notes.append("A chart or diagram in it is damaged and not read.")
            continue
        if drawn["kind"] == "charts":
            builder.add("\n".join(_chart(root)), "table")
        else:
            points = (one_line(" ".join(_words(point, "t"))) for point in nearest_elements(root, ("pt",)))
            builder.add("\n".join(f"- {words}" for words in points if words), "list")


def choose_alternatives(root: Element) -> Element:
    """The tree, in which what old programs show (`Fallback`) is a choice where the choice has no words."""
    for either in root.iter("AlternateContent"):
        choice, fallback = either.find("Choice"), either.find("Fallback")
        if fallback is not None and (choice is None or not _has_words(choice)):
            fallback.tag = "Choice"
    return root


def _has_words(element: Element) -> bool:
    return any(node.tag == "t" and node.text for node in islice(element.iter(), _LOOKED_AT))


def _chart(root: Element) -> Iterator[str]:
    """The title, and a line for each series: `series: category: value; category: value`."""
    title = root.find("chart/title")
    if title is not None and (words := one_line("".join(_words(title, "t")))):
        yield words
    for data in root.iterfind("chartData/data"):  # of the kinds of chart that Office has since 2016
        columns = [_words(part, "pt")[:_MOST_POINTS] for part in data if part.tag in ("strDim", "numDim")]
        yield "; ".join(": ".join(map(one_line, points)) for points in zip(*columns, strict=False))
    for series in nearest_elements(root, ("ser",)):
        name = one_line(" ".join(_values(series, "tx")))
        categories = _values(series, "cat") or _values(series, "xVal")
        values = _values(series, "val") or _values(series, "yVal")
        named = [": ".join(pair) for pair in zip(categories, values, strict=False)]
        points = "; ".join(one_line(point) for point in (named or values)[:_MOST_POINTS])
        if points:
            yield f"{name}: {points}" if name else points


def _values(series: Element, part: str) -> list[str]:
    held = series.find(part)
    return _words(held, "v") if held is not None else []


def _words(element: Element, tag: str) -> list[str]:
    return [node.text for node in element.iter(tag) if node.text]
