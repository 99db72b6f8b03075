"""HTML before it is parsed: made shallow where it is large, its hidden text shown, its lines written into it.

Owns what a parser does not give: on which line of the file an element is, and text that pages keep in
attributes and templates. Knows nothing of what is made of the tree.
"""

from __future__ import annotations

import html
import re

from index.extract.html_shape import SMALL, TOKEN, OpenElements

LINE = "ken-line"
"""An attribute of elements: the line of the file on which their content begins."""
_SRCDOC = re.compile(r"\bsrcdoc\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_LINE_END = re.compile(r"&#(?:0*10(?!\d)|x0*a(?![\da-f]));?|&NewLine;", re.IGNORECASE)
_NAME = re.compile(r"<([A-Za-z][\w:-]*)")
_SHOWN_RAW = frozenset({"textarea", "title"})
"""Elements whose content is no markup, and is shown."""
_RAW = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})
_LONGEST_FIELD = 1_000
"""Characters of an `input` that keeps its attributes in a large page."""
_XHTML = re.compile(r"\s*<\?xml\s|<html\b[^<>]{0,1000}\bxmlns\s*=", re.IGNORECASE)
_DECLARED = 4_000
"""Characters in which a page says that it is XHTML."""
_CLOSED_ITSELF = re.compile(
    r"<(?!(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)[\s/])"
    r"([A-Za-z][\w:-]{0,60}+)((?:\s(?:[^<>\"'/]++|\"[^\"<]*+\"|'[^'<]*+'|/(?!>))*+)?)/>"
)
"""An element without content, as XHTML writes it: a parser of HTML takes it for a start tag."""
_SKIPS_LINE_END = frozenset({"pre", "textarea", "listing"})


def prepared(markup: str, *, lined: bool) -> str:
    """The markup as it is parsed; `lined` writes the attribute `LINE` into it."""
    if _XHTML.search(markup[:_DECLARED]):
        markup = _CLOSED_ITSELF.sub(r"<\1\2></\1>", markup)
    return TOKEN.sub(_Preparation(markup, lined=lined).token, _LINE_END.sub(" ", markup))


class _Preparation:
    def __init__(self, markup: str, *, lined: bool) -> None:
        self._markup = _LINE_END.sub(" ", markup)
        self._lined = lined
        self._open = OpenElements() if len(markup) > SMALL else None
        self._line, self._at = 1, 0

    def token(self, found: re.Match[str]) -> str:
        """The replacement of a comment, a tag, or an element whose content is no markup."""
        ends = "\n" * found.group().count("\n")
        raw = (found["raw"] or "").lower()
        if raw == "iframe" and (srcdoc := _SRCDOC.search(found.group())):
            inner = html.unescape(srcdoc[1] or srcdoc[2] or "")
            return f"<div{self._attribute(found.start())}>{inner}</div>{self._here(found.end())}"
        if raw not in _SHOWN_RAW and not found["name"]:
            return ends
        name = raw or found["name"].lower()
        if raw:
            begins = found.start("content") + found["content"].startswith("\n")
            return f"<{raw}{self._attribute(begins)}>{found['content']}</{raw}>{self._here(found.end())}"
        if name in _RAW:
            return ends  # its element is closed already
        tag = found.group()
        if self._open and not (name == "input" and len(tag) < _LONGEST_FIELD):
            tag = self._open.token(found)
        if name == "template":
            tag = re.sub("template", "div", tag, count=1, flags=re.IGNORECASE)
        if found["end"]:
            return tag + (self._here(found.end()) if ends else "")
        skipped = name in _SKIPS_LINE_END and self._markup.startswith("\n", found.end())
        return _NAME.sub(lambda m: m[0] + self._attribute(found.end() + skipped), tag, count=1)

    def _here(self, position: int) -> str:
        """An element without content, behind what hides line ends from the parser."""
        return f"<wbr{self._attribute(position)}>" if self._lined else ""

    def _attribute(self, position: int) -> str:
        if not self._lined:
            return ""
        self._line += self._markup.count("\n", self._at, position)
        self._at = position
        return f' {LINE}="{self._line}"'
