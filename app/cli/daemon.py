"""`ken daemon`: the process that keeps the index fresh, started, stopped and looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli import terminal
from app.sanitize import plain

if TYPE_CHECKING:
    from app.api import Status
    from app.daemon.protocol import DaemonInfo
    from app.json_output import Json


@click.group()
def daemon() -> None:
    """The background process that keeps the index fresh.

    It also answers at once. Commands start it by themselves; `autostart = false` under [daemon] in
    config.toml, or --no-daemon, does without.
    """


@daemon.command()
def run() -> None:
    """Be the daemon in the foreground, until ^c."""
    from app.daemon.run import run as be_daemon

    be_daemon(to_terminal=True)


@daemon.command()
def start() -> None:
    """Start it in the background; harmless where it runs."""
    from app.daemon import lifecycle

    running = lifecycle.pid()
    found = lifecycle.start_daemon()
    terminal.say(f"The daemon runs already (process {found})." if running else f"Started (process {found}).")


@daemon.command()
def stop() -> None:
    """End it; nothing is lost."""
    from app.daemon import lifecycle

    terminal.say("Stopped." if lifecycle.stop_daemon() else "No daemon was running.")


@daemon.command()
def restart() -> None:
    """End it and start it afresh."""
    from app.daemon import lifecycle

    terminal.say(f"Started (process {lifecycle.restart()}).")


@daemon.command()
def pause() -> None:
    """Stop indexing, also after a restart; searching goes on."""
    from app.daemon.client import remote_library

    remote_library().pause()
    terminal.say("Paused. `ken daemon resume` goes on.")


@daemon.command()
def resume() -> None:
    """Go on indexing."""
    from app.daemon.client import remote_library

    remote_library().resume()
    terminal.say("Indexing goes on.")


@daemon.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as `assets/docs/json.md` documents it.")
def status(as_json: bool) -> None:
    """Whether it runs, what it takes and what it does. Exit code 1 where it does not run."""
    import time

    from app import json_output
    from app.daemon.client import daemon_info, remote_library
    from app.sanitize import plain_path

    info, now = daemon_info(), remote_library().status()
    if as_json:
        terminal.result(json_output.dumps(status_json(info, now, age=time.time() - info.started)))
        return
    hours, seconds = divmod(round(time.time() - info.started), 3600)
    lines = [
        f"process   {info.pid}, ken {info.release}, for {hours}:{seconds // 60:02}:{seconds % 60:02}",
        f"memory    {info.memory_mb:,.0f} MB, the model {'loaded' if info.model_loaded else 'let go'}",
        f"time      {info.cpu_seconds:,.1f} s of processor time",
        f"does      {now.progress.phase}, {now.pending:,} waiting",
        *(
            f"{folder.state:<9} {plain_path(folder.path)} {plain(folder.note)}".rstrip()
            for folder in now.folders
        ),
    ]
    terminal.result("\n".join(lines))
    for notice in now.notices:
        terminal.say(notice)


def status_json(process: DaemonInfo, now: Status, *, age: float) -> Json:
    """What `ken daemon status --json` prints; `age` in seconds."""
    from app import json_output

    return {
        "pid": process.pid,
        "release": process.release,
        "seconds": round(age, 1),
        "memory_mb": round(process.memory_mb, 1),
        "cpu_seconds": round(process.cpu_seconds, 2),
        "model_loaded": process.model_loaded,
        "status": json_output.status(now),
    }


@daemon.command()
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="How many of the last lines.",
)
@click.option("-f", "--follow", is_flag=True, help="Go on printing what is added, until ^c.")
def logs(lines: int, follow: bool) -> None:
    """What it did and what went wrong."""
    from app import paths

    path = paths.log_path()
    if not path.exists():
        terminal.say("There is no log yet.")
        return
    with path.open(encoding="utf-8", errors="replace") as log:
        from collections import deque

        for line in deque(log, lines):
            terminal.result(plain(line.rstrip("\n")))
        while follow:
            _print_added(log)


@daemon.command()
def install() -> None:
    """Start it at each login.

    A launchd agent on macOS, a systemd user unit on Linux.
    """
    from app.daemon import service

    terminal.say(f"Installed: {service.install()}")


@daemon.command()
def uninstall() -> None:
    """Do not start it at login any more."""
    from app.daemon import service

    terminal.say("Uninstalled." if service.uninstall() else "It was not installed.")


def _print_added(log: object) -> None:
    import time
    from typing import TextIO, cast

    added = cast("TextIO", log).readline()
    if added:
        terminal.result(plain(added.rstrip("\n")))
    else:
        time.sleep(0.3)
