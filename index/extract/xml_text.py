"""The text in XML of any family: between tags, and in attributes what reads like text.

Owns taking tags away: a blank replaces each, and every line keeps its number. Markup that is escaped inside
the text (feeds) is taken away too.
"""

from __future__ import annotations

import html
import re

from index.extract.prose import is_prose, is_short_prose

_NAMED = re.compile(
    r"<(?P<name>[\w.-]{0,40}?(?:passw|passphrase|pwd|secret|token|api[_-]?key)[\w.-]{0,40})>(?=[^<>\n])",
    re.IGNORECASE,
)
"""Elements whose names stay: by them a credential is known."""
_TOKEN = re.compile(
    r"<!--.*?-->|<!\[CDATA\[(?P<data>.*?)\]\]>"
    r"|<(?P<tag>[/?!]?[A-Za-z_][^\s<>/]{0,200}+)(?P<attributes>(?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+)>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([\w.:-]{1,60})\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_TOLD = frozenset(
    {"text", "title", "label", "name", "caption", "description", "desc", "summary", "note", "_note",
     "comment", "body", "content", "subject", "value", "alt", "contact_name", "display_name", "author",
     "question", "answer", "hint", "placeholder", "tooltip"}
)  # fmt: skip
"""Attributes whose short values are read: those of others only where they are sentences."""
_SECRET = re.compile(r"passw|pwd|secret|token|api.?key", re.IGNORECASE)
_NO_CHARACTER = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
"""A number beyond every character's: Python does not turn thousands of digits into a number."""
_DECLARATIONS = re.compile(
    r"<!DOCTYPE\s[^<>\[\]]{0,500}\[((?:[^\]\"']++|\"[^\"]*+\"|'[^']*+')*+)\]\s*>", re.IGNORECASE
)
_DECLARED = re.compile(r"<!ENTITY\s+([\w.-]{1,80})\s+(?:\"([^\"<&%]{1,500})\"|'([^'<&%]{1,500})')\s*>")
_REFERENCE = re.compile(r"&([A-Za-z_][\w.-]{0,79});")
_MOST_DECLARED = 200_000
"""Characters that entities of a document's own may add to it. They are words: none refers to another."""
_INNER_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]{0,15}(?:\s[^<>]{0,2000})?/?>|<!--.{0,2000}?-->", re.DOTALL)
_IN_WORDS = re.compile(r"</?(?:b|i|u|s|em|strong|span|mark|font|sub|sup|wbr|small)[\s>/]", re.IGNORECASE)
_DEEPEST = 3
"""HTML that is escaped, in a feed that is escaped: so often are entities resolved."""
_LETTERS_NEAR = re.compile(r"(?<=\S) {2,}(?=\S)")


def xml_text(text: str) -> str:
    """The text of an XML document, line for line."""
    named = _NAMED.sub(r"\g<name>: ", _resolve_declared(text))
    plain = _TOKEN.sub(_replace_match, _drop_unended(_drop_unended(named, "<!--", "-->"), "<![CDATA[", "]]>"))
    for _ in range(_DEEPEST):
        if "&" not in plain and "<" not in plain:
            break
        resolved = strip_tags(resolve_entities(plain))
        if resolved == plain:
            break
        plain = resolved
    return _LETTERS_NEAR.sub(" ", plain)


def _resolve_declared(text: str) -> str:
    """The document without its declarations, the words in place of the entities that it declares itself."""
    if (declarations := _DECLARATIONS.search(text)) is None:
        return text
    declared = _DECLARED.finditer(declarations[1])
    words = {found[1]: " ".join((found[2] or found[3]).split()) for found in declared}
    left = _MOST_DECLARED

    def resolve(found: re.Match[str]) -> str:
        nonlocal left
        word = words.get(found[1], "")
        left -= len(word)
        return word if word and left > 0 else found.group()

    body = _REFERENCE.sub(resolve, text[declarations.end() :]) if words else text[declarations.end() :]
    return text[: declarations.start()] + "\n" * declarations.group().count("\n") + body


def resolve_entities(text: str) -> str:
    """Text with the characters that entities of HTML stand for."""
    return html.unescape(_NO_CHARACTER.sub("\ufffd", text))


def strip_tags(text: str) -> str:
    """Text without tags of HTML, line for line."""
    return _INNER_TAG.sub(_replace_inner, text)


def _drop_unended(text: str, start: str, end: str) -> str:
    """The text without beginnings that nothing ends: to look for the end of each would take long."""
    last = text.rfind(end) + len(end) if end in text else 0
    return text[:last] + text[last:].replace(start, " ")


def _replace_match(found: re.Match[str]) -> str:
    if found["data"] is not None:
        return found["data"]
    if found["tag"] is None or not found["attributes"] or found["tag"][0] in "/?!":
        return _blank(found)
    return _blank(found) + _attributes(found["attributes"])


def _blank(found: re.Match[str]) -> str:
    return "\n" * found.group().count("\n") or " "


def _replace_inner(found: re.Match[str]) -> str:
    """What is in place of a tag: nothing, where it may stand inside a word."""
    return "" if _IN_WORDS.match(found.group()) else _blank(found)


def _attributes(written: str) -> str:
    """The values that read like text, in one line."""
    values = []
    for found in _ATTRIBUTE.finditer(written):
        value = " ".join((found[2] or found[3] or "").split())
        name = found[1].rpartition(":")[2].lower()
        if not value or _SECRET.search(name):
            continue
        if is_prose(value) or (name in _TOLD and is_short_prose(value)):
            values.append(value)
    return f"{'; '.join(values)} " if values else ""
