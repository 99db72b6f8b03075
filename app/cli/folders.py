"""`ken index` and `ken forget`: what ken keeps."""

from __future__ import annotations

import sys

import click

from app import amounts
from app.api import SyncReport
from app.cli import terminal
from app.connect import open_library


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print what was done as JSON, as `assets/docs/json.md` documents it.",
)
@click.option("--no-daemon", is_flag=True, help="Work in this process, also where the daemon runs.")
def index(paths: tuple[str, ...], as_json: bool, no_daemon: bool) -> int:
    """Index the folders or files at PATH, and keep them indexed.

    Reads what is new there and drops what is gone. Without PATH, brings all folders that are kept up to
    date. Can be interrupted at any moment; the next run continues from there.
    """
    from app.cli.model_offer import ensure_model
    from app.cli.progress import progress_shown
    from app.errors import NothingIndexed
    from app.folders.typed_paths import indexable_path

    wanted = [indexable_path(path) for path in paths]
    ensure_model()
    with open_library(daemon=not no_daemon, purpose=" ".join(["ken index", *paths])) as library:
        if wanted:
            library.add(wanted)
        elif not library.status().folders:
            raise NothingIndexed("There are no folders to bring up to date.", "Name one: ken index ~/notes")
        try:
            with progress_shown() as progress:
                report = library.sync(wanted or None, progress)
        except KeyboardInterrupt:
            # Only a library that the daemon serves lets an interrupt through: the work is the daemon's.
            terminal.say(
                "The daemon goes on with it: `ken status` shows how far it is, `ken daemon pause` stops it."
            )
            return 130
    if as_json:
        from app import json_output

        terminal.result(json_output.dumps(json_output.report(report)))
    else:
        _tell(report)
    return 130 if report.interrupted else 0


@click.command()
@click.argument("path", required=False)
@click.option("--all", "everything", is_flag=True, help="Everything, and all that ken remembers beside it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-daemon", is_flag=True, help="Work in this process, also where the daemon runs.")
def forget(path: str | None, everything: bool, yes: bool, no_daemon: bool) -> None:
    """Drop PATH and everything under it from the index. The files themselves stay as they are.

    Nothing of their text stays on the disk. With --all the index is emptied, and saved searches, earlier
    questions, pins, the log and copies that a repair had kept are deleted; settings, the model, and your own
    backups and exports stay.
    """
    from app.errors import UsageInvalid
    from app.folders.typed_paths import absolute_path
    from app.maintenance import leftovers

    if everything == (path is not None):
        raise UsageInvalid("Name a path, or give --all.", "`ken status` lists what is indexed.")
    if everything and not yes:
        click.confirm(
            "Forget every folder, and delete saved searches, earlier questions, pins, the log and copies of "
            "damaged indexes?",
            abort=True,
            err=True,
        )
    with open_library(daemon=not no_daemon, purpose="ken forget") as library:
        status = library.status()
        empty = not (status.folders or status.files or status.problems)
        dropped = 0 if everything and empty else library.forget("/" if path is None else absolute_path(path))
        left_behind = leftovers.LEFT_BEHIND in library.status().notices
    if everything:
        leftovers.delete_all()
    terminal.say(f"Forgot {amounts.count(dropped, 'file')}.")
    if left_behind:
        terminal.say(leftovers.LEFT_BEHIND)
    if kept := [] if everything else list(leftovers.damaged()):
        terminal.say(f"{kept[0]} may hold their text, for a month: `ken forget --all` deletes it.")


def _tell(report: SyncReport) -> None:
    for notice in report.notices:
        terminal.say(f"{terminal.styled('Note', sys.stderr, fg='yellow')}  {notice}")
    done = [
        amounts.count(number, *nouns)
        for number, *nouns in (
            (report.added, "new file"),
            (report.changed, "changed file"),
            (report.moved, "moved file"),
            (report.removed, "file gone", "files gone"),
            (report.named, "file found by its name", "files found by their names"),
        )
        if number
    ]
    unfinished = "Went on where it had stopped" if report.embedded else "Nothing changed"
    changes = ", ".join(done) or unfinished
    terminal.say(
        f"{changes}. {amounts.count(report.embedded, 'passage')} embedded in {report.seconds:.1f} s."
    )
    left_out = report.skipped + report.failed
    if left_out:
        terminal.say(f"{amounts.count(left_out, 'file')} left out or not readable: `ken status --problems`.")
    if report.interrupted:
        terminal.say("Stopped. What is done is kept; run `ken index` again to go on.")
