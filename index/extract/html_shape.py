"""HTML in a shape that is parsed in time: no deeper than a browser goes, its tags without attributes.

Owns what is taken off markup before it is parsed. Knows nothing of what is made of it. Building a tree
takes time with elements times depth, and with the square of one tag's attributes and of formatting that
differs in its attributes (https://html.spec.whatwg.org/multipage/parsing.html: scopes, "the list of active
formatting elements"), so a page of a megabyte can take an hour. Which elements are open is followed as far
as it needs to be: where this says other than the parser, a page loses a paragraph's bounds and no word.
"""

from __future__ import annotations

import re

DEEPEST = 512
"""Elements open at once: the limit of Chromium (`maximumHTMLParserDOMTreeDepth`)."""
SMALL = 64 << 10
"""Characters: a smaller page is parsed in half a second, whatever its shape."""
_NEAR = 64
_NEAR_START = 16
"""How far up an end tag, and a start tag, looks for the element that it ends: in pages that people make it is
near, and where it is not found, the page only seems deeper than it is."""
_LONGEST_NAME = 40
_LONGEST_ALT = 1_000

_ATTRIBUTES = r"(?:[^>\"'=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')?+|[\"'])*+(?:>|\Z)"
TOKEN = re.compile(
    r"<!--.*?(?:--!?>|\Z)"
    rf"|<(?P<raw>script|style|textarea|title|xmp|iframe|noembed|noframes)(?![^\s/>]){_ATTRIBUTES}"
    r"(?P<content>.*?)(?=</(?P=raw)|\Z)"
    rf"|<(?P<end>/?)(?P<name>[a-z][^\s/>]*+)(?P<attributes>{_ATTRIBUTES})",
    re.IGNORECASE | re.DOTALL,
)
"""Comments, elements whose content is no markup up to their end, and tags with their attributes."""
_ALT = re.compile(r"\balt\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+))", re.IGNORECASE)


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


_VOID = _names(
    "area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr"
)
_FORMATTING = _names("a b big code em font i nobr s small strike strong tt u")
_SPECIAL = _names(
    "address applet area article aside base basefont bgsound blockquote body br button caption center col"
    " colgroup dd details dir div dl dt embed fieldset figcaption figure footer form frame frameset h1 h2 h3"
    " h4 h5 h6 head header hgroup hr html iframe img input keygen li link listing main marquee menu meta nav"
    " noembed noframes noscript object ol p param plaintext pre script search section select source style"
    " summary table tbody td template textarea tfoot th thead title tr track ul wbr xmp svg math"
)
_SCOPE = _names("applet caption html table td th marquee object template svg math")
_TABLE_PARTS = _names("caption colgroup tbody thead tfoot tr td th")
_TABLE = _TABLE_PARTS | {"table"}
_TABLE_SCOPE = _names("html table template")
_ITEM_BARRIERS = _SPECIAL - {"address", "div", "p", "li", "dt", "dd"}
_ENDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "li": (_names("li"), _ITEM_BARRIERS | {"dt", "dd"}),
    "dt": (_names("dt dd"), _ITEM_BARRIERS | {"li"}),
    "dd": (_names("dt dd"), _ITEM_BARRIERS | {"li"}),
    "td": (_names("td th"), _TABLE_SCOPE),
    "th": (_names("td th"), _TABLE_SCOPE),
    "tr": (_names("tr"), _TABLE_SCOPE),
    **dict.fromkeys(("tbody", "thead", "tfoot"), (_names("tbody thead tfoot caption"), _TABLE_SCOPE)),
    **dict.fromkeys(
        _names(
            "p div ul ol dl section article main aside header footer nav h1 h2 h3 h4 h5 h6 pre blockquote"
            " address center details fieldset figure form hr menu summary"
        ),
        (_names("p"), _SCOPE | {"button"}),
    ),
}
"""Which open element a start tag ends, and those beyond which it does not look. A parser ends some more."""


class OpenElements:
    """The elements that are open at a token."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._left_out: dict[str, int] = {}

    def token(self, found: re.Match[str]) -> str:
        """The replacement of a token."""
        if found["raw"]:
            return f"<{found['raw']}>{found['content']}"
        if not found["name"]:
            return ""
        name = found["name"].lower()
        if len(name) > _LONGEST_NAME:
            return " "
        return self._end(name) if found["end"] else self._start(name, found["attributes"])

    def _start(self, name: str, attributes: str) -> str:
        if name in _VOID:
            return _image(attributes) if name == "img" else f"<{name}>"
        if name in _TABLE_PARTS and not self._in_table:
            return " "  # outside a table it is no tag
        if name in _ENDS:
            self._close(*_ENDS[name])
        if len(self._names) >= DEEPEST:
            self._left_out[name] = self._left_out.get(name, 0) + 1
            return " "
        self._names.append(name)
        return f"<{name}>"

    def _end(self, name: str) -> str:
        if self._left_out.get(name, 0):
            self._left_out[name] -= 1
            return " "
        at = self._index_of_open(name)
        if at < 0:
            return "<p></p>" if name == "p" else " "
        if name in _FORMATTING and any(above in _SPECIAL for above in self._names[at + 1 :]):
            del self._names[at]  # what is in it stays open
        else:
            del self._names[at:]
        return f"</{name}>"

    @property
    def _in_table(self) -> bool:
        return self._nearest(frozenset({"table"}), frozenset({"template"}), DEEPEST) >= 0

    def _index_of_open(self, name: str) -> int:
        """The index of the open element that an end tag closes; -1 for none."""
        beyond = _TABLE_SCOPE if name in _TABLE else _SCOPE
        if name not in _SPECIAL and name not in _FORMATTING:
            beyond = _SPECIAL
        return self._nearest(frozenset({name}), beyond, _NEAR)

    def _nearest(self, wanted: frozenset[str], beyond: frozenset[str], near: int) -> int:
        for at in range(len(self._names) - 1, max(-1, len(self._names) - 1 - near), -1):
            if self._names[at] in wanted:
                return at
            if self._names[at] in beyond:
                break
        return -1

    def _close(self, ends: frozenset[str], beyond: frozenset[str]) -> None:
        """Take off the nearest element that a start tag ends, with what is in it."""
        if (at := self._nearest(ends, beyond, _NEAR_START)) >= 0:
            del self._names[at:]


def _image(attributes: str) -> str:
    alt = _ALT.search(attributes)
    words = next((part for part in alt.groups() if part), "")[:_LONGEST_ALT] if alt else ""
    return f'<img alt="{words.replace(chr(34), "&quot;")}">'
