"""Spelling correction: words of a query that the index does not hold, and the nearest words that it holds.

Owns the definition of near: one change in a word of four letters or more, two in one of eight. Candidates are
looked up in the vocabulary, which is never read completely (Norvig, "How to Write a Spelling Corrector").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import apsw

from index.store.database import fetch_all
from index.store.fts_query import LAST_CHARACTER, ParsedQuery, fts_string, has_changed, tokenize

SHORTEST = 4
"""Letters from which a word is corrected: shorter words have too many neighbours."""
LONG = 8
"""Letters from which on two changes are allowed."""
MOST_TERMS = 3_000
"""Terms with the same first two letters that are compared for two changes."""
TRIED = 5
"""Candidates for which a written form is searched, the most frequent first."""
PASSAGES = 5
"""Passages that are read to find the written form of a term."""
MAX_CACHED = 1_000
"""Words whose nearest word is cached."""
_LATIN = "abcdefghijklmnopqrstuvwxyz"


def unknown_words(query: ParsedQuery) -> list[str]:
    """The words of a query, as typed, that neither a passage nor a path holds."""
    return [
        clause.match.strip('"*')
        for clause in query.clauses
        if len(clause.terms) == 1
        and not clause.passage_count
        and not clause.required
        and not clause.path_count
    ]


class Corrections:
    """Corrects queries. Nearest words are cached: a query is searched again with each letter typed.

    The cache is valid until the index has grown or shrunk by a twentieth.
    """

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._total = 0

    def corrected(self, db: apsw.Connection, query: ParsedQuery, unknown: list[str]) -> str:
        """The query with each unknown word replaced by the nearest word of the index, if one is near."""
        if has_changed(self._total, query.total) or len(self._known) > MAX_CACHED:
            self._known, self._total = {}, query.total
        known, text = self._known, query.text
        for word in unknown:
            if len(word) < SHORTEST or not word.isalpha():
                continue
            if word not in known:
                known[word] = _nearest(db, word)
            if near := known[word]:
                # An underscore separates words here, as it does in the index.
                whole = re.compile(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", re.IGNORECASE)
                text = near.join(whole.split(text))
        return text


def _nearest(db: apsw.Connection, word: str) -> str:
    """The most frequent of the nearest words, in its written form; empty where none is near."""
    typed = word.casefold()
    # Changes are made before stemming: the stems of a word and of its misspelling can differ in more.
    found = _count_passages(db, {token.term for token in tokenize(db, " ".join(sorted(one_change(typed))))})
    if not found and len(word) >= LONG:
        found = _two_changes(db, next(tokenize(db, typed)).term)
    for _, candidate in sorted(((-count, one) for one, count in found.items()))[:TRIED]:
        if written := _written(db, candidate):
            return written
    return ""


def one_change(word: str) -> set[str]:
    """Every word that is one change away: a letter deleted, replaced or added, or two letters swapped."""
    letters = sorted(set(_LATIN if word.isascii() else word + _LATIN))
    splits = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    return {
        *(a + b[1:] for a, b in splits if b),
        *(a + b[1] + b[0] + b[2:] for a, b in splits if len(b) > 1),
        *(a + letter + b[1:] for a, b in splits if b for letter in letters),
        *(a + letter + b for a, b in splits for letter in letters),
    } - {word}


def _count_passages(db: apsw.Connection, terms: set[str]) -> dict[str, int]:
    """The number of passages for each of the terms that occur."""
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
    """The number of letters added, deleted, replaced or swapped between two words, at most `most` + 1.

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
    """The form in which a passage writes a term: a term is a stem, which need not be a word."""
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
