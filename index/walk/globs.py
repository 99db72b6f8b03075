"""Many patterns with wildcards, matched together in one pass over a path.

Owns what `*`, `?`, `[...]`, `**` and `\\` mean, as git defines it: on bytes, with its rules for `**`
(https://git-scm.com/docs/gitignore, `wildmatch.c` and `match_pathname` in `dir.c`). Knows nothing of
ignore files.

A pattern is a nondeterministic automaton with one state for each of its elements. A state is one bit, and for
each byte of a path a few operations on one integer advance the states of all patterns (Shift-And: Navarro and
Raffinot, Flexible Pattern Matching in Strings, 2002, chapters 2 and 4). The time is bounded by the length of
the path times the length of the patterns, divided by the machine word, for every possible pattern.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

MAX_PATTERN_BYTES = 1 << 14
"""Bytes of one pattern: four times the longest path that a system opens (PATH_MAX is 4,096)."""
MAX_BRACKETS = 256
"""Different brackets in one set of patterns: compiling a bracket costs up to 256 operations."""
_SPECIAL = b"*?[\\"
_SLASH = ord("/")
_EVERY_BYTE = (1 << 256) - 1
_NO_SLASH = _EVERY_BYTE & ~(1 << _SLASH)
_CLASSES = {
    b"alnum": b"a-zA-Z0-9", b"alpha": b"a-zA-Z", b"blank": b" \t", b"cntrl": b"\0-\x1f\x7f",
    b"digit": b"0-9", b"graph": b"\\!-~", b"lower": b"a-z", b"print": b" -~",
    b"punct": b"\\!-/:-@\\[-`{-~", b"space": b" \t\n\r", b"upper": b"A-Z", b"xdigit": b"0-9a-fA-F",
}  # fmt: skip
"""The character classes of git's `sane_ctype`."""


class NeverMatches(ValueError):
    """A pattern that git accepts and that matches nothing."""


class Element(NamedTuple):
    """Either a run of stars, or one byte out of a set, which is an integer of 256 bits."""

    stars: int
    accepts: int = 0


def has_wildcard(pattern: bytes) -> bool:
    """Whether a pattern has a special character, so that it must be compiled."""
    return any(sign in _SPECIAL for sign in pattern)


