"""Two lists to one: a convex combination of meaning and words, the words by what they explain.

Bruch et al., "An Analysis of Fusion Functions for Hybrid Retrieval" (arXiv 2210.11934), find a
convex combination with theoretical bounds best: scores are divided by the most they could be, not by
the most they happen to be. Here the cosine's bound is 1, and the bound of BM25 is what a passage
would get that is full of every word of the question. So the question decides the weight: a rare
name, an identifier or a quoted phrase explains most of its question where it occurs, while the common
words of a paraphrase explain little, and the cosine decides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from index.store.fts_query import ParsedQuery

WORDS = 0.5
"""Weight of the lexical part beside the cosine's 1; chosen on eight sets, see assets/docs/search.md."""
_SATURATION = 2.2
"""What a word's weight is multiplied with at most: k1 + 1 in FTS5's BM25."""

Floats = NDArray[np.float32]


def normalize_bm25(bm25: Floats, query: ParsedQuery) -> Floats:
    """The lexical part in 0..1: the share of the question that its words in a passage explain.

    Words that the index holds nowhere are left out: they speak against every passage alike.
    """
    most = _SATURATION * sum(clause.weight for clause in query.clauses if clause.passage_count)
    return np.asarray(np.clip(bm25 / max(most, 1e-9), 0, 1), np.float32)


def fuse(cosines: Floats, words: Floats) -> Floats:
    """Scores in 0..1 from (n,) cosines and (n,) lexical parts of the same passages.

    A passage whose vector is still to come (NaN) is given the median of the others' cosines, so that its
    words decide; a missing lexical part counts as 0.
    """
    known = cosines[~np.isnan(cosines)]
    combined = np.nan_to_num(cosines, nan=float(np.median(known)) if len(known) else 0.0)
    combined = combined + WORDS * np.nan_to_num(words)
    return np.asarray(combined / (1 + WORDS), np.float32)
