"""Markdown to sections: front matter, headings, fences, tables, lists, callouts, paragraphs.

Owns the block structure of Markdown as people write it (CommonMark, and Obsidian's additions where
they make a block). The text stays as it is, so a position here is a position in the file.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from index.extract.decode import decode_text
from index.extract.front_matter import bounded, end_matter, front_matter, links, tags
from index.extract.source import Source
from index.types import Document, Section, SectionKind

_ITEM_HEADING = r"[ \t]*(?:[-*+]|>)[ \t]{1,4}\#{1,6}[ \t]+(?=\S)"
"""A heading in an item, as outliners write it, or in a quotation."""
_OTHER = rf"(?![ \t>]*(?:`{{3,}}|~{{3,}}|\|)|[ ]{{0,3}}\#{{1,6}}(?:[ \t]|$)|{_ITEM_HEADING})"
_BLOCK = re.compile(
    rf"""
    (?P<code>^[ \t>]*(?P<mark>`{{3,}}+|~{{3,}}+)[^\n]*+\n
        (?:(?:(?![ \t>]*(?P=mark))[^\n]*\n)*(?:[ \t>]*(?P=mark)[^\n]*)?))
    |(?P<heading>^(?:[ ]{{0,3}}\#{{1,6}}(?:[ \t][^\n]*|$)|{_ITEM_HEADING}[^\n]*))
    |(?P<table>(?:^[ \t>]*\|[^\n]*(?:\n|\Z))+)
    |(?P<list>^[ \t]*(?:[-*+]|\d{{1,9}}[.)])[ \t][^\n]*(?:\n|\Z)(?:^{_OTHER}[^\n]*\S[^\n]*(?:\n|\Z))*)
    |(?P<prose>(?:^{_OTHER}[^\n]*\S[^\n]*(?:\n|\Z))+)
    """,
    re.MULTILINE | re.VERBOSE,
)
_ITEM_MARK = re.compile(r"[ \t]*(?:[-*+]|>)[ \t]{1,4}(?=#)")
_ATTRIBUTES = re.compile(r"[ \t]*\{[:]?[ \t]*[#.][^{}\n]{0,200}\}[ \t]*\Z|<!--.{0,400}?-->")
_CLOSING = re.compile(r"(?:\A|[ \t])#+[ \t]*\Z")
"""What ends a heading that is marked on both sides; the sign in `C#` belongs to the word."""
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9-]{0,30}(?:\s[^<>\n]{0,400})?/?>")
_LOGSEQ_TITLE = re.compile(r"\A(?:[\w-]{1,40}::[^\n]*\n){0,20}?title::[ \t]*([^\n]+)")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*")
_MARKUP = re.compile(
    r"\[\[(?:[^\[\]|]*\|)?([^\[\]]*)\]\]|!?\[([^\[\]]*)\]\((?:[^()]|\([^()]*\)){0,2000}+\)"
    r"|`{1,3}|(?<!\s)\*{1,3}|\*{1,3}(?!\s)|(?<!\w)_{1,3}|_{1,3}(?!\w)"
)
_KINDS: dict[str, SectionKind] = {"code": "code", "table": "table", "list": "list", "prose": "prose"}


def read(source: Source) -> Document:
    """A Markdown document; its title is the front matter's, else its first top heading."""
    text = decode_text(source.content())
    front = front_matter(text)
    end, behind = end_matter(text)
    sections = list(sections_of(text[:end], front.end))
    if front.end:
        sections.insert(0, Section(0, front.end, "data"))
    logseq = _LOGSEQ_TITLE.match(text)
    title = front.first("title") or (logseq[1].strip() if logseq else "") or behind.first("title")
    if not title and not front.first("excalidraw-plugin"):  # whose headings are the same in every drawing
        title = next((s.heading[-1] for s in sections if s.kind == "heading" and len(s.heading) == 1), "")
    fields = bounded([*front.fields, *behind.fields, *tags(text, sections)])
    return Document(text, "markdown", title, sections=tuple(sections), fields=fields, links=links(text))


def sections_of(text: str, start: int = 0) -> Iterator[Section]:
    """The blocks of `text` from `start` on, in order."""
    path: list[tuple[int, str]] = []
    names: tuple[str, ...] = ()
    for block in _BLOCK.finditer(text, start):
        group = block.lastgroup or "prose"
        begin, end = block.span()
        if group == "heading":
            level, title = parse_heading(block.group())
        elif group == "prose" and (setext := _setext(text, begin, end)):
            level, title, length = setext
            if length:
                yield Section(begin, begin + length, "prose", names)
                begin += length
        else:
            yield Section(begin, end, _KINDS[group], names)
            continue
        while path and path[-1][0] >= level:
            path.pop()
        path.append((level, title))
        names = tuple([name for _, name in path if name])
        yield Section(begin, end, "heading", names)


def strip_inline_markup(markup: str) -> str:
    """A heading's words without attributes, tags, links and emphasis marks."""
    markup = html.unescape(_TAG.sub("", _ATTRIBUTES.sub("", markup)))
    return _MARKUP.sub(lambda found: found[1] or found[2] or "", markup).strip()


def parse_heading(line: str) -> tuple[int, str]:
    """The level and the words of a line that is a heading; level 0 where no sign begins it."""
    bare = _ITEM_MARK.sub("", line).strip()
    level = len(bare) - len(bare.lstrip("#"))
    return level, strip_inline_markup(_CLOSING.sub("", bare[level:]).strip())


def _setext(text: str, begin: int, end: int) -> tuple[int, str, int] | None:
    """Level, title, and how long the prose before it is, of a block whose last line underlines."""
    stop = end - 1 if text[end - 1] == "\n" else end
    if text[stop - 1] not in "=- \t":
        return None
    last = text.rfind("\n", begin, stop) + 1
    if last <= begin or _UNDERLINE.fullmatch(text, last, stop) is None:
        return None
    title = max(begin, text.rfind("\n", begin, last - 1) + 1)
    return (1 if "=" in text[last:stop] else 2), strip_inline_markup(text[title : last - 1]), title - begin
