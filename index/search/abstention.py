"""Whether anything in the index is close to a question at all.

One rule for every index. What the best candidate shows, its cosine and a share of the question that
its words explain, is held against the best that strangers would show: of N passages that have nothing
to do with a question, the closest comes about as close as s·sqrt(2 ln N), the expected maximum of N
normal variables. The constants were set once, without looking at which index a question belongs to:
assets/docs/search.md has the measurements.
"""

from __future__ import annotations

import math

import numpy as np

from index.search.ranking import Ranked
from index.store.fts_query import ParsedQuery

SPREAD = 0.121
"""s: how far passages spread around a question they do not answer, in cosine."""
WORDS = 0.33
"""What a passage that explains the whole question by its words adds to its cosine."""
STEEPNESS = 27.0
"""Logistic regression of "the index is about this" on the margin."""
MOST = 5_000
"""Passages beyond which an index counts as no larger: one that is larger is about more subjects, and of the
strangers to a question only those of the nearest subject come close."""
WORDS_ALONE = 0.15
"""Share of a question that words must explain where there is no vector."""


def confidence(ranked: Ranked, query: ParsedQuery, passages: int) -> float:
    """How sure, 0..1, that the best candidate is about the question; from 0.5 on it is close.

    `passages` is how many were looked at: the index, or what the filter lets through.
    """
    if not len(ranked.ids):
        return 0.0
    shares = float(np.nan_to_num(ranked.lexical_scores).max()) * _known(query)
    if np.isnan(ranked.cosines).all():
        return _logistic(shares - WORDS_ALONE)
    best = float(np.nan_to_num(ranked.cosines).max()) + WORDS * shares
    return _logistic(best - SPREAD * math.sqrt(2 * math.log(min(max(passages, 2), MOST))))


def _known(query: ParsedQuery) -> float:
    """The share of the question's weight that lies in words the index holds at all."""
    known = sum(clause.weight for clause in query.clauses if clause.passage_count)
    return known / max(query.weight, 1e-9)


def _logistic(margin: float) -> float:
    return 1 / (1 + math.exp(-STEEPNESS * margin))
