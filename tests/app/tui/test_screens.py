"""The other screens and states: first run, model, folders, problems, saved searches, themes."""

from __future__ import annotations

import asyncio
import threading

from support.driven_library import DrivenLibrary, driven_library
from support.pilots import NOTES, application, ask, drive, library, shown, until

from app.answers import saved_searches
from app.api import Problem, Progress
from app.connect import local_library
from app.errors import AppError
from app.tui import themes
from app.tui.app import KenApp
from app.tui.screens.model import ModelScreen
from app.tui.screens.welcome import WelcomeScreen
from app.tui.session import Session
from app.tui.ui_state import load as load_ui_state
from embedder.checkpoints import download
from index.errors import IndexNewer
from index.store import database
from index.store.store import Store


def without_daemon() -> DrivenLibrary:
    lib = library()
    lib.shown = {}
    return lib


def hold_sync(lib: DrivenLibrary) -> threading.Event:
    """Let `sync` embed until the event."""
    held = threading.Event()

    def sync(paths, progress):
        progress(Progress("embedding", 12, 40, 310, 1204, 1500.0, 38.0, 95.0, lib.root + "/notes.md"))
        held.wait(10)
        return lib.real.sync(paths)

    lib.instead["sync"] = sync
    return held


async def at(pilot, app, kind):
    await until(pilot, lambda: isinstance(app.screen, kind) and app.screen.is_mounted)
    await pilot.pause()


def test_first_run_suggests_estimates_and_begins(tmp_path, monkeypatch):
    notes = tmp_path / "user-home" / "Documents"
    notes.mkdir(parents=True)
    for name, text in NOTES.items():
        (notes / name).parent.mkdir(exist_ok=True)
        (notes / name).write_text(text)
    (notes / "photo.jpg").write_bytes(b"\xff\xd8\xff" + b"0" * 100)
    lib = driven_library({}, model=False)

    async def steps(pilot, app):
        await at(pilot, app, WelcomeScreen)
        await until(pilot, lambda: any(choice.done for choice in app.screen.choices))
        await pilot.pause()
        assert "Documents" in shown(app) and "4 files" in shown(app) and "leaves out" in shown(app)
        await pilot.press("space", "enter")
        assert not lib.status().folders
        await pilot.press("space", "enter")
        await at(pilot, app, ModelScreen)
        assert lib.status().folders[0].path == str(notes)
        assert "terms of use" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: ("sync", str(notes)) in lib.calls)

    drive(application(lib), steps)


def test_the_model_is_fetched_with_progress_and_a_failure_is_told(monkeypatch):
    def fetch(*, observer):
        observer.note("The hub did not answer.")
        observer.progress("Fetching part 3 of 25", 300_000_000, 1_200_000_000)
        raise download.DownloadFailed("No source answered.", "Check the connection.")

    monkeypatch.setattr(download, "fetch", fetch)

    async def steps(pilot, app):
        await pilot.press("f7")
        await at(pilot, app, ModelScreen)
        await pilot.press("enter")
        await until(pilot, lambda: "Check the connection" in shown(app))
        button = app.screen.query_one("#fetch")
        await until(pilot, lambda: not button.disabled and not button.has_class("-active"))
        monkeypatch.setattr(download, "fetch", lambda *, observer: "there")
        await pilot.press("enter")
        await until(pilot, lambda: len(app.screen_stack) == 1)

    drive(application(driven_library(NOTES, model=False)), steps)


def test_leaving_while_the_model_is_fetched_stops_it(monkeypatch):
    stopped = []

    def fetch(*, observer):
        try:
            while True:
                observer.progress("Fetching", 1, 2)
        except BaseException as error:
            stopped.append(error)
            raise

    monkeypatch.setattr(download, "fetch", fetch)

    async def steps(pilot, app):
        await pilot.press("f7")
        await at(pilot, app, ModelScreen)
        await pilot.press("enter")
        await pilot.pause(0.05)
        await pilot.press("escape")
        await until(pilot, lambda: stopped and len(app.screen_stack) == 1)

    drive(application(driven_library(NOTES, model=False)), steps)


