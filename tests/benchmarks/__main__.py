"""`python -m tests.benchmarks NAME [--json]`: how fast each part is on this machine.

Run from the top of the source tree. Each benchmark is a module with `run`, `table(result)` and
`as_json(result)`, imported when it is run. Results go to stdout, progress to stderr.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import ModuleType

import click

from app import json_output
from app.cli import terminal
from app.errors import TITLED_ERRORS

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
BESIDE = "Measure other software too: sentence-transformers:FOLDER, openvino:GRAPH.xml, llama.cpp:FILE.gguf."


def _program(context: click.Context, option: click.Parameter, python: str) -> str:
    """A program that can be started, by its path or its name."""
    if shutil.which(python) is None:
        raise click.BadParameter(f"there is no program {python!r}.")
    return python


BESIDE_PYTHON = click.option(
    "--beside-python",
    "python",
    default=sys.executable,
    callback=_program,
    help="The Python that has the other software.",
)


class Benchmarks(click.Group):
    """Shows the errors of ken as ken does."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except TITLED_ERRORS as error:
            terminal.tell_error(error)
            context.exit(1)


@click.group(cls=Benchmarks)
def main() -> None:
    """How fast each part is on this machine."""


@main.command()
@click.option("--beside", multiple=True, metavar="NAME:PATH", help=BESIDE)
@BESIDE_PYTHON
@AS_JSON
def embed(beside: tuple[str, ...], python: str, as_json: bool) -> None:
    """Tokens a second, query latency, cold start, memory and exactness of every engine here."""
    from tests.benchmarks import embed as benchmark

    _show(benchmark, benchmark.run(_progress, beside, python), as_json)


@main.command()
@click.option("--passages", multiple=True, type=int, help="A size, instead of 10,000, 100,000 and 1,000,000.")
@click.option(
    "--like",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An index whose vectors the passages have, with noise; otherwise random ones.",
)
@AS_JSON
def search(passages: tuple[int, ...], like: Path | None, as_json: bool) -> None:
    """The index at 10,000 to 1,000,000 passages, beside other exact searches."""
    from tests.benchmarks import search as benchmark

    _show(benchmark, benchmark.run(_progress, passages or benchmark.SIZES, like), as_json)


@main.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False))
@AS_JSON
def credentials(folders: tuple[str, ...], as_json: bool) -> None:
    """What is taken for a credential in the files of folders that hold none, and at what speed."""
    from tests.benchmarks import credentials as benchmark

    _show(benchmark, benchmark.run(folders, _progress), as_json)


@main.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False))
@AS_JSON
def language(folders: tuple[str, ...], as_json: bool) -> None:
    """How many passages of the files of folders are no language."""
    from tests.benchmarks import language as benchmark

    _show(benchmark, benchmark.run(folders, _progress), as_json)


@main.command("credential-kinds")
@AS_JSON
def credential_kinds(as_json: bool) -> None:
    """How many kinds of credentials and of telling names are taken notice of."""
    from tests.benchmarks import credential_kinds as benchmark

    _show(benchmark, benchmark.run(), as_json)


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.option("--beside", type=click.Choice(["markitdown"]), help="Read the same files with it too.")
@BESIDE_PYTHON
@click.option(
    "--beside-seconds", default=120.0, show_default=True, help="What the other may take for a file."
)
@AS_JSON
def read(folder: str, beside: str | None, python: str, beside_seconds: float, as_json: bool) -> None:
    """Extract and chunk every file of FOLDER, by format."""
    from tests.benchmarks import read as benchmark

    result = benchmark.run(folder, beside=beside, python=python, seconds=beside_seconds, say=_progress)
    _show(benchmark, result, as_json)


@main.command()
@click.option("--files", default=200, show_default=True, help="Documents to be written.")
@click.option("--beside", type=click.Choice(["markitdown"]), help="Read the same files with it too.")
@BESIDE_PYTHON
@AS_JSON
def words(files: int, beside: str | None, python: str, as_json: bool) -> None:
    """Of documents whose words are known, how many words are found, by format and place."""
    from tests.benchmarks import words as benchmark

    _show(benchmark, benchmark.run(python, files, bool(beside), _progress), as_json)


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--mode", type=click.Choice(["hybrid", "words"]), default="hybrid", show_default=True)
@AS_JSON
def assistant(folder: Path, mode: str, as_json: bool) -> None:
    """Bytes and calls that an assistant needs for twenty questions about FOLDER."""
    from tests.benchmarks import assistant as benchmark

    _show(benchmark, benchmark.run(folder.resolve(), _progress, mode), as_json)


@main.command("known-items")
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False))
@AS_JSON
def known_items(folders: tuple[str, ...], as_json: bool) -> None:
    """Whether a file, a heading or a definition is found by its name, and by one that is nearly right."""
    from tests.benchmarks import known_items as benchmark

    _show(benchmark, benchmark.run(folders, _progress), as_json)


@main.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@AS_JSON
def snippets(files: tuple[Path, ...], as_json: bool) -> None:
    """How often the snippet of the first hit holds the answer, by sets in the format of SQuAD."""
    from tests.benchmarks import snippets as benchmark

    _show(benchmark, benchmark.run(files, _progress), as_json)


