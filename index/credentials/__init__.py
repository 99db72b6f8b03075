"""Credentials in text: what opens a door must not be found by searching.

Owns putting together what the modules beside it find, each by another mark: published beginnings of
tokens, key blocks, forms of settings and headers, names that something is given to, tables, phrases.
Takes text and gives spans; opens nothing and knows no document.
"""

from __future__ import annotations

from collections.abc import Iterable

from index.credentials.given import given
from index.credentials.key_blocks import key_blocks
from index.credentials.labels import labels
from index.credentials.phrases import phrases
from index.credentials.schemes import schemes
from index.credentials.searched import Searched
from index.credentials.tables import tables
from index.credentials.tokens import tokens

__all__ = ["credentials"]


def credentials(text: str, *, code: bool = False) -> list[tuple[int, int]]:
    """Where `text` holds something that opens a door: spans in order, apart from each other.

    In `code` a value must be more than weak to count: code gives many things to names like a password's.
    Takes time in proportion to the text's length.
    """
    search = Searched(text)
    names = labels(search)
    found = [
        *key_blocks(text),
        *tokens(search),
        *schemes(search),
        *given(text, names, code=code),
        *phrases(search),
    ]
    search.remember()
    return _joined(found if code else [*found, *tables(text, names)])


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