def test_folders_add_forget_pause_and_search_in(tmp_path):
    folder = tmp_path / "user-home" / "xy"
    folder.mkdir(parents=True)
    added = str(folder)
    lib = library()
    lib.shown = {}

    async def steps(pilot, app):
        await until(pilot, lambda: app.session.status)
        await pilot.press("f2")
        await until(pilot, lambda: "read when ken starts" in shown(app))
        await pilot.press("a", "x", "y", "enter")
        await until(pilot, lambda: ("add", added) in lib.calls and ("sync", added) in lib.calls)
        await pilot.press("p")
        await until(pilot, lambda: ("pause",) in lib.calls)
        await pilot.press("f")
        await until(pilot, lambda: "Forget this folder?" in shown(app))
        await pilot.press("right", "enter")
        await until(pilot, lambda: ("forget", lib.root) in lib.calls)
        await pilot.press("enter")
        assert app.search_screen.input.value.startswith("in:")

    drive(application(lib), steps)


def test_problems_are_listed_with_reasons():
    lib = library()
    problems = (
        Problem("/home/ada/notes/scan.pdf", "failed", "The file is encrypted: a password is needed."),
        Problem("/home/ada/notes/\x1b[31mred.md", "skipped", "Left out by [b].gitignore[/b]."),
    )
    lib.instead["problems"] = lambda: problems

    async def steps(pilot, app):
        await pilot.press("f3")
        await until(pilot, lambda: "encrypted" in shown(app))
        assert "[b].gitignore[/b]" in shown(app) and "\x1b" not in shown(app)
        await pilot.press("enter")
        await until(pilot, lambda: "Why it is not in the index" in shown(app))
        await pilot.press("enter", "s")
        await until(pilot, lambda: ("sync", "/home/ada/notes/scan.pdf") in lib.calls)

    drive(application(lib), steps)


