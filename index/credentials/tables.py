"""Tables with a column of passwords: every value of the column is a password.

Owns the recognition of such a column, in rows `| a | b |` and in rows `name: value; name: value`.
Knows no names (`labels`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from index.credentials.labels import Label
from index.credentials.labels import labels as labels_in
from index.credentials.search_text import SearchText
from index.credentials.values import can_be_password, has_digit, is_password, strip_quotes

_RULE = re.compile(r"[\s|+:=-]*")
_LONGEST_HEAD = 40
"""Characters of the head of a column: a longer one is a sentence."""
_LONGEST_LINE = 4_000
"""Characters of a row: longer lines are data, not a table that people read."""


def tables(text: str, labels: Sequence[Label]) -> Iterator[tuple[int, int]]:
    """The spans of the cells in columns of passwords; `labels` are the names in `text`."""
    if "|" not in text:
        return
    done = 0
    for label in labels:
        if label.start < done or label.kind == "key":
            continue
        start = text.rfind("\n", max(0, label.start - _LONGEST_LINE), label.start) + 1
        end = _line_end(text, label.start)
        if end - start > _LONGEST_LINE or "|" not in text[start:end] or "|" in _line_before(text, start):
            continue
        heads = _cells(text[start:end])
        columns = [i for i, head in enumerate(heads) if _names_passwords(head)]
        if columns and len(heads) > 1:
            found, done = _column(text, end + 1, heads, columns)
            yield from found


def _column(text: str, at: int, heads: list[str], columns: list[int]) -> tuple[list[tuple[int, int]], int]:
    """The spans of the values under `columns` from `at` on, and the end of the table."""
    found: list[tuple[int, int]] = []
    sure = False
    while at < len(text):
        end = _line_end(text, at)
        line = text[at:end]
        if "|" in line:
            spans = list(_cell_spans(line, columns))
        elif any(f"{heads[i]}: " in line for i in columns):
            spans = list(_named_spans(line, [heads[i] for i in columns]))
        elif line.strip() and _RULE.fullmatch(line):
            spans = []
        else:
            break
        for a, b in spans:
            value = strip_quotes(line[a:b].strip())
            if can_be_password(value) and " " not in value:
                found.append((at + a, at + b))
                sure = sure or is_password(value) or has_digit(value)
        at = end + 1
    return (found if sure else []), at


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _cell_spans(line: str, columns: list[int]) -> Iterator[tuple[int, int]]:
    first = line.find("|") + 1 if line.lstrip().startswith("|") else 0
    at = first
    for i, cell in enumerate(line[first:].split("|")):
        if i in columns and cell.strip():
            lead = len(cell) - len(cell.lstrip())
            yield at + lead, at + len(cell.rstrip())
        at += len(cell) + 1


def _named_spans(line: str, names: list[str]) -> Iterator[tuple[int, int]]:
    for name in names:
        at = line.find(f"{name}: ")
        if at == 0 or line[at - 2 : at] == "; ":
            start = at + len(name) + 2
            end = line.find("; ", start)
            yield start, len(line) if end < 0 else end


@lru_cache(maxsize=256)
def _names_passwords(head: str) -> bool:
    """Whether the head of a column is the name of a password and nothing else."""
    words = strip_quotes(head).lower()
    if not words or len(words) > _LONGEST_HEAD:
        return False
    return any(
        label.kind in ("password", "short") and label.end - label.start >= len(words) - _slack(words)
        for label in labels_in(SearchText(words))
    )


def _slack(words: str) -> int:
    """Characters that a head may have beside the name: `Wi-Fi password`, `Passwort (Gast)`."""
    return 12 if " " in words or "-" in words or "_" in words else 1


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _line_before(text: str, start: int) -> str:
    return text[text.rfind("\n", max(0, start - _LONGEST_LINE), max(0, start - 1)) + 1 : max(0, start - 1)]
