"""The help screen: everything there is to press and to type, at any width."""

from __future__ import annotations

from support.pilots import application, drive, library, shown, until

from app.query import KEYS
from app.tui.actions import ACTIONS


def test_help_shows_every_action_and_filter():
    async def steps(pilot, app):
        await pilot.press("f1")
        await until(pilot, lambda: "Help" in shown(app))
        await pilot.pause()
        text = " ".join(str(static.content) for static in app.screen.query("Static"))
        assert all(action.title in text for action in ACTIONS)
        assert all(f"{key}:" in text for key in KEYS)
        await pilot.press("escape")

    drive(application(library()), steps, (200, 60))


def test_a_description_that_wraps_goes_on_under_itself():
    async def steps(pilot, app):
        await pilot.press("f1")
        for width in (112, 50, 112):
            await pilot.resize_terminal(width, 100)
            await until(
                pilot,
                lambda width=width: len((text := shown(app)).split("\n")[0]) == width and "Previous" in text,
            )
            lines = shown(app).split("\n")
            first = next(number for number, line in enumerate(lines) if "Previous result" in line)
            column = lines[first].index("Previous result")
            begins, goes_on = (line[: column + 18] for line in lines[first : first + 2])
            assert begins.strip().startswith("↑ ^p ^k")
            assert not goes_on[:column].strip() and goes_on[column].isalpha(), goes_on
        await pilot.press("escape")

    drive(application(library()), steps, (112, 40))
