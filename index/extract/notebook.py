"""Jupyter notebooks: text cells as Markdown, code cells as code, what they printed beside them.

Owns the notebook's JSON.
"""

from __future__ import annotations

import json
import re
from typing import Any

from index.errors import FileFailed
from index.extract.decode import decode
from index.extract.document_builder import DocumentBuilder
from index.extract.markdown import sections_of, strip_inline_markup
from index.extract.source import Source
from index.languages import TITLES
from index.types import Document

_MOST_OUTPUT = 2_000
_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def read(source: Source) -> Document:
    """A notebook; its title is its first heading."""
    try:
        book = json.loads(decode(source.content()))
        cells = book.get("cells") or [
            cell for sheet in book.get("worksheets", []) for cell in sheet.get("cells", [])
        ]
        language = _language(book.get("metadata", {}).get("kernelspec", {}).get("language"))
    except (ValueError, AttributeError, TypeError):
        raise FileFailed("It is damaged or no notebook: its JSON cannot be read.") from None
    builder = DocumentBuilder()
    title = ""
    for cell in cells if isinstance(cells, list) else []:
        if not isinstance(cell, dict):
            continue
        body = _joined(cell.get("source", cell.get("input", "")))
        if cell.get("cell_type") == "code":
            builder.add(body, "code")
            for output in cell.get("outputs") or []:
                builder.add(_printed(output), "data")
        else:
            title = title or _add_markdown(builder, body)
    return builder.document("notebook", title, language=language)


def _language(named: Any) -> str:
    """The language by the name it has elsewhere; empty where it is none that is known."""
    bare = named.lower().rstrip("0123456789. ") if isinstance(named, str) else ""
    bare = "shell" if bare == "bash" else bare
    return bare if bare in TITLES else ""


def _add_markdown(builder: DocumentBuilder, text: str) -> str:
    """Put a text cell into the builder; returns its first top heading."""
    first = ""
    for section in sections_of(text):
        words = text[section.start : section.end]
        if section.kind == "heading":
            level = len(words.strip()) - len(words.strip().lstrip("#")) or 1
            title = strip_inline_markup(words.strip().strip("#").strip().split("\n")[0])
            builder.open(level, title)
            first = first or (title if level == 1 else "")
        else:
            builder.add(words, section.kind)
    return first


def _joined(lines: Any) -> str:
    if isinstance(lines, list):
        return "".join(line for line in lines if isinstance(line, str))
    return lines if isinstance(lines, str) else ""


def _printed(output: Any) -> str:
    """The plain text of an output, its beginning where it is long."""
    if not isinstance(output, dict):
        return ""
    data = output.get("data")
    text = _joined(output.get("text") or (data.get("text/plain") if isinstance(data, dict) else ""))
    if not text and isinstance(output.get("evalue"), str):
        text = f"{output.get('ename', '')}: {output['evalue']}"
    return _ESCAPE.sub("", text)[:_MOST_OUTPUT]
