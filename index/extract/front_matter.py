"""What a note says of itself: front matter (YAML, TOML, JSON, MultiMarkdown, Pandoc), tags and links.

Owns which fields, tags and links a text has. YAML is read line by line: front matter that people write by
hand is often not valid, and a line that is not understood costs itself alone.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from index.types import Section

Fields = list[tuple[str, str]]

MOST_FIELDS = 300
MOST_LINKS = 2_000
_LONGEST = 500
"""Characters of a value: more is prose, which is found as text."""
_SAME = {
    "tags": "tag", "keywords": "tag", "keyword": "tag", "categories": "category", "aliases": "alias",
    "authors": "author", "creator": "author", "created": "date", "published": "date",
}  # fmt: skip
"""Names that different programs give to one field."""
_SPLIT = re.compile(r"[,\s]+")
_YAML = re.compile(r"\A---[ \t]*\n((?:(?!---|\.\.\.)[^\n]*\n){0,500}?)(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_TOML = re.compile(r"\A\+\+\+[ \t]*\n((?:(?!\+\+\+)[^\n]*\n){0,500}?)\+\+\+[ \t]*(?:\n|\Z)")
_LONGEST_JSON = 65_536
"""Characters in which front matter in JSON ends."""
_JOPLIN = re.compile(r"(?:\A|\n)((?:[a-z_]{2,40}:[^\n]*\n){2,60}type_: \d{1,2})\s*\Z")
_PANDOC = re.compile(r"\A% ([^\n]*)\n(?:%(?: ([^\n]*))?\n)?(?:%(?: ([^\n]*))?(?:\n|\Z))?")
_MULTI = re.compile(
    r"\A(?:[A-Za-z][\w -]{0,40}:[ \t]+\S[^\n]*(?:\n|\Z)(?:[ \t]+\S[^\n]*(?:\n|\Z))*){1,40}(?=\n|\Z)"
)
_MULTI_KNOWN = re.compile(
    r"^(?:title|author|date|tags?|keywords|aliases|subject|category|latex \w+|css|bibliography)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
"""A text that begins with `Name: value` is MultiMarkdown only where one of the names is usual there."""
_KEY = re.compile(
    r"(?P<indent>[ ]*)(?P<quote>[\"']?)(?P<key>[^\s#:\"'\-\[{][^:\"'\n]{0,60}?)(?P=quote)[ ]*:"
    r"(?:[ \t]+(?P<value>.*))?"
)
_ITEM = re.compile(r"[ \t]*-[ \t]+(?:[\w-]{1,30}:[ \t]+)?(.*)")
_FLOW = re.compile(r""""((?:[^"\\]|\\.)*)"|'([^']*)'|([^,\[\]{}]+)""")
_ESCAPED = re.compile(r"\\(.)")
_COMMENT = re.compile(r"(?:^|[ \t])#[ \t].*$")
_TAG = re.compile(r"(?:(?<=[\s(\[,;>])|\A)#(?=[\w/-]*[^\W\d])(\w[\w/-]{0,100})")
_INLINE_CODE = re.compile(r"(?<!`)(`++)[^`\n]++\1")
_WIKI = re.compile(r"\[\[([^\[\]|#^\n]{1,300})")
_LINK = re.compile(
    r"\]\(<?(?![a-zA-Z][\w+.-]{0,30}:|[#/])([^()<>\n#\"]{1,500})(?:#[^()<>\n\"]{0,500})?>?(?:\"[^\"\n]{0,500}\")?\)"
)


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The fields that a text begins with. They end at `end`, 0 where there are none."""

    end: int = 0
    fields: tuple[tuple[str, str], ...] = ()

    def first(self, name: str) -> str:
        """The first value of a field; empty where there is none."""
        return next((value for field, value in self.fields if field == name), "")


def front_matter(text: str) -> FrontMatter:
    """The front matter of a text in whichever dialect."""
    if found := _YAML.match(text):
        return _from_fields(found.end(), _yaml(found[1]))
    if found := _TOML.match(text):
        try:
            return _from_fields(found.end(), _flat(tomllib.loads(found[1])))
        except (tomllib.TOMLDecodeError, RecursionError):
            return FrontMatter(found.end())
    if text.startswith("{") and (found_json := _json(text)):
        return found_json
    if found := _PANDOC.match(text):
        values = (one or "" for one in found.groups())
        return _from_fields(found.end(), zip(("title", "author", "date"), values, strict=True))
    if (found := _MULTI.match(text)) and _MULTI_KNOWN.search(found[0]):
        return _from_fields(found.end(), _yaml(found[0]))
    return FrontMatter()


def end_matter(text: str) -> tuple[int, FrontMatter]:
    """Where the fields behind a note begin as Joplin exports it, and those that say something of it."""
    found = _JOPLIN.search(text, max(0, len(text) - _LONGEST_JSON))
    if found is None:
        return len(text), FrontMatter()
    given = dict(_yaml(found[1]))
    fields = [("author", given.get("author", "")), ("source-url", given.get("source_url", ""))]
    fields.append(("date", given.get("user_created_time", "")[:10]))
    if given.get("type_") == "1":
        fields.append(("title", text.split("\n", 1)[0].strip()))
    return found.start(1), _from_fields(0, [(name, value) for name, value in fields if value])


def tags(text: str, sections: Iterable[Section]) -> Iterator[tuple[str, str]]:
    """The `#tags` of a text as fields, but for those in code."""
    for section in sections:
        if section.kind not in ("code", "data"):
            words = _INLINE_CODE.sub(" ", text[section.start : section.end])
            yield from (("tag", found[1]) for found in _TAG.finditer(words))


def links(text: str) -> tuple[str, ...]:
    """What `[[links]]` and relative Markdown links of a text name, each once."""
    found = dict.fromkeys(match[1].strip() for match in _WIKI.finditer(text))
    found |= dict.fromkeys(unquote(match[1]).strip() for match in _LINK.finditer(text))
    return tuple(target for target in found if target)[:MOST_LINKS]


def bounded(fields: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Each field once, and no more than an index should hold of one file."""
    return tuple(dict.fromkeys(fields))[:MOST_FIELDS]


