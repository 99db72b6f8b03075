"""Pictures of every screen and state, at three sizes, in dark and light."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from support.memory_library import MemoryLibrary
from support.pilots import NOTES, until
from textual.pilot import Pilot

from app import suggest
from app.errors import DaemonError
from app.library import Folder, Problem, Progress
from app.suggest import Estimate
from app.tui import themes, wording
from app.tui.app import KenApp
from app.tui.memory import Memory, Pin
from app.tui.session import Session
from index.errors import IndexNewer

SIZES = {"small": (80, 24), "medium": (120, 40), "large": (200, 60)}
EACH = [("small", "light"), ("medium", "dark"), ("large", "light")]
ALL = [(size, theme) for size in SIZES for theme in ("dark", "light")]
NOW = 1_760_000_000.0
Steps = Callable[[Pilot[None]], Awaitable[None]]


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock, the time zone, and what would be told of this machine's folders."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(wording, "now", lambda: NOW)
    monkeypatch.setenv("HOME", "/home/ada")


def notes() -> MemoryLibrary:
    return MemoryLibrary("/home/ada/notes", NOTES, modified_ns=int((NOW - 20 * 86400) * 1e9))


def picture(compare, steps: Steps, size: str, theme: str, lib: MemoryLibrary | None = None, **more) -> None:
    lib = lib or notes()
    app = KenApp(Session(memory=more.pop("memory", Memory())), more.pop("connect", lambda: lib))
    app.theme = {"dark": themes.DARK.name, "light": themes.LIGHT.name}[theme]

    async def before(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.session.status is not None or len(app.screen_stack) > 1)
        await steps(pilot)
        await pilot.pause()

    assert compare(app, terminal_size=SIZES[size], run_before=before)


def asked(question: str, *keys: str) -> Steps:
    """Ask, wait for the answer with its marked preview, then press keys."""

    async def steps(pilot: Pilot[None]) -> None:
        screen = pilot.app.search_screen
        screen.input.set(question)
        await until(pilot, lambda: screen.answer and screen.answer.mode != "words")
        hits = screen.answer.hits
        await until(pilot, lambda: not hits or _shown(screen))
        if keys:
            await pilot.press(*keys)
            await asyncio.sleep(0.3)

    return steps


def _shown(screen) -> bool:
    """Whether the preview is there, its sentences marked."""
    return screen.preview.page is not None and bool(screen.preview.page.marks)


def pressed(*keys: str, wait: str = "") -> Steps:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press(*keys)
        await pilot.pause(0.3)

    return steps


@pytest.mark.parametrize(("size", "theme"), ALL)
def test_results(snap_compare, size, theme):
    picture(snap_compare, asked("cold radiators pressure"), size, theme)


@pytest.mark.parametrize(("size", "theme"), EACH)
def test_home(snap_compare, size, theme):
    memory = Memory(
        questions=["when was the boiler serviced", "notes on another phone"],
        pins=[Pin("/home/ada/notes/boiler.md", 7, "Boiler")],
    )
    picture(snap_compare, pressed(), size, theme, memory=memory)


@pytest.mark.parametrize(("size", "theme"), EACH)
def test_places_opened(snap_compare, size, theme):
    picture(snap_compare, asked("cold boiler pressure", "tab", "l", "j"), size, theme)


@pytest.mark.parametrize(("size", "theme"), [("small", "dark")])
def test_preview_in_turn(snap_compare, size, theme):
    picture(snap_compare, asked("cold radiators pressure", "ctrl+o"), size, theme)


@pytest.mark.parametrize(("size", "theme"), EACH)
def test_nothing_close(snap_compare, size, theme):
    picture(snap_compare, asked("boilerplate quantum weekend chromodynamics"), size, theme)


@pytest.mark.parametrize(("size", "theme"), EACH[:2])
def test_nothing_found(snap_compare, size, theme):
    picture(snap_compare, asked("boiler type:epub"), size, theme)


@pytest.mark.parametrize(("size", "theme"), EACH[:2])
def test_completion(snap_compare, size, theme):
    picture(snap_compare, asked("boiler since:"), size, theme)


@pytest.mark.parametrize(("size", "theme"), EACH)
def test_first_run(snap_compare, monkeypatch, size, theme):
    counted = Estimate(
        "", 1204, 38_000_000, 780, {"md": 1100, "pdf": 64, "docx": 40}, {"caches": 12, "pictures": 210}
    )
    monkeypatch.setattr(suggest, "suggestions", lambda: ["/home/ada/Documents", "/home/ada/Notes"])
    monkeypatch.setattr(suggest, "estimate", lambda path, *_: iter([Estimate(path, *_values(counted))]))

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: all(c.done for c in pilot.app.screen.choices) and pilot.app.screen.choices)

    picture(snap_compare, steps, size, theme, MemoryLibrary("/home/ada", {}))


def _values(estimate: Estimate) -> tuple[object, ...]:
    return (estimate.files, estimate.bytes, estimate.seconds, estimate.kinds, estimate.left_out, True)


@pytest.mark.parametrize(("size", "theme"), EACH)
def test_model(snap_compare, size, theme):
    picture(snap_compare, pressed("f7"), size, theme)


@pytest.mark.parametrize(("size", "theme"), EACH)
def test_folders(snap_compare, size, theme):
    lib = notes()
    lib.folders += (
        Folder("/home/ada/papers", 310, 9204, 3, "paused"),
        Folder("/media/stick", 12, 40, 0, "missing", "It is not there; what was indexed from it is kept."),
    )
    picture(snap_compare, pressed("f2"), size, theme, lib)


@pytest.mark.parametrize(("size", "theme"), EACH)
def test_problems(snap_compare, size, theme):
    lib = notes()
    lib.found_problems = (
        Problem("/home/ada/notes/scan.pdf", "failed", "The file is encrypted: a password is needed."),
        Problem("/home/ada/notes/big.log", "skipped", "It is larger than 50 MB."),
    )
    picture(snap_compare, pressed("f3"), size, theme, lib)


@pytest.mark.parametrize(("size", "theme"), EACH)
def test_standing(snap_compare, size, theme):
    picture(snap_compare, pressed("f4"), size, theme)


@pytest.mark.parametrize(("size", "theme"), EACH)
def test_help(snap_compare, size, theme):
    picture(snap_compare, pressed("f1"), size, theme)


@pytest.mark.parametrize(("size", "theme"), EACH[:2])
def test_forget_is_asked_for(snap_compare, size, theme):
    picture(snap_compare, pressed("f2", "f"), size, theme)


@pytest.mark.parametrize(("size", "theme"), EACH[:2])
def test_indexing(snap_compare, size, theme):
    lib = notes()
    lib.progress = Progress("embedding", 12, 40, 310, 1204, 1500.0, 38.0, 95.0, "/home/ada/notes/boiler.md")
    picture(snap_compare, pressed(), size, theme, lib)


def test_daemon_lost(snap_compare):
    lib = notes()

    async def steps(pilot: Pilot[None]) -> None:
        await asked("cold radiators pressure")(pilot)
        lib.failure = DaemonError("It is gone.", "Start it.")
        pilot.app.look()
        await until(pilot, lambda: pilot.app.session.lost)

    picture(snap_compare, steps, "medium", "dark", lib, connect=lambda: lib if not lib.failure else _fail())


def _fail() -> MemoryLibrary:
    raise DaemonError("It is gone.", "Start it.")


def test_index_of_a_newer_ken(snap_compare):
    def connect() -> MemoryLibrary:
        raise IndexNewer("It was written by ken 9.", "Install that release, or index again.")

    picture(snap_compare, pressed(), "small", "light", connect=connect)


def test_pictures_name_no_path_of_this_machine():
    folder = Path(__file__).parent / "__snapshots__"
    for svg in folder.rglob("*.svg"):
        assert os.getcwd() not in svg.read_text()  # noqa: PTH109
