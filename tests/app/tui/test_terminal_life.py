"""The real interface in a terminal, while things happen to it: sizes, editors, signals, pastes, daemons."""

from __future__ import annotations

import shlex
import shutil
import signal
from pathlib import Path

import pytest
from support.terminal import COMMAND, Terminal
from support.terminal_home import indexed, terminal_home  # noqa: F401 -- fixtures

GIVEN_BACK = (b"\x1b[?1049l", b"\x1b[?1003l", b"\x1b[?25h", b"\x1b[?2004l")
"""What ends the alternate screen, mouse reports, a hidden cursor and bracketed paste."""


def script(path: Path, text: str) -> str:
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(path)


def is_given_back(terminal: Terminal) -> bool:
    return all(terminal.raw.rfind(end) > terminal.raw.rfind(end[:-1] + _begins(end)) for end in GIVEN_BACK)


def _begins(end: bytes) -> bytes:
    return b"l" if end.endswith(b"h") else b"h"


def test_every_size_at_every_step(terminal_home: Path) -> None:  # noqa: F811
    steps = (
        b"boiler",
        b"\x1b[B",
        b"\x0f",
        b"\t",
        b"\t",
        b"\x1b",
        b"\x18",
        b"\x1b",
        b"\x14",
        b"\x1b",
        b"\x1bOP",
    )
    with Terminal(size=(60, 40)) as terminal:
        terminal.shows("4 files in notes")
        for step in steps:
            terminal.send(step)
            for size in ((140, 40), (20, 5), (250, 70), (80, 24)):
                terminal.resize(*size)
        terminal.shows("Help")
        assert terminal.process.poll() is None


