"""Text for FTS5: the form in which texts are indexed, and the parsing of a query into clauses.

Scripts without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese; also Korean, whose particles are joined
to words) are indexed as overlapping n-grams, one from each character on, so that a word is found inside any
run: a longer word by its n-grams, a shorter one as the prefix of an n-gram. The text of a query is never FTS5
syntax: every clause is a quoted string.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import apsw

from index.store.database import fetch_value
from index.store.operators import parse_operators
from index.store.word_forms import fold

if TYPE_CHECKING:
    from regex import Pattern as AnyPattern

    Pattern = AnyPattern[str]

MAX_UNITS = 64
"""Clauses of a query; further ones are ignored, so that a pasted page stays fast."""
NGRAM = 2
"""Characters of an n-gram in scripts of syllables or words: Chinese, Japanese, Korean."""
ALPHABETIC_NGRAM = 4
"""Characters of an n-gram in scripts of letters: Thai, Lao, Khmer, Burmese."""
LAST_CHARACTER = "\U0010ffff"
INDEXED_PREFIXES = (2, 3)
"""Lengths of the prefixes that the table of words indexes (`prefix=` in its declaration)."""
PREFIX_TERMS = 50
"""Terms of a prefix whose passages are counted; an estimate is enough for its weight."""
MAX_CACHED_COUNTS = 50_000
"""Counts in the cache, of about 100 bytes each."""
MIN_CACHED_COUNT = 1000
"""Passages of a word from which on its count is cached. Rarer words are counted each time, which is fast: a
word that no passage holds yet can be in the next one stored."""
EXACT_COUNT = 5_000
"""Passages up to which a word is counted exactly, in half a millisecond; beyond, a sample is used."""
SAMPLE_STRETCHES = 16
STRETCH_PASSAGES = 256
"""A sample is so many stretches of so many passages each, evenly spread over the index."""
LEAST_WEIGHT = 1e-6
"""Weight of a word that every second passage or more holds: the constant of FTS5's bm25()."""
TOKENIZER = ("porter", ["unicode61", "remove_diacritics", "2", "categories", "L* N* Co Mn Mc"])
"""The tokenizer in the declaration of the table of words."""