def test_saved_searches_are_added_asked_and_removed():
    async def steps(pilot, app):
        await pilot.press("f4")
        await until(pilot, lambda: "None yet" in shown(app))
        await pilot.press("a", *"boiler", "enter")
        await until(pilot, lambda: saved_searches.read())
        await until(pilot, lambda: "since" in shown(app))
        await pilot.press("enter")
        assert app.search_screen.input.value == "boiler"
        await pilot.press("f4")
        await until(pilot, lambda: "since" in shown(app))
        await pilot.press("d")
        await until(pilot, lambda: "Remove this saved search?" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Remove this" not in shown(app))
        assert saved_searches.read()
        await pilot.press("d")
        await until(pilot, lambda: "Remove this saved search?" in shown(app))
        await pilot.press("right", "enter")
        await until(pilot, lambda: not saved_searches.read())

    drive(application(library()), steps)


def test_every_action_has_a_method():
    from app.tui.actions import ACTIONS
    from app.tui.screens.search import SearchScreen

    for action in ACTIONS:
        where, _, name = action.does.partition(".")
        owner = SearchScreen if where == "screen" else KenApp
        assert hasattr(owner, "action_" + name.split("(")[0]), action.name


def test_the_palette_does_what_it_lists():
    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        await pilot.press("f9")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press(*"newest first")
        await pilot.pause(0.3)
        await pilot.press("enter")
        await until(pilot, lambda: app.search_screen.left.sort == "date")

    drive(application(library()), steps)


def test_themes_go_round_and_are_remembered(monkeypatch):
    async def steps(pilot, app):
        await pilot.press("f8")
        assert app.theme == themes.LIGHT.name and load_ui_state().theme == themes.LIGHT.name
        await pilot.press("f8")
        assert app.theme == themes.ANSI.name
        await pilot.press("f8")

    drive(application(library()), steps)
    monkeypatch.setenv("COLORFGBG", "0;15")
    assert themes.choose("auto") == themes.LIGHT.name


def test_no_color_draws_without_colours(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        assert app.no_color and "━" in shown(app) and "▏" in shown(app)

    drive(application(library()), steps)


def test_indexing_progress_stands_in_the_status_line_while_search_works():
    lib = without_daemon()
    held = hold_sync(lib)

    async def steps(pilot, app):
        await until(pilot, lambda: app.session.progress and app.session.progress.phase == "embedding")
        await pilot.pause()
        assert "310 of 1,204 passages" in shown(app) and "2 min left" in shown(app)
        await ask(pilot, app, "boiler")
        assert app.search_screen.results.cards
        held.set()
        await until(pilot, lambda: app.session.progress is None)

    drive(application(lib), steps)


def test_quitting_while_indexing():
    lib = without_daemon()
    held = hold_sync(lib)

    async def steps(pilot, app):
        await until(pilot, lambda: app.session.progress)
        await pilot.press("ctrl+q")

    drive(application(lib), steps)
    held.set()


def test_daemon_paused_and_busy_states_are_told():
    lib = library()

    async def steps(pilot, app):
        for progress, expected in (
            (Progress("paused"), "Paused"),
            (Progress("scanning"), "Looking for changes"),
            (Progress("reading", 3, 9), "Reading"),
        ):
            lib.shown["progress"] = progress
            app.look()
            await until(pilot, lambda expected=expected: expected in shown(app))

    drive(application(lib), steps)


def test_an_index_that_cannot_be_opened_is_told_and_tried_again():
    lib = library()
    failures: list[AppError | IndexNewer] = [IndexNewer("A newer ken wrote it.", "Install that ken.")]

    def connect():
        if failures:
            raise failures.pop()
        return lib

    async def steps(pilot, app):
        await until(pilot, lambda: "A newer ken wrote it." in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.session.library is lib)

    drive(KenApp(Session(), connect), steps)


def test_typing_while_the_index_is_still_being_opened_asks_then():
    lib, gate = library(), threading.Event()

    def connect():
        gate.wait(10)
        return lib

    async def run():
        app = KenApp(Session(), connect)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press(*"boiler")
            await pilot.pause()
            assert "Opening the index" in shown(app)
            gate.set()
            await until(pilot, lambda: app.search_screen.results.cards)

    asyncio.run(run())


def test_pausing_without_a_daemon_outlives_the_library():
    with local_library() as one:
        one.pause()
    with local_library() as other:
        assert other.status().progress.phase == "paused"
        other.resume()
        assert other.status().progress.phase == "idle"


def test_paused_without_a_daemon_nothing_is_read_until_it_goes_on():
    lib = without_daemon()
    lib.real.pause()

    async def steps(pilot, app):
        await until(pilot, lambda: "Paused" in shown(app))
        assert ("sync",) not in lib.calls
        await pilot.press("f6")
        await until(pilot, lambda: ("resume",) in lib.calls and ("sync",) in lib.calls)

    drive(application(lib), steps)


def test_nothing_read_yet_is_said_and_asked_again_as_soon_as_something_is(tmp_path):
    lib = driven_library({})
    notes = tmp_path / "notes"
    notes.mkdir()
    lib.real.add([str(notes)])

    async def steps(pilot, app):
        app.search_screen.input.set("boiler")
        await until(pilot, lambda: "Nothing is indexed yet" in shown(app))
        (notes / "boiler.md").write_text(NOTES["boiler.md"])
        lib.real.sync()
        await until(pilot, lambda: app.search_screen.results.cards)

    drive(application(lib), steps)


def test_the_speed_of_this_machine_replaces_the_guess(tmp_path):
    notes = tmp_path / "user-home" / "Documents"
    notes.mkdir(parents=True)
    (notes / "a.md").write_text("word " * 5000)
    lib = driven_library({})
    lib.hold("similarities")

    async def steps(pilot, app):
        await at(pilot, app, WelcomeScreen)
        await until(pilot, lambda: "a guess" in shown(app) and "roughly" in shown(app))
        lib.release("similarities")
        await until(pilot, lambda: "· about" in shown(app) and "a guess" not in shown(app))

    drive(application(lib), steps)


def test_an_index_of_an_earlier_release_says_what_takes_so_long(monkeypatch):
    lib, gate = library(), threading.Event()
    monkeypatch.setattr("app.tui.app.index_is_older", lambda: True)

    def connect():
        gate.wait(10)
        return lib

    async def run():
        app = KenApp(Session(), connect)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: "Bringing the index up to this release" in shown(app))
            gate.set()
            await until(pilot, lambda: "All current" in shown(app))

    asyncio.run(run())
    lib.close()


def test_the_header_of_an_index_says_its_release(tmp_path, monkeypatch):
    Store(tmp_path / "index.db").close()
    assert not database.needs_migration(tmp_path / "index.db") and not database.needs_migration(
        tmp_path / "none"
    )
    monkeypatch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, ("one more", lambda db: None)))
    assert database.needs_migration(tmp_path / "index.db")


def test_no_color_sends_no_colour_to_the_terminal(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        styles = {
            segment.style
            for strip in app.screen._compositor.render_strips()
            for segment in strip
            if segment.style
        }
        colours = {colour for style in styles for colour in (style.color, style.bgcolor) if colour}
        assert all(colour.is_default for colour in colours), "black on black is nobody's wish"
        assert any(style.bold for style in styles) and any(style.reverse for style in styles)

    drive(application(library()), steps)
