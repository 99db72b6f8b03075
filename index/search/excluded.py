"""Excluded words: the files that hold them in their passages or names."""

from __future__ import annotations

import os
from dataclasses import replace

import apsw

from index.search.filter_sql import ResolvedFilter, united
from index.store.database import fetch_all
from index.store.fts_query import UNSPACED, fts_string, ngrams, tokenize
from index.store.row_codec import path_words
from index.types import Filter


def resolved(db: apsw.Connection, filter_: Filter) -> Filter:
    """The filter with the ids of the files that hold its excluded words, in this snapshot of the index, and
    with its other exclusions as few as they can be."""
    filter_ = replace(filter_, excluding=united(filter_.excluding))
    if not filter_.without:
        return filter_
    files: set[int] = set()
    for words in filter_.without:
        match = _match(db, words)
        if match:
            files |= _holding(db, match) | _files_named(db, match, words)
    values = {name: getattr(filter_, name) for name in Filter.__slots__}
    return ResolvedFilter(**values, excluded=tuple(sorted(files)))


def note(filter_: Filter) -> tuple[str, ...]:
    """A notice on the files that a resolved filter excludes by their words, if there are any."""
    if not isinstance(filter_, ResolvedFilter) or not filter_.excluded:
        return ()
    words = " or ".join(f"“{words}”" for words in filter_.without)
    return (f"Files with {words} are left out: {len(filter_.excluded):,}.",)


def _match(db: apsw.Connection, words: str) -> str:
    """A word or phrase as a string of FTS5; empty where it has no letters."""
    fed = UNSPACED.sub(lambda run: f" {' '.join(ngrams(run[0], whole=True))} ", words)
    written = " ".join(token.written for token in tokenize(db, fed))
    return fts_string(written) if written else ""


def _holding(db: apsw.Connection, match: str) -> set[int]:
    sql = (
        "SELECT DISTINCT passages.file FROM words JOIN passages ON passages.text = words.rowid "
        "WHERE words MATCH ?"
    )
    return {file for (file,) in fetch_all(db, sql, (match,))}


def _files_named(db: apsw.Connection, match: str, words: str) -> set[int]:
    """Files with the words in their own names; names of folders do not count."""
    wanted = {token.term for token in tokenize(db, words)}
    sql = "SELECT files.id, files.path FROM names JOIN files ON files.id = names.rowid WHERE names MATCH ?"
    found: set[int] = set()
    for file, path in fetch_all(db, sql, (match,)):
        name = os.path.basename(os.fsdecode(path))  # noqa: PTH119
        if wanted <= {token.term for token in tokenize(db, path_words(name))}:
            found.add(file)
    return found