@pytest.mark.parametrize("ending", ["exit 1", "kill -9 $$", "kill -INT 0; exit 0"])
def test_an_editor_that_fails_gives_the_list_back(
    ending: str,
    terminal_home: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    editor = script(tmp_path / "editor", f"echo opened\nread answer\n{ending}\n")
    with Terminal(env={"EDITOR": editor}) as terminal:
        terminal.shows("4 files in notes")
        terminal.type("sourdough\r")
        terminal.shows("opened")
        terminal.send(b"\n")
        terminal.shows("❯ sourdough", "bread.md")
        terminal.type(" oven")
        terminal.shows("❯ sourdough oven")


def test_what_was_changed_in_the_editor_is_shown_when_it_ends(
    indexed: Path,  # noqa: F811
    home: Path,
    tmp_path: Path,
) -> None:
    shutil.copytree(indexed / "home", home)
    note = indexed / "notes" / "bread.md"
    before = note.read_bytes()
    change = 'for file; do :; done; printf "# Sourdough\\n\\nNow with spelt.\\n" > "$file"\n'
    editor = script(tmp_path / "editor", change)
    try:
        with Terminal(size=(120, 30), env={"EDITOR": editor}) as terminal:
            terminal.shows("4 files in notes")
            terminal.type("sourdough")
            terminal.shows("The oven must be hot")
            terminal.send(b"\r")
            terminal.until(lambda text: "Now with spelt" in text and "oven" not in text, "the new text")
    finally:
        note.write_bytes(before)


def test_control_z_suspends_and_fg_comes_back(terminal_home: Path) -> None:  # noqa: F811
    shell = ("bash", "--norc", "--noprofile", "-i")
    with Terminal(shell, env={"PS1": "prompt> ", "BASH_SILENCE_DEPRECATION_WARNING": "1"}) as terminal:
        terminal.shows("prompt>")
        terminal.type(f"{shlex.join(COMMAND)}\n")
        terminal.shows("4 files in notes")
        terminal.type("boiler")
        terminal.shows("❯ boiler", "4 files ·")
        terminal.send(b"\x1a")
        terminal.shows("Stopped", "prompt>")
        terminal.type("fg\n")
        terminal.shows("❯ boiler", "4 files ·")
        terminal.type(" service")
        terminal.shows("❯ boiler service")
        terminal.send(b"\x11")
        terminal.shows("prompt>")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_and_the_terminal_is_as_before(
    number: signal.Signals,
    status: int,
    terminal_home: Path,  # noqa: F811
) -> None:
    with Terminal() as terminal:
        terminal.shows("4 files in notes")
        terminal.type("sourdough")
        terminal.shows("1 file ·")
        terminal.signal(number)
        assert terminal.ends() == status
        assert number == signal.SIGHUP or is_given_back(terminal)
    with Terminal() as terminal:
        terminal.shows("4 files in notes", *(["sourdough"] if number == signal.SIGTERM else []))


HOSTILE = b"cold\n\x1b[A\x1b\rradiators\x03\x11\x00\x1bOP\x1b]0;title\x07 \x1b[31mred\x9b"


@pytest.mark.fast
def test_a_paste_of_anything_is_one_line_of_text(terminal_home: Path) -> None:  # noqa: F811
    with Terminal() as terminal:
        terminal.shows("4 files in notes")
        terminal.paste(b"why\nis it\ncold")
        terminal.shows("❯ why is it cold")
        terminal.send(b"\x15")
        terminal.paste(HOSTILE)
        terminal.shows("❯ cold radiators")
        terminal.send(b"\x15")
        terminal.paste(b"boiler pressure " * (1 << 18))  # four megabytes
        terminal.shows("is cut at 2,000 characters")
        terminal.send(b"\x15")
        terminal.type("sourdough")
        terminal.shows("❯ sourdough", "bread.md")


def test_a_paste_that_is_not_marked_is_text_too_and_its_lines_open_nothing(terminal_home: Path) -> None:  # noqa: F811
    with Terminal(env={"EDITOR": "false"}) as terminal:
        terminal.shows("4 files in notes")
        terminal.send(b"sourdough and the kitchen of the old house\rwhy is it cold")
        terminal.shows("❯ sourdough and the kitchen of the old house why is it cold")
        terminal.send(b"\x15")
        terminal.send(b"what keeps the kitchen of the old house warm\rand dry " * 60)
        terminal.shows("is cut at 2,000 characters")
        terminal.send(b"\x15")
        terminal.type("boiler ")
        terminal.shows("❯ boiler", "4 files ·")
        terminal.send(b"\t\t")
        terminal.paste(b"pressure")
        terminal.shows("❯ boiler pressure")
        assert "ended with" not in terminal.text


def test_a_path_that_is_typed_is_completed_and_one_that_is_wrong_stays(terminal_home: Path) -> None:  # noqa: F811
    more = terminal_home.parent / "more-of-it"
    more.mkdir(exist_ok=True)
    with Terminal() as terminal:
        terminal.shows("4 files in notes")
        terminal.send(b"\x1bOQ")
        terminal.shows("Folders")
        terminal.type("a")
        terminal.shows("tab completes")
        terminal.type(f"{more.parent}/mor")
        terminal.send(b"\t")
        terminal.shows("more-of-it/")
        terminal.type("nowhere\r")
        terminal.until(lambda text: "Checkitsspelling" in "".join(text.split()))  # wherever its lines break
        terminal.shows("more-of-it/nowhere")
        terminal.send(b"\x7f" * len("nowhere") + b"\r")
        terminal.shows("more-of-it  ", "0 files")


def test_a_text_longer_than_its_dialog_scrolls_over_its_button(terminal_home: Path) -> None:  # noqa: F811
    with Terminal(size=(40, 10)) as terminal:
        terminal.shows("4 files")
        terminal.type("boiler")
        terminal.shows("Boiler and radiators")
        terminal.send(b"\x18x")
        terminal.shows("Why this is here", "OK")
        assert "Changed" not in terminal.text
        terminal.send(b"\x1b[B" * 9)
        terminal.shows("Changed", "OK")


def test_a_message_is_shown_whole_and_goes_when_another_screen_opens(terminal_home: Path) -> None:  # noqa: F811
    for size in ((80, 24), (40, 15)):
        with Terminal(size=size, env={"EDITOR": f"/nowhere/{'a' * 90}/editor"}) as terminal:
            terminal.shows("❯ Ask")
            terminal.type("sourdough\r")
            terminal.shows("Nothing here can open this", "$EDITOR to one that is.")
            terminal.send(b"\x1bOQ")
            terminal.shows("Folders")
            terminal.hides("Nothing here")
            terminal.type("a")
            terminal.shows("Add a folder")
            terminal.type("/no/such")
            terminal.send(b"\x03")  # leaves the box, and nothing else
            terminal.hides("Add a folder")
            terminal.shows("Folders")
