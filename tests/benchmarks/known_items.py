"""Benchmark `known-items FOLDER...`: whether what is typed by its name is the first hit.

The queries are made from the folders with a fixed seed: names of files, headings and definitions of source
code as they are written, identifiers that one file uses and none defines, and nearly: identifiers split and
joined, one letter wrong, a part. A hit is right where its file has the name, holds the heading or has or uses
the identifier.
"""

from __future__ import annotations

import random
import re
import string
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.api import Library
from index.errors import FileSkipped
from index.store.facts import name_key
from index.types import Filter
from tests.benchmarks.credentials import documents
from tests.benchmarks.own_daemon import Say
from tests.benchmarks.own_library import own_library

SEED = 16
EXACT = {"file name": 80, "heading": 60, "identifier": 60, "identifier used": 60}
"""Queries of each sort as they are written."""
NEARLY = {"split": 50, "joined": 30, "one letter wrong": 70, "part": 50}
SHARED = 3
"""Files that may have a name before it is no name of one thing."""
MOST = 100_000
"""Files of which names are taken."""
LETTERS = 5
"""Least letters of a name, and of a word in which one letter is made wrong."""
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
"""The words of an identifier."""
_IDENTIFIER = re.compile(r"\b(?=\w*[a-z]_?[A-Z]|\w+_)[A-Za-z]\w{5,40}\b")
"""Names of several words, as programs have them."""


@dataclass(frozen=True, slots=True)
class KnownItem:
    """A query, and the files that are right."""

    sort: str
    exact: bool
    query: str
    paths: frozenset[str]


@dataclass(frozen=True, slots=True)
class Found:
    """How many queries of a sort had a right hit first, and among the first three."""

    sort: str
    exact: bool
    queries: int
    first: int
    first_three: int
    refused: int
    """How many were answered "nothing close"."""
    missed: tuple[str, ...]
    """Of exact queries those whose first hit is another, of others those without a right hit."""


def run(folders: Sequence[str], say: Say) -> list[Found]:
    """Index the folders apart from everything else, and ask."""
    tops = [Path(folder).resolve() for folder in folders]
    with own_library(tops, say) as library:
        return ask(library, known_items(library, tops, say), say)


def ask(library: Library, items: Sequence[KnownItem], say: Say) -> list[Found]:
    """Ask for every item."""
    ranks: dict[tuple[str, bool], list[tuple[str, int]]] = defaultdict(list)
    refused: dict[tuple[str, bool], int] = defaultdict(int)
    for done, item in enumerate(items):
        answer = library.search(item.query, limit=3, typing=item.sort == "part")
        rank = next((i for i, hit in enumerate(answer.hits) if hit.path in item.paths), 3)
        ranks[item.sort, item.exact].append((item.query, rank))
        refused[item.sort, item.exact] += answer.abstains
        if done % 50 == 0:
            say(f"{done} of {len(items)} queries")
    return [
        Found(
            sort,
            exact,
            len(asked),
            sum(rank == 0 for _, rank in asked),
            sum(rank < 3 for _, rank in asked),
            refused[sort, exact],
            tuple(query for query, rank in asked if rank > (0 if exact else 2)),
        )
        for (sort, exact), asked in ranks.items()
    ]


def table(found: list[Found]) -> str:
    rows = [f"{'':<30}{'queries':>8}{'first':>8}{'first three':>13}{'nothing close':>15}"]
    for exact, title in ((True, "as written"), (False, "nearly")):
        some = [one for one in found if one.exact == exact]
        queries, first, three, refused = (sum(getattr(one, name) for one in some) for name in _COUNTS)
        whole = Found(title, exact, queries, first, three, refused, ())
        for one in (*some, whole):
            rows.append(
                f"{one.sort:<30}{one.queries:>8}{_share(one.first, one):>8}{_share(one.first_three, one):>13}"
                f"{_share(one.refused, one):>15}"
            )
            rows += [f"    {query}" for query in one.missed]
    return "\n".join(rows)


_COUNTS = ("queries", "first", "first_three", "refused")


def _share(count: int, of: Found) -> str:
    return f"{100 * count / max(of.queries, 1):.0f}%"


def as_json(found: list[Found]) -> list[dict[str, Any]]:
    return [asdict(one) for one in found]


