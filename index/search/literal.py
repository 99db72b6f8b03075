"""Passages that hold an identifier of the query letter by letter.

FTS5 takes `cached_length` for two words, which many passages hold, and the words of a question count little
in source code. An identifier that is typed as it is written is no question: the passages that hold it are
meant.
"""

from __future__ import annotations

import re

import apsw
import numpy as np
from numpy.typing import NDArray

from index.store.database import fetch_all, id_array

_SHORTEST = 4
_MOST = 8
"""Identifiers of a query that are looked for."""
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\uffef]")
"""Scripts without blanks, in which a question looks like one word."""
_AROUND = ".,;:!?()[]{}<>\"'`“”„«»…*"
_IDENTIFIER = re.compile(
    r"""
    \w*[^\W_]_+\w* | _+\w+                # snake_case, _private
    | \w*[a-z][A-Z]\w* | [A-Z]{2,}[a-z]\w+  # camelCase, HTMLParser
    | \w+(?:(?:\.|::|->)\w+)+             # os.path, std::vector
    | (?=\w*\d)(?=\w*[^\W\d])\w{5,}       # sha256sum, EN60950
    """,
    re.VERBOSE,
)


def identifiers(query: str) -> tuple[list[str], bool]:
    """The identifiers in a query, and whether it has no other words; one word alone is its own."""
    words = [word.strip(_AROUND) for word in query.split()]
    words = [word for word in words if word]
    found = [word for word in words if len(word) >= _SHORTEST and _IDENTIFIER.fullmatch(word)]
    if len(words) == 1 and not found and len(words[0]) >= _SHORTEST and not _UNSPACED.search(words[0]):
        return words, False
    return found[:_MOST], bool(found) and len(found) == len(words)


def texts_with(db: apsw.Connection, names: list[str], candidates: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those candidates whose text holds every name as a word of its own, case ignored."""
    if not names or not len(candidates):
        return candidates[:0]
    patterns = [re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE) for name in names]
    found = fetch_all(
        db, "SELECT id, text FROM texts WHERE id IN (SELECT value FROM carray(?))", (id_array(candidates),)
    )
    held = [id_ for id_, text in found if all(pattern.search(text) for pattern in patterns)]
    return np.array(held, np.int64)
