"""`ken bench`: how fast each part is on this machine; one lazily imported module a benchmark."""

from __future__ import annotations

import importlib
import shutil
import sys
from typing import Any

import click

from app import json_output
from app.cli import terminal

BENCHES = {
    "search": "app.bench.search",
    "tui": "app.bench.tui",
}
"""Each benchmark's name, and its module with `run(say=...)`, `table(result)` and `as_json(result)`."""


BESIDE = "Measure other software too: sentence-transformers:FOLDER, openvino:GRAPH.xml, llama.cpp:FILE.gguf."


class Benches(click.Group):
    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*BENCHES, *self.commands})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        return _command(name, BENCHES[name]) if name in BENCHES else super().get_command(context, name)


def _found(context: click.Context, option: click.Parameter, python: str) -> str:
    """A program that can be started, by its path or its name."""
    if shutil.which(python) is None:
        raise click.BadParameter(f"there is no program {python!r}.")
    return python


@click.group(cls=Benches)
def bench() -> None:
    """How fast each part is on this machine."""


@bench.command("embed")
@click.option("--beside", multiple=True, metavar="NAME:PATH", help=BESIDE)
@click.option(
    "--beside-python",
    "python",
    default=sys.executable,
    callback=_found,
    help="The Python that has the others.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench_embed(beside: tuple[str, ...], python: str, as_json: bool) -> None:
    """Tokens a second, query latency, cold start, memory and exactness of every engine here."""
    from app.bench import embed

    result = embed.run(_say, beside, python)
    _show(embed, result, as_json)


@bench.command("read")
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.option("--beside", type=click.Choice(["markitdown"]), help="Read the same files with it too.")
@click.option(
    "--beside-python",
    "python",
    default=sys.executable,
    callback=_found,
    help="The Python that has the other.",
)
@click.option(
    "--beside-seconds", default=120.0, show_default=True, help="What the other may take for a file."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench_read(folder: str, beside: str | None, python: str, beside_seconds: float, as_json: bool) -> None:
    """Reading and cutting every file of FOLDER, by format."""
    from app.bench import read

    result = read.run(folder, beside=beside, python=python, seconds=beside_seconds, say=_say)
    _show(read, result, as_json)


@bench.command("fresh")
@click.option("--files", default=5000, show_default=True, help="Files in the folder.")
@click.option("--rounds", default=200, show_default=True, help="Saves, moves and deletes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench_fresh(files: int, rounds: int, as_json: bool) -> None:
    """From a save, a move or a delete to what a search shows, under a running daemon.

    Also what a renamed tree takes, and a question while indexing goes at full speed.
    """
    from app.bench import fresh

    result = fresh.run(_say, files, rounds)
    _show(fresh, result, as_json)


@bench.command("idle")
@click.option("--files", default=50_000, show_default=True, help="Files to be watched.")
@click.option("--seconds", default=120.0, show_default=True, help="How long to look on.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench_idle(files: int, seconds: float, as_json: bool) -> None:
    """What the daemon takes while nothing happens: memory and processor, with many files watched."""
    from app.bench import idle

    result = idle.run(_say, files, seconds)
    _show(idle, result, as_json)


@bench.command("soak")
@click.option("--minutes", default=120.0, show_default=True, help="How long.")
@click.option("--svg", type=click.Path(dir_okay=False), help="Draw what was measured into this file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench_soak(minutes: float, svg: str | None, as_json: bool) -> None:
    """Hours of steady change: memory, descriptors, write-ahead log and latency, looked at each minute."""
    from pathlib import Path

    from app.bench import soak

    result = soak.run(minutes, _say)
    if svg:
        Path(svg).write_text(soak.svg(result), encoding="utf-8")
    _show(soak, result, as_json)


def _command(name: str, module: str) -> click.Command:
    found = importlib.import_module(module)

    def call(as_json: bool) -> None:
        _show(found, found.run(say=_say), as_json)

    option = click.Option(["--json", "as_json"], is_flag=True, help="Print JSON.")
    return click.Command(name, callback=call, params=[option], help=found.__doc__)


def _show(bench: Any, result: object, as_json: bool) -> None:
    """Clear the line of progress and print what a benchmark's module makes of its result."""
    _say("")
    terminal.result(json_output.dumps(bench.as_json(result)) if as_json else bench.table(result))


def _say(text: str) -> None:
    """One line of progress, written over the last where a person looks on."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()
