"""Answers as an assistant gets them: nothing hidden, nothing twice, nothing empty.

Owns the form. A further passage of a file repeats nothing of the first; what is null, empty or false is left
out, as the server's instructions say.
"""

from __future__ import annotations

from typing import Any

from app import json_output
from app.api import Answer, Excerpt
from app.sanitize import plain_path, visible
from index.types import Hit

_OF_THE_FILE = ("path", "title", "modified", "kind", "language", "stale")
_LEFT_OUT = ("similarity", "words", "size", "first_line", "explain")


def answer(found: Answer) -> dict[str, Any]:
    """The hits of a search, and what is to be known of them as a whole."""
    result = json_output.answer(found)
    result["hits"] = [_hit(hit, found) for hit in found.hits]
    del result["took_ms"]
    if not found.listed:
        del result["listed"]
    if not found.waiting:
        del result["waiting"]
    return sanitized(result)


def _hit(hit: Hit, found: Answer) -> dict[str, Any]:
    first = _slim(json_output.hit(hit, found.stale, nested=True))
    more = [_slim(json_output.hit(other, nested=True)) for other in hit.more]
    for other in more:
        for name in _OF_THE_FILE:
            other.pop(name, None)
    return first | ({"more": more} if more else {})


def _slim(hit: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in hit.items() if name not in _LEFT_OUT and not _is_empty(value)}


def _is_empty(value: object) -> bool:
    """Whether a value says nothing; the number 0 says something."""
    return value is None or value is False or value in ("", [])


def excerpt(found: Excerpt) -> dict[str, Any]:
    """A stretch of a document; `next` is where the rest begins, where there is some."""
    result = {name: getattr(found, name) for name in ("path", "title", "text", "start", "line", "length")}
    ends = found.start + len(found.text)
    return sanitized(result | ({"next": ends} if ends < found.length else {}))


def outline(found: Excerpt) -> dict[str, Any]:
    """Headings of a document, with what `read` takes to begin there."""
    headings = [
        _slim({"title": one.title, "start": one.start, "depth": one.depth, "page": one.page})
        for one in found.outline
    ]
    result = {"path": found.path, "title": found.title, "length": found.length, "outline": headings}
    return sanitized(result | ({"links": list(map(plain_path, found.links))} if found.links else {}))


def cited_place(hit: Hit) -> str:
    """The place of a passage, in words for a citation."""
    parts = [f"page {hit.page}"] if hit.page else []
    return ", ".join([*parts, f"line {hit.line}"] if hit.line else parts)


def sanitized(result: dict[str, Any]) -> dict[str, Any]:
    """A result with nothing hidden in its strings; positions in texts hold."""
    return {key: plain_path(item) if key == "path" else _shown(item) for key, item in result.items()}


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return sanitized(value)
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return visible(value) if isinstance(value, str) else value
