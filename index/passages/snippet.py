"""Snippets: the sentence of a passage that answers a query, and the spans of the query's words in it."""

from __future__ import annotations

import contextlib
import itertools
import math
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import apsw

from index.passages.sentence_ends import SENTENCE_END
from index.store.fts_query import UNSPACED, ParsedQuery, ngrams, tokenize_bytes
from index.store.word_forms import fold_with_origins

WIDTH = 240
"""Characters of a snippet: three lines of an ordinary terminal."""
AMPLE_WIDTH = 360
"""The same of the best hit, which most often holds the answer."""
SCATTERED_WIDTH = 600
"""The same where fewer than `MOST_WORDS` of the words that the passage holds are in `AMPLE_WIDTH`: no single
sentence answers then, and the right one is most often beside the one with most words. What is left of it is
filled from the paragraph: many an answer has no word of the query at all."""
MOST_WORDS = 0.9
"""By weight."""
STEM_SHARE = 0.6
"""Share of the letters of a word of the query with which another form of it begins (fitted)."""
SHORTEST_STEM = 4
"""Least letters of that beginning: with fewer, unrelated words begin alike."""
FORM_WEIGHT = 0.99
"""Weight of another form, as a share of the word's: of two equal sentences, that with the word is shown."""
TELLING = 20
"""Letters of a sentence: a line with fewer counts as a heading, a label or a rule."""
LEAD = 6
"""Before the first word in a part of a long sentence, one in so many of its characters are shown."""
SAYS = 5
"""Words with less than one part in so many of the greatest weight in the query are not marked."""
PATTERN_SECONDS = 0.05
"""Seconds for the matches of a regular expression in one passage: a result list has many passages."""
MOST_SPANS = 100
"""Matches of an expression that are marked: a single letter can match everywhere."""
_MARKUP = re.compile(r"#{1,6}\s|\*+\s+\S+$|[-=~*_`+|]{3,}|\|?\s*:?-{2,}|#\+|\\|[\w-]+:\s\S+$")
_MARK = re.compile(r"^\s*(?:#+|\*+|=+)\s+|^[\w-]+:\s")
"""The marks before the text of a heading in Markdown, Org or AsciiDoc, or before the subject of a mail."""
_CLAUSE_END = r"(?<=[\u0e01-\u0e5b\u0e81-\u0edf\u1000-\u109f\u1780-\u17ff])[ ]+"
"""A blank in Thai, Lao, Burmese or Khmer, which have none between words, and no full stops."""
_SENTENCE = re.compile(rf"{SENTENCE_END}|\n+")
_CLAUSE = re.compile(rf"{SENTENCE_END}|\n+|{_CLAUSE_END}")

_WRAPPED = re.compile(r"^.{60,}[\w,;’'*`)]\n(?=[ \t]*[^\W\d_]+[ ,.;)’'-])", re.M)
"""A long line that continues in the next one: text with hard line breaks."""


class Snippet(NamedTuple):
    """The part of a passage that is shown."""

    text: str
    matched: tuple[tuple[int, int], ...]
    """Spans of `text` in which words of the query occur."""
    start: int
    """Its position in the passage."""


Extent = tuple[int, int]
"""First and last character of a stretch of text."""


@dataclass(frozen=True, slots=True, order=True)
class WeightedSpan:
    """Characters `start` to `end` of a text, the weight of the word there, and its term in the query."""

    start: int
    end: int
    weight: float
    term: str = ""
    is_exact: bool = True
    """Whether the index has it as that word, not as a word that begins as it does."""


def snippet(
    connection: apsw.Connection,
    query: ParsedQuery,
    text: str,
    headings: Collection[str] = (),
    *,
    ample: bool = False,
) -> Snippet:
    """The sentence that holds most of the query, and the spans of its words with enough weight.

    Where none holds enough of it to answer (an "I" or a "why" does not), the first that is a sentence
    and no heading, rule or fence. What follows it in its paragraph is shown as far as there is room, and
    behind a heading what stands below it: a result shows its title and `headings` already. `ample`: there is
    room for the sentences around it that hold what it lacks.
    """
    spans = matched_spans(connection, query, text)
    enough = min(query.weight / 4, max((clause.weight for clause in query.clauses), default=0.0))
    known = max((clause.weight for clause in query.clauses if clause.passage_count), default=0.0)
    width = AMPLE_WIDTH if ample else WIDTH
    weights = {sentence: _weight(spans, sentence) for sentence in _sentences(text)}
    most = max(weights.values(), default=0.0)
    repeating = {one for one in weights if _MARK.sub("", text[slice(*one)]).strip() in headings}
    best = [one for one, weight in weights.items() if weight == most or most < enough]
    shown = {_with_more(text, one, weights, repeating, width): one in repeating for one in best}
    start, end = max(shown, key=lambda one: 0 if shown[one] else _tells(text, one), default=(0, len(text)))
    if end - start > width:
        start, end = _densest(text, spans, (start, end), width)
    if ample:
        telling = [one for one in weights if one not in repeating and _tells(text, one)]
        start, end = _filled(text, _with_context(text, spans, (start, end), telling))
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    marked = (
        (span.start - start, span.end - start)
        for span in spans
        if start <= span.start and span.end <= end and span.is_exact and span.weight * SAYS >= known
    )
    return Snippet(text[start:end], tuple(marked), start)


