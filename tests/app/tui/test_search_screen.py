"""The first screen: two-speed answers, what is highlighted, filters, history, every action on a result."""

from __future__ import annotations

import pytest
from support.pilots import application, ask, drive, library, shown, until
from textual import events

from app import open_file, standing
from app.config import Config, TuiConfig
from app.errors import DaemonError
from app.library import Answer
from app.tui.memory import Memory
from app.tui.memory import load as load_memory
from app.tui.messages import Answered
from app.tui.widgets.query import LONGEST


def paths(app):
    return [card.hit.path.rsplit("/", 1)[-1] for card in app.search_screen.results.cards]


def test_words_answer_at_once_and_meaning_follows():
    lib = library()
    lib.hold("hybrid")

    async def steps(pilot, app):
        screen = app.search_screen
        screen.input.set("boiler pressure")
        await until(pilot, lambda: screen.results.cards)
        assert screen.answer.mode == "words"
        assert {card.reason for card in screen.results.cards} == {"words"}
        lib.release("hybrid")
        await until(pilot, lambda: screen.answer.mode == "hybrid")
        assert "words + meaning" in {card.reason for card in screen.results.cards}

    drive(application(lib), steps)


def test_an_answer_never_replaces_that_of_a_later_question():
    async def steps(pilot, app):
        screen = app.search_screen
        await ask(pilot, app, "boiler")
        late = Answer("earlier", "hybrid", (), False, 0.0, 0, 1.0)
        screen.post_message(Answered(screen.asking.number - 1, late, final=True))
        await pilot.pause()
        assert screen.answer.query == "boiler" and screen.results.cards

    drive(application(library()), steps)


def test_words_arriving_after_meaning_are_not_shown():
    lib = library()
    lib.hold("words")

    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        lib.release("words")
        await pilot.pause(0.05)
        assert app.search_screen.answer.mode == "hybrid"

    drive(application(lib), steps)


def test_the_chosen_row_stays_under_the_cursor_when_rows_come():
    lib = library()
    lib.hold("hybrid")

    async def steps(pilot, app):
        screen = app.search_screen
        screen.input.set("boiler pressure")
        await until(pilot, lambda: len(screen.results.cards) > 1)
        await pilot.press("down")
        chosen = screen.hit.path
        lib.release("hybrid")
        await until(pilot, lambda: screen.answer.mode == "hybrid")
        assert screen.hit.path == chosen

    drive(application(lib), steps)


def test_nothing_close_says_so_and_offers_the_nearest():
    async def steps(pilot, app):
        await ask(pilot, app, "boilerplate vectors quantum weekend chromodynamics")
        assert "Nothing here answers this" in shown(app)
        assert app.search_screen.results.cards

    drive(application(library()), steps)


def test_nothing_found_says_so_and_names_the_filters():
    async def steps(pilot, app):
        await ask(pilot, app, "boiler type:epub")
        assert "Nothing found with these filters" in shown(app)

    drive(application(library()), steps)


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


def test_filters_toggle_in_the_question_and_narrow():
    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        await pilot.press("ctrl+t")
        assert app.search_screen.input.value == "boiler type:md"
        await pilot.press("ctrl+g", "ctrl+r")
        assert app.search_screen.input.value == "boiler type:md in:notes since:1d"
        await pilot.press("alt+0")
        assert app.search_screen.input.value == "boiler"

    drive(application(library()), steps)


def test_tab_completes_a_filter():
    async def steps(pilot, app):
        screen = app.search_screen
        await pilot.press(*"boiler type:p")
        await until(pilot, lambda: screen.input.completion)
        assert "type:pdf" in shown(app)
        await pilot.press("tab")
        assert screen.input.value == "boiler type:pdf"

    drive(application(library()), steps)


def test_sort_by_date_and_back():
    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        await pilot.press("ctrl+s")
        assert app.search_screen.sort == "date" and "newest first" in shown(app)
        assert load_memory().sort == "date"

    drive(application(library()), steps)


def test_places_of_a_file_open_and_close():
    async def steps(pilot, app):
        screen = app.search_screen
        await ask(pilot, app, "boiler")
        index = next(i for i, card in enumerate(screen.results.cards) if card.places > 1)
        screen.results.highlight(index)
        await pilot.press("tab", "l")
        assert any(card.depth for card in screen.results.cards)
        await pilot.press("j", "n", "N", "h")
        assert not any(card.depth for card in screen.results.cards)

    drive(application(library()), steps)


def test_up_arrow_brings_back_earlier_questions_and_home_lists_them():
    memory = Memory(questions=["second question", "first question"])

    async def steps(pilot, app):
        assert "second question" in shown(app)
        await pilot.press("up")
        assert app.search_screen.input.value == "second question"
        await until(pilot, lambda: app.search_screen.answer)
        await pilot.press("up")
        assert app.search_screen.input.value == "first question"
        await pilot.press("escape")
        await pilot.press("down", "enter")
        assert app.search_screen.input.value == "first question"

    drive(application(library(), memory=memory), steps)


