"""Passages found by a heading or a definition that is the query.

Owns what counts as such: its letters and digits are those of the query, one of them may be wrong where no
passage holds the word, and while the query is typed it may be a beginning.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import apsw

from index.search.spelling import one_change
from index.store.database import fetch_all
from index.store.facts import link_key
from index.store.fts_query import LAST_CHARACTER, ParsedQuery
from index.store.headings import MAX_KEY, heading_key

NEARLY = 0.9
"""The lexical score of a passage whose heading is nearly the query; of one whose heading is the query, 1."""
SHORTEST = 5
"""Letters from which on a heading may differ from the query."""
LONGEST = 40
"""Letters up to which it may: the number of spellings grows with them."""
MOST = 100
"""Passages with one heading that are considered: hundreds of files can have an introduction."""
FEW = 10
"""Passages that a beginning may find: a beginning of more names none."""
_TEXTS = "SELECT passages.text FROM {} JOIN passages USING (file, ordinal) WHERE {} LIMIT ?"
_FIRST = "SELECT passages.text FROM {} JOIN passages ON file = files.id WHERE ordinal = 0 AND {} LIMIT ?"


def named_texts(db: apsw.Connection, query: ParsedQuery, *, typing: bool = False) -> dict[int, float]:
    """The texts whose heading or definition is the query, with their lexical scores.

    Where there is none, those where it is nearly the query, or the name of their file is.
    """
    key, stem = heading_key(query.text), link_key(query.text)
    if not 0 < len(key) <= MAX_KEY or query.groups:
        return {}
    if found := fetch_all(db, _TEXTS.format("headings", "headings.key = ?"), (key, MOST)):
        return {text: 1.0 for (text,) in found}
    if len(key) < SHORTEST:
        return {}
    near = []
    if typing:
        near += fetch_all(
            db,
            _TEXTS.format("headings", "headings.key >= ? AND headings.key < ?"),
            (key, key + LAST_CHARACTER, FEW + 1),
        )
        near += fetch_all(
            db, _FIRST.format("files", "stem >= ? AND stem < ?"), (stem, stem + LAST_CHARACTER, FEW + 1)
        )
    elif len(key) <= LONGEST and any(not clause.passage_count for clause in query.clauses):
        wanted = "json_each(?) AS wanted CROSS JOIN "
        headings, files = _spellings(query, heading_key), _spellings(query, link_key)
        near += fetch_all(
            db, _TEXTS.format(wanted + "headings", "headings.key = wanted.value"), (headings, FEW + 1)
        )
        near += fetch_all(db, _FIRST.format(wanted + "files", "stem = wanted.value"), (files, FEW + 1))
    return {text: NEARLY for (text,) in near} if len(near) <= FEW else {}


def _spellings(query: ParsedQuery, key: Callable[[str], str]) -> str:
    """The lookup keys that differ from the query's in one letter, as JSON.

    Where one word is unknown, the letter is in it: the whole query has thousands of spellings.
    """
    name = key(query.text)
    unknown = [clause for clause in query.clauses if not clause.passage_count]
    word = key(unknown[0].match.strip('"*')) if len(unknown) == 1 else ""
    if not word or name.count(word) != 1:
        return json.dumps(sorted(one_change(name)))
    before, after = name.split(word)
    return json.dumps(sorted(before + changed + after for changed in one_change(word)))
