"""The keys that move a highlight move it on every screen that has a list, and a resize breaks no preview."""

from __future__ import annotations

import pytest
from support.driven_library import DrivenLibrary, driven_library
from support.pilots import application, ask, drive, library, shown, until
from textual import events

from app.answers import saved_searches
from app.api import Folder, Problem
from app.tui.widgets.list_view import CardList

MOVES = (("down", 1), ("j", 2), ("k", 1), ("up", 0), ("end", 3), ("home", 0), ("G", 3), ("g", 0),
         ("pagedown", 3), ("pageup", 0))  # fmt: skip


def many() -> DrivenLibrary:
    lib = library()
    names = [f"/home/ada/{name}" for name in ("books", "letters", "notes", "papers")]
    lib.shown["folders"] = tuple(Folder(name, 1, 1, 0, "watching") for name in names)
    problems = tuple(Problem(f"{name}/a.pdf", "failed", "It is encrypted.") for name in names)
    lib.instead["problems"] = lambda: problems
    return lib


@pytest.mark.parametrize("screen", ["f2", "f3", "f4"])
def test_a_list_answers_to_arrows_letters_and_pages(screen: str) -> None:
    for number in range(4):
        saved_searches.add(f"question {number}")

    async def steps(pilot, app):
        await until(pilot, lambda: app.session.status)
        await pilot.press(screen)
        await until(pilot, lambda: len(app.screen_stack) == 2 and len(app.screen.query(CardList)) == 1)
        cards = app.screen.query_one(CardList)
        await until(pilot, lambda: len(cards.cards) == 4)
        for key, expected in MOVES:
            await pilot.press(key)
            assert cards.cursor == expected, key

    drive(application(many()), steps)


def test_the_first_screen_of_all_answers_to_arrows(tmp_path, monkeypatch) -> None:
    home = tmp_path / "user-home"
    for name in ("Documents", "Notes", "Papers"):
        (home / name).mkdir(parents=True)
        (home / name / "a.md").write_text("# One\n\nThe harbour.\n")

    async def steps(pilot, app):
        await until(pilot, lambda: len(app.screen_stack) == 2 and app.screen.query(CardList))
        cards = app.screen.query_one(CardList)
        await until(pilot, lambda: len(cards.cards) == 3)
        for key, expected in (("down", 1), ("down", 2), ("up", 1), ("home", 0), ("end", 2), ("pageup", 0)):
            await pilot.press(key)
            assert cards.cursor == expected, key

    drive(application(driven_library({})), steps)


def test_the_outline_answers_to_arrows() -> None:
    async def steps(pilot, app):
        await ask(pilot, app, "cold radiators pressure")
        await until(pilot, lambda: (page := app.search_screen.preview.page) and page.excerpt.outline)
        await pilot.press("alt+o")
        await until(pilot, lambda: len(app.screen_stack) == 2 and app.screen.query(CardList))
        cards = app.screen.query_one(CardList)
        await until(pilot, lambda: cards.cursor is not None and cards.touched)
        await pilot.press("home", "down")
        assert cards.cursor == 1
        await pilot.press("up")
        assert cards.cursor == 0

    drive(application(library()), steps)


def test_a_key_pressed_just_before_the_menu_is_not_lost() -> None:
    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        results = app.search_screen.results
        await pilot.press("down")
        await until(pilot, lambda: results.cursor == 1)
        app.post_message(events.Key("up", None))
        app.post_message(events.Key("ctrl+x", None))
        await until(pilot, lambda: "Press a letter" in shown(app))
        await until(pilot, lambda: results.cursor == 0)

    drive(application(library()), steps)


@pytest.mark.parametrize(
    ("before", "after"), [((60, 40), (140, 40)), ((100, 40), (200, 50)), ((110, 40), (250, 70))]
)
def test_a_preview_with_marks_outlives_every_resize(before: tuple[int, int], after: tuple[int, int]) -> None:
    sentence = "When radiators stay cold, look at the pressure of the boiler first, then bleed each of them. "
    text = "# Boiler\n\n" + "\n\n".join(f"{number}. {sentence * 4}" for number in range(60))
    lib = driven_library({"boiler.md": text})

    async def steps(pilot, app):
        preview = app.search_screen.preview
        await ask(pilot, app, "cold radiators pressure")
        if not app.search_screen.panes.preview_shown:
            await pilot.press("ctrl+o")
        await until(pilot, lambda: preview.page is not None and preview.page.marks)
        for size in (after, before, after, (40, 10), after):
            await pilot.resize_terminal(*size)
            await pilot.pause()

    drive(application(lib), steps, before)
