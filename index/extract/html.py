"""HTML to blocks: headings, paragraphs, lists, tables, code; scripts, styles and navigation dropped.

Owns reading HTML; EPUB, mail and notebooks hand their HTML to `add_html`.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from index.extract.charsets import declared_in_markup
from index.extract.decode import decode_text
from index.extract.document_builder import (
    DocumentBuilder,
    collapse_blanks,
    mark,
    marked,
    one_line,
    table_row,
)
from index.extract.html_source import LINE, prepared
from index.extract.source import Source
from index.extract.tiddlywiki import add_tiddlers
from index.types import Document, SectionKind

_DROPPED = frozenset(
    {"script", "style", "noscript", "nav", "iframe", "object", "embed", "canvas", "audio", "video",
     "head", "rt", "rp", "rtc"}
)  # fmt: skip
"""Elements without text of the page, with the same text on every page of a site, or with sounds of words."""
_LAST_RESORT = frozenset({"noscript", "nav"})
"""Elements that are read where the page has no other text."""
_FIELDS = frozenset({"text", "search", "email", "tel", "url", "number", "date", "submit", "button", ""})
"""Types of input whose value is shown; a password's is not."""
_BLOCKS: dict[str, SectionKind] = {
    "p": "prose", "blockquote": "prose", "li": "list", "dt": "list", "dd": "list", "pre": "code",
     "tr": "table",
    "figcaption": "prose", "caption": "prose", "address": "prose", "summary": "prose",
}  # fmt: skip
_BREAKING = frozenset(
    {"div", "section", "article", "main", "aside", "header", "footer", "ul", "ol", "dl", "table", "thead",
     "tbody", "tfoot", "details", "figure", "fieldset", "hr", "body", "html", "center", "td", "th", "form",
     "option", "optgroup", "select", "dialog", "textarea", "button",
     "svg", "text"}
)  # fmt: skip
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_MOST_NODES = 2_000_000


def read(source: Source) -> Document:
    """An HTML page; its title is `<title>`, else its first top heading."""
    data = source.content()
    builder = DocumentBuilder()
    markup = decode_text(data, declared_in_markup(data))
    title = add_html(builder, markup, lined=True)
    add_tiddlers(builder, markup)
    if builder.empty:
        add_html(builder, markup, lined=True, dropped=_DROPPED - _LAST_RESORT)
    return builder.document("html", title)


def add_html(
    builder: DocumentBuilder,
    markup: str,
    *,
    base_level: int = 0,
    lined: bool = False,
    dropped: Container[str] = _DROPPED,
) -> str:
    """Put the blocks of `markup` into `builder`, headings below `base_level`; returns its title.

    `lined` says that the markup is the file's own, so that its lines are; `dropped` names what is not read.
    """
    tree = LexborHTMLParser(prepared(markup, lined=lined))
    named = tree.css_first(":not(svg) > title")
    title = one_line(named.text()) if named is not None else ""
    root = tree.body or tree.root
    if root is not None:
        _HtmlReader(builder, base_level, lined=lined).read(root, dropped)
    if not title:
        first = tree.css_first("h1")
        title = one_line(first.text()) if first is not None else ""
    return title


