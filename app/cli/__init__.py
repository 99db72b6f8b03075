"""The command `ken`: one lazily imported module a group of commands, and how errors are shown.

stdout carries results only. Exit codes: 0 done, 1 a titled error, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from app import __version__
from app.cli import terminal
from app.errors import TITLED_ERRORS, refused_by_system

INTERRUPTED = 130
_COMPLETING = "_KEN_COMPLETE"
"""Set by the script of `ken completion` while a shell asks what to offer."""

COMMANDS = {
    "search": "app.cli.search:search",
    "similar": "app.cli.search:similar",
    "pick": "app.cli.pick:pick",
    "index": "app.cli.folders:index",
    "forget": "app.cli.folders:forget",
    "status": "app.cli.status:status",
    "why": "app.cli.status:why",
    "embed": "app.cli.embed:embed",
    "demo": "app.cli.demo:demo",
    "daemon": "app.cli.daemon:daemon",
    "watch-for": "app.cli.watch_for:watch_for",
    "mcp": "app.cli.mcp:mcp",
    "eval": "app.cli.evaluate:evaluate",
    "doctor": "app.cli.maintain:doctor",
    "export": "app.cli.maintain:export",
    "import": "app.cli.maintain:import_",
    "backup": "app.cli.maintain:backup",
    "restore": "app.cli.maintain:restore",
    "model": "app.cli.model:model",
    "config": "app.cli.configure:config",
    "completion": "app.cli.completion:completion",
    "man": "app.cli.manual:man",
}
"""Each command's name, and where its click command is found when it is called."""


class Ken(click.Group):
    """Imports a command's module when that command is called, and shows errors in words."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named; an error that names the nearest where there is none."""
        try:
            return super().resolve_command(context, args)
        except click.UsageError as error:
            from index.kinds import did_you_mean

            near = did_you_mean(args[0], COMMANDS)
            other = f"To search for it: ken search {args[0]!r}."
            message = f"No such command {args[0]!r}{near}" if near else f"{error.message} {other}"
            raise click.UsageError(message, context) from error

    def main(self, args: Sequence[str] | None = None, *_: Any, **__: Any) -> NoReturn:
        """Run a command and exit."""
        sys.exit(self._run(args))

    def _run(self, arguments: Sequence[str] | None) -> int:
        try:
            if _COMPLETING in os.environ:
                importlib.import_module("app.cli.completion")
            result = super().main(arguments, prog_name="ken", standalone_mode=False)
            if sys.stdout is not None:
                sys.stdout.flush()
        except BaseException as error:  # noqa: BLE001
            return ended_by(error)
        return result if isinstance(result, int) else 0


def ended_by(error: BaseException) -> int:
    """Show what ended a command, and return its exit code."""
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        terminal.say("Stopped.")
        return INTERRUPTED
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        # Whoever read the results has enough; nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if isinstance(error, TITLED_ERRORS):
        terminal.tell_error(error)
    elif not isinstance(error, Exception):
        raise error
    elif (refused := refused_by_system(error)) is not None:
        terminal.tell_error(refused)
    else:
        terminal.tell_unexpected(error)  # without a traceback, which is in the log
    return 1


@click.group(
    cls=Ken,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": terminal.WIDEST},
)
@click.version_option(__version__, "-V", "--version", prog_name="ken")
@click.pass_context
def main(context: click.Context) -> int | None:
    """Find what you have by what it means: notes, documents and code, on your own machine.

    Without a command, ken opens its screen: type, and answers appear.
    """
    if context.invoked_subcommand is not None:
        return None
    if not (terminal.is_terminal(sys.stdin, sys.stdout) and terminal.can_draw()):
        click.echo(context.get_help())
        return None
    from app.tui import run

    return run()
