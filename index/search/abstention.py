"""Abstention: whether anything in the index is close to a query.

One rule for every index. The evidence of the best candidate, its cosine plus a weighted lexical score, is
compared with the best evidence that unrelated passages would give: among N passages that are unrelated to a
query, the highest cosine is about s·sqrt(2 ln N), the expected maximum of N normal variables. The constants
were fitted once for all indexes; assets/docs/search.md has the measurements.
"""

from __future__ import annotations

import math

import numpy as np

from index.search.ranking import Ranked
from index.store.fts_query import ParsedQuery

SPREAD = 0.121
"""s: the standard deviation of the cosines of unrelated passages with a query (fitted)."""
WORDS = 0.33
"""The cosine that counts for a passage with every word of the query, on top of its own (fitted)."""
STEEPNESS = 27.0
"""Slope of the logistic function from margin to confidence (fitted)."""
MOST = 5_000
"""Passages beyond which an index counts as no larger: a larger index has more subjects, and only passages of
the nearest subject come close to a query."""
WORDS_ALONE = 0.15
"""Lexical score from which an answer without vectors counts as close (fitted)."""
UNRELATED, ALIKE = 0.5, 0.8
"""Cosines of two passages that have nothing in common, and that are of one text. Among 60 notes of 1,600
characters, the halves of a note have 0.67 to 0.80 (quartiles), any two others 0.41 (median; 0.55 at 90 %)."""


def likeness(cosine: float) -> float:
    """How alike two passages with this cosine are, from 0 (unrelated) to 1."""
    return min(1.0, max(0.0, (cosine - UNRELATED) / (ALIKE - UNRELATED)))


def confidence(ranked: Ranked, query: ParsedQuery, passages: int) -> float:
    """The confidence, 0..1, that the best candidate is about the query; from 0.5 on it counts as close.

    `passages` is the number of passages searched: those of the index, or those that pass the filter.
    """
    if not len(ranked.ids):
        return 0.0
    shares = float(np.nan_to_num(ranked.lexical_scores).max()) * _known_share(query)
    if np.isnan(ranked.cosines).all():
        return _logistic(shares - WORDS_ALONE)
    best = float(np.nan_to_num(ranked.cosines).max()) + WORDS * shares
    return _logistic(best - SPREAD * math.sqrt(2 * math.log(min(max(passages, 2), MOST))))


def _known_share(query: ParsedQuery) -> float:
    """The share of the weight of the query that is in words of the index."""
    known = sum(clause.weight for clause in query.clauses if clause.passage_count)
    return known / max(query.weight, 1e-9)


def _logistic(margin: float) -> float:
    return 1 / (1 + math.exp(-STEEPNESS * margin))
