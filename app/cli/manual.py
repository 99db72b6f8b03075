"""`ken man`: the manual page, made from the same texts as `--help`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from app import __version__
from app.cli import terminal

_ABOUT = """\
.TH KEN 1 "" "ken {version}" "User Commands"
.SH NAME
ken \\- find what you have by what it means
.SH SYNOPSIS
.B ken
[\\fICOMMAND\\fR] [\\fIOPTIONS\\fR]
.SH DESCRIPTION
Searches notes, documents and code on this machine, by meaning and by words. Without a command, ken opens its
terminal interface.
.SH COMMANDS
"""
_REST = """\
.SH QUERY
{query}
.SH EXIT STATUS
0 done; 1 an error, or nothing found; 2 wrong usage; 130 interrupted.
.SH ENVIRONMENT
.TP
KEN_HOME
The folder that holds the index, the settings and the log.
.TP
KEN_MODELS
The folder that holds models.
.TP
KEN_OFFLINE
Set to 1: no network.
.TP
NO_COLOR
Set: no colours and no links.
"""


@click.command()
def man() -> None:
    """Print the manual page: `ken man | man -l -` shows it."""
    terminal.result(page().rstrip("\n"))


def page() -> str:
    """The manual page in roff (man 7 man)."""
    from app.cli import main

    assert isinstance(main, click.Group)
    commands = "".join(_commands(main, click.Context(main, info_name="ken"), ""))
    return _ABOUT.format(version=__version__) + commands + _REST.format(query="".join(_query()))


def _commands(group: click.Group, context: click.Context, before: str) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, parent=context, info_name=name)
        yield f".SS ken {before}{name} {_escape_roff(' '.join(command.collect_usage_pieces(inner)))}\n"
        yield _paragraphs(command.help or "")
        for parameter in command.params:
            record = parameter.get_help_record(inner)
            if record is not None and record[1]:
                yield f".TP\n{_escape_roff(record[0])}\n{_escape_roff(record[1])}\n"
        if isinstance(command, click.Group):
            yield from _commands(command, inner, f"{before}{name} ")


def _query() -> Iterator[str]:
    from app.query import KEYS, SYNTAX

    for written, does in [*SYNTAX.items(), *((f"{key}:", does) for key, does in KEYS.items())]:
        yield f".TP\n{_escape_roff(written)}\n{_escape_roff(does)}\n"


def _paragraphs(text: str) -> str:
    return ".PP\n".join(_escape_roff(" ".join(part.split())) + "\n" for part in text.split("\n\n") if part)


def _escape_roff(text: str) -> str:
    """Text in which roff finds no request and no escape."""
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + plain if plain.startswith((".", "'")) else plain
