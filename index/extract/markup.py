"""Org, reStructuredText, LaTeX and AsciiDoc: their headings and blocks, the text left as it is.

Owns how each marks a heading and a title. The text stays as it is, so a position here is a position
in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from index.extract.decode import decode_text
from index.extract.latex_text import plain_letters
from index.extract.source import Source
from index.extract.text import paragraphs
from index.types import Document, Section

_ORG = re.compile(r"^(?P<mark>\*++)[ \t]++(?P<title>[^\n]++)$", re.MULTILINE)
_ORG_STATES = ("TODO", "DONE", "NEXT", "WAITING", "COMMENT")
_ORG_KEYWORDS = re.compile(r"^#\+(?:SEQ_|TYP_)?TODO:([^\n]{0,500})", re.MULTILINE | re.IGNORECASE)
_ORG_WORD = re.compile(r"[^\s|(]+")
_ORG_COOKIE = re.compile(r"[ \t]*\[(?:#[A-Z0-9]|\d*/\d*|\d*%)\][ \t]*")
"""A priority, or how much of a task is done."""
_ORG_TAGS = re.compile(r":[\w@:]+:")
_ORG_TITLE = re.compile(r"^#\+title:[ \t]*(?P<title>[^\n]+)", re.MULTILINE | re.IGNORECASE)
_RST = re.compile(
    r"^(?:(?P<over>[=\-~^\"'#*+.:`_<>!$%&,/;?@\\])(?P=over){2,}[ \t]*\n)?"
    r"[ \t]*(?P<title>[^\s.\-=~:][^\n]{0,200})\n"
    r"(?P<mark>[=\-~^\"'#*+.:`_<>!$%&,/;?@\\])(?P=mark){2,}[ \t]*$",
    re.MULTILINE,
)
_LATEX = re.compile(
    r"^[^%\n]{0,40}?\\(?P<mark>part|chapter|section|subsection|subsubsection|paragraph|begin\{abstract\})\*?"
    r"(?:\[[^\]\n]*\])?(?:\{(?P<title>(?:[^{}]|\{[^{}]*\}){0,300})\})?",
    re.MULTILINE,
)
_LATEX_TITLE = re.compile(r"\\title\*?(?:\[[^\]]*\])?\{(?P<title>(?:[^{}]|\{[^{}]*\}){1,300})\}")
_LATEX_LEVELS = ("part", "chapter", "section", "subsection", "subsubsection", "paragraph")
_LATEX_COMMAND = re.compile(r"\\[a-zA-Z]+\*?|\\\\(?:\[[^\]]*\])?|[{}~]")
_LATEX_THANKS = re.compile(r"\\(?:thanks|footnote)\{[^{}]*\}")
_ASCIIDOC = re.compile(r"^(?P<mark>={1,6})[ \t]+(?P<title>[^\n]+)$", re.MULTILINE)


def read(source: Source) -> Document:
    """A document in one of these languages, told by its suffix."""
    text = decode_text(source.content())
    match source.suffix:
        case ".org":
            return _document(text, "org", _org(text), _ORG_TITLE)
        case ".rst" | ".rest":
            return _document(text, "rst", _rst(text), None)
        case ".tex" | ".latex" | ".ltx":
            text = plain_letters(text)
            return _document(text, "latex", _latex(text), _LATEX_TITLE)
        case _:
            return _document(text, "asciidoc", _headings(text, _ASCIIDOC), None)


_Found = tuple[int, int, int, str]
"""Start, end, level and words of a heading."""


def _document(text: str, kind: str, headings: Iterator[_Found], stated: re.Pattern[str] | None) -> Document:
    sections: list[Section] = []
    path: list[tuple[int, str]] = []
    at = 0
    first = ""
    for start, end, level, title in headings:
        sections.extend(paragraphs(text, at, start, tuple(name for _, name in path)))
        while path and path[-1][0] >= level:
            path.pop()
        path.append((level, title))
        first = first or title
        sections.append(Section(start, end, "heading", tuple(name for _, name in path)))
        at = end
    sections.extend(paragraphs(text, at, None, tuple(name for _, name in path)))
    named = stated.search(text[:50_000]) if stated else None
    title = _latex_words(named["title"]) if named else "" if kind == "latex" else first
    return Document(text, kind, " ".join(title.split()), sections=tuple(sections))


def _org(text: str) -> Iterator[_Found]:
    """Headings without the state in front and the tags behind."""
    stated = (word for line in _ORG_KEYWORDS.finditer(text) for word in _ORG_WORD.findall(line[1]))
    states = frozenset((*_ORG_STATES, *(re.sub(r"\(.*", "", word) for word in stated)))
    for start, end, level, title in _headings(text, _ORG):
        state, _, rest = title.partition(" ")
        words = _ORG_COOKIE.sub(" ", rest if state in states else title).strip()
        before, blank, last = words.rpartition(" ")
        yield start, end, level, before if blank and _ORG_TAGS.fullmatch(last) else words


def _headings(text: str, pattern: re.Pattern[str]) -> Iterator[_Found]:
    for found in pattern.finditer(text):
        yield found.start(), found.end(), len(found["mark"]), " ".join(found["title"].split())


def _rst(text: str) -> Iterator[_Found]:
    """Levels in the order in which kinds of underline appear; an underline is as long as its title."""
    kinds: list[tuple[str | None, str]] = []
    for found in _RST.finditer(text):
        title = found["title"].strip()
        if len(found.group().rstrip().rsplit("\n", 1)[-1]) < 0.7 * len(title):
            continue
        kind = (found["over"], found["mark"])
        if kind not in kinds:
            kinds.append(kind)
        yield found.start(), found.end(), kinds.index(kind) + 1, title


def _latex(text: str) -> Iterator[_Found]:
    for found in _LATEX.finditer(text):
        mark = found["mark"]
        if mark.startswith("begin"):
            yield found.start(), found.end(), 3, "Abstract"
        elif found["title"]:
            title = _latex_words(found["title"])
            yield found.start(), found.end(), _LATEX_LEVELS.index(mark) + 1, title


def _latex_words(title: str) -> str:
    """A title without commands and what hangs on it as a footnote."""
    return " ".join(_LATEX_COMMAND.sub(" ", _LATEX_THANKS.sub("", title)).split())
