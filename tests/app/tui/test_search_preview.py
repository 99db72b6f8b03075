"""The preview beside the results: its place, its outline, and documents that are hostile, large or gone."""

from __future__ import annotations

from support.pilots import application, ask, drive, library, shown, until

from app.errors import PathInvalid


def test_preview_shows_the_place_and_marks_sentences():
    async def steps(pilot, app):
        preview = app.search_screen.preview
        await ask(pilot, app, "cold radiators pressure")
        await until(pilot, lambda: preview.page is not None and preview.page.marks)
        page = preview.page
        text = {
            level: page.excerpt.text[a - page.excerpt.start : b - page.excerpt.start]
            for a, b, level in page.marks
        }
        assert "look at the pressure first" in text[3]
        assert page.words

    drive(application(library()), steps)


def test_outline_goes_to_a_heading():
    async def steps(pilot, app):
        await ask(pilot, app, "cold radiators pressure")
        await until(pilot, lambda: (page := app.search_screen.preview.page) and page.excerpt.outline)
        await pilot.press("alt+o")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.pause()
        assert "Service" in shown(app)
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(app.screen_stack) == 1)

    drive(application(library()), steps)


def test_an_outline_asked_for_while_the_document_is_read_comes_when_it_is():
    lib = library()
    lib.hold("excerpt")

    async def steps(pilot, app):
        await ask(pilot, app, "cold radiators pressure")
        await until(pilot, lambda: "reading the document" in shown(app))
        await pilot.press("alt+o")
        assert len(app.screen_stack) == 1
        lib.release("excerpt")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await until(pilot, lambda: "Service" in shown(app))

    drive(application(lib), steps)


def test_on_a_small_screen_the_preview_takes_turns_with_the_list():
    async def steps(pilot, app):
        screen = app.search_screen
        await ask(pilot, app, "boiler pressure")
        assert not screen.panes.preview_shown
        await pilot.press("ctrl+o")
        await until(pilot, lambda: screen.panes.preview_shown)
        assert not screen.query_one("#left").display
        await pilot.press("escape")
        assert screen.query_one("#left").display

    drive(application(library()), steps, (80, 24))


def test_a_hostile_document_drives_nothing():
    hostile = (
        "# [bold]x[/] \x1b]0;owned\x07 \u202eevil\n\nboiler \x1b[2J\x9b31m [link=x](javascript:1) \u2066\n"
    )
    lib = library(**{"evil\x1b[2J.md": hostile})

    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        await until(pilot, lambda: app.search_screen.preview.page)
        for _ in app.search_screen.results.cards:
            await pilot.press("down")
            await pilot.pause(0.05)
        text = shown(app)
        assert "[bold]x[/]" in text
        assert not set(text) & {"\x1b", "\x07", "\x9b", "\u202e", "\u2066"}

    drive(application(lib), steps)


def test_a_document_that_cannot_be_read_shows_why():
    lib = library()

    def refuse(*_given, **_named):
        raise PathInvalid("It is not in the index.", "Index it first.")

    async def steps(pilot, app):
        lib.instead["excerpt"] = refuse
        await ask(pilot, app, "boiler")
        await pilot.press("down")
        await until(pilot, lambda: "Path cannot be used" in shown(app))

    drive(application(lib), steps)


def test_sentences_are_weighed_once_meaning_answers_for_the_page_already_shown():
    lib = library()
    lib.hold("hybrid")

    async def steps(pilot, app):
        screen = app.search_screen
        screen.input.set("cold radiators pressure")
        await until(pilot, lambda: screen.preview.page)
        assert not screen.preview.page.marks
        lib.release("hybrid")
        await until(pilot, lambda: screen.preview.page.marks)

    drive(application(lib), steps)


def test_until_a_large_document_is_read_its_passage_is_shown_and_stays_where_it_is():
    lib = library()
    lib.hold("excerpt")

    async def steps(pilot, app):
        preview = app.search_screen.preview
        await ask(pilot, app, "cold radiators pressure")
        await until(pilot, lambda: "reading the document" in shown(app))
        hit = app.search_screen.hit
        assert preview.page.excerpt.text == hit.text and preview.page.words
        lib.release("excerpt")
        await until(pilot, lambda: preview.page.excerpt.length > len(hit.text))
        await pilot.pause()
        assert "of 10" in shown(app) and preview.page.focus == (hit.start, hit.end)

    drive(application(lib), steps)
