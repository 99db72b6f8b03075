"""What can be done with a result: open, copy, pin, ask again, by keys and by mouse."""

from __future__ import annotations

from support.pilots import application, ask, drive, library, shown, until

from app.answers import open_file, saved_searches
from app.config import Config, TuiConfig
from app.tui.ui_state import load as load_ui_state


def test_every_copy_reaches_the_clipboard(monkeypatch):
    copied = []
    monkeypatch.setattr(open_file, "copy_to_clipboard", copied.append)
    lib = library()

    async def steps(pilot, app):
        await ask(pilot, app, "cold radiators pressure")
        hit = app.search_screen.hit
        await pilot.press("ctrl+y")
        await until(pilot, lambda: copied == [hit.path])
        assert app.clipboard == hit.path
        await pilot.press("alt+c")
        assert app.clipboard == hit.text
        await pilot.press("alt+m")
        assert app.clipboard.startswith("> ") and f"file://{lib.root}/boiler.md" in app.clipboard

    drive(application(lib), steps)


def test_enter_opens_at_the_line_and_remembers_the_question(monkeypatch):
    ran = []
    monkeypatch.setattr(
        open_file, "launch_for", lambda *a, **k: ran.append((a, k)) or open_file.Launch(("x",), False)
    )
    monkeypatch.setattr(open_file, "run", lambda launch: None)

    async def steps(pilot, app):
        await ask(pilot, app, "cold radiators pressure")
        hit = app.search_screen.hit
        await pilot.press("enter")
        assert ran[0][0][:2] == (hit.path, hit.line)
        assert load_ui_state().questions == ["cold radiators pressure"]

    drive(application(library()), steps)


def test_a_file_that_is_gone_says_so():
    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        await pilot.press("enter")
        await pilot.pause()
        assert "does not exist any more" in shown(app).replace("\n", " ") or app._notifications

    drive(application(library()), steps)


def test_pin_similar_and_standing_question():
    async def steps(pilot, app):
        screen = app.search_screen
        await ask(pilot, app, "boiler pressure")
        await pilot.press("ctrl+b")
        assert "◆" in shown(app) and len(load_ui_state().pins) == 1
        await pilot.press("alt+w")
        await until(pilot, saved_searches.read)
        assert saved_searches.read()[0].query == "boiler pressure"
        await pilot.press("ctrl+l")
        await until(pilot, lambda: screen.answer.mode == "meaning")
        assert "More like" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: screen.answer.query == "boiler pressure")

    drive(application(library()), steps)


def test_why_is_explained():
    async def steps(pilot, app):
        await ask(pilot, app, "boiler pressure")
        await pilot.press("alt+x")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.pause()
        assert "Why this is here" in shown(app) and "cosine" in shown(app)

    drive(application(library()), steps)


def test_vim_and_emacs_keys_and_own_keys():
    async def vim(pilot, app):
        await ask(pilot, app, "boiler")
        await pilot.press("ctrl+j")
        assert app.search_screen.results.cursor == 1
        await pilot.press("ctrl+k", "ctrl+e")
        assert app.search_screen.results.cursor == 0
        assert app.clipboard.endswith(".md")

    config = Config(tui=TuiConfig(keymap="vim", keys={"copy_path": "ctrl+e,ctrl+y"}))
    app = application(library(), config=config)

    async def own(pilot, app):
        await ask(pilot, app, "boiler")
        await pilot.press("ctrl+y")
        assert app.clipboard

    drive(app, own)
    drive(
        application(library(), config=Config(tui=TuiConfig(keymap="vim", keys={}))),
        _moves("ctrl+j", "ctrl+k"),
    )
    drive(
        application(library(), config=Config(tui=TuiConfig(keymap="emacs", keys={}))),
        _moves("ctrl+n", "ctrl+p"),
    )


def _moves(down, up):
    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        await pilot.press(down)
        assert app.search_screen.results.cursor == 1
        await pilot.press(up)
        assert app.search_screen.results.cursor == 0

    return steps


def test_mouse_highlights_and_a_second_click_opens(monkeypatch):
    ran = []
    monkeypatch.setattr(
        open_file, "launch_for", lambda *a, **k: ran.append(a) or open_file.Launch(("x",), False)
    )
    monkeypatch.setattr(open_file, "run", lambda launch: None)

    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        await pilot.click("#results", offset=(10, 6))
        assert app.search_screen.results.cursor == 1 and not ran
        await pilot.click("#results", offset=(10, 6))
        await until(pilot, lambda: ran)
        assert app.search_screen.input.has_focus, "what is typed next goes on with the query"
        await pilot.click("#chip-type")
        await until(pilot, lambda: len(app.screen_stack) == 2)

    drive(application(library()), steps)
