"""Answers a query as it is typed into a command, filters and all: in the command, or in the daemon for it.

Owns what a command searches for where nothing more is said. Knows nothing of how an answer is shown.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app import json_output, paths, query
from app.api import USUAL_LIMIT, Answer, Library
from app.errors import UsageInvalid
from app.query import Query
from index.types import Filter, Mode, Sort

MOST_HITS = 10_000


def parsed(typed: str, folder: Path) -> Query:
    """The query taken apart; its filters name folders relative to `folder`.

    Raises `UsageInvalid` for a filter that cannot be understood.
    """
    found = query.parse(typed, base=folder)
    if found.problems:
        raise UsageInvalid(found.first_problem, "`ken search --help` lists the filters.")
    return found


def answer_parsed(
    library: Library,
    asked: Query,
    *,
    narrowed: Filter = query.NO_FILTER,
    limit: int | None = None,
    mode: Mode | None = None,
    sort: Sort | None = None,
    lists_all: bool = True,
    each_copy: bool = False,
    explain: bool = False,
) -> Answer:
    """What answers the query within `narrowed`.

    `lists_all`: where there are only filters, all files that pass are wanted, not only the first.
    """
    return library.search(
        asked.text,
        limit=limit or (MOST_HITS if lists_all and not asked.text else _usual_limit()),
        mode=mode or asked.mode or "hybrid",
        filter=replace(query.merge(asked.filter, narrowed), each_copy=each_copy),
        explain=explain,
        sort=sort or asked.sort or "score",
    )


def answer_as_json(library: Library, typed: str, folder: str, limit: int | None = None) -> str:
    """What answers a query, as `ken search --json` prints it, without a line end."""
    answer = answer_parsed(library, parsed(typed, Path(folder)), limit=limit)
    return json_output.dumps(json_output.answer(answer))


def _usual_limit() -> int:
    """Hits that the settings ask for; they are read only where a file of them is."""
    if not paths.config_path().exists():
        return USUAL_LIMIT
    from app import config

    return config.load().search.limit
