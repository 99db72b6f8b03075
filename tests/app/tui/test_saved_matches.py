"""What newly answers a saved search is told in the open interface, by a real daemon."""

from __future__ import annotations

from pathlib import Path

from support.daemons import Daemons, daemons, tiny_models  # noqa: F401 -- fixtures
from support.terminal import Terminal

from app.answers import saved_searches


def test_a_new_answer_is_told_while_the_screen_is_open(daemons: Daemons, tmp_path: Path) -> None:  # noqa: F811
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "old.md").write_text("The axolotl was here before.\n")
    daemons.start()
    daemons.keep(folder)
    saved_searches.add('"axolotl"')
    with Terminal(size=(80, 24)) as terminal:
        terminal.shows("1 file in notes")
        (folder / "new.md").write_text("An axolotl in the pond.\n")
        terminal.shows("New answers to a saved search", '"axolotl": 1 answer · F4 shows it')
        terminal.send(b"\x1bOS")
        terminal.shows("Saved searches", "1 answer")
        terminal.hides("New answers")
        (folder / "more.md").write_text("More of the axolotl.\n")
        terminal.shows("2 answers", "New answers")  # the list follows while it is open
        terminal.send(b"\r")
        terminal.shows('❯ "axolotl" sort:date', "3 files")
