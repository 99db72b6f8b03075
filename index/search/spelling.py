"""Words of a query that nothing in the index holds, and the nearest words that something holds.

Owns what counts as near: one change in a word of four letters or more, two in one of eight. Candidates are
looked up in the vocabulary, which is never read as a whole (Norvig, "How to Write a Spelling Corrector").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import apsw

from index.search.path_words import held_by_a_path
from index.store.database import fetch_all
from index.store.fts_query import LAST_CHARACTER, ParsedQuery, fts_string, tokenize

SHORTEST = 4
LONG = 8
"""Letters from which on two changes are tolerated."""
MOST_TERMS = 3_000
"""Terms with the same two first letters that are compared for two changes."""
TRIED = 5
PASSAGES = 5
"""Passages that are read for how a term is written."""
_LATIN = "abcdefghijklmnopqrstuvwxyz"


def unknown_words(db: apsw.Connection, query: ParsedQuery) -> list[str]:
    """The words of a query, as they are typed, that neither a passage nor a path holds."""
    return [
        clause.match.strip('"*')
        for clause in query.clauses
        if len(clause.terms) == 1
        and not clause.passage_count
        and not clause.required
        and not held_by_a_path(db, clause)
    ]


def corrected(db: apsw.Connection, text: str, unknown: list[str]) -> str:
    """The query with the nearest word of the index for each unknown one; the same where none is near."""
    for word in unknown:
        if len(word) < SHORTEST or not word.isalpha():
            continue
        if near := _nearest(db, word):
            whole = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
            text = near.join(whole.split(text))
    return text


def _nearest(db: apsw.Connection, word: str) -> str:
    """The word that most passages hold among the nearest, as one of them writes it; empty where none is."""
    typed = word.casefold()
    # Changes come before stemming: stems of a word and of its misspelling may differ in more than that.
    found = _counted(db, {token.term for token in tokenize(db, " ".join(sorted(_one_change(typed))))})
    if not found and len(word) >= LONG:
        found = _two_changes(db, next(tokenize(db, typed)).term)
    for _, candidate in sorted(((-count, one) for one, count in found.items()))[:TRIED]:
        if written := _written(db, candidate):
            return written
    return ""


def _one_change(word: str) -> set[str]:
    """Every word that is one change away: a letter left out, exchanged, added, or two turned round."""
    letters = sorted(set(_LATIN if word.isascii() else word + _LATIN))
    splits = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    return {
        *(a + b[1:] for a, b in splits if b),
        *(a + b[1] + b[0] + b[2:] for a, b in splits if len(b) > 1),
        *(a + letter + b[1:] for a, b in splits if b for letter in letters),
        *(a + letter + b for a, b in splits for letter in letters),
    } - {word}


def _counted(db: apsw.Connection, terms: set[str]) -> dict[str, int]:
    """How many passages hold each of the terms that occur."""
    sql = (
        "SELECT term, doc FROM json_each(?) AS wanted "
        "CROSS JOIN words_terms ON words_terms.term = wanted.value"
    )
    return dict(fetch_all(db, sql, (json.dumps(sorted(terms)),)))


def _two_changes(db: apsw.Connection, term: str) -> dict[str, int]:
    sql = "SELECT term, doc FROM words_terms WHERE term >= ? AND term < ? LIMIT ?"
    begun = fetch_all(db, sql, (term[:2], term[:2] + LAST_CHARACTER, MOST_TERMS))
    return {
        one: count for one, count in begun if abs(len(one) - len(term)) <= 2 and changes(one, term, 2) <= 2
    }


def changes(one: str, other: str, most: int) -> int:
    """Letters added, left out, exchanged or turned round between two words; `most` + 1 for any more.

    The optimal string alignment distance (Boytsov, "Indexing methods for approximate dictionary searching").
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, facing in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != facing))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == facing:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]


def _written(db: apsw.Connection, term: str) -> str:
    """How a passage writes a term: terms are stems, and no words that people know."""
    for match in (fts_string(term), fts_string(term) + "*"):
        sql = (
            "SELECT texts.title || ' ' || texts.text FROM words JOIN texts ON texts.id = words.rowid "
            f"WHERE words MATCH ? LIMIT {PASSAGES}"
        )
        for word in _words_of(db, term, fetch_all(db, sql, (match,))):
            return word
    return ""


def _words_of(db: apsw.Connection, term: str, texts: list[tuple[str]]) -> Iterator[str]:
    for (text,) in texts:
        for token in tokenize(db, text):
            if token.term == term:
                yield token.written.casefold()
