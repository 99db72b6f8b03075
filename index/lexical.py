"""Words: what FTS5 is fed, how a person's text becomes a safe query, and which sentence answers.

Scripts written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese; Korean, whose particles
cling to words) are fed as overlapping pairs of characters, so that a word is found inside any run. A
person's text is never FTS5 syntax: every unit of a query is a quoted string.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

import apsw
import numpy as np
from numpy.typing import NDArray

TITLE_WEIGHT = 2.0
MAX_UNITS = 64
"""A query of more units than this is cut: a page pasted as a question stays fast."""
WORK_ROWS = 40_000
"""Rows a query may score before its commonest words are left out of the match."""
GRAM = 4
"""Characters of an unspaced script that make one unit of a question."""
TOKENIZER = ("porter", ["unicode61", "remove_diacritics", "2", "categories", "L* N* Co Mn Mc"])

_UNSPACED = re.compile(
    "[\u0e01-\u0e5b\u0e81-\u0edf\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_QUOTED = re.compile(r'"([^"]*)"|“([^”]*)”|„([^“”]*)[“”]|「([^」]*)」|«([^»]*)»')
_SENTENCE = re.compile(r"(?<=[.!?。！？…])[\"'”’)\]]*\s+|(?<=[。！？])|\n+")

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of a question that can occur in a passage: a word, a phrase, a run of characters."""

    match: str
    """As FTS5 takes it: a quoted string, with `*` behind it where it is a prefix."""
    tokens: tuple[str, ...]
    rows: int
    """About how many passages hold it (a phrase: its rarest token)."""
    required: bool = False
    prefix: bool = False

    def weight(self, total: int) -> float:
        """Inverse document frequency as FTS5's bm25 has it."""
        return max(1e-6, math.log((total - self.rows + 0.5) / (self.rows + 0.5)))


@dataclass(frozen=True, slots=True)
class Question:
    """A person's text, understood: its units and the number of passages they are weighed against."""

    text: str
    units: tuple[Unit, ...]
    total: int

    @property
    def required(self) -> tuple[Unit, ...]:
        return tuple(unit for unit in self.units if unit.required)

    @property
    def weight(self) -> float:
        return sum(unit.weight(self.total) for unit in self.units)


def searchable(text: str) -> str:
    """The form of a text that FTS5 is fed: compatibility forms folded, unspaced runs in pairs."""
    if text.isascii():
        return text
    return _UNSPACED.sub(lambda run: f" {_pairs(run[0])} ", unicodedata.normalize("NFKC", text))


def _pairs(run: str) -> str:
    return " ".join(run[i : i + 2] for i in range(len(run)))


def understand(connection: apsw.Connection, text: str, *, typing: bool = False) -> Question:
    """Take a question apart. Quoted parts are phrases that must occur; `typing` opens the last word."""
    text = unicodedata.normalize("NFKC", text.replace("\0", " "))
    total = int(connection.execute("SELECT count(*) FROM texts").fetchone()[0])
    units: dict[str, Unit] = {}
    for quoted in _QUOTED.finditer(text):
        phrase = _tokens(
            connection, searchable_query(next(part for part in quoted.groups() if part is not None))
        )
        if phrase:
            _add(units, _unit(connection, phrase, required=True))
    rest = _QUOTED.sub(" ", text)
    words = rest.split()
    for i, word in enumerate(words):
        last = typing and i == len(words) - 1 and not rest[-1:].isspace()
        for unit in _word_units(connection, word, typing=last):
            _add(units, unit)
        if len(units) >= MAX_UNITS:
            break
    return Question(text.strip(), tuple(units.values())[:MAX_UNITS], total)


def _add(units: dict[str, Unit], unit: Unit) -> None:
    units.setdefault(unit.match, unit)


def searchable_query(text: str) -> str:
    """Like `searchable`, but a run ends with its last pair: a query's run may go on in the text."""
    return _UNSPACED.sub(lambda run: f" {_query_pairs(run[0])} ", text)


def _query_pairs(run: str) -> str:
    return run if len(run) == 1 else " ".join(run[i : i + 2] for i in range(len(run) - 1))