def _densest(text: str, spans: Sequence[WeightedSpan], sentence: Extent, width: int) -> Extent:
    """The part of a long sentence with most of its words, in whole words; its beginning if it holds none."""
    start, end = sentence
    lead = width // LEAD
    inside = [span for span in spans if start <= span.start and span.end <= end]
    firsts = {max(start, min(span.start - lead, end - width)) for span in inside} or {start}
    parts = [(at, min(end, at + width)) for at in sorted(firsts, reverse=True)]
    first, last = max(parts, key=lambda one: _weight(spans, one))
    if first > start:
        first = max(first, text.find(" ", first, first + lead) + 1)
    if last < end:
        blank = text.rfind(" ", last - lead, last)
        last = last if blank < 0 else blank
    return first, last


def _with_context(
    text: str, spans: Sequence[WeightedSpan], shown: Extent, sentences: Sequence[Extent]
) -> Extent:
    """What is shown, with the sentences around it that hold most of the words that it lacks."""
    wider = _with_missing(spans, shown, sentences, AMPLE_WIDTH)
    if _weight(spans, wider) >= MOST_WORDS * _weight(spans, (0, len(text))):
        return wider
    return _with_missing(spans, wider, sentences, SCATTERED_WIDTH)


def _with_missing(
    spans: Sequence[WeightedSpan], shown: Extent, sentences: Sequence[Extent], width: int
) -> Extent:
    """The shortest stretch of whole sentences around `shown` with as much weight as `width` can hold."""
    start, end = shown
    lefts = [start, *(first for first, _ in sentences if end - width <= first < start)]
    rights = [end, *(last for _, last in sentences if end < last <= start + width)]
    widest = [(left, max(right for right in rights if right - left <= width)) for left in lefts]
    most = max(_weight(spans, one) for one in widest)
    left, right = max((one for one in widest if _weight(spans, one) == most), key=lambda one: one[0])
    return left, min(last for last in rights if last <= right and _weight(spans, (left, last)) == most)


def _filled(text: str, shown: Extent) -> Extent:
    """What is shown, with the clauses of its paragraph or item after it and then before it, as they fit."""
    start, end = shown
    clauses = _sentences(text, _CLAUSE)
    for _, last in (one for one in clauses if one[1] > end):
        if text[end - 1] == "\n" or last - start > SCATTERED_WIDTH:
            break
        end = last
    for first, _ in (one for one in reversed(clauses) if one[0] < start):
        if text[start - 1] == "\n" or end - first > SCATTERED_WIDTH:
            break
        start = first
    return start, end


def matched_spans(connection: apsw.Connection, query: ParsedQuery, text: str) -> list[WeightedSpan]:
    """The spans of `text` in which clauses of the query, or other forms of their words, occur, in order."""
    words: dict[str, float] = {}
    prefixes: dict[str, float] = {}
    for clause in query.clauses:
        for term in clause.terms:
            (prefixes if clause.prefix else words)[term] = clause.weight
    folded = fold_with_origins(text)
    found = [
        *_word_spans(connection, words, prefixes, folded.text),
        *_run_spans(words, prefixes, folded.text),
    ]
    if folded.origins is not None:
        found = [
            WeightedSpan(*folded.span(one.start, one.end), one.weight, one.term, one.is_exact)
            for one in found
        ]
    return sorted([*found, *_pattern_spans(query, text)])


