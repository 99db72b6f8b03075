"""`ken status` and `ken why`: the state of the index, and of a path."""

from __future__ import annotations

import click

from app.api import Folder, Problem, Status
from app.cli import terminal
from app.connect import open_library


@click.command()
@click.option(
    "--problems", is_flag=True, help="List the files that are not in the index, or in part, and why."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as `assets/docs/json.md` documents it.")
@click.option("--no-daemon", is_flag=True, help="Work in this process, also where the daemon runs.")
def status(problems: bool, as_json: bool, no_daemon: bool) -> None:
    """How things stand: folders, files, what waits, what went wrong."""
    with open_library(daemon=not no_daemon, start=False, purpose="ken status") as library:
        if problems:
            _show_problems(library.problems(), as_json)
        else:
            _show_status(library.status(), as_json)


@click.command()
@click.argument("path")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as `assets/docs/json.md` documents it.")
@click.option("--no-daemon", is_flag=True, help="Work in this process, also where the daemon runs.")
def why(path: str, as_json: bool, no_daemon: bool) -> None:
    """Whether PATH is indexed, by which rule and since when."""
    from datetime import datetime

    from app import json_output
    from app.amounts import count
    from app.folders.typed_paths import absolute_path
    from app.sanitize import plain, plain_path

    with open_library(daemon=not no_daemon, start=False, purpose="ken why") as library:
        verdict = library.why(absolute_path(path))
    if as_json:
        terminal.result(json_output.dumps(json_output.why(verdict)))
        return
    lines = [("path", plain_path(verdict.path)), ("state", verdict.state), ("rule", plain(verdict.rule))]
    if verdict.reason:
        lines.append(("reason", plain(verdict.reason)))
    if verdict.indexed and verdict.indexed_ns is not None:
        when = datetime.fromtimestamp(verdict.indexed_ns / 1e9)
        lines.append(("indexed", f"{when:%Y-%m-%d %H:%M}, {count(verdict.passages, 'passage')}"))
    lines += [("links", plain_path(path)) for path in verdict.links]
    lines += [("linked", f"from {plain_path(path)}") for path in verdict.backlinks]
    terminal.result("\n".join(f"{name:<9}{value}" for name, value in lines))


def _show_problems(found: tuple[Problem, ...], as_json: bool) -> None:
    from app import json_output, paths
    from app.sanitize import plain, plain_path

    if as_json:
        terminal.result(json_output.dumps(json_output.problems(found)))
        return
    if not found:
        terminal.say("No problems: every file that ken looks at is in the index, whole.")
    for problem in found:
        colour = "red" if problem.state == "failed" else "yellow"
        state = terminal.styled(f"{problem.state:<8}", fg=colour)
        terminal.result(f"{state}{plain_path(paths.short(problem.path))}\n        {plain(problem.reason)}")


def _show_status(now: Status, as_json: bool) -> None:
    if as_json:
        from app import json_output

        terminal.result(json_output.dumps(json_output.status(now)))
        return
    lines = [
        ("folders", "none yet: `ken index FOLDER` adds one" if not now.folders else ""),
        *(("", _folder(folder)) for folder in now.folders),
        ("files", f"{now.files:,} in {now.passages:,} passages"),
        ("waiting", f"{now.pending:,} passages that the model has not read" if now.pending else "nothing"),
        ("problems", f"{now.problems:,}: `ken status --problems`" if now.problems else "none"),
        ("model", f"{now.model} on {now.engine}, {now.dimension} dimensions" if now.model else "none"),
        ("index", f"{now.index_bytes / 1e6:,.1f} MB"),
        ("daemon", "running" if now.daemon else "not running"),
    ]
    terminal.result(
        "\n".join(f"{terminal.styled(f'{name:<10}', bold=True)}{text}".rstrip() for name, text in lines)
    )
    for notice in (*now.notices, *_slow_engine(now)):
        terminal.say(notice)


def _slow_engine(now: Status) -> list[str]:
    """What to do where a faster engine would run here if it had been built."""
    from embedder.engines import choose, native_kernel

    missed = now.engine == "mlx" and choose.explain("auto") == native_kernel.NOT_BUILT
    return [native_kernel.NOT_BUILT] if missed else []


def _folder(folder: Folder) -> str:
    from app import paths
    from app.sanitize import plain, plain_path

    counts = f"{folder.files:,} files, {folder.state}"
    note = f"\n{' ' * 12}{plain(folder.note)}" if folder.note else ""
    return f"{plain_path(paths.short(folder.path))}  {terminal.styled(counts, dim=True)}{note}"