def _word_units(connection: apsw.Connection, word: str, *, typing: bool) -> list[Unit]:
    units: list[Unit] = []
    position = 0
    for run in _UNSPACED.finditer(word):
        units += _spaced_units(connection, word[position : run.start()], typing=False)
        units += _run_units(connection, run[0])
        position = run.end()
    return units + _spaced_units(connection, word[position:], typing=typing)


def _spaced_units(connection: apsw.Connection, word: str, *, typing: bool) -> list[Unit]:
    """The tokens of a word; a dotted or hyphenated one is a phrase besides."""
    tokens = _tokens(connection, word)
    units = [_unit(connection, (token,)) for token in tokens]
    if typing and units:
        units[-1] = _prefix_unit(connection, word, tokens[-1])
    if len(tokens) > 1:
        units.append(_unit(connection, tokens))
    return units


def _run_units(connection: apsw.Connection, run: str) -> list[Unit]:
    """A run of an unspaced script: overlapping pieces, short ones as they are."""
    if len(run) == 1:
        return [_unit(connection, (run,), prefix=True)]
    size = min(len(run), GRAM if _is_alphabetic(run) else 2)
    pieces = [run[i : i + size] for i in range(len(run) - size + 1)]
    return [_unit(connection, _tokens(connection, _query_pairs(piece))) for piece in pieces]


def _is_alphabetic(run: str) -> bool:
    """Thai, Lao, Khmer, Burmese: letters, of which two say little."""
    return run[0] < "\u1100" or "\u1780" <= run[0] <= "\u17ff"


def _prefix_unit(connection: apsw.Connection, word: str, token: str) -> Unit:
    """The word being typed. The index holds stems, so a word typed past its stem is cut back to one."""
    typed = re.split(r"[\W_]+", word.casefold())[-1] or token
    for length in range(len(typed), max(2, len(typed) - 5), -1):
        if _term_exists(connection, typed[:length]):
            return _unit(connection, (typed[:length],), prefix=True)
    return _unit(connection, (token,), prefix=len(token) > 1)


def _term_exists(connection: apsw.Connection, prefix: str) -> bool:
    row = connection.execute(
        "SELECT 1 FROM words_terms WHERE term >= ? AND term < ? LIMIT 1", (prefix, prefix + "\U0010ffff")
    ).fetchone()
    return row is not None


def _unit(
    connection: apsw.Connection, tokens: tuple[str, ...], *, required: bool = False, prefix: bool = False
) -> Unit:
    match = '"' + " ".join(token.replace('"', '""') for token in tokens) + '"' + ("*" if prefix else "")
    rows = min(_rows(connection, token, prefix=prefix) for token in tokens)
    return Unit(match, tokens, rows, required, prefix)


def _rows(connection: apsw.Connection, token: str, *, prefix: bool) -> int:
    if prefix:
        sql = "SELECT coalesce(sum(doc), 0) FROM (SELECT doc FROM words_terms WHERE term >= ? AND term < ? LIMIT 500)"
        return int(connection.execute(sql, (token, token + "\U0010ffff")).fetchone()[0])
    row = connection.execute("SELECT doc FROM words_terms WHERE term = ?", (token,)).fetchone()
    return int(row[0]) if row else 0


def _tokens(connection: apsw.Connection, text: str) -> tuple[str, ...]:
    return tuple(token for _, _, token in _tokenize(connection, text))


def _tokenize(connection: apsw.Connection, text: str) -> list[tuple[int, int, str]]:
    """Tokens as FTS5 makes them, with their first and last byte in UTF-8."""
    name, arguments = TOKENIZER
    tokenizer = connection.fts5_tokenizer(name, arguments)
    return list(tokenizer(text.encode("utf-8", "replace"), apsw.FTS5_TOKENIZE_DOCUMENT, None))


def match_text(question: Question) -> str:
    """The FTS5 expression: required phrases joined by AND, the other units by OR.

    Where the units are common, the commonest are left out, so that the work stays bounded; they
    weigh little.
    """
    if question.required:
        return " AND ".join(unit.match for unit in question.required)
    kept: list[str] = []
    work = 0
    for unit in sorted(question.units, key=lambda unit: unit.rows):
        if unit.rows == 0:
            continue
        work += unit.rows
        if kept and work > WORK_ROWS:
            break
        kept.append(unit.match)
    return " OR ".join(kept)


