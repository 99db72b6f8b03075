"""`ken search` and `ken similar`: a query, or a place, to hits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from app.answers.typed_query import MOST_HITS, answer_parsed, parsed
from app.api import Answer, Library
from app.cli import terminal
from app.cli.completing import complete_folder, complete_kind, complete_language, complete_query
from app.cli.lines import Form
from app.cli.query_words import QueryCommand
from app.connect import open_library
from index.types import Filter, Mode, Sort

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_COUNT = click.IntRange(0, 1000)

_FILTERS: tuple[Decorator, ...] = (
    click.option(
        "--in",
        "folders",
        multiple=True,
        metavar="FOLDER",
        shell_complete=complete_folder,
        help="Only in this folder, by path or name.",
    ),
    click.option(
        "--type",
        "kinds",
        multiple=True,
        metavar="KIND",
        shell_complete=complete_kind,
        help="Only files of a kind: md, pdf, code, …",
    ),
    click.option(
        "--lang",
        "languages",
        multiple=True,
        metavar="LANGUAGE",
        shell_complete=complete_language,
        help="Only code in this language.",
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


_FORMS: tuple[Decorator, ...] = (
    click.option("-l", "--files-with-matches", "files_only", is_flag=True, help="Print paths only."),
    click.option("-0", "--null", is_flag=True, help="Print paths only, each ended by NUL, for `xargs -0`."),
    click.option("-A", "--after-context", "lines_after", type=_COUNT, help="Show lines after each hit."),
    click.option("-B", "--before-context", "lines_before", type=_COUNT, help="Show lines before each hit."),
    click.option(
        "-C", "--context", "lines_around", type=_COUNT, help="Show lines on both sides of each hit."
    ),
    click.option("--relative", is_flag=True, help="Print paths relative to the current folder."),
    click.option(
        "--json", "as_json", is_flag=True, help="Print JSON, as `assets/docs/json.md` documents it."
    ),
    click.option("--jsonl", is_flag=True, help="Print a JSON object a line for each hit."),
    click.option("--no-daemon", is_flag=True, help="Work in this process, also where the daemon runs."),
)


_EACH_COPY = click.option(
    "--all", "each_copy", is_flag=True, help="Show each of several files with nearly the same text."
)


@click.command(cls=QueryCommand)
@click.argument("words", nargs=-1, metavar="[QUERY]", shell_complete=complete_query)
@click.option("-n", "--limit", type=click.IntRange(1, MOST_HITS), help="How many files to show.")
@click.option(
    "--mode", type=click.Choice(["hybrid", "meaning", "words"]), help="What to go by.  [default: hybrid]"
)
@click.option(
    "--sort", type=click.Choice(["score", "date"]), help="What comes first.  [default: score, the best]"
)
@_with(_FILTERS)
@_EACH_COPY
@click.option("--explain", is_flag=True, help="Show what each hit's score is made of.")
@_with(_FORMS)
def search(
    words: tuple[str, ...],
    limit: int | None,
    mode: Mode | None,
    sort: Sort | None,
    each_copy: bool,
    no_daemon: bool,
    **options: Any,
) -> int:
    """Find what answers QUERY, by meaning and by words.

    Filters can be part of the query: in:notes type:pdf since:2w "exact words" -draft /regex/. Filters alone
    list files, newest first. A pipe gets path:line:text, a hit a line. Exit code 1 where nothing is found.
    """
    form = _form(options)
    asked, narrowed = parsed(" ".join(words), Path.cwd()), _filter(**options)
    if not words and narrowed == Filter():
        raise click.UsageError("QUERY is missing: say what to look for, or what to list: type:pdf since:2w.")
    with open_library(daemon=not no_daemon, purpose="ken search") as library:
        answer = answer_parsed(
            library,
            asked,
            narrowed=narrowed,
            limit=limit,
            mode=mode,
            sort=sort,
            lists_all=form.for_programs or not terminal.is_terminal(),
            each_copy=form.files_only or form.null or each_copy,
            explain=form.explain,
        )
        return _show(library, answer, form)


@click.command()
@click.argument("place", metavar="FILE[:LINE]")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, MOST_HITS),
    default=10,
    show_default=True,
    help="How many files to show.",
)
@_with(_FILTERS)
@_EACH_COPY
@_with(_FORMS)
def similar(place: str, limit: int, each_copy: bool, no_daemon: bool, **options: Any) -> int:
    """Find what else is like FILE, or like the passage at its LINE."""
    from app.folders.typed_paths import absolute_path

    form = _form(options)
    path, _, line = place.rpartition(":")
    if not path or not line.isdigit() or Path(place).exists():
        path, line = place, ""
    narrowed = replace(_filter(**options), each_copy=form.files_only or form.null or each_copy)
    with open_library(daemon=not no_daemon, purpose="ken similar") as library:
        answer = library.similar(
            absolute_path(path), int(line) if line else None, limit=limit, filter=narrowed
        )
        return _show(library, answer, form)


def _form(options: dict[str, Any]) -> Form:
    """Takes the options that say how hits are printed out of the others."""
    around = options.pop("lines_around") or 0
    before, after = options.pop("lines_before"), options.pop("lines_after")
    return Form(
        before=around if before is None else before,
        after=around if after is None else after,
        explain=options.pop("explain", False),
        **{name: options.pop(name) for name in ("as_json", "jsonl", "files_only", "null", "relative")},
    )


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
        _option_filter("--type", kinds, query.kinds),
        _option_filter("--lang", languages, query.languages),
    ]
    parts.append(
        Filter(
            globs=globs,
            heading=heading or "",
            since_ns=_read("--since", since, lambda value: query.parse_time(value, now)),
            before_ns=_read("--before", before, lambda value: query.parse_time(value, now)),
            min_size=_read("--min-size", min_size, query.parse_size),
            max_size=_read("--max-size", max_size, query.parse_size),
        )
    )
    whole = parts[0]
    for part in parts[1:]:
        whole = query.merge(whole, part)
    return whole


def _option_filter(option: str, values: tuple[str, ...], reader: Callable[[Iterable[str]], Filter]) -> Filter:
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


def _show(library: Library, answer: Answer, form: Form) -> int:
    """Print an answer; the exit code, as grep has it: 1 where nothing is found."""
    if form.as_json:
        from app import json_output

        terminal.result(json_output.dumps(json_output.answer(answer)))
        return 0
    if answer.notice:
        terminal.say(answer.notice)
    if not answer.hits:
        terminal.say("Nothing found.")
        return 1
    if answer.abstains:
        terminal.say("Nothing close to that. The nearest:" + "\n" * terminal.is_terminal())
    _print(library, answer, form)
    return 0


def _print(library: Library, answer: Answer, form: Form) -> None:
    from app.cli import lines

    if form.jsonl:
        lines.print_json_lines(answer)
    elif form.files_only or form.null:
        lines.print_files(answer, form)
    elif terminal.is_terminal() or form.explain:
        from app.cli import hits

        terminal.result(hits.render(library, answer, form))
        terminal.say(("\n" if terminal.is_terminal() else "") + hits.summary(answer))
    else:
        lines.print_lines(library, answer, form)
