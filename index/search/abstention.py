"""Abstention: whether anything in the index is close to a query.

Judged are the best candidates, each by its own evidence: its cosine, and the share of the query's words, by
weight, that it holds. A word that no passage holds counts as one that it lacks. Each alone is weak: passages
on one subject have high cosines whatever is asked, and common words occur anywhere. Together in one passage
they tell. The best evidence is compared with one number, lower in a small index: among N passages that are
unrelated to a query, the highest cosine is about s·sqrt(2 ln N), the expected maximum of N normal variables.

The confidence is that the index is about the subject of a query. It is not that the answer is in it: without
the one passage that answers, its neighbours are close too. The constants were fitted once for all indexes;
assets/docs/search.md has the measurements.
"""

from __future__ import annotations

import math

import apsw
import numpy as np
from numpy.typing import NDArray

from index.search.ranking import Ranked
from index.store.database import fetch_all, id_array
from index.store.fts_query import ParsedQuery, QueryClause, to_fts_text, tokenize_bytes

SPREAD = 0.1076
"""s: the standard deviation of the cosines of unrelated passages with a query (fitted)."""
MOST = 5_000
"""Passages beyond which an index counts as no larger: a larger index has more subjects, and only passages of
the nearest subject come close to a query."""
WORDS = 0.3
"""The cosine that counts for a passage with every word of the query, on top of its own (fitted)."""
POWER = 2
"""Exponent of the share of words: half of them are in passages of other subjects too (fitted)."""
CODE = 0.05
"""The cosine that any code has with a question about code, whatever it does (fitted)."""
JUDGED = 3
"""Candidates that are judged, best first: with ten, of 7,000 verdicts not one in a thousand is another."""
STEEPNESS = 25.0
"""Slope of the logistic function from margin to confidence (fitted)."""
WORDS_ALONE = 0.15
"""Lexical score from which an answer without vectors counts as close (fitted)."""
UNRELATED, ALIKE = 0.5, 0.8
"""Cosines of two passages that have nothing in common, and that are of one text. Among 60 notes of 1,600
characters, the halves of a note have 0.67 to 0.80 (quartiles), any two others 0.41 (median; 0.55 at 90 %)."""


def likeness(cosine: float) -> float:
    """How alike two passages with this cosine are, from 0 (unrelated) to 1."""
    return min(1.0, max(0.0, (cosine - UNRELATED) / (ALIKE - UNRELATED)))


def confidence(db: apsw.Connection, ranked: Ranked, query: ParsedQuery, passages: int) -> float:
    """The confidence, 0..1, that a candidate is about the query's subject; from 0.5 on it counts as close.

    `passages` is the number of passages searched: those of the index, or those that pass the filter.
    """
    if not len(ranked.ids):
        return 0.0
    lexical = np.nan_to_num(ranked.lexical_scores) * _known_share(query)
    if np.isnan(ranked.cosines).all():
        return _logistic(float(lexical.max()) - WORDS_ALONE)
    best = np.argsort(-ranked.scores, kind="stable")[:JUDGED]
    # Words in the path of a file are part of the lexical score alone.
    words = np.maximum(_held_shares(db, query, ranked.ids[best]), lexical[best])
    evidence = np.nan_to_num(ranked.cosines[best]) + WORDS * words**POWER
    if ranked.is_code is not None:
        evidence = evidence - CODE * ranked.is_code[best]
    return _logistic(float(evidence.max()) - SPREAD * math.sqrt(2 * math.log(min(max(passages, 2), MOST))))


def _held_shares(db: apsw.Connection, query: ParsedQuery, texts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The share of the query's weight, 0..1, in the clauses that each text and its title hold, (n,)."""
    found = fetch_all(
        db,
        "SELECT texts.id, texts.title || ' ' || texts.text FROM carray(?) AS wanted "
        "CROSS JOIN texts ON texts.id = wanted.value",
        (id_array(texts),),
    )
    held: dict[int, float] = {}
    for id_, text in found:
        tokens = tokenize_bytes(db, to_fts_text(text).encode("utf-8", "replace"))
        terms = {term for _, _, term in tokens}
        held[id_] = sum(clause.weight for clause in query.clauses if _is_held(clause, terms))
    weight = max(query.weight, 1e-9)
    return np.array([held.get(id_, 0.0) / weight for id_ in texts.tolist()])


def _is_held(clause: QueryClause, terms: set[str]) -> bool:
    if clause.prefix:
        *others, begun = clause.terms
        return terms.issuperset(others) and any(term.startswith(begun) for term in terms)
    return terms.issuperset(clause.terms)


def _known_share(query: ParsedQuery) -> float:
    """The share of the weight of the query that is in words of the index."""
    known = sum(clause.weight for clause in query.clauses if clause.passage_count)
    return known / max(query.weight, 1e-9)


def _logistic(margin: float) -> float:
    return 1 / (1 + math.exp(-STEEPNESS * margin))
