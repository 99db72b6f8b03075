"""What keeps the index from being kept is shown: on one line of the search screen, in full with F2."""

from __future__ import annotations

import pytest
from support.daemons import Daemons, daemons, tiny_models  # noqa: F401 -- fixtures
from support.pilots import application, ask, drive, library, shown, until
from support.tiny_home import notes
from support.waiting import until as wait_until

from app.config import Config
from app.tui.app import KenApp
from app.tui.session import Session
from app.tui.widgets.status_line import NoticeLine

FULL = "No room left for the index. Free some space on the disk that holds it; what is read so far is kept."
ODD = "The ignore settings name [bold]\x1b[31m\n*.tmp[ twice."
NO_MODEL = "There is no model named embeddinggemma-300m."


@pytest.mark.parametrize("size", [(120, 40), (60, 15), (40, 10), (20, 5)])
def test_the_search_screen_shows_a_notice_on_one_line(size: tuple[int, int]) -> None:
    lib = library()
    lib.shown["notices"] = (FULL * 5, ODD)

    async def steps(pilot, app):
        line = app.search_screen.query_one(NoticeLine)
        await until(pilot, lambda: line.display and line.size.height == 1)
        row = shown(app).splitlines()[line.region.y]
        assert row.strip().startswith("! No r") and "F2" in row
        assert line.region.bottom <= size[1] - 1, "above the status line"

    drive(application(lib), steps, size)


def test_a_notice_comes_and_goes_with_its_reason_beside_results() -> None:
    lib = library()

    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        before = app.search_screen.panes.region
        lib.shown["notices"] = (FULL,)
        await until(pilot, lambda: "! No room left for the index." in shown(app))
        assert app.search_screen.results.cards
        assert app.search_screen.panes.region.height == before.height - 1
        lib.shown["notices"] = ()
        await until(pilot, lambda: "No room" not in shown(app))
        assert app.search_screen.panes.region == before, "it takes no room while there is nothing"

    drive(application(lib), steps)


def test_the_folders_screen_shows_every_notice_whole_and_plain() -> None:
    lib = library()
    lib.shown["notices"] = (FULL, ODD, NO_MODEL)

    async def steps(pilot, app):
        await until(pilot, lambda: app.session.status is not None)
        await pilot.press("f2")
        await until(pilot, lambda: NO_MODEL in shown(app))
        text = " ".join(shown(app).split())
        assert FULL in text and "[bold]" in text and "\x1b" not in text
        lib.shown["notices"] = (FULL,)
        await until(pilot, lambda: NO_MODEL not in shown(app))

    drive(application(lib), steps, (80, 24))


def test_what_a_daemon_without_a_model_tells_is_shown(
    daemons: Daemons,  # noqa: F811
    tmp_path,
    monkeypatch,
) -> None:
    monkeypatch.setenv("KEN_MODELS", str(tmp_path / "none"))
    daemons.start()
    daemons.library.add([str(notes(tmp_path / "notes", a__md="# Pears\n"))])
    wait_until(lambda: daemons.library.status().notices, what="the notice")
    app = KenApp(Session(config=Config()), lambda: daemons.library)

    async def steps(pilot, app):
        await until(pilot, lambda: "! " in shown(app) and "model" in shown(app).lower())

    drive(app, steps)
