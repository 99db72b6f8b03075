"""The operators of a query: quoted phrases, OR and AND.

Owns their syntax. Knows nothing of the index, nor of filters, which are removed from the text before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_QUOTED = re.compile(r'(?<!\w)"([^"]*)"(?!\w)|“([^”]*)”|„([^“”]*)[“”]|「([^」]*)」|«([^»]*)»')
"""A phrase in quotation marks of some language. A straight mark after a digit or letter is an inch."""
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Operators:
    """The words of a query by their role."""

    free: str
    """The optional words, with blanks in place of the others."""
    required: tuple[tuple[str, ...], ...] = ()
    """A hit holds at least one text of each group, word for word."""


@dataclass(frozen=True, slots=True)
class _Term:
    text: str
    start: int
    end: int
    quoted: bool = False


def parse_operators(text: str) -> Operators:
    """Separate phrases, `a OR b` and `a AND b` from the words of a query. Never fails: the rest are words.

    In a text without lower-case letters, OR and AND are ordinary words.
    """
    terms = list(_terms(text))
    has_operators = any(term.text.upper() != term.text for term in terms if not term.quoted)
    free = list(text)
    required: list[tuple[str, ...]] = []
    for chain in _chains(terms, has_operators=has_operators):
        if len(chain) == 1 and len(chain[0]) == 1 and not chain[0][0].quoted:
            continue
        free[chain[0][0].start : chain[-1][-1].end] = " " * (chain[-1][-1].end - chain[0][0].start)
        required += [group for terms in chain if any(group := tuple(term.text.strip() for term in terms))]
    return Operators("".join(free), tuple(required))


def _terms(text: str) -> Iterator[_Term]:
    position = 0
    for found in _QUOTED.finditer(text):
        yield from _words(text, position, found.start())
        phrase = next(part for part in found.groups() if part is not None)
        yield _Term(phrase, found.start(), found.end(), quoted=True)
        position = found.end()
    yield from _words(text, position, len(text))


def _words(text: str, start: int, end: int) -> Iterator[_Term]:
    for found in _WORD.finditer(text, start, end):
        yield _Term(found[0], found.start(), found.end())


def _chains(terms: list[_Term], *, has_operators: bool) -> list[list[list[_Term]]]:
    """Terms joined by AND, each a list of terms joined by OR."""
    chains: list[list[list[_Term]]] = []
    join = ""
    for i, term in enumerate(terms):
        if (
            term.text in ("OR", "AND")
            and not (term.quoted or join)
            and 0 < i < len(terms) - 1
            and (has_operators or terms[i - 1].quoted)
        ):
            join = term.text
        elif join == "OR":
            chains[-1][-1].append(term)
            join = ""
        elif join == "AND":
            chains[-1].append([term])
            join = ""
        else:
            chains.append([[term]])
    return chains