def test_every_copy_reaches_the_clipboard(monkeypatch):
    copied = []
    monkeypatch.setattr(open_file, "copy", copied.append)

    async def steps(pilot, app):
        await ask(pilot, app, "cold radiators pressure")
        hit = app.search_screen.hit
        await pilot.press("ctrl+y")
        await until(pilot, lambda: copied == [hit.path])
        assert app.clipboard == hit.path
        await pilot.press("alt+c")
        assert app.clipboard == hit.text
        await pilot.press("alt+m")
        assert app.clipboard.startswith("> ") and "file:///home/ada/notes/boiler.md" in app.clipboard

    drive(application(library()), steps)


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
        assert load_memory().questions == ["cold radiators pressure"]

    drive(application(library()), steps)


def test_a_file_that_is_gone_says_so():
    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        await pilot.press("enter")
        await pilot.pause()
        assert "is not there any more" in shown(app).replace("\n", " ") or app._notifications

    drive(application(library()), steps)


def test_pin_similar_and_standing_question():
    async def steps(pilot, app):
        screen = app.search_screen
        await ask(pilot, app, "boiler pressure")
        await pilot.press("ctrl+b")
        assert "◆" in shown(app) and len(load_memory().pins) == 1
        await pilot.press("alt+w")
        await until(pilot, standing.read)
        assert standing.read()[0].query == "boiler pressure"
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


def test_outline_goes_to_a_heading():
    async def steps(pilot, app):
        await ask(pilot, app, "cold radiators pressure")
        await until(pilot, lambda: app.search_screen.preview.page)
        await pilot.press("alt+o")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.pause()
        assert "Service" in shown(app)
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(app.screen_stack) == 1)

    drive(application(library()), steps)


def test_a_pasted_page_becomes_one_line_cut_at_what_can_be_asked():
    async def steps(pilot, app):
        page = "a line of words\n\x1b[31mred\n" * 400
        app.search_screen.input.post_message(events.Paste(page))
        await until(pilot, lambda: app.search_screen.input.value)
        value = app.search_screen.input.value
        assert len(value) == LONGEST and "\n" not in value and "\x1b" not in value

    drive(application(library()), steps)


def test_the_daemon_is_lost_and_comes_back():
    lib = library()

    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        lib.failure = DaemonError("It is gone.", "Start it.")
        app.look()
        await until(pilot, lambda: app.session.lost or "stopped answering" in shown(app))
        assert app.search_screen.results.cards
        lib.failure = None
        await until(pilot, lambda: not app.session.lost)

    drive(application(lib), steps)


def test_the_daemon_lost_while_a_question_is_asked():
    lib = library()

    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        lib.failure = DaemonError("It is gone.", "Start it.")
        app.search_screen.input.set("boiler pressure")
        await until(pilot, lambda: app.session.lost)
        assert app.search_screen.results.cards
        lib.failure = None
        await until(pilot, lambda: not app.session.lost)
        await until(pilot, lambda: app.search_screen.answer.query == "boiler pressure")

    drive(application(lib), steps)


@pytest.mark.parametrize("size", [(20, 6), (40, 10), (80, 24), (80, 44), (120, 40), (200, 60)])
def test_every_size_shows_question_and_results(size):
    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        assert "boiler" in shown(app)
        await pilot.resize_terminal(90, 30)
        await pilot.resize_terminal(*size)
        await pilot.pause()
        assert app.search_screen.results.cards

    drive(application(library()), steps, size)


def test_on_a_small_screen_the_preview_takes_turns_with_the_list():
    async def steps(pilot, app):
        screen = app.search_screen
        await ask(pilot, app, "boiler pressure")
        assert not screen.preview_shown
        await pilot.press("ctrl+o")
        await until(pilot, lambda: screen.preview_shown)
        assert not screen.query_one("#left").display
        await pilot.press("escape")
        assert screen.query_one("#left").display

    drive(application(library()), steps, (80, 24))


def test_a_hostile_document_drives_nothing():
    lib = library()
    hostile = (
        "# [bold]x[/] \x1b]0;owned\x07 \u202eevil\n\nboiler \x1b[2J\x9b31m [link=x](javascript:1) \u2066\n"
    )
    lib.documents["/home/ada/notes/evil\x1b[2J.md"] = lib._document("evil.md", hostile)

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
        await pilot.click("#chip-type")
        assert "type:md" in app.search_screen.input.value

    drive(application(library()), steps)


@pytest.mark.parametrize("held", ["words", "hybrid"])
def test_quitting_while_an_answer_is_awaited(held):
    lib = library()
    lib.hold(held)

    async def steps(pilot, app):
        app.search_screen.input.set("boiler")
        await pilot.pause(0.05)
        await pilot.press("ctrl+q")

    drive(application(lib), steps)
    lib.release(held)


def test_a_document_that_cannot_be_read_shows_why():
    lib = library()

    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        lib.documents.pop(app.search_screen.results.cards[1].hit.path)
        await pilot.press("down")
        await until(pilot, lambda: "is not in the index" in shown(app))

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