class Globs:
    """A set of numbered patterns. Add them in the order of their numbers, then `compile`, then match."""

    def __init__(self) -> None:
        self.bits = 0
        """Number of states: the cost of each byte of a path grows with it."""
        self._accepted: dict[int, list[int]] = defaultdict(list)
        self._starts: list[int] = []
        self._star: list[int] = []
        self._deep: list[int] = []
        self._skips: list[int] = []
        self._ends: dict[int, int] = {}
        self._folder_ends: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._ends)

    def add(self, number: int, pattern: bytes, *, folders_only: bool) -> list[str]:
        """Add a pattern; returns remarks on what git reads differently than expected.

        Raises NeverMatches, and then adds nothing.
        """
        if len(pattern) > MAX_PATTERN_BYTES:
            raise NeverMatches(f"it is longer than {MAX_PATTERN_BYTES:,} bytes")
        remarks: list[str] = []
        elements = list(_elements(pattern, remarks))
        brackets = {element.accepts for element in elements} - self._accepted.keys()
        if len(self._accepted) + len(brackets) > MAX_BRACKETS + 256:
            raise NeverMatches(f"its file has more than {MAX_BRACKETS} different brackets already")
        self._starts.append(self._state(0))
        self._add_states(elements, pattern)
        self._ends[self.bits - 1] = number
        if folders_only:
            self._folder_ends.append(self.bits - 1)
        return remarks

    def compile(self) -> None:
        """Build the transition tables: one integer for each byte and kind of transition."""
        star, deep, starts = map(self._bitset, (self._star, self._deep, self._starts))
        self._skipping = self._bitset(self._skips)
        skipped = starts & self._skipping
        self._initial = starts | skipped << 1 | skipped << 2
        self._folders = self._bitset(self._ends)
        self._files = self._folders ^ self._bitset(self._folder_ends)
        accepting = [0] * 256
        for accepts, states in self._accepted.items():
            joined = self._bitset(states)
            for byte in range(256):
                if accepts >> byte & 1:
                    accepting[byte] |= joined
        self._steps = [(one, deep if byte == _SLASH else star | deep) for byte, one in enumerate(accepting)]
        for states in (self._starts, self._star, self._deep, self._skips, self._folder_ends):
            states.clear()
        self._accepted.clear()

    def last_match(self, path: bytes, *, folder: bool) -> int:
        """The greatest number among the patterns that match the whole path; -1 where none matches."""
        state, steps, skipping = self._initial, self._steps, self._skipping
        for byte in path:
            accepting, staying = steps[byte]
            state = (state << 1) & accepting | state & staying
            if skipping:
                skipped = state & skipping
                state |= skipped << 1 | skipped << 2
            if not state:
                return -1
        ended = state & (self._folders if folder else self._files)
        return self._ends[ended.bit_length() - 1] if ended else -1

    def _state(self, accepts: int) -> int:
        if accepts:
            self._accepted[accepts].append(self.bits)
        self.bits += 1
        return self.bits - 1

    def _add_states(self, elements: list[Element], pattern: bytes) -> None:
        """Add states: a byte adds one, `*` lets the state before it stay, `**/` adds two that may be
        skipped."""
        literal = next((at for at, sign in enumerate(pattern) if sign in _SPECIAL), len(pattern))
        at, after_gap = 0, False
        while at < len(elements):
            stars, accepts = elements[at]
            if not stars:
                self._state(accepts)
                after_gap = False
            elif stars == 1 or not _any_depth(elements, at, literal):
                self._star.append(self.bits - 1)
            elif at + 1 == len(elements):
                self._deep.append(self.bits - 1)
            elif not after_gap:
                self._skips.append(self.bits - 1)
                self._deep.append(self._state(0))
                self._state(1 << _SLASH)
                at, after_gap = at + 1, True
            else:
                at += 1
            at += 1

    def _bitset(self, states: Iterable[int]) -> int:
        bits = bytearray(self.bits // 8 + 1)
        for state in states:
            bits[state >> 3] |= 1 << (state & 7)
        return int.from_bytes(bits, "little")


def _any_depth(elements: list[Element], at: int, literal: int) -> bool:
    """Whether stars match any number of folders: between slashes, at an end, or first after literal text.

    The last case is git's behaviour, although its manual does not mention it: git compares the literal
    beginning first, and the rest of the pattern then begins with the stars.
    """
    slash = Element(0, 1 << _SLASH)
    begins = at in (0, literal) or elements[at - 1] == slash
    return begins and (at + 1 == len(elements) or elements[at + 1] == slash)


def _elements(pattern: bytes, remarks: list[str]) -> Iterator[Element]:
    """Raises NeverMatches."""
    at = 0
    while at < len(pattern):
        sign, at = pattern[at : at + 1], at + 1
        match sign:
            case b"*":
                first = at - 1
                while pattern[at : at + 1] == b"*":
                    at += 1
                yield Element(at - first)
            case b"?":
                yield Element(0, _NO_SLASH)
            case b"[":
                at, accepts = _bracket(pattern, at, remarks)
                yield Element(0, accepts)
            case b"\\" if at == len(pattern):
                raise NeverMatches("it ends with a backslash")
            case b"\\":
                yield Element(0, 1 << pattern[at])
                at += 1
            case _:
                yield Element(0, 1 << sign[0])


def _bracket(pattern: bytes, at: int, remarks: list[str]) -> tuple[int, int]:
    """The end of the bracket whose members begin at `at`, and the set of bytes that it accepts.

    Raises NeverMatches.
    """
    negated = pattern[at : at + 1] in (b"!", b"^")
    at += negated
    first, members = at, 0
    while at == first or pattern[at : at + 1] != b"]":
        if pattern.startswith(b"[:", at) and (of_class := _class(pattern, at)):
            members |= of_class
            at = pattern.index(b"]", at) + 1
            continue
        low, at = _member(pattern, at)
        members |= 1 << low
        if pattern[at : at + 1] == b"-" and pattern[at + 1 : at + 2] not in (b"", b"]"):
            high, at = _member(pattern, at + 1)
            members |= (1 << high + 1) - (1 << low) if low <= high else 0
            if low > high:
                range_of = f"{chr(low)}-{chr(high)}"
                remarks.append(f"its range {range_of} goes backwards, so it matches only {chr(low)}")
    return at + 1, (_EVERY_BYTE ^ members if negated else members) & _NO_SLASH


def _class(pattern: bytes, at: int) -> int:
    """The members of a class such as `[:alpha:]`; 0 where the text is not a class."""
    close = pattern.find(b"]", at + 2)
    if close < 0:
        raise NeverMatches("its bracket has no end")
    if close == at + 2 or pattern[close - 1 : close] != b":":
        return 0
    members = _CLASSES.get(pattern[at + 2 : close - 1])
    if members is None:
        raise NeverMatches("it names an unknown class of characters")
    return _bracket(members + b"]", 0, [])[1]


def _member(pattern: bytes, at: int) -> tuple[int, int]:
    at += pattern[at : at + 1] == b"\\"
    if at >= len(pattern):
        raise NeverMatches("its bracket has no end")
    return pattern[at], at + 1