class _HtmlReader:
    """Walks a tree without recursion, gathering the words of one block at a time."""

    def __init__(self, builder: DocumentBuilder, base_level: int, *, lined: bool) -> None:
        self._line = 1 if lined else 0
        self._builder = builder
        self._base = base_level
        self._words: list[str] = []
        self._cells: list[str] | None = None
        self._kinds: list[SectionKind] = ["prose"]

    def read(self, root: LexborNode, dropped: Container[str]) -> None:
        for number, (node, entering) in enumerate(_events(root, dropped)):
            if number > _MOST_NODES or self._builder.full:
                self._builder.notes.append("Only the beginning of the page is read: it is too large.")
                break
            if entering:
                self._enter(node)
            else:
                self._leave(node.tag or "")
        self._flush()

    def _enter(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag == "-text":
            self._words.append(self._mark_lines(node.text_content or ""))
            return
        if self._line and (line := node.attributes.get(LINE)):
            self._line = int(line)
        if tag == "input":
            self._read_form_field(node)
        elif tag == "br":
            self._words.append("\n")
        elif tag == "ins" or (tag == "sup" and _is_reference(node)):
            self._words.append(" ")
        elif tag == "img":
            self._words.append(self._marked_words(node.attributes.get("alt")))
        elif tag in _HEADINGS or tag in _BLOCKS or tag in _BREAKING:
            if self._cells is not None and tag not in ("tr", "table"):
                self._words.append(" ")
                return
            self._flush()
            if tag == "tr":
                self._cells = []
            elif tag in _BLOCKS:
                self._kinds.append(_BLOCKS[tag])

    def _read_form_field(self, node: LexborNode) -> None:
        """Read the value and the placeholder of a field."""
        kind = (node.attributes.get("type") or "").lower()
        words = (node.attributes.get(name) for name in ("value", "placeholder")) if kind in _FIELDS else ()
        self._words.append(self._marked_words(" ".join(one for one in words if one)))

    def _marked_words(self, words: str | None) -> str:
        one = one_line(words or "")
        return f" {mark(self._line) if self._line else ''}{one} " if one else " "

    def _mark_lines(self, text: str) -> str:
        """Text with its lines, and the line behind it."""
        if not self._line:
            return text
        first, self._line = self._line, self._line + text.count("\n")
        return marked(text, first)

    def _leave(self, tag: str) -> None:
        if self._cells is not None:
            if tag in ("td", "th"):
                self._cells.append("".join(self._words))
                self._words = []
            elif tag in ("tr", "table"):
                self._row()
        elif tag in _HEADINGS:
            self._builder.open(self._base + _HEADINGS[tag], "".join(self._words))
            self._words = []
        elif tag in _BLOCKS:
            self._flush()
            if len(self._kinds) > 1:
                self._kinds.pop()
        elif tag in _BREAKING:
            self._flush()

    def _row(self) -> None:
        cells = [*(self._cells or []), "".join(self._words)] if self._words else self._cells or []
        self._cells, self._words = None, []
        if row := table_row(cells):
            self._builder.add(row, "row")

    def _flush(self) -> None:
        """End the block being gathered."""
        if self._cells is not None:
            self._row()
        text = "".join(self._words)
        self._words = []
        kind = self._kinds[-1]
        if kind == "code":
            self._builder.add(text.strip("\n"), kind)
            return
        lines = (one_line(line) for line in collapse_blanks(text).split("\n"))
        joined = (
            "\n".join(line for line in lines if line) if "\n" in text and kind == "list" else one_line(text)
        )
        self._builder.add(f"- {joined}" if kind == "list" and joined else joined, kind)


def _events(root: LexborNode, dropped: Container[str]) -> Iterator[tuple[LexborNode, bool]]:
    """Each node when it is entered and when it is left, however deep the tree is."""
    stack: list[tuple[LexborNode, bool]] = [(root, True)]
    while stack:
        node, entering = stack.pop()
        yield node, entering
        if not entering:
            continue
        stack.append((node, False))
        children: list[tuple[LexborNode, bool]] = []
        child = node.first_child
        while child is not None:
            if child.tag not in dropped and child.tag != "-comment" and not _is_icon(child):
                children.append((child, True))
            child = child.next
        stack.extend(reversed(children))


def _is_reference(node: LexborNode) -> bool:
    """Whether a raised number leads to a note: it is no part of the word before it, as in m²."""
    return node.first_child is not None and node.first_child.tag == "a"


def _is_icon(node: LexborNode) -> bool:
    """Whether a node is a drawing without words, as icons inside sentences are."""
    return node.tag == "svg" and node.css_first("text") is None
