"""Regular expressions in a query: `/colou?r/`, `/ERR-\\d+/i`.

Owns their limits. An expression without capital letters ignores case. Knows nothing of the index.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from index.store.fts_query import Pattern

LONGEST = 500
"""Characters of an expression: longer than users type, and short enough to compile quickly."""
_ESCAPE = re.compile(r"\\.")
"""Escapes such as `\\S` and `\\W` do not count as capital letters."""


def compile_pattern(written: str) -> Pattern:
    """The compiled expression; `regex` can limit its time. Raises `ValueError` with a text for the user."""
    import regex  # 10 ms, and only a query with an expression needs it

    if len(written) > LONGEST:
        raise ValueError(f"has more than {LONGEST} characters")
    sought = _ESCAPE.sub("", written)
    flags = regex.MULTILINE | (regex.IGNORECASE if sought == sought.lower() else 0)
    try:
        return regex.compile(written, flags)
    except (regex.error, OverflowError, MemoryError, RecursionError) as error:
        raise ValueError(f"is no regular expression: {getattr(error, 'msg', None) or error}") from error


def literal(text: str) -> Pattern:
    """An expression that also finds a text inside words, with any white space in place of its own."""
    import regex

    parts = (regex.escape(part, literal_spaces=True) for part in text.split())
    return regex.compile(r"\s+".join(parts), regex.IGNORECASE)
