"""Further searches for a query without a close result: optional phrases, corrected words, parts of words.

Owns the order of these searches and the sentences about them. Receives the search functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import apsw

from index.search.filters import Ids
from index.search.patterns import literal
from index.search.ranking import Ranked
from index.search.spelling import Corrections, unknown_words
from index.search.text_scan import scan
from index.store.fts_query import ParsedQuery

SECONDS = 0.5
"""Seconds for a search inside words, which the user did not request."""
WHILE_TYPING = 0.2
"""The same while a query is typed."""
FEW_WORDS = 2
"""Words of a query up to which an unknown word is also searched inside other words."""
SHORTEST_INSIDE = 3
"""Least letters of a word that is searched inside others."""

Search = Callable[[ParsedQuery, Ids | None], Ranked]
"""Searches for a query, among the given texts if there are some."""


@dataclass(frozen=True, slots=True)
class Tries:
    """The parameters of further searches: a snapshot, the functions that search and parse, corrections."""

    db: apsw.Connection
    search: Search
    parse: Callable[[str], ParsedQuery]
    corrections: Corrections
    within: Ids | None
    """The texts that pass the filter, if they are known."""
    seconds: float


def second_try(tries: Tries, query: ParsedQuery, first: Ranked) -> Ranked:
    """The first results, or better ones with a sentence on the query that they answer."""
    found = first
    if query.phrases and not found.is_close:
        found = _with_phrases(tries, query, found)
    if not found.is_close:
        found = _with_other_words(tries, query, found)
    return found


def _with_phrases(tries: Tries, query: ParsedQuery, first: Ranked) -> Ranked:
    """Search phrases inside words and with their punctuation; otherwise make them optional."""
    if first.is_empty:
        patterns = tuple(literal(phrase) for group in query.phrases for phrase in group if len(group) == 1)
        inside = scan(tries.db, patterns, tries.within, tries.seconds) if patterns else None
        if inside is not None and len(inside.ids):
            freed = replace(query.without_conditions(), patterns=patterns)
            return _exact(tries.search(freed, inside.ids), inside.left_out)
    again = tries.search(query.without_conditions(), None)
    if not first.is_empty and not again.is_close:
        return first
    named = " and ".join(f"“{phrase}”" for group in query.phrases for phrase in group)
    where = "holds" if first.is_empty else "close to the query holds"
    return replace(again, notes=(f"Nothing {where} {named} word for word: found without that condition.",))


def _with_other_words(tries: Tries, query: ParsedQuery, first: Ranked) -> Ranked:
    unknown = unknown_words(query)
    if not unknown:
        return first
    text = tries.corrections.corrected(tries.db, query, unknown)
    if text != query.text:
        again = tries.search(tries.parse(text), None)
        if not again.is_empty and (again.is_close or first.is_empty):
            return replace(again, corrected=text, notes=(*first.notes, _for(unknown, text)))
    inside = [word for word in unknown if len(word) >= SHORTEST_INSIDE]
    if not inside or query.groups or len(query.text.split()) > FEW_WORDS:
        return first
    patterns = tuple(literal(word) for word in inside)
    found = scan(tries.db, patterns, tries.within, tries.seconds)
    if not len(found.ids):
        return first
    again = _exact(tries.search(replace(query, patterns=patterns), found.ids), found.left_out)
    words = " and ".join(f"“{word}”" for word in inside)
    return replace(again, notes=(*again.notes, f"No word is {words}: found inside other words."))


def _for(unknown: list[str], text: str) -> str:
    words = " or ".join(f"“{word}”" for word in unknown)
    return f"Nothing holds {words}: these are results for “{text}”."


def _exact(found: Ranked, left_out: str) -> Ranked:
    """Results of a search for exact characters are close, whatever the weight of their words."""
    confidence = 0.0 if found.is_empty else max(found.confidence, 0.75)
    return replace(found, confidence=confidence, notes=tuple(filter(None, [left_out])))
