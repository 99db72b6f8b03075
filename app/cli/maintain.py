"""`ken doctor`, `export`, `import` and `backup`: the index looked after, taken out, put in and copied."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import terminal
from app.errors import PathInvalid

if TYPE_CHECKING:
    from app.maintenance.doctor import CheckResult

MOST_SHOWN = 20
"""Folders of an export that are listed: what the user reads before answering."""


@click.command()
@click.option("--repair", is_flag=True, help="Mend what disagrees; save what can be read of a damaged index.")
def doctor(repair: bool) -> None:
    """Check the index, the model and the place they lie in.

    Changes nothing without --repair. Exit code 1 where something is wrong and was not mended.
    """
    from app.maintenance import doctor as checks

    with _daemon_stopped() if repair else nullcontext():
        reports = [*checks.examine(repair=repair), *started_at_login()]
    for report in reports:
        mark = terminal.styled("ok  ", fg="green") if report.sound else terminal.styled("bad ", fg="red")
        terminal.result(f"{mark}{report.what}")
        if report.fix:
            terminal.result(f"    {report.fix}")
    if not all(report.sound for report in reports):
        raise SystemExit(1)


def started_at_login() -> list[CheckResult]:
    """Whether the program that the system starts at login is there; no finding where it starts none."""
    from app.daemon import service
    from app.maintenance.doctor import CheckResult

    program = service.program()
    if program is None:
        return []
    if os.access(program, os.X_OK):
        return [CheckResult(f"At login: the system starts the daemon with {program}.", True)]
    what = f"At login: the system would start the daemon with {program}, which is not there any more."
    return [CheckResult(what, False, "Run `ken daemon install` again.")]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def export(folder: Path) -> None:
    """Write the index into FOLDER, as JSON lines and safetensors."""
    from app.maintenance import doctor as checks

    target = folder.expanduser().absolute()
    if target.exists() and not target.is_dir():
        raise PathInvalid(f"{target} is a file.", "Name a folder that is new or empty.")
    written = checks.export(target, _tell)
    terminal.say(f"Wrote {written:,} passages to {folder}.")


@click.command("import")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--keep-folders/--no-keep-folders", default=None, help="Index its folders from now on, or not.")
@click.option("--yes", is_flag=True, help="Do not ask: the same as --keep-folders.")
def import_(folder: Path, keep_folders: bool | None, yes: bool) -> None:
    """Take an exported FOLDER into the index.

    What has a vector is not embedded again. All of it or nothing. Asks before the folders that it names
    are indexed on this machine; without a terminal they are not. What was taken in can be searched
    either way.
    """
    from app.maintenance import imports

    source = folder.expanduser().absolute()
    named, refused = imports.named_folders(source)
    keep = named if _keeps(named, True if yes else keep_folders) else []
    with _daemon_stopped():
        files = imports.import_(source, keep, _tell)
    terminal.say(f"Took in {files:,} files from {folder}.")
    _tell_refused(refused)
    if named and not keep:
        terminal.say("Its folders are not indexed from now on: `ken index FOLDER` adds one.")


def _keeps(named: list[str], chosen: bool | None) -> bool:
    """Whether the folders of an export are kept: as chosen, else as the user answers."""
    from app.sanitize import plain_path

    if chosen is not None or not named:
        return bool(chosen)
    for path in named[:MOST_SHOWN]:
        terminal.say(f"  {plain_path(path)}")
    if len(named) > MOST_SHOWN:
        terminal.say(f"  and {len(named) - MOST_SHOWN:,} more")
    try:
        return click.confirm("Index these folders on this machine from now on?", err=True)
    except click.Abort:
        if terminal.is_terminal(sys.stdin):
            raise
        return False


def _tell_refused(refused: dict[str, str]) -> None:
    from app.sanitize import plain_line, plain_path

    for path, reason in list(refused.items())[:MOST_SHOWN]:
        terminal.say(f"Not indexed from now on: {plain_path(path)} ({plain_line(reason)})")
    if len(refused) > MOST_SHOWN:
        terminal.say(f"Nor are {len(refused) - MOST_SHOWN:,} more folders.")


@contextmanager
def _daemon_stopped() -> Iterator[None]:
    """The daemon lets go of the index while the block runs."""
    from app.daemon import lifecycle

    stopped = lifecycle.stop_daemon()
    try:
        yield
    finally:
        if stopped:
            lifecycle.start_daemon()


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Copy the index to FILE, safely also while it is being written."""
    from app.maintenance import doctor as checks

    target = file.expanduser().absolute()
    if target.exists():
        raise PathInvalid(f"{target} exists already.", "Name a file that does not: nothing is overwritten.")
    copied = checks.backup(target)
    terminal.say(f"Copied {copied / 1e6:,.1f} MB to {file}.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(file: Path, yes: bool) -> None:
    """Put a copy that `ken backup` made in the place of the index.

    The daemon is stopped for it and started again. What was indexed since the backup is indexed anew.
    """
    from app import paths
    from app.maintenance import doctor as checks

    if paths.index_path().exists() and not yes:
        click.confirm("Replace the index by this copy?", abort=True, err=True)
    with _daemon_stopped():
        checks.restore(file.expanduser().absolute())
    terminal.say(f"Restored the index from {file}. `ken index` brings it up to date.")


def _tell(done: int, total: int) -> None:
    if done and done % 10_000 == 0:
        terminal.say(f"{done:,} of {total:,}")
