"""Source code to definitions and the blocks between blank lines.

Owns cutting code by its lines and indentation; the languages' own words are in `languages`. A
definition's first lines (with the comments and decorators above them) are a section of kind
"heading", so that passages begin at classes and functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from index.extract.decode import decode_text
from index.extract.source import Source
from index.languages import Language, language_of, language_of_script, language_of_text
from index.types import Document, Section

_BLOCK = re.compile(r"(?:^[^\n]*\S[^\n]*(?:\n|\Z))+", re.MULTILINE)
_LINE = re.compile(r"^(?P<indent>[ \t]*)(?P<rest>\S[^\n]*)", re.MULTILINE)
_LEADING = re.compile(r"(?:#|//|/\*|\*|--|;|%|@|\"\"\"|'''|\[)")
SEARCHED = 4096
"""Characters of a file by which its language is known, where its name says nothing."""
_DEEPEST = 3
_LONGEST_NAME = 80


def read(source: Source) -> Document:
    """A source file; its title is left to the file's name."""
    text = decode_text(source.content())
    language = _language(source.name, source.suffix)
    if not language.name:
        language = language_of_script(text.partition("\n")[0])
    if not language.name:
        language = language_of_text(text[:SEARCHED])
    return Document(text, "code", language=language.name, sections=tuple(sections_of(text, language)))


@lru_cache(maxsize=64)
def _language(name: str, suffix: str) -> Language:
    return language_of(name, suffix)


def sections_of(text: str, language: Language) -> Iterator[Section]:
    """Blocks between blank lines, cut again where a definition begins inside one."""
    path: list[tuple[int, str]] = []
    for block in _BLOCK.finditer(text):
        start = block.start()
        lead: int | None = None
        for line in _LINE.finditer(text, block.start(), block.end()):
            indent = len(line["indent"].expandtabs(4))
            name = _definition(language, line["rest"])
            if name and len(path) - sum(deep >= indent for deep, _ in path) < _DEEPEST:
                begin = line.start() if lead is None else lead
                if begin > start:
                    yield Section(start, begin, "code", _names(path))
                while path and path[-1][0] >= indent:
                    path.pop()
                path.append((indent, name))
                yield Section(begin, line.end(), "heading", _names(path))
                start = min(line.end() + 1, block.end())
                lead = None
            elif _LEADING.match(line["rest"]):
                lead = line.start() if lead is None else lead
            else:
                lead = None
                if line.start() == block.start():
                    _leave(path, indent, line["rest"])
        if start < block.end():
            yield Section(start, block.end(), "code", _names(path))


def _definition(language: Language, line: str) -> str:
    found = language.definition.match(line[:400])
    if found is None:
        return ""
    name = next((part for part in found.groups() if part), "")
    return " ".join(name.split())[:_LONGEST_NAME]


def _leave(path: list[tuple[int, str]], indent: int, line: str) -> None:
    """A block that begins to the left of a definition's body has left the definition."""
    if line[0] in ")}]":
        return
    while path and path[-1][0] >= indent:
        path.pop()


def _names(path: list[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(name for _, name in path)
