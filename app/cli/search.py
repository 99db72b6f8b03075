"""`ken search` and `ken similar`: a question, or a place, to hits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from app.api import Answer
from app.cli import terminal
from app.cli.query_words import QueryCommand
from app.connect import open_library
from index.types import Filter, Mode

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_FILTERS: tuple[Decorator, ...] = (
    click.option(
        "--in", "folders", multiple=True, metavar="FOLDER", help="Only in this folder, by path or name."
    ),
    click.option(
        "--type", "kinds", multiple=True, metavar="KIND", help="Only files of a kind: md, pdf, code, …"
    ),
    click.option(
        "--lang", "languages", multiple=True, metavar="LANGUAGE", help="Only code in this language."
    ),
    click.option("--since", metavar="WHEN", help="Only changed since: 2w, 3d, yesterday, 2024-05."),
    click.option("--before", metavar="WHEN", help="Only changed before: 2024, 2024-05-31, 1y."),
    click.option("--min-size", metavar="SIZE", help="Only files from this size on: 20k, 1.5mb."),
    click.option("--max-size", metavar="SIZE", help="Only files up to this size."),
    click.option("--heading", metavar="WORDS", help="Only under a heading with these words."),
    click.option(
        "--glob", "globs", multiple=True, metavar="PATTERN", help="Only paths that match: *.md, drafts/**."
    ),
)


def _with(options: Sequence[Decorator]) -> Decorator:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@click.command(cls=QueryCommand)
@click.argument("words", nargs=-1, metavar="[QUERY]")
@click.option("-n", "--limit", type=click.IntRange(1, 1000), help="How many files to show.")
@click.option(
    "--mode", type=click.Choice(["hybrid", "meaning", "words"]), help="What to go by.  [default: hybrid]"
)
@_with(_FILTERS)
@click.option("--explain", is_flag=True, help="Show what each hit's score is made of.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as `assets/docs/json.md` documents it.")
@click.option("--no-daemon", is_flag=True, help="Work in this process, also where the daemon runs.")
def search(
    words: tuple[str, ...],
    limit: int | None,
    mode: Mode | None,
    explain: bool,
    as_json: bool,
    no_daemon: bool,
    **narrow: Any,
) -> None:
    """Find what answers QUERY, by meaning and by words.

    Filters can be part of the query: in:notes type:pdf since:2w "exact words". Filters alone list files,
    newest first.
    """
    from app import config, query
    from app.errors import UsageInvalid

    asked = query.parse(" ".join(words), base=Path.cwd())
    if asked.problems:
        raise UsageInvalid(asked.problems[0] + ".", "`ken search --help` lists the filters.")
    narrowed = query.merge(asked.filter, _filter(**narrow))
    if not words and narrowed == Filter():
        raise click.UsageError("QUERY is missing: say what to look for, or what to list: type:pdf since:2w.")
    with open_library(daemon=not no_daemon, purpose="ken search") as library:
        answer = library.search(
            asked.text,
            limit=limit or config.load().search.limit,
            mode=mode or asked.mode or "hybrid",
            filter=narrowed,
            explain=explain,
            sort=asked.sort or "score",
        )
    _show(answer, as_json=as_json, explain=explain)


@click.command()
@click.argument("place", metavar="FILE[:LINE]")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="How many files to show.",
)
@_with(_FILTERS)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as `ken search` does.")
@click.option("--no-daemon", is_flag=True, help="Work in this process, also where the daemon runs.")
def similar(place: str, limit: int, as_json: bool, no_daemon: bool, **narrow: Any) -> None:
    """Find what else is like FILE, or like what stands at its LINE."""
    from app.folders.typed_paths import absolute_path

    path, _, line = place.rpartition(":")
    if not path or not line.isdigit() or Path(place).exists():
        path, line = place, ""
    with open_library(daemon=not no_daemon, purpose="ken similar") as library:
        answer = library.similar(
            absolute_path(path), int(line) if line else None, limit=limit, filter=_filter(**narrow)
        )
    _show(answer, as_json=as_json, explain=False)


def _filter(
    folders: tuple[str, ...],
    kinds: tuple[str, ...],
    languages: tuple[str, ...],
    since: str | None,
    before: str | None,
    min_size: str | None,
    max_size: str | None,
    heading: str | None,
    globs: tuple[str, ...],
) -> Filter:
    from app import query

    now = datetime.now()
    parts = [
        query.folders(folders, Path.cwd()),
        _narrowed("--type", kinds, query.kinds),
        _narrowed("--lang", languages, query.languages),
    ]
    parts.append(
        Filter(
            globs=globs,
            heading=heading or "",
            since_ns=_read("--since", since, lambda value: query.moment(value, now)),
            before_ns=_read("--before", before, lambda value: query.moment(value, now)),
            min_size=_read("--min-size", min_size, query.size),
            max_size=_read("--max-size", max_size, query.size),
        )
    )
    whole = parts[0]
    for part in parts[1:]:
        whole = query.merge(whole, part)
    return whole


def _narrowed(option: str, values: tuple[str, ...], reader: Callable[[Iterable[str]], Filter]) -> Filter:
    """The filter of an option that may be repeated; a value that names nothing is told with its nearest."""
    from app import query

    parts = Filter()
    for value in values:
        try:
            parts = query.merge(parts, reader([value]))
        except ValueError as error:
            raise click.BadParameter(f"{value} {error}", param_hint=option) from error
    return parts


def _read(option: str, value: str | None, reader: Callable[[str], int]) -> int | None:
    if value is None:
        return None
    try:
        return reader(value)
    except ValueError as error:
        raise click.BadParameter(f"{value} {error}", param_hint=option) from error


def _show(answer: Answer, *, as_json: bool, explain: bool) -> None:
    if as_json:
        from app import json_output

        terminal.result(json_output.dumps(json_output.answer(answer)))
        return
    from app.cli import hits

    if answer.notice:
        terminal.say(answer.notice)
    if not answer.hits:
        terminal.say("Nothing found.")
        return
    if answer.abstains:
        terminal.say("Nothing close to that. The nearest:\n")
    terminal.result(hits.render(answer, explain=explain))
    terminal.say(("\n" if terminal.is_person() else "") + hits.summary(answer))
