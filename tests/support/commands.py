"""Every command of the command line, found by asking it."""

from __future__ import annotations

import click

from app.cli import main


def commands() -> dict[str, click.Command]:
    """Every command by its full name ("model fetch"), hidden ones left out."""
    found: dict[str, click.Command] = {}

    def walk(group: click.Group, context: click.Context, before: str) -> None:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None, f"ken {before}{name} is listed and cannot be loaded"
            if command.hidden:
                continue
            found[before + name] = command
            if isinstance(command, click.Group):
                walk(command, click.Context(command, parent=context, info_name=name), f"{before}{name} ")

    assert isinstance(main, click.Group)
    walk(main, click.Context(main, info_name="ken"), "")
    return found


def commands_with_json() -> list[str]:
    """The names of the commands that print JSON where `--json` is given."""
    return [name for name, one in commands().items() if any(p.name == "as_json" for p in one.params)]
