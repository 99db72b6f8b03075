"""Regular expressions as people write them in a query: `/colou?r/`, `/ERR-\\d+/i`.

Owns their limits. An expression without capital letters ignores case. Knows nothing of the index.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from index.store.fts_query import Pattern

LONGEST = 500
"""Characters of an expression: more than any that is typed, and little enough to compile at once."""
_ESCAPE = re.compile(r"\\.")
"""`\\S` and `\\W` are no capital letters of the text that is sought."""


def compile_pattern(written: str) -> Pattern:
    """The expression, as `regex` runs it: with a time limit. Raises `ValueError` with words for a person."""
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
    """An expression that finds a text inside words too, with any white space where it has some."""
    import regex

    parts = (regex.escape(part, literal_spaces=True) for part in text.split())
    return regex.compile(r"\s+".join(parts), regex.IGNORECASE)
