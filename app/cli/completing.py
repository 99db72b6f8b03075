"""What a shell offers after <tab>: folders, kinds, languages and tags, and filters inside a query.

Answers from the index and its daemon as they are, starts nothing, and offers nothing where they fail.
"""

from __future__ import annotations

from collections.abc import Iterable

import click

Found = list[str]


def complete_folder(context: click.Context, parameter: click.Parameter, incomplete: str) -> Found:
    return _beginning(_folders(incomplete), incomplete)


def complete_kind(context: click.Context, parameter: click.Parameter, incomplete: str) -> Found:
    from index import kinds

    words = [*kinds.OFFERED, *(kind.name for kind in kinds.KINDS)]
    return _beginning(words, incomplete)


def complete_language(context: click.Context, parameter: click.Parameter, incomplete: str) -> Found:
    from index import languages

    names = (name for name, _, _, _ in languages.LANGUAGES)
    return _beginning([*languages.OFFERED, *sorted(names)], incomplete)


def complete_query(context: click.Context, parameter: click.Parameter, incomplete: str) -> Found:
    """Filters by name, and the values of one that is named."""
    from app.query import KEYS

    minus = "-" if incomplete.startswith("-") else ""
    key, colon, value = incomplete.removeprefix("-").partition(":")
    if not colon:
        return _beginning((f"{minus}{name}:" for name in KEYS), incomplete) if incomplete else []
    values = {"in": complete_folder, "type": complete_kind, "lang": complete_language, "tag": _complete_tag}
    fixed = {"mode": ("hybrid", "meaning", "words"), "sort": ("score", "date")}
    fixed |= dict.fromkeys(("since", "before"), ("today", "yesterday", "1w", "1m", "1y"))
    found = values[key](context, parameter, value) if key in values else _beginning(fixed.get(key, ()), value)
    return [f"{minus}{key}:{one}" for one in found]


def _complete_tag(context: click.Context, parameter: click.Parameter, incomplete: str) -> Found:
    from app.connect import open_library
    from app.errors import TITLED_ERRORS

    try:
        with open_library(start=False, purpose="completion") as library:
            return _beginning(library.tags(), incomplete)
    except TITLED_ERRORS:
        return []


def _folders(incomplete: str) -> Iterable[str]:
    """Roots by path and by name, and folders on the disk that go on from what is typed."""
    import glob
    import os

    from app.connect import open_library
    from app.errors import TITLED_ERRORS

    typed = os.path.expanduser(incomplete)  # noqa: PTH111
    below = [path for path in glob.glob(glob.escape(typed) + "*") if os.path.isdir(path)]  # noqa: PTH112, PTH207
    yield from (incomplete + path[len(typed) :] for path in below)
    try:
        with open_library(start=False, purpose="completion") as library:
            for folder in library.status().folders:
                yield folder.path
                yield os.path.basename(folder.path)  # noqa: PTH119
    except TITLED_ERRORS:
        return


def _beginning(words: Iterable[str], incomplete: str) -> Found:
    return [word for word in dict.fromkeys(words) if word.startswith(incomplete)]
