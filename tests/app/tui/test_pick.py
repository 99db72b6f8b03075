"""`ken pick` among other programs: it draws on the terminal while its standard output is a pipe."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.terminal import COMMAND, Terminal
from support.terminal_home import indexed, terminal_home  # noqa: F401 -- fixtures

UP, SHIFT_TAB = b"\x1b[A", b"\x1b[Z"


@contextmanager
def shell(*lines: str) -> Iterator[Terminal]:
    """Lines of bash, in which `ken` is this tree's, on a terminal."""
    script = "\n".join((f'ken() {{ {shlex.join(COMMAND)} "$@"; }}', *lines, "read -r end"))
    with Terminal(("bash", "-c", script), size=(110, 30)) as terminal:
        yield terminal


def test_what_is_chosen_is_the_argument_of_the_next_program(terminal_home: Path) -> None:  # noqa: F811
    with shell(
        'file=$(ken pick sourdough); echo "one: $? $file"',
        "ken pick -0 boiler </dev/null 2>/dev/null | xargs -0 -n 1 echo argument:",
        'place=$(ken pick --line --relative ferry); echo "place: ${place##*/}"',
    ) as terminal:
        terminal.shows("❯ sourdough", "1 file ·", "enter choose")
        terminal.send(b"\r")
        terminal.shows("❯ boiler", "4 files ·")
        first, second = chosen_rows(terminal)
        terminal.send(b"\t")
        terminal.shows(f"✓ {first}", "choose 1")
        terminal.send(UP + b"\t")
        terminal.hides(f"✓ {first}")
        terminal.send(SHIFT_TAB + b"\t")
        terminal.shows(f"✓ {first}", f"✓ {second}", "choose 2")
        terminal.type(" cellar")
        terminal.shows("❯ boiler cellar", "choose 2")
        terminal.send(b"\r")
        terminal.shows("❯ ferry", "1 file ·")
        terminal.send(b"\r")
        text = terminal.shows("place: harbour.txt:")
        assert f"one: 0 {terminal_home}/bread.md" in text
        assert text.count(f"argument: {terminal_home}/") == 2


def chosen_rows(terminal: Terminal) -> tuple[str, str]:
    """The titles of the first two results."""

    def titles(text: str) -> list[str]:
        return [line[3:].split("  ")[0] for line in text.split("\n") if "━" in line[:60]]

    terminal.until(lambda text: len(titles(text)) > 1, "two results")
    first, second, *_ = titles(terminal.rests())
    return first, second


def test_nothing_chosen_is_told_by_the_exit_status(terminal_home: Path) -> None:  # noqa: F811
    with shell(
        'file=$(ken pick); echo "status $? for [$file]"',
        'file=$(ken pick boiler); echo "then $? for [$file]"',
        "ken pick </dev/null | cat",
        'echo "${PIPESTATUS[0]} at the end"',
    ) as terminal:
        terminal.shows("4 files in notes")
        terminal.send(b"\x11")
        terminal.shows("❯ boiler", "4 files ·")
        terminal.send(b"\x1a\x03")  # suspending would leave the shell waiting for ever
        terminal.shows("❯ Ask", "4 files in notes")
        terminal.send(b"\x1b")
        terminal.shows("status 1 for []", "then 130 for []", "1 at the end")


def test_streams_that_are_closed_and_odd_encodings_leave_the_screen_as_it_is(terminal_home: Path) -> None:  # noqa: F811
    with shell(
        "ken pick sourdough <&- | cat",
        "PYTHONIOENCODING=ascii ken pick sourdough 2>&1",
        "ken <&- | grep Usage",
        "TERM=dumb ken | grep Usage",
        "TERM=dumb ken pick; echo last: $?",
    ) as terminal:
        for _ in range(2):
            terminal.shows("❯ sourdough", "1 file ·", "enter choose", "─────")
            terminal.send(b"\r")
            terminal.hides("enter choose")
        text = terminal.shows("needs a terminal", "last: 1")
        assert text.count(f"{terminal_home}/bread.md") == 2 and text.count("Usage: ken") == 2


def test_without_a_terminal_it_says_so(home: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "pick"], stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True, check=False
    )
    assert done.returncode == 1 and b"needs a terminal" in done.stderr
