"""`ken pick`: choose results on the terminal, and print their paths for another program."""

from __future__ import annotations

import click

from app.cli import lines, terminal
from app.cli.completing import complete_query
from app.cli.query_words import QueryCommand


@click.command(cls=QueryCommand)
@click.argument("words", nargs=-1, metavar="[QUERY]", shell_complete=complete_query)
@click.option("-0", "--null", is_flag=True, help="End each path by NUL, for `xargs -0`.")
@click.option("--line", "with_line", is_flag=True, help="Print path:line, for editors that take it.")
@click.option("--relative", is_flag=True, help="Print paths relative to the current folder.")
def pick(words: tuple[str, ...], null: bool, with_line: bool, relative: bool) -> int:
    """Print the files chosen on the screen: vim "$(ken pick)".

    The screen begins with QUERY. Tab marks several, enter chooses. Exit code 1 where nothing is chosen, 130
    after ^c.
    """
    from app.errors import UsageInvalid
    from app.tui import pick as choose
    from app.tui.terminal_input import terminal_path

    if terminal_path() is None or not terminal.can_draw():
        raise UsageInvalid(
            "`ken pick` needs a terminal to choose on.", "`ken search -l QUERY` prints paths without one."
        )
    status, chosen = choose(" ".join(words))
    lines.print_places(chosen, lines.Form(null=null, relative=relative), with_line=with_line)
    return status