UNSPACED = re.compile(
    "[\u0e01-\u0e5b\u0e81-\u0edf\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]+"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word as it is written, and the term under which it is indexed."""

    start: int
    """First and last byte in UTF-8."""
    end: int
    written: str
    term: str


@dataclass(frozen=True, slots=True)
class QueryClause:
    """A part of a query that can occur in a passage: a word, a phrase or an n-gram."""

    match: str
    """The clause in the syntax of FTS5: a quoted string, followed by `*` where it is a prefix."""
    terms: tuple[str, ...]
    passage_count: int
    """The number of passages that hold it (of a phrase: its rarest term)."""
    weight: float
    """Inverse document frequency, as in FTS5's bm25()."""
    required: bool = False
    prefix: bool = False
    path_counts: tuple[int, ...] = ()
    """The number of files with each of its terms in their paths."""

    @property
    def path_count(self) -> int:
        """The number for its rarest term."""
        return min(self.path_counts, default=0)


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query as clauses for FTS5."""

    text: str
    clauses: tuple[QueryClause, ...]
    total: int
    """Texts in the index that it was understood against."""
    groups: tuple[tuple[QueryClause, ...], ...] = ()
    """What an answer holds word for word: of each group, one clause at least."""
    phrases: tuple[tuple[str, ...], ...] = ()
    """The groups as they are typed."""
    patterns: tuple[Pattern, ...] = ()
    """Regular expressions, whose places in a text are shown as those of words are."""

    @property
    def required(self) -> tuple[QueryClause, ...]:
        """Every clause of the groups."""
        return tuple(clause for group in self.groups for clause in group)

    def without_conditions(self) -> ParsedQuery:
        """The same with nothing required: what was is only counted where it occurs."""
        clauses = tuple(replace(clause, required=False) for clause in self.clauses)
        return replace(self, groups=(), clauses=clauses)

    @property
    def weight(self) -> float:
        return sum(clause.weight for clause in self.clauses)


EMPTY_QUERY = ParsedQuery("", (), 0)


def to_fts_text(text: str) -> str:
    """The form in which a text is indexed: folded, runs of unspaced scripts as n-grams."""
    folded = fold(text)
    if folded.isascii():
        return folded
    return UNSPACED.sub(lambda run: f" {' '.join(ngrams(run[0]))} ", folded)


def ngrams(run: str, *, whole: bool = False) -> list[str]:
    """An n-gram from each character on; `whole` leaves out the shorter ones at the end of a longer run."""
    size = _gram(run)
    last = max(1, len(run) - size + 1) if whole else len(run)
    return [run[i : i + size] for i in range(last)]


def _gram(run: str) -> int:
    alphabetic = run[0] < "\u1100" or "\u1780" <= run[0] <= "\u17ff"
    return ALPHABETIC_NGRAM if alphabetic else NGRAM


def tokenize(connection: apsw.Connection, text: str) -> Iterator[Token]:
    """The tokens of a text, by FTS5's tokenizer."""
    data = text.encode("utf-8", "replace")
    for start, end, term in tokenize_bytes(connection, data):
        yield Token(start, end, data[start:end].decode("utf-8", "replace"), term)


def tokenize_bytes(connection: apsw.Connection, data: bytes) -> list[tuple[int, int, str]]:
    """First byte, end and term of each token of a text in UTF-8, by FTS5's tokenizer."""
    name, arguments = TOKENIZER
    tokenizer: Any = connection.fts5_tokenizer(name, arguments)
    found: list[tuple[int, int, str]] = tokenizer(
        data, apsw.FTS5_TOKENIZE_DOCUMENT, None, include_colocated=False
    )
    return found


def has_changed(before: int, total: int) -> bool:
    """Whether an index of `before` passages has grown or shrunk by a twentieth, so that caches expire."""
    return abs(total - before) * 20 > before


class DocumentFrequencies:
    """The number of passages that hold a word, cached for common words.

    The cache is valid until the index has grown or shrunk by a twentieth.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, bool], int] = {}
        self._total = 0

    def passage_count(self, connection: apsw.Connection, token: Token, total: int, *, prefix: bool) -> int:
        """The number among `total` passages. Of a prefix only the first terms count."""
        if has_changed(self._total, total) or len(self._known) > MAX_CACHED_COUNTS:
            self._known, self._total = {}, total
        key = (token.term, prefix)
        count = self._known.get(key)
        if count is None:
            count = (
                _count_prefix(connection, token)
                if prefix
                else _count_passages(connection, fts_string(token.written))
            )
            if count >= MIN_CACHED_COUNT:
                self._known[key] = count
        return min(count, total)


def _count_prefix(connection: apsw.Connection, token: Token) -> int:
    """About how many passages hold a word with this prefix."""
    if len(token.term) in INDEXED_PREFIXES:
        return _count_passages(connection, fts_string(token.written) + "*")
    some = f"SELECT doc FROM words_terms WHERE term >= ? AND term < ? LIMIT {PREFIX_TERMS}"
    bounds = (token.term, token.term + LAST_CHARACTER)
    return fetch_value(connection, f"SELECT coalesce(sum(doc), 0) FROM ({some})", int, bounds)


def _count_paths(connection: apsw.Connection, term: str, *, prefix: bool) -> int:
    """How many paths hold a term."""
    if prefix:
        sql = "SELECT coalesce(sum(doc), 0) FROM names_terms WHERE term >= ? AND term < ?"
        return fetch_value(connection, sql, int, (term, term + LAST_CHARACTER))
    sql = "SELECT coalesce(max(doc), 0) FROM names_terms WHERE term = ?"
    return fetch_value(connection, sql, int, (term,))


def _count_passages(connection: apsw.Connection, match: str) -> int:
    """About how many passages hold a word: FTS5 counts by reading all its occurrences."""
    some = f"SELECT 1 FROM words WHERE words MATCH ? LIMIT {EXACT_COUNT}"
    counted = fetch_value(connection, f"SELECT count(*) FROM ({some})", int, (match,))
    if counted < EXACT_COUNT:
        return counted
    last = fetch_value(connection, "SELECT coalesce(max(id), 0) FROM texts", int)
    among = "SELECT count(*) FROM words WHERE words MATCH ? AND rowid >= ? AND rowid < ?"
    firsts = (1 + last * i // SAMPLE_STRETCHES for i in range(SAMPLE_STRETCHES))
    found = sum(
        fetch_value(connection, among, int, (match, first, first + STRETCH_PASSAGES)) for first in firsts
    )
    return max(EXACT_COUNT, last * found // (SAMPLE_STRETCHES * STRETCH_PASSAGES))


def fts_string(words: str) -> str:
    """Any words as a string in the syntax of FTS5."""
    return '"' + words.replace('"', '""') + '"'


def parse_query(
    connection: apsw.Connection, text: str, frequencies: DocumentFrequencies, *, typing: bool = False
) -> ParsedQuery:
    """Take a query apart: phrases and operators (`parse_operators`), words; `typing` opens the last word."""
    reader = _QueryParser(connection, frequencies)
    text = unicodedata.normalize("NFKC", text.replace("\0", " "))
    operators = parse_operators(text)
    phrases = operators.required[:MAX_UNITS]
    groups = tuple(reader.add_group(group) for group in phrases)
    words = fold(operators.free).split()
    for i, word in enumerate(words):
        reader.add_word(word, typing=typing and i == len(words) - 1 and not operators.free[-1:].isspace())
        if len(reader.clauses) >= MAX_UNITS:
            break
    clauses = tuple(reader.clauses.values())[:MAX_UNITS]
    return ParsedQuery(text.strip(), clauses, reader.total, tuple(filter(None, groups)), phrases)


def _inverse_document_frequency(passages: int, total: int) -> float:
    """As FTS5's bm25() computes it, never zero (https://sqlite.org/fts5.html#the_bm25_function)."""
    if passages >= total:
        return LEAST_WEIGHT
    return max(LEAST_WEIGHT, math.log((total - passages + 0.5) / (passages + 0.5)))


class _QueryParser:
    """Collects the clauses of one query, each once."""

    def __init__(self, connection: apsw.Connection, frequencies: DocumentFrequencies) -> None:
        self._connection = connection
        self._frequencies = frequencies
        last = fetch_value(connection, "SELECT coalesce(max(id), 0) FROM texts", int)
        self.total = last - fetch_value(connection, "SELECT count(*) FROM freed WHERE id < ?", int, (last,))
        self.clauses: dict[str, QueryClause] = {}
        self._paths: dict[tuple[str, bool], int] = {}

    def add_group(self, phrases: Sequence[str]) -> tuple[QueryClause, ...]:
        """The clauses of phrases of which an answer holds one at least."""
        clauses = [self._add_phrase(phrase) for phrase in phrases]
        return tuple(clause for clause in clauses if clause is not None)

    def _add_phrase(self, text: str) -> QueryClause | None:
        fed = UNSPACED.sub(lambda run: f" {' '.join(ngrams(run[0], whole=True))} ", fold(text))
        return self._add(list(tokenize(self._connection, fed)), required=True)

    def add_word(self, word: str, *, typing: bool) -> None:
        position = 0
        for run in UNSPACED.finditer(word):
            self._add_words(word[position : run.start()], typing=False)
            self._add_run(run[0])
            position = run.end()
        self._add_words(word[position:], typing=typing)

    def _add_words(self, word: str, *, typing: bool) -> None:
        """Add the tokens of a word; one with dots or hyphens is also added as a phrase."""
        tokens = list(tokenize(self._connection, word))
        for i, token in enumerate(tokens):
            if typing and i == len(tokens) - 1:
                self._add_unfinished_word(token)
            else:
                self._add([token])
        if len(tokens) > 1:
            self._add(tokens)

    def _add_run(self, run: str) -> None:
        """Add the n-grams of a run of an unspaced script; a run shorter than an n-gram is a prefix."""
        for gram in ngrams(run, whole=True):
            self._add(list(tokenize(self._connection, gram)), prefix=len(run) < _gram(run))

    def _add_unfinished_word(self, token: Token) -> None:
        """Add the word that is being typed. Terms are stems, so a word longer than its stem is shortened."""
        typed = token.written.casefold()
        for length in range(len(typed), max(2, len(typed) - 5), -1):
            # FTS5 also stems a prefix: "als" becomes "al".
            begun = list(tokenize(self._connection, typed[:length]))
            if len(begun) == 1 and self._passages_with(begun[0], prefix=True):
                self._add(begun, prefix=True)
                return
        self._add([token], prefix=len(typed) > 1)

    def _passages_with(self, token: Token, *, prefix: bool) -> int:
        return self._frequencies.passage_count(self._connection, token, self.total, prefix=prefix)

    def _add(
        self, tokens: Sequence[Token], *, required: bool = False, prefix: bool = False
    ) -> QueryClause | None:
        if not tokens:
            return None
        # The words as written: FTS5 stems them itself, and a stem stemmed twice is another word.
        match = fts_string(" ".join(token.written for token in tokens)) + "*" * prefix
        terms = tuple(token.term for token in tokens)
        count = min(self._passages_with(token, prefix=prefix) for token in tokens)
        weight = _inverse_document_frequency(count, self.total)
        paths = tuple(self._paths_with(term, prefix=prefix) for term in terms)
        clause = QueryClause(match, terms, count, weight, required, prefix, paths)
        return self.clauses.setdefault(match, clause)

    def _paths_with(self, term: str, *, prefix: bool) -> int:
        if (term, prefix) not in self._paths:
            self._paths[term, prefix] = _count_paths(self._connection, term, prefix=prefix)
        return self._paths[term, prefix]
