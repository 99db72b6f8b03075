"""TiddlyWiki: the notes in a page that keeps them as JSON in a script.

Owns its store. The page around it is HTML like any other; stores of before 2021 are elements of it.
"""

from __future__ import annotations

import json
import re

from index.extract.document_builder import DocumentBuilder
from index.extract.text import paragraphs

_STORE = re.compile(r"<script\b[^<>]{0,400}\btiddlywiki-tiddler-store\b[^<>]{0,400}>(.*?)</script", re.DOTALL)
_OF_THE_PROGRAM = "$:/"
"""Titles of notes that are the program itself."""


def add_tiddlers(builder: DocumentBuilder, markup: str) -> None:
    """Put each note of a TiddlyWiki into `builder` under its title; nothing where the page is none."""
    for store in _STORE.finditer(markup):
        try:
            notes = json.loads(store[1])
        except (ValueError, RecursionError):
            builder.notes.append("The notes in it (TiddlyWiki) cannot be read.")
            continue
        for note in notes if isinstance(notes, list) else ():
            if isinstance(note, dict):
                _add(builder, note.get("title"), note.get("text"))


def _add(builder: DocumentBuilder, title: object, text: object) -> None:
    if not isinstance(title, str) or not isinstance(text, str) or title.startswith(_OF_THE_PROGRAM):
        return
    builder.open(1, title)
    for block in paragraphs(text):
        builder.add(text[block.start : block.end], "prose")