def _pattern_spans(query: ParsedQuery, text: str) -> list[WeightedSpan]:
    """The spans in which the query's regular expressions match; each weighs as much as all its words."""
    weight = max(query.weight, 1.0)
    spans: list[WeightedSpan] = []
    for pattern in query.patterns:
        with contextlib.suppress(TimeoutError):
            places = itertools.islice(pattern.finditer(text, timeout=PATTERN_SECONDS), MOST_SPANS)
            spans += [WeightedSpan(found.start(), found.end(), weight) for found in places if found[0]]
    return spans


def _sentences(text: str, end: re.Pattern[str] = _SENTENCE) -> list[Extent]:
    wrapped = {found.end() for found in _WRAPPED.finditer(text)}
    ends = (found.end() for found in end.finditer(text))
    cuts = [0, *(end for end in ends if end not in wrapped), len(text)]
    return [(a, b) for a, b in itertools.pairwise(cuts) if text[a:b].strip()]


def _with_more(
    text: str, sentence: Extent, sentences: Iterable[Extent], headings: Collection[Extent], width: int
) -> Extent:
    """A sentence with those after it in its paragraph or item, a heading with what is below, as they fit."""
    start, end = sentence
    below = sentence in headings
    for first, last in sentences:
        if first == end and last - start <= width and (below or text[end - 1] != "\n"):
            end, below = last, (first, last) in headings
    return start, end


def _tells(text: str, sentence: Extent) -> int:
    """2 for a sentence, 1 for a few words, 0 for a heading, which the result shows already."""
    written = text[slice(*sentence)].strip()
    if _MARKUP.match(written):
        return 0
    return 2 if sum(map(str.isalpha, written)) >= TELLING else 1


def _weight(spans: Sequence[WeightedSpan], stretch: Extent) -> float:
    """The weight of the words in a stretch, each counted once: what repeats a name says no more of it.

    `spans` are in order.
    """
    words: dict[str, float] = {}
    for i in range(bisect_left(spans, stretch[0], key=lambda span: span.start), len(spans)):
        if spans[i].start >= stretch[1]:
            break
        if spans[i].end <= stretch[1]:
            words[spans[i].term] = max(spans[i].weight, words.get(spans[i].term, 0.0))
    return sum(words.values())


def _word_spans(
    connection: apsw.Connection, words: dict[str, float], prefixes: dict[str, float], text: str
) -> list[WeightedSpan]:
    data = text.encode("utf-8", "replace")
    stems = _stems(words)
    begun = (*prefixes, *stems)
    spans: list[WeightedSpan] = []
    byte = character = 0
    for start, end, term in tokenize_bytes(connection, data):
        if term not in words and not term.startswith(begun):
            continue
        # Counted on from the word before: the whole text for each would be quadratic.
        first = character + len(data[byte:start].decode("utf-8", "replace"))
        last = first + len(data[start:end].decode("utf-8", "replace"))
        byte, character = end, last
        weight = words.get(term) or next((w for known, w in prefixes.items() if term.startswith(known)), None)
        if weight is not None:
            spans.append(WeightedSpan(first, last, weight, term))
        else:
            whole = next(stems[stem] for stem in stems if term.startswith(stem))
            spans.append(WeightedSpan(first, last, FORM_WEIGHT * words[whole], whole, is_exact=False))
    return spans


def _stems(words: Iterable[str]) -> dict[str, str]:
    """The beginnings of words that their other forms have too, each with its word, the longest first.

    The index stems English alone. The other forms choose what is shown and are not marked, for some are other
    words.
    """
    stems: dict[str, str] = {}
    for word in sorted(words, key=len, reverse=True):
        letters = max(SHORTEST_STEM, math.ceil(STEM_SHARE * len(word)))
        if len(word) > letters and word.isalpha() and not UNSPACED.search(word):
            stems[word[:letters]] = word
    return stems


def _run_spans(words: dict[str, float], prefixes: dict[str, float], text: str) -> list[WeightedSpan]:
    """Grams of the question in runs of unspaced scripts; those that touch are one span."""
    if text.isascii():
        return []
    spans: list[WeightedSpan] = []
    for run in UNSPACED.finditer(text):
        for start, gram in enumerate(ngrams(run[0]), start=run.start()):
            length, weight = len(gram), words.get(gram)
            if weight is None:
                length, weight = next(
                    ((len(p), w) for p, w in prefixes.items() if gram.startswith(p)), (0, 0.0)
                )
            if not length:
                continue
            if spans and spans[-1].end >= start:
                last = spans[-1]
                spans[-1] = WeightedSpan(
                    last.start, start + length, last.weight + weight, text[last.start : start + length]
                )
            else:
                spans.append(WeightedSpan(start, start + length, weight, gram))
    return spans
