"""Answers to a few questions at once: passages within a budget of tokens, and what was not found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from app.api import Answer, Library
from app.mcp import results
from app.mcp.arguments import read_query, search_options
from index.types import HEADING_SEPARATOR, Hit

FILES = 8
"""Files asked for each question: more are seldom read."""
CHARACTERS_A_TOKEN = 4
"""Characters of ASCII text per token of a large model, about; other characters count as a token each."""
AROUND_A_TEXT = 40
"""Tokens for the place of a passage."""
CUT = " …"
SHORTEST = 60
"""Tokens below which a part of a passage is not worth its place."""


def bundle(library: Library, questions: Sequence[str], tokens: int) -> dict[str, Any]:
    """Passages for the questions, the best of each in turn, until the budget is spent."""
    parsed = [read_query(question) for question in questions]
    answers = [library.search(query.text, limit=FILES, **search_options(query)) for query in parsed]
    passages: list[dict[str, Any]] = []
    left, left_out = tokens, 0
    for hit in _in_turn(answers):
        text = _within(hit.text, left - AROUND_A_TEXT)
        if not text:
            left_out += 1
            continue
        left -= tokens_of(text) + AROUND_A_TEXT
        passages.append(_passage(hit, text, stale=any(hit.path in answer.stale for answer in answers)))
    result = {
        "passages": passages,
        "not_found": [
            question for question, found in zip(questions, answers, strict=True) if not _answers(found)
        ],
        "left_out": left_out,
        "tokens": tokens - left,
        "fresh": all(answer.fresh for answer in answers),
        "waiting": max((answer.waiting for answer in answers), default=0),
    }
    notices = dict.fromkeys(answer.notice for answer in answers if answer.notice)
    return results.sanitized(result | ({"notices": list(notices)} if notices else {}))


def tokens_of(text: str) -> int:
    """Tokens of a text, about."""
    ascii_ = sum(character.isascii() for character in text)
    return -(-ascii_ // CHARACTERS_A_TOKEN) + len(text) - ascii_


def _answers(found: Answer) -> bool:
    return bool(found.hits) and not found.abstains


def _in_turn(answers: Sequence[Answer]) -> Iterator[Hit]:
    """The best hit of each question, then the second of each, each passage once; only what is close."""
    seen: set[tuple[str, int]] = set()
    close = [_passages(answer) for answer in answers if _answers(answer)]
    for row in zip_longest(*close):
        for hit in row:
            if hit is not None and (hit.path, hit.start) not in seen and hit.text:
                seen.add((hit.path, hit.start))
                yield hit


def _passages(answer: Answer) -> list[Hit]:
    """Best passages of each file first, then the further ones."""
    return [*answer.hits, *(other for hit in answer.hits for other in hit.more)]


def _within(text: str, tokens: int) -> str:
    """The text, or as much of its beginning as fits, cut at a blank; empty where that is too little."""
    if tokens_of(text) <= tokens:
        return text
    if tokens < SHORTEST:
        return ""
    tokens -= tokens_of(CUT)
    cut = text[: tokens * CHARACTERS_A_TOKEN]
    while tokens_of(cut) > tokens:
        cut = cut[: len(cut) * tokens // tokens_of(cut) - 1]
    return cut[: max(cut.rfind("\n"), cut.rfind(" "), len(cut) // 2)] + CUT


def _passage(hit: Hit, text: str, *, stale: bool) -> dict[str, Any]:
    result = {
        "path": hit.path,
        "title": hit.title,
        "heading": HEADING_SEPARATOR.join(hit.heading),
        "place": results.cited_place(hit),
        "start": hit.start,
        "text": text,
        "stale": stale,
    }
    return {name: value for name, value in result.items() if value not in ("", False)}
