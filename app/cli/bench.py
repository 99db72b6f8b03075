"""`ken bench`: how fast each part is on this machine; one lazily imported module a benchmark."""

from __future__ import annotations

import importlib
import sys

import click

from app import output
from app.cli import terminal

BENCHES = {
    "fresh": "app.bench.fresh",
    "search": "app.bench.search",
}
"""Each benchmark's name and its module, which offers `run(say=...)`, `table(result)` and `as_json(result)`."""


class Benches(click.Group):
    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*BENCHES, *self.commands})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        return _command(name, BENCHES[name]) if name in BENCHES else super().get_command(context, name)


@click.group(cls=Benches)
def bench() -> None:
    """How fast each part is on this machine."""


def _command(name: str, module: str) -> click.Command:
    found = importlib.import_module(module)

    def call(as_json: bool) -> None:
        result = found.run(say=_say)
        _say("")
        terminal.result(output.dumps(found.as_json(result)) if as_json else found.table(result))

    option = click.Option(["--json", "as_json"], is_flag=True, help="Print JSON.")
    return click.Command(name, callback=call, params=[option], help=found.__doc__)


def _say(text: str) -> None:
    """One line of progress, written over the last where a person looks on."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()