def known_items(library: Library, folders: Sequence[Path], say: Say) -> list[KnownItem]:
    """Queries of every sort, as far as the indexed files of the folders have names for them."""
    below = Filter(folders=tuple(map(str, folders)))
    indexed = {hit.path for hit in library.search("", limit=MOST, filter=below).hits}
    names, headings, identifiers, used = _names(map(str, folders), indexed, say)
    chance = random.Random(SEED)
    pools = {"file name": names, "heading": headings, "identifier": identifiers, "identifier used": used}
    found = [
        KnownItem(sort, True, query, paths)
        for sort, count in EXACT.items()
        for query, paths in _sample(chance, pools[sort], count)
    ]
    everything = {**identifiers, **headings, **names}
    several = {name: paths for name, paths in identifiers.items() if len(_WORDS.findall(name)) > 1}
    changes: dict[str, tuple[Callable[[random.Random, str], str], dict[str, frozenset[str]]]] = {
        "split": (lambda _, name: " ".join(_WORDS.findall(name)).lower(), several),
        "joined": (lambda _, name: "".join(_WORDS.findall(name)).lower(), several),
        "one letter wrong": (_misspelt, everything),
        "part": (_part, everything),
    }
    for sort, count in NEARLY.items():
        change, pool = changes[sort]
        changed = ((change(chance, name), paths) for name, paths in _sample(chance, pool, 20 * count))
        different = [one for one in changed if one[0] and one[0] not in everything]
        found += [KnownItem(sort, False, query, paths) for query, paths in different[:count]]
    return found


def _sample(
    chance: random.Random, pool: dict[str, frozenset[str]], count: int
) -> list[tuple[str, frozenset[str]]]:
    return chance.sample(sorted(pool.items()), min(count, len(pool)))


def _names(folders: Iterable[str], indexed: set[str], say: Say) -> tuple[dict[str, frozenset[str]], ...]:
    """Names of files, headings, definitions and used identifiers, each with its right files."""
    files: dict[str, set[str]] = defaultdict(set)
    found: tuple[dict[str, set[str]], ...] = tuple(defaultdict(set) for _ in range(3))
    used: dict[str, set[str]] = defaultdict(set)
    for path, document in documents(list(folders), say):
        if isinstance(document, FileSkipped) or str(path) not in indexed:
            continue
        files[name_key(path.stem)].add(str(path))
        found[0][path.name].add(str(path))
        found[0][path.stem].add(str(path))
        for word in {*_IDENTIFIER.findall(document.text)}:
            used[word].add(str(path) if document.kind == "code" else "")
        at = 2 if document.kind == "code" else 1
        for section in document.sections:
            if section.kind == "heading" and section.heading:
                found[at][section.heading[-1]].add(str(path))
    defined = {*found[2]}
    only = {name: frozenset(paths) for name, paths in used.items() if len(paths) == 1 and "" not in paths}
    named = tuple(
        {
            name: frozenset(paths | files[name_key(name)])
            for name, paths in pool.items()
            if len(paths) <= SHARED and sum(map(str.isalnum, name)) >= LETTERS
        }
        for pool in found
    )
    return *named, {name: paths for name, paths in only.items() if name not in defined}


def _misspelt(chance: random.Random, name: str) -> str:
    """The name with a letter of a longer word left out, doubled, exchanged or swapped with the next."""
    words = [found for found in re.finditer(r"[A-Za-z]+", name) if len(found[0]) >= LETTERS]
    if not words:
        return ""
    word = chance.choice(words)
    at = chance.randrange(word.start() + 1, word.end() - 1)
    letter = name[at]
    put = chance.choice(["", letter * 2, chance.choice(string.ascii_lowercase)])
    swapped = name[at + 1] + letter
    return chance.choice([name[:at] + put + name[at + 1 :], name[:at] + swapped + name[at + 2 :]])


def _part(chance: random.Random, name: str) -> str:
    """A name of several words without one at an end, or the first two thirds of its letters, still typed."""
    words = name.split() if " " in name else _WORDS.findall(name)
    if len(words) > 2:
        return " ".join(words[1:] if chance.random() < 0.5 else words[:-1])
    return name[: max(LETTERS, 2 * len(name) // 3)].strip()
