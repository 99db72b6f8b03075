"""`ken doctor`, `export`, `import` and `backup`: the index looked after, taken out, put in and copied."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli import terminal


@click.command()
@click.option("--repair", is_flag=True, help="Mend what disagrees; save what can be read of a damaged index.")
def doctor(repair: bool) -> None:
    """Check the index, the model and the place they lie in.

    Exit code 1 where something is wrong and was not mended.
    """
    from app import doctor as checks

    reports = checks.examine(repair=repair)
    for report in reports:
        mark = terminal.styled("ok  ", fg="green") if report.sound else terminal.styled("bad ", fg="red")
        terminal.result(f"{mark}{report.what}")
        if report.fix:
            terminal.result(f"    {report.fix}")
    if not all(report.sound for report in reports):
        raise SystemExit(1)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def export(folder: Path) -> None:
    """Write the index into FOLDER: passages as JSON lines, vectors as safetensors."""
    from app import doctor as checks

    written = checks.export(folder.expanduser().absolute(), _tell)
    terminal.say(f"Wrote {written:,} passages to {folder}.")


@click.command("import")
@click.argument("folder", type=click.Path(path_type=Path))
def import_(folder: Path) -> None:
    """Take an exported FOLDER into the index; what has a vector is not embedded again."""
    from app import doctor as checks

    files = checks.import_(folder.expanduser().absolute(), _tell)
    terminal.say(f"Took in {files:,} files from {folder}.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Copy the index to FILE, safely also while it is being written."""
    from app import doctor as checks

    copied = checks.backup(file.expanduser().absolute())
    terminal.say(f"Copied {copied / 1e6:,.1f} MB to {file}.")


def _tell(done: int, total: int) -> None:
    if done and done % 10_000 == 0:
        terminal.say(f"{done:,} of {total:,}")