@main.command()
@click.argument(
    "folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@AS_JSON
def halves(folders: tuple[Path, ...], as_json: bool) -> None:
    """Whether the fusion holds on sets it was not chosen on, in every division of the sets into halves."""
    from tests.benchmarks import halves as benchmark

    _show(benchmark, benchmark.run(folders, _progress), as_json)


@main.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--files", default=2000, show_default=True, help="New files to be indexed.")
@click.option("--passages", default=20_000, show_default=True, help="Passages to give approximate vectors.")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Index this folder instead of made-up notes.",
)
@click.option(
    "--until-embedded", is_flag=True, help="Wait until the model has read all, also without the vectors."
)
@AS_JSON
def first(
    folders: tuple[Path, ...],
    files: int,
    passages: int,
    folder: Path | None,
    until_embedded: bool,
    as_json: bool,
) -> None:
    """How soon and how well a new index answers by meaning, before the model has read it.

    FOLDERS are sets of `ken eval`: nDCG@10 by words, with approximate vectors alone, and with the model's.
    """
    from tests.benchmarks import first as benchmark

    result = benchmark.run(_progress, folders, files, passages, folder, until_embedded=until_embedded)
    _show(benchmark, result, as_json)


@main.command()
@click.argument(
    "folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--svg", type=click.Path(path_type=Path), help="Draw loss and nDCG by steps into this folder.")
@AS_JSON
def adapt(folders: tuple[Path, ...], svg: Path | None, as_json: bool) -> None:
    """What a head fitted to the documents of a set brings its queries, and those of the other sets."""
    from tests.benchmarks import adapt as benchmark

    result = benchmark.run(folders, _progress)
    if svg:
        svg.mkdir(parents=True, exist_ok=True)
        for name, drawing in benchmark.svg(result).items():
            (svg / f"{name}.svg").write_text(drawing, encoding="utf-8")
    _show(benchmark, result, as_json)


@main.command()
@click.option("--files", default=5000, show_default=True, help="Files in the folder.")
@click.option("--rounds", default=200, show_default=True, help="Saves, moves and deletes.")
@AS_JSON
def fresh(files: int, rounds: int, as_json: bool) -> None:
    """From a save, a move or a delete to what a search shows, under a running daemon.

    Also a renamed tree, and a query while indexing runs at full speed.
    """
    from tests.benchmarks import fresh as benchmark

    _show(benchmark, benchmark.run(_progress, files, rounds), as_json)


@main.command()
@click.option("--files", default=50_000, show_default=True, help="Files to be watched.")
@click.option("--seconds", default=120.0, show_default=True, help="How long to measure.")
@AS_JSON
def idle(files: int, seconds: float, as_json: bool) -> None:
    """Memory and processor time of the daemon while nothing happens, with many files watched."""
    from tests.benchmarks import idle as benchmark

    _show(benchmark, benchmark.run(_progress, files, seconds), as_json)


@main.command()
@click.option("--minutes", default=120.0, show_default=True, help="How long.")
@click.option("--svg", type=click.Path(dir_okay=False), help="Draw the measurements into this file.")
@AS_JSON
def soak(minutes: float, svg: str | None, as_json: bool) -> None:
    """Hours of steady change: memory, descriptors, write-ahead log and latency, measured each minute."""
    from tests.benchmarks import soak as benchmark

    result = benchmark.run(minutes, _progress)
    if svg:
        Path(svg).write_text(benchmark.svg(result), encoding="utf-8")
    _show(benchmark, result, as_json)


@main.command()
@AS_JSON
def tui(as_json: bool) -> None:
    """How fast the terminal interface paints and what it costs, the real model in a daemon."""
    from tests.benchmarks import tui as benchmark

    _show(benchmark, benchmark.run(say=_progress), as_json)


@main.command("command")
@click.option("--files", default=100_000, show_default=True, help="Files in the index, a passage each.")
@AS_JSON
def whole_command(files: int, as_json: bool) -> None:
    """From the start of the process to the end of `ken search --json`, the real model in a daemon."""
    from tests.benchmarks import command as benchmark

    _show(benchmark, benchmark.run(_progress, files), as_json)


@main.command()
@click.argument("folder", default="", type=click.Path())
@click.option("--pages", default=1, show_default=True, help="Pages of each script, resolution and state.")
@AS_JSON
def pictures(folder: str, pages: int, as_json: bool) -> None:
    """Words found on drawn pages in eight languages, and on the scanned pages in FOLDER; seconds a page."""
    from tests.benchmarks import pictures as benchmark

    _show(benchmark, benchmark.run(_progress, folder, pages), as_json)


@main.command("ignore-rules")
@AS_JSON
def ignore_rules(as_json: bool) -> None:
    """Compiling the patterns of ignore files, and matching paths with them."""
    from tests.benchmarks import ignore_rules as benchmark

    _show(benchmark, benchmark.run(), as_json)


@main.command()
@click.option("--files", default=4000, show_default=True, help="Files of five passages each.")
@click.option("--rounds", default=3, show_default=True, help="Times each is measured; the median counts.")
@AS_JSON
def overwriting(files: int, rounds: int, as_json: bool) -> None:
    """What overwriting dropped texts costs when files are stored, replaced and removed."""
    from tests.benchmarks import overwriting as benchmark

    _show(benchmark, benchmark.run(files, rounds), as_json)


@main.command()
@click.argument("precision")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", help="A model's name or folder.")
@click.option("--queries", default=300, show_default=True)
@click.option("--documents", default=1000, show_default=True)
def precision(
    precision: str, folders: tuple[Path, ...], model: str | None, queries: int, documents: int
) -> None:
    """nDCG@10 of vectors alone at PRECISION, over evaluation sets."""
    from tests.benchmarks import precision as benchmark

    for line in benchmark.run(precision, folders, model, queries, documents):
        click.echo(line)


def _show(benchmark: ModuleType, result: object, as_json: bool) -> None:
    """Clear the line of progress and print the result."""
    _progress("")
    terminal.result(json_output.dumps(benchmark.as_json(result)) if as_json else benchmark.table(result))


def _progress(text: str) -> None:
    """One line of progress, written over the last where stderr is a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


if __name__ == "__main__":
    main(prog_name="python -m tests.benchmarks")
