"""The first screen: two-speed answers, what is highlighted, filters, history."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from support.pilots import application, ask, drive, library, shown, until
from textual import events

from app.api import Answer
from app.errors import DaemonError
from app.tui.messages import Answered
from app.tui.screens import search_requests
from app.tui.screens.search_requests import FIRST
from app.tui.ui_state import UiState
from app.tui.ui_state import load as load_ui_state
from app.tui.widgets.query import LONGEST


def paths(app):
    return [card.hit.path.rsplit("/", 1)[-1] for card in app.search_screen.results.cards]


def notes_on_a_thermostat():
    """Forty files that a query finds, no two nearly alike."""
    words = ["valve", "flue", "flame", "lever", "pump", "vent", "pipe", "tap", "gauge", "coil", "fan", "duct"]
    pairs = [f"{one} {other}" for one in words for other in words if one < other][:40]
    return {f"n{number}.md": f"thermostat {pair}\n" for number, pair in enumerate(pairs)}


@pytest.mark.fast
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


@pytest.mark.parametrize(("held", "mode"), [(0.0, "hybrid"), (3600.0, "words")])
def test_meaning_begins_when_words_have_answered_unless_a_key_is_held(
    held: float, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_requests, "REST", 3600.0)
    monkeypatch.setattr(search_requests, "HELD", held)

    async def steps(pilot, app):
        await pilot.press(*"boiler")
        screen = app.search_screen
        await until(pilot, lambda: screen.answer is not None and screen.answer.query == "boiler")
        await until(pilot, lambda: screen.answer.mode == mode)
        await pilot.pause()
        assert screen.answer.mode == mode

    drive(application(library()), steps)


def test_an_answer_never_replaces_that_of_a_later_question():
    async def steps(pilot, app):
        screen = app.search_screen
        await ask(pilot, app, "boiler")
        late = Answer("earlier", "hybrid", (), False, 0.0, 0, 1.0)
        screen.post_message(Answered(screen.requests.number - 1, late, final=True))
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


@pytest.mark.fast
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
    lib = library()
    lib.instead["search"] = lambda *given, **named: replace(lib.real.search(*given, **named), is_close=False)

    async def steps(pilot, app):
        await ask(pilot, app, "boilerplate vectors quantum weekend chromodynamics")
        assert "Nothing here answers this" in shown(app)
        assert app.search_screen.results.cards

    drive(application(lib), steps)


def test_nothing_found_says_so_and_names_the_filters():
    async def steps(pilot, app):
        await ask(pilot, app, "boiler type:epub")
        assert "Nothing found with these filters" in shown(app)

    drive(application(library()), steps)


def test_a_filter_that_is_not_understood_is_said_and_stays_said_until_it_is():
    async def steps(pilot, app):
        screen = app.search_screen
        for typed, said in (
            ("type:pfd", "type:pfd is no kind of file; did you mean pdf?"),
            ("since:foo boiler", "since:foo is no time"),
            ("boiler in:notez", "No indexed file is in notez; did you mean notes?"),
        ):
            screen.input.set(typed)
            await until(pilot, lambda said=said: said in " ".join(shown(app).split()))
            await until(pilot, lambda typed=typed: "boiler" not in typed or " ms" in shown(app))
            assert said in " ".join(shown(app).split()), "also beside the final answer"
        screen.input.set("type:pd")  # goes on to type:pdf
        await until(pilot, lambda: "tab  type:pdf" in shown(app))
        assert "is no kind" not in shown(app)

    drive(application(library()), steps, (90, 40))


def test_a_folder_that_is_not_there_is_told_while_indexing_goes_on():
    lib = library()
    lib.instead["search"] = lambda *given, **named: replace(lib.real.search(*given, **named), complete=False)

    async def steps(pilot, app):
        app.search_screen.input.set("boiler in:notez")
        await until(pilot, lambda: "did you mean notes?" in " ".join(shown(app).split()))

    drive(application(lib), steps, (90, 40))


def test_a_long_word_on_an_answer_is_shown_to_its_end():
    lib = library()
    reason = (
        "Indexing is not finished. The disk that holds the index is full: "
        + "free some of it, " * 6
        + "then wait."
    )
    lib.instead["search"] = lambda *given, **named: replace(
        lib.real.search(*given, **named), complete=False, notice=reason
    )

    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        assert "then wait." in shown(app)

    drive(application(lib), steps, (110, 34))


def test_filters_toggle_in_the_question_and_narrow():
    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        for key, typed in (("ctrl+t", "md"), ("ctrl+g", "notes"), ("ctrl+r", "2w")):
            await pilot.press(key)
            await until(pilot, lambda: len(app.screen_stack) == 2 and app.screen.focused)
            await pilot.press(*typed, "enter")
            await until(pilot, lambda: len(app.screen_stack) == 1)
        assert app.search_screen.input.value == "boiler type:md in:notes since:2w"
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
        assert app.search_screen.left.sort == "date" and "newest first" in shown(app)
        assert load_ui_state().sort == "date"

    drive(application(library()), steps)


def test_the_newest_of_all_that_answers_comes_first_not_of_the_best_twenty():
    files = notes_on_a_thermostat()
    files["newest.md"] = "A note in which the thermostat is named once among many other words of no weight.\n"

    async def steps(pilot, app):
        screen = app.search_screen

        def names():
            return [card.hit.path.rsplit("/", 1)[-1] for card in screen.results.cards]

        screen.input.set("thermostat mode:words")
        await until(pilot, lambda: len(names()) == FIRST)
        assert "newest.md" not in names()
        await pilot.press("ctrl+s")
        await until(pilot, lambda: names()[:1] == ["newest.md"])
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "newest.md" not in names())
        screen.input.set("thermostat mode:words sort:date")
        await until(pilot, lambda: names()[:1] == ["newest.md"])

    lib = library(**files)
    os.utime(f"{lib.root}/newest.md")
    lib.sync()
    drive(application(lib), steps)


def test_places_of_a_file_open_and_close():
    async def steps(pilot, app):
        screen = app.search_screen
        await ask(pilot, app, "boiler")
        index = next(i for i, card in enumerate(screen.results.cards) if card.places > 1)
        screen.results.highlight(index)
        await pilot.press("tab", "right")
        assert any(card.depth for card in screen.results.cards)
        await pilot.press("down", "alt+n", "alt+p", "left")
        assert not any(card.depth for card in screen.results.cards)

    drive(application(library()), steps)


def test_up_arrow_brings_back_earlier_questions_and_home_lists_them():
    memory = UiState(questions=["second question", "first question"])

    async def steps(pilot, app):
        assert "second question" in shown(app)
        await pilot.press("up")
        assert app.search_screen.input.value == "second question"
        await until(pilot, lambda: app.search_screen.answer)
        await pilot.press("up")
        assert app.search_screen.input.value == "first question"
        await until(pilot, lambda: app.search_screen.answer)
        await pilot.press("escape")
        await pilot.press("down", "enter")
        assert app.search_screen.input.value == "first question"

    drive(application(library(), ui_state=memory), steps)


def test_a_pasted_page_becomes_one_line_cut_at_what_can_be_asked():
    async def steps(pilot, app):
        page = "a line of words\n\x1b[31mred\n" * 400
        app.search_screen.input.post_message(events.Paste(page))
        await until(pilot, lambda: app.search_screen.input.value)
        value = app.search_screen.input.value
        assert len(value) == LONGEST and "\n" not in value and "\x1b" not in value

    drive(application(library()), steps)


def test_a_burst_of_letters_is_searched_as_a_whole():
    lib = library()
    text = "boiler pressure " * 40

    async def steps(pilot, app):
        for letter in text:
            app.post_message(events.Key("space" if letter == " " else letter, letter))
        await until(pilot, lambda: app.search_screen.input.value == text)
        await until(
            pilot, lambda: app.search_screen.answer and app.search_screen.answer.query == text.strip()
        )

    drive(application(lib), steps)
    assert sum(call[0] == "search" for call in lib.calls) < len(text) / 10


def test_words_find_what_the_screen_has_room_for_and_the_rest_follows():
    lib = library(**notes_on_a_thermostat())
    lib.hold("hybrid")

    async def steps(pilot, app):
        screen = app.search_screen
        screen.input.set("thermostat")
        await until(pilot, lambda: screen.results.cards)
        assert len(screen.results.cards) == screen.left.room < FIRST
        lib.release("hybrid")
        await until(pilot, lambda: len(screen.results.cards) == FIRST)

    drive(application(lib), steps, (120, 40))


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


@pytest.mark.parametrize("held", ["words", "hybrid"])
def test_quitting_while_an_answer_is_awaited(held):
    lib = library()
    lib.hold(held)

    async def steps(pilot, app):
        app.search_screen.input.set("boiler")
        await pilot.pause(0.05)
        await pilot.press("ctrl+q")

    drive(application(lib), steps)
