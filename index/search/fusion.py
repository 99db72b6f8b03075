"""Fusion of dense and lexical scores by a convex combination.

Bruch et al., "An Analysis of Fusion Functions for Hybrid Retrieval" (arXiv 2210.11934), find that a convex
combination with theoretical bounds is best: scores are divided by their greatest possible value, not by the
greatest value in the list. The bound of the cosine is 1. The bound of BM25 is the score of a passage in which
every word of the query has the greatest possible frequency. So the query decides the weight: a rare name, an
identifier or a quoted phrase has most of the weight of its query, while the common words of a paraphrase have
little, and the cosine decides.

The lexical score is raised to a power. A passage that holds half of the weight of the query shares a subject
with many others, and words alone cannot choose among them; a passage that holds nearly all of it is most
likely meant. In source code the words of a question are rarely those of the answer, and count less.

Words that no passage holds are a sign that the query is in another language than the index, or in other
words: those that are left, names and numbers, say less of it. So all lexical scores of a query are multiplied
by the square root of the share of its words that are known.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from index.store.fts_query import ParsedQuery

WORDS = 0.8
"""Weight of the lexical score in prose; the cosine has 1. Fitted, see assets/docs/search.md."""
WORDS_OF_CODE = 0.15
"""The same in source code."""
WORDS_OF_IDENTIFIER = 0.92
"""The same in a passage that holds the identifier that is the query: it comes before those with its words,
and after its definition."""
WORDS_OF_NAME = 1.05
"""The same in a passage whose heading or definition is the query: it comes before those that repeat it."""
AS_WRITTEN = 0.1
"""Added to it where the passage holds the name letter by letter."""
MORE_AMONG, MORE_AMONG_CODE = 0.8, 0.45
"""Added to the weight where passages with approximate vectors are compared with each other: their cosines
tell less (fitted)."""
NEARER, NEARER_CODE = 0.14, 0.06
"""Added to their expected cosines where they are compared with others: one that answers is nearer to the
query than is to be expected of its tokens (fitted, with half of the passages approximate)."""
POWER = 1.5
"""Exponent of the lexical score (fitted)."""
GREATEST = 1.5
"""What scores are divided by: a passage with every word of the query, none unknown, and a cosine of 0.7."""
_SATURATION = 2.2
"""The greatest factor of the weight of a word: k1 + 1 in FTS5's BM25."""

Floats = NDArray[np.float32]


def normalize_bm25(bm25: Floats, query: ParsedQuery) -> Floats:
    """BM25 scores divided by their bound, in 0..1: the share of the weight of the query in each passage.

    Words that no passage holds are left out of the bound: they are the same for every passage.
    """
    most = _SATURATION * sum(clause.weight for clause in query.clauses if clause.passage_count)
    return np.asarray(np.clip(bm25 / max(most, 1e-9), 0, 1), np.float32)


def cosines_by_kind(both: Floats, is_code: NDArray[np.bool_]) -> Floats:
    """The cosines of passages, (n,), from those with the vectors for prose and for code, (n, 2).

    The prompt for code orders code better, but it also raises the cosine of any code, most of all of code
    that has nothing to do with the query. So the mean of the passages of code stays what the vector for prose
    gives. A passage without a vector has NaN.
    """
    prose, code = both[:, 0], both[:, 1]
    compared = is_code & ~np.isnan(prose)
    if not compared.any():
        return prose
    raised = np.mean(code[compared] - prose[compared])
    return np.asarray(np.where(is_code, code - raised, prose), np.float32)


def share_known(query: ParsedQuery) -> float:
    """The share of the words of the query, each counted alike, that a passage or the path of a file holds."""
    known = sum(1 for clause in query.clauses if clause.passage_count or clause.path_count)
    return known / max(len(query.clauses), 1)


def lexical_weights(
    query: ParsedQuery,
    is_code: NDArray[np.bool_],
    is_named: NDArray[np.bool_],
    as_written: Floats,
    more: tuple[float, float] = (0.0, 0.0),
) -> Floats:
    """The weight of the lexical score, (n,), in passages of code, and in those that the query names.

    `more` is added to it in prose and in code.

    `as_written` has the least weight of passages that hold the query's identifiers letter by letter, 0 for
    others: of `_opened` and `opened`, both definitions of that name, the one that is typed comes first.
    """
    named = WORDS_OF_NAME + np.where(as_written > 0, AS_WRITTEN, 0.0)
    share = share_known(query) ** (POWER / 2)
    weights = np.where(is_named, named, np.where(is_code, WORDS_OF_CODE, WORDS) * share)
    added = np.where(is_code, more[1], more[0]) * share
    return np.asarray(np.maximum(weights, as_written) + added, np.float32)


def nearer(cosines: Floats, is_code: NDArray[np.bool_]) -> Floats:
    """The (n,) expected cosines of passages with approximate vectors as they are compared with true ones."""
    return np.asarray(cosines + np.where(is_code, NEARER_CODE, NEARER), np.float32)


def merge(scores: Floats, approximate: NDArray[np.bool_], among: Floats) -> Floats:
    """The `scores`, with those of passages that have approximate vectors in the order of `among`, all (n,).

    Words choose among such passages, but set none above a passage that is read and has the same words.
    """
    merged = scores.copy()
    places = np.flatnonzero(approximate)
    order = np.argsort(-among[places], kind="stable")
    merged[places[order]] = np.sort(scores[places])[::-1]
    return merged


def fuse(cosines: Floats, words: Floats, weights: Floats | float = WORDS) -> Floats:
    """Scores from (n,) cosines, (n,) lexical scores of the same passages and the weights of the latter.

    They are in 0..1, but greater for most passages that the query names. A passage without a vector (NaN)
    gets the median of the other cosines, so that its lexical score decides; a missing one counts as 0.
    """
    known = cosines[~np.isnan(cosines)]
    combined = np.nan_to_num(cosines, nan=float(np.median(known)) if len(known) else 0.0)
    combined = combined + weights * np.nan_to_num(words) ** POWER
    return np.asarray(combined / GREATEST, np.float32)