def best(
    connection: apsw.Connection, question: Question, k: int, allowed: Ids | None = None
) -> tuple[Ids, Floats]:
    """The k passages that hold the question's words best: ids and BM25 scores (positive, best first)."""
    expression = match_text(question)
    if not expression:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    narrowed = "" if allowed is None else "AND +rowid IN (SELECT value FROM carray(?))"
    bindings: list[object] = [expression, TITLE_WEIGHT]
    if allowed is not None:
        bindings.insert(1, apsw.carray(allowed))
    sql = (
        f"WITH matched AS MATERIALIZED (SELECT rowid AS id, bm25(words, {TITLE_WEIGHT}, 1.0) AS score "
        f"FROM words WHERE words MATCH ? {narrowed} ORDER BY score LIMIT ?) SELECT id, score FROM matched"
    )
    bindings[-1] = k
    rows = connection.execute(sql, tuple(bindings)).fetchall()
    ids = np.array([id_ for id_, _ in rows], np.int64)
    return ids, np.array([-score for _, score in rows], np.float32)


def snippet(
    connection: apsw.Connection, question: Question, text: str, *, width: int = 240
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The sentence that holds most of the question, and the spans of its words within it."""
    spans = matched_spans(connection, question, text)
    sentences = _sentences(text)
    chosen = max(sentences, key=lambda sentence: _weight_within(spans, sentence), default=(0, len(text)))
    start, end = chosen
    if end - start > width:
        first = next((s for s, e, _ in spans if start <= s < end), start)
        start = max(start, first - width // 3)
        end = min(end, start + width)
    piece = text[start:end]
    lead = len(piece) - len(piece.lstrip())
    piece = piece.strip()
    start += lead
    inside = tuple((s - start, e - start) for s, e, _ in spans if s >= start and e <= start + len(piece))
    return piece, inside


def _sentences(text: str) -> list[tuple[int, int]]:
    cuts = [0, *(found.end() for found in _SENTENCE.finditer(text)), len(text)]
    return [(a, b) for a, b in zip(cuts, cuts[1:], strict=False) if text[a:b].strip()]


def _weight_within(spans: list[tuple[int, int, float]], sentence: tuple[int, int]) -> float:
    return sum(weight for start, end, weight in spans if sentence[0] <= start and end <= sentence[1])


def matched_spans(connection: apsw.Connection, question: Question, text: str) -> list[tuple[int, int, float]]:
    """Where words of the question occur in `text` (characters), with their weights; in order."""
    weights: dict[str, float] = {}
    prefixes: dict[str, float] = {}
    for unit in question.units:
        for token in unit.tokens:
            (prefixes if unit.prefix else weights)[token] = unit.weight(question.total)
    spans = [*_word_spans(connection, weights, prefixes, text), *_run_spans(weights, text)]
    return sorted(spans)


def _word_spans(
    connection: apsw.Connection, weights: dict[str, float], prefixes: dict[str, float], text: str
) -> list[tuple[int, int, float]]:
    data = text.encode("utf-8", "replace")
    spans: list[tuple[int, int, float]] = []
    for start, end, token in _tokenize(connection, text):
        weight = weights.get(token)
        if weight is None:
            weight = next((value for prefix, value in prefixes.items() if token.startswith(prefix)), None)
        if weight is not None:
            spans.append((len(data[:start].decode()), len(data[:end].decode()), weight))
    return spans


def _run_spans(weights: dict[str, float], text: str) -> list[tuple[int, int, float]]:
    if text.isascii():
        return []
    spans: list[tuple[int, int, float]] = []
    for run in _UNSPACED.finditer(text):
        for i in range(run.start(), run.end() - 1):
            weight = weights.get(text[i : i + 2])
            if weight is None:
                continue
            if spans and spans[-1][1] >= i:
                spans[-1] = (spans[-1][0], i + 2, spans[-1][2] + weight)
            else:
                spans.append((i, i + 2, weight))
    return spans
