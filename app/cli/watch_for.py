"""`ken watch-for`: saved searches, which the daemon answers whenever something new matches."""

from __future__ import annotations

import click

from app.cli import terminal


@click.command("watch-for")
@click.argument("query", nargs=-1)
@click.option(
    "--run",
    "command",
    default="",
    metavar="CMD",
    help="Run CMD with each answer as JSON on its standard input.",
)
@click.option("--list", "listing", is_flag=True, help="List the saved searches.")
@click.option("--remove", type=int, metavar="ID", help="Remove a saved search.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as `assets/docs/json.md` documents it.")
def watch_for(query: tuple[str, ...], command: str, listing: bool, remove: int | None, as_json: bool) -> None:
    """Tell me when a newly saved passage closely matches QUERY.

    Answers appear on the desktop and in `ken daemon logs`. CMD is run directly, never through a shell.
    """
    from app.answers import saved_searches

    if remove is not None:
        terminal.say(f"No longer asked: {saved_searches.remove(remove).query}")
    elif listing or not query:
        _list(as_json)
    else:
        added = saved_searches.add(" ".join(query), command)
        _list_one(added.id, added.query, added.command, as_json)
        _start_daemon()


def _list(as_json: bool) -> None:
    from app.answers import saved_searches

    saved = saved_searches.read()
    if not saved and not as_json:
        terminal.say('No saved searches. Add one: ken watch-for "flights to Lisbon"')
    for search in saved:
        _list_one(search.id, search.query, search.command, as_json)


def _list_one(number: int, query: str, command: tuple[str, ...], as_json: bool) -> None:
    import shlex

    from app import json_output
    from app.sanitize import plain

    if as_json:
        terminal.result(json_output.dumps({"id": number, "query": query, "command": list(command)}))
    else:
        terminal.result(plain(f"{number:>3}  {query}" + (f"  → {shlex.join(command)}" if command else "")))


def _start_daemon() -> None:
    """The daemon notices; without one, nothing does."""
    import os

    from app.daemon import lifecycle

    if os.environ.get("KEN_NO_DAEMON") or lifecycle.connect(start=True) is None:
        terminal.say("No daemon runs: it is asked once `ken daemon start` has been run.")
