"""The query language of all fronts: parses a typed query into words and filters.

Owns the syntax of filters. `in:notes type:pdf since:2w "exact words"` limits to a folder, a kind and a time;
the quoted words stay in the text, because `index.store.operators` parses phrases and OR. `-draft` excludes
files with a word, but not between words ("what does ls -la show"); `-type:md` excludes files that pass a
filter; `/colou?r/` keeps passages with a match of an expression. A key of `KEYS`, or a name that may be a
field of documents, is a filter if a value follows without a blank: `http://…` and `note: this` are ordinary
words. The filter options of the command line use the same functions. Knows nothing of the index.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from index.types import Filter, Mode, Sort

KEYS: dict[str, str] = {
    "in": "a folder, by path or name",
    "type": "a kind of file: md, pdf, code, html, docx, …",
    "lang": "a programming language: python, rust, …",
    "since": "changed since: 2w, 3d, yesterday, 2024-05",
    "before": "changed before: 2024, 2024-05-31, 1y",
    "heading": "words in a heading above",
    "glob": "a pattern the path matches: *.md, drafts/**",
    "tag": "a tag, in front matter or as #tag",
    "author": "words of an author's name",
    "date": "the date a document gives: 2024, 2024-05",
    "size": "a size: >1mb, <20k",
    "mode": "hybrid, meaning or words",
    "sort": "score or date, the newest first",
}

FIELDS = ("tag", "author", "date")
"""Document fields that are always filters. Another field is one only if a document has it."""

SYNTAX: dict[str, str] = {
    '"exact words"': "word for word",
    "one OR other": "one of both at least",
    "-word": 'before or after all other words: no file that holds it; also -"two words", NOT word',
    "-key:value": "what does not pass the filter: -type:md, -in:drafts",
    "/expression/": "a regular expression, also inside words; /…/i ignores case",
}
"""Operators beside filters, and what they do."""

NO_FILTER = Filter()

Selected = TypeVar("Selected")

_QUOTES = {'"': '"', "“": "”", "„": "”“", "«": "»", "「": "」"}
_PHRASE = "|".join(f"{first}[^{last}]*[{last}]" for first, last in _QUOTES.items())
_TOKEN = re.compile(
    rf"""(?<!\S)(?P<not>-|NOT\s+)?(?:
        (?P<key>[A-Za-z][\w-]*):(?:"(?P<quoted>[^"]*)"?|“(?P<curly>[^”]*)”?|(?P<bare>[^\s"“]+))(?=\s|$)
        |(?P<phrase>{_PHRASE})(?=[\s.,;:!?)]|$)
        |/(?P<pattern>(?=\S)(?:[^/\\\n]|\\.)+(?<=\S))/(?P<flags>i?)(?=\s|$)
        |(?P<word>[^\W\d_][\w'’-]+)(?=\s|$)
    )|{_PHRASE}|\S""",
    re.VERBOSE,
)
"""Matches a filter, phrase, expression or word, each perhaps negated; else one character."""
_AGE = re.compile(r"(\d{1,5})\s*(h|hour|d|day|w|week|mo|m|month|y|year)s?")
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
_AGE_DAYS = {"h": 1 / 24, "d": 1, "w": 7, "m": 30.44, "y": 365.25}


@dataclass(frozen=True, slots=True)
class Query:
    """A query taken apart: `text` is asked, `filter` and `mode` narrow it, `sort` orders what is found.

    `problems` name what was not understood, in words for the user.
    """

    text: str
    filter: Filter = NO_FILTER
    mode: Mode | None = None
    sort: Sort | None = None
    problems: tuple[str, ...] = ()

    @property
    def first_problem(self) -> str:
        """The first problem as a sentence; empty where there is none."""
        told = self.problems[0] if self.problems else ""
        return told if told.endswith("?") or not told else told + "."


def parse(typed: str, *, base: Path | None = None, now: datetime | None = None) -> Query:
    """Parse a typed query. Never raises, because unfinished queries are searched too.

    `base` is the folder against which `in:` may name a path; None where there is no such place.
    """
    now = now or datetime.now()
    tokens = [(token, _taken(token, base, now)) for token in _TOKEN.finditer(typed)]
    ordinary = [token.start() for token, taken in tokens if taken is None]
    parts: list[Query] = []
    words: list[str] = []
    position = 0
    for token, taken in tokens:
        is_option = token["word"] and token["not"] == "-" and _is_within(token.start(), ordinary)
        if taken is not None and not is_option:
            words.append(typed[position : token.start()])
            parts.append(taken)
            position = token.end()
    words.append(typed[position:])
    return Query(
        " ".join(" ".join(words).split()),
        merge(*(part.filter for part in parts)),
        next((part.mode for part in reversed(parts) if part.mode), None),
        next((part.sort for part in reversed(parts) if part.sort), None),
        tuple(problem for part in parts for problem in part.problems),
    )


def _is_within(position: int, ordinary: list[int]) -> bool:
    """Whether ordinary words stand on both sides: the minus in "what does ls -la show" excludes nothing."""
    return bool(ordinary) and ordinary[0] < position < ordinary[-1]


def _taken(token: re.Match[str], base: Path | None, now: datetime) -> Query | None:
    """What a token says, as a query without words; None if the token is an ordinary word."""
    negated = token["not"] is not None and (token["not"] == "-" or _has_small_letters(token.string))
    key = (token["key"] or "").lower()
    value = next((token[name] for name in ("quoted", "curly", "bare") if token[name] is not None), None)
    if value and (key in KEYS or _may_be_field(key, value, token[0])):
        return _apply(key, value, base, now, negated=negated)
    if token["pattern"] is not None and not token["not"]:
        return _with_pattern(token["pattern"], token["flags"])
    without = token["word"] or (token["phrase"] or "")[1:-1].strip()
    if negated and without and not key:
        return Query("", Filter(without=(without,)))
    return None


def _may_be_field(key: str, value: str, written: str) -> bool:
    """Whether `key:value` may be a document field, and is no address, path, time or identifier."""
    return len(key) > 1 and value[0] not in ":/\\" and written.count('"') != 1


def _has_small_letters(typed: str) -> bool:
    """Whether the query has lower-case letters, so that a word in capitals can be an operator."""
    return typed != typed.upper()


def _apply(key: str, value: str, base: Path | None, now: datetime, *, negated: bool) -> Query:
    try:
        if key in ("mode", "sort") and negated:
            raise ValueError("takes no minus")
        if key == "mode":
            return Query("", mode=mode(value))
        if key == "sort":
            return Query("", sort=sort(value))
        narrowed = _READERS[key](value, base, now) if key in _READERS else field(key, value)
    except ValueError as error:
        minus = "-" if negated else ""
        return Query("", problems=(f"{minus}{key}:{value} {error}",))
    return Query("", Filter(excluding=(narrowed,)) if negated else narrowed)


def _with_pattern(pattern: str, flags: str) -> Query:
    from index.search.patterns import compile_pattern

    written = f"(?{flags}){pattern}" if flags else pattern
    try:
        compile_pattern(written)
    except ValueError as error:
        return Query("", problems=(f"/{pattern}/ {error}",))
    return Query("", Filter(patterns=(written,)))


def merge(*filters: Filter) -> Filter:
    """All filters combined: lists are joined; of single values the last counts."""
    merged: dict[str, Any] = {}
    for one in fields(Filter):
        values = [getattr(filter_, one.name) for filter_ in filters]
        if isinstance(one.default, tuple):
            merged[one.name] = tuple(chain.from_iterable(values))
        else:
            merged[one.name] = next((v for v in reversed(values) if v not in (None, "")), one.default)
    return Filter(**merged)


def field(name: str, value: str) -> Filter:
    """Documents with one of the values in a field; commas separate the values."""
    values = tuple(part.strip().lstrip("#") for part in value.split(","))
    return Filter(fields=((name, tuple(part for part in values if part)),))


def folders(values: Iterable[str], base: Path | None) -> Filter:
    """`~/notes`, `/srv/notes`, an existing path below `base`, or the name of any folder."""
    return Filter(folders=tuple(_folder(value, base) for value in values))


def _folder(value: str, base: Path | None) -> str:
    if value.startswith(("~", "/")):
        return os.path.abspath(os.path.expanduser(value))  # noqa: PTH100, PTH111
    explicit = value.startswith(".")
    if base is not None and (explicit or os.path.exists(os.path.join(base, value))):  # noqa: PTH110, PTH118
        return os.path.abspath(base / value)  # noqa: PTH100
    return value.strip("/")


def kinds(values: Iterable[str]) -> Filter:
    """Words that `index.kinds.select` knows. Raises `ValueError` with a text for the user."""
    from index import kinds as kind_table  # 5 ms: each table is imported only where it is used

    found = _each(values, kind_table.select)
    return Filter(
        kinds=tuple(dict.fromkeys(kind for one in found for kind in one.kinds)),
        suffixes=tuple(dict.fromkeys(suffix for one in found for suffix in one.suffixes)),
    )


def languages(values: Iterable[str]) -> Filter:
    """`python`, `c++`, `js`, …. Raises `ValueError` with a text for the user."""
    from index import languages as language_table

    return Filter(languages=tuple(_each(values, language_table.select)))


def _each(values: Iterable[str], select: Callable[[str], Selected]) -> list[Selected]:
    """`select` of each value; its error names the value if there are several."""
    found = []
    wanted = list(values)
    for value in wanted:
        try:
            found.append(select(value))
        except ValueError as error:
            raise ValueError(f"{error}" if len(wanted) == 1 else f"({value}) {error}") from error
    return found


def parse_time(value: str, now: datetime) -> int:
    """A time as nanoseconds since the epoch: `2w` (ago), `today`, `yesterday`, `2024`, `2024-05-31`.

    Raises `ValueError` with a text for the user.
    """
    text = value.strip().lower()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if text in ("today", "yesterday"):
        return _nanoseconds(midnight, timedelta(days=text == "yesterday"))
    if age := _AGE.fullmatch(text):
        return _nanoseconds(now, timedelta(days=int(age[1]) * _AGE_DAYS[age[2][0]]))
    if date := _DATE.fullmatch(text):
        try:
            return _nanoseconds(datetime(int(date[1]), int(date[2] or 1), int(date[3] or 1)))
        except (ValueError, OverflowError):
            pass
    raise ValueError("is no time: write 2w, 3d, yesterday, 2024 or 2024-05-31")


def _nanoseconds(when: datetime, earlier: timedelta = timedelta(0)) -> int:
    try:
        return int((when - earlier).timestamp()) * 1_000_000_000
    except (OverflowError, OSError, ValueError):
        raise ValueError("is too long ago") from None


def parse_size(value: str) -> int:
    """Bytes: `20k`, `1.5mb`, `300`. Raises `ValueError` with a text for the user."""
    found = _SIZE.fullmatch(value.strip())
    if found is None:
        raise ValueError("is no size: write 300, 20k or 1.5mb")
    try:
        return int(float(found[1]) * 1024 ** " kmgt".index(found[2].lower() or " "))
    except OverflowError:
        raise ValueError("is larger than any file") from None


def mode(value: str) -> Mode:
    """Raises `ValueError` with a text for the user."""
    known: dict[str, Mode] = {"hybrid": "hybrid", "meaning": "meaning", "words": "words"}
    if value.lower() not in known:
        raise ValueError("is no mode: write hybrid, meaning or words")
    return known[value.lower()]


def sort(value: str) -> Sort:
    """Raises `ValueError` with a text for the user."""
    known: dict[str, Sort] = {"score": "score", "date": "date"}
    if value.lower() not in known:
        raise ValueError("is no order: write score or date")
    return known[value.lower()]


def _size_filter(value: str, base: Path | None, now: datetime) -> Filter:
    if value.startswith(">"):
        return Filter(min_size=parse_size(value[1:].lstrip("=")))
    if value.startswith("<"):
        return Filter(max_size=parse_size(value[1:].lstrip("=")))
    raise ValueError("is no size: write >1mb or <20k")


_Reader = Callable[[str, Path | None, datetime], Filter]
_READERS: dict[str, _Reader] = {
    "in": lambda value, base, now: folders(value.split(","), base),
    "type": lambda value, base, now: kinds(value.split(",")),
    "lang": lambda value, base, now: languages(value.split(",")),
    "since": lambda value, base, now: Filter(since_ns=parse_time(value, now)),
    "before": lambda value, base, now: Filter(before_ns=parse_time(value, now)),
    "heading": lambda value, base, now: Filter(heading=value),
    "glob": lambda value, base, now: Filter(globs=tuple(value.split(","))),
    "size": _size_filter,
}
