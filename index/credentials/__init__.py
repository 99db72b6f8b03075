"""Credentials in text: keys, tokens and passwords, which search must not find.

Owns the combination of the detectors beside it: published prefixes of tokens, key blocks, forms of settings
and headers, names with values, tables, phrases. Takes text and returns spans. Opens no file and knows no
document.
"""

from __future__ import annotations

from collections.abc import Iterable

from index.credentials.assignments import assignments
from index.credentials.key_blocks import key_blocks
from index.credentials.labels import labels
from index.credentials.phrases import phrases
from index.credentials.schemes import schemes
from index.credentials.search_text import SearchText
from index.credentials.tables import tables
from index.credentials.tokens import token_spans

__all__ = ["credentials"]


def credentials(text: str, *, code: bool = False) -> list[tuple[int, int]]:
    """The spans of `text` that hold credentials, in order, without overlaps.

    In `code` a weak value does not count, since code assigns many things to names such as `password`. The
    time is in proportion to the length of the text.
    """
    search = SearchText(text)
    names = labels(search)
    found = [
        *key_blocks(text),
        *token_spans(search),
        *schemes(search),
        *assignments(text, names, code=code),
        *phrases(search),
    ]
    search.remember_empty_words()
    return _merge_spans(found if code else [*found, *tables(text, names)])


def _merge_spans(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