def _from_fields(end: int, fields: Iterable[tuple[str, str]]) -> FrontMatter:
    found: Fields = []
    for key, value in fields:
        name = re.sub(r"[\s_]+", "-", key.strip().casefold())
        found += [(_SAME.get(name, name), one) for one in _values(_SAME.get(name, name), value)]
    return FrontMatter(end, bounded(found))


def _values(name: str, value: str) -> list[str]:
    value = " ".join(value.split())[:_LONGEST]
    if name != "tag":
        return [value] if value else []
    # "deep sea, tides" are two tags and "#a #b" too; a list gives each alone.
    parts = value.split(",") if "," in value else _SPLIT.split(value) if value.startswith("#") else [value]
    return [tag for part in parts if (tag := part.strip().lstrip("#"))]


def _yaml(block: str) -> Iterator[tuple[str, str]]:
    """`key: value`, lists in both ways, and values that go on in indented lines."""
    key = ""
    more: list[str] = []
    for line in [*block.splitlines(), "end:"]:
        found = _KEY.fullmatch(line)
        if found and not found["indent"]:
            if more:
                yield key, " ".join(more)
            key, more = found["key"], []
            yield from ((key, value) for value in _scalar(found["value"] or "", more))
        elif item := _ITEM.fullmatch(line):
            plain: list[str] = []
            yield from ((key, value) for value in [*_scalar(item[1], plain), *plain])
        elif key and line.strip():
            more.append((found["value"] or "") if found else line.strip())


def _scalar(value: str, more: list[str]) -> list[str]:
    """The values behind a colon or a dash; one that may go on in the next lines goes to `more` instead."""
    value = value.strip()
    if not value or value[0] in "|>":
        return []
    if value[0] in "[{" and not value.startswith("[["):
        return [next(filter(None, found.groups()), "").strip() for found in _FLOW.finditer(value)]
    if value[0] in "\"'" and (found := _FLOW.match(value)):
        return [_ESCAPED.sub(r"\1", found[1]) if found[1] is not None else found[2] or ""]
    value = _COMMENT.sub("", value).strip()
    more += [value] if value else []
    return []


def _json(text: str) -> FrontMatter | None:
    """The fields of an object of JSON that a text begins with; None where it begins with none."""
    try:
        fields, end = json.JSONDecoder().raw_decode(text[:_LONGEST_JSON])
    except (ValueError, RecursionError):
        return None
    return _from_fields(end, _flat(fields)) if fields and text[end : end + 1] in ("", "\n") else None


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """The leaves of a table, each under the name of its outermost key."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, name or str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _flat(inner, name)
    else:
        yield name, str(value)
