"""`ken config`: the settings, as they are and as they may be; one is set with a name and a value."""

from __future__ import annotations

import click

from app.cli import terminal


@click.command()
@click.argument("name", required=False, metavar="[SECTION.KEY]")
@click.argument("value", required=False)
@click.option("--unset", is_flag=True, help="Take the setting out of the file: the default holds again.")
@click.option("--path", "show_path", is_flag=True, help="Print where the file is.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as `assets/docs/json.md` documents it.")
def config(name: str | None, value: str | None, unset: bool, show_path: bool, as_json: bool) -> None:
    """Show the settings, or set one: ken config search.limit 20.

    A running daemon takes changes under [model], [reading] and [daemon] after `ken daemon restart`.
    """
    from app import paths, settings

    if show_path:
        terminal.result(str(paths.config_path()))
    elif name is not None and (value is not None or unset):
        settings.change(name, None if unset else value)
        terminal.say(f"{name} is {settings.show(name)} now.")
    else:
        _show(settings.listed(name), as_json)


def _show(listed: list[tuple[str, object, object, str]], as_json: bool) -> None:
    if as_json:
        from app import json_output

        rows = [
            {"name": name, "value": value, "default": default, "help": help_}
            for name, value, default, help_ in listed
        ]
        terminal.result(json_output.dumps(rows))
        return
    from app import settings
    from app.sanitize import plain

    for name, value, default, help_ in listed:
        mark = terminal.styled("  (set)", fg="cyan") if value != default else ""
        shown = terminal.styled(name, bold=True)
        terminal.result(f"{shown} = {plain(settings.written(value))}{mark}\n    {plain(help_)}")
