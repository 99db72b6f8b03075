"""Filters typed in a query: completing the one under the cursor, and setting one by a toggle.

Pure functions over the query's text, the one place where filters are kept while typing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from app.query import KEYS
from index import kinds, languages

ANY = {"type": "any kind", "since": "any time", "in": "everywhere", "tag": "any tag"}
"""The text for a filter that the query does not have."""
TIMES = ("1d", "1w", "2w", "1m", "3m", "1y")
_VALUES: dict[str, tuple[str, ...]] = {
    "type": kinds.OFFERED,
    "since": ("today", "yesterday", *TIMES),
    "before": ("today", "yesterday", *TIMES),
    "lang": languages.OFFERED,
    "mode": ("words", "meaning", "hybrid"),
    "size": (">1mb", "<20k"),
}
_OPEN = re.compile(r'(?:^|\s)(?P<key>[a-z]+):(?P<value>"[^"]*|[^\s"]*)$')
_BARE = re.compile(rf"(?:^|\s)-?(?:{'|'.join(KEYS)}):\"?$", re.IGNORECASE)
_KEY = re.compile(r"(?:^|\s)(?P<key>[a-z]{2,})$")


def candidates(text: str, folders: Sequence[str]) -> list[str]:
    """Completions of the last word of `text`: values of a filter, or the names of filters."""
    if found := _OPEN.search(text):
        key, typed = found["key"], found["value"].strip('"').lower()
        values = folder_names(folders) if key == "in" else _VALUES.get(key, ())
        return [f"{key}:{quoted(v)}" for v in values if v.lower().startswith(typed) and v.lower() != typed]
    if found := _KEY.search(text):
        return [f"{key}:" for key in KEYS if key.startswith(found["key"])]
    return []


def complete(text: str, folders: Sequence[str], earlier: Sequence[str] = ()) -> str | None:
    """The whole text with its last word completed, or an earlier query that begins with it."""
    if _OPEN.search(text):
        for candidate in candidates(text, folders):
            begin = text.rfind(candidate.split(":", 1)[0] + ":")
            whole = text[:begin] + candidate
            if len(whole) > len(text) and whole.lower().startswith(text.lower()):
                return text + whole[len(text) :]
        return None
    if len(text) >= 3:
        return next((query for query in earlier if query.startswith(text) and query != text), None)
    return None


def folder_names(folders: Sequence[str]) -> list[str]:
    """The folders by their own names, each once."""
    return list(dict.fromkeys(os.path.basename(folder.rstrip(os.sep)) for folder in folders))  # noqa: PTH119


def quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value


def value_of(text: str, key: str) -> str:
    """What the filter `key` says in the query; empty where it is not there."""
    found = _filter(key).search(text)
    return found["value"].strip('"') if found else ""


def with_filter(text: str, key: str, value: str) -> str:
    """The query with this filter set, or without it where `value` is empty."""
    bare = " ".join(_filter(key).sub(" ", text).split())
    return f"{bare} {key}:{quoted(value)}".strip() if value else bare


def without_open_filter(text: str) -> str:
    """The query without a filter at its end that has no value yet: `in:` asks for nothing."""
    return _BARE.sub("", text)


def without_filters(text: str) -> str:
    for key in KEYS:
        text = with_filter(text, key, "")
    return text


def _filter(key: str) -> re.Pattern[str]:
    return re.compile(rf'(?:^|(?<=\s)){key}:(?P<value>"[^"]*"?|\S+)', re.IGNORECASE)
