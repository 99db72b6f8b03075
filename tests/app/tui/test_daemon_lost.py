"""The interface over a real daemon that is killed while it answers."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from support.daemons import Daemons, daemons, tiny_models  # noqa: F401 -- fixtures
from support.pilots import NOTES, drive, until

from app.config import Config
from app.connect import open_library
from app.daemon import lifecycle
from app.tui.app import KenApp
from app.tui.session import Session
from app.tui.ui_state import UiState


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    for name, text in NOTES.items():
        (tmp_path / "notes" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "notes" / name).write_text(text)
    return tmp_path / "notes"


def test_killed_mid_search_and_back(daemons: Daemons, notes: Path) -> None:  # noqa: F811
    daemons.start()
    daemons.keep(notes)

    async def steps(pilot, app):
        screen = app.search_screen
        await until(pilot, lambda: app.session.status)
        screen.input.set("boiler")
        await until(pilot, lambda: screen.results.cards)
        os.kill(lifecycle.pid(), signal.SIGSTOP)
        screen.input.set("boiler pressure")
        await pilot.pause(0.1)
        os.kill(lifecycle.pid(), signal.SIGKILL)
        await until(pilot, lambda: app.session.lost)
        assert screen.results.cards, "what was found stays"
        await until(pilot, lambda: not app.session.lost)
        await until(pilot, lambda: screen.answer.mode == "hybrid" and "pressure" in screen.answer.query)
        assert screen.results.cards

    drive(KenApp(Session(config=Config(), ui_state=UiState()), open_library), steps)


def test_what_is_saved_meanwhile_shows_in_the_status_by_itself(daemons: Daemons, notes: Path) -> None:  # noqa: F811
    daemons.start()
    daemons.keep(notes)

    async def steps(pilot, app):
        await until(pilot, lambda: app.session.status and app.session.status.files == 4)
        (notes / "new.md").write_text("# New\n\nSaved while the interface is open.\n")
        await until(pilot, lambda: app.session.status.files == 5)

    drive(KenApp(Session(config=Config(), ui_state=UiState()), open_library), steps)
