"""Pictures of every screen and state at several sizes, in dark and light; some in ANSI and in no colours."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.documents import pdf
from support.driven_library import DrivenLibrary, driven_library
from support.pilots import NOTES, shown, until
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input

from app.answers import saved_searches
from app.api import Folder, Library, Problem, Progress
from app.config import Config
from app.errors import DaemonError
from app.folders import onboarding
from app.folders.onboarding import Estimate
from app.tui import app as tui
from app.tui import formatting, themes
from app.tui.app import KenApp
from app.tui.screens import model
from app.tui.session import Session
from app.tui.ui_state import Pin, UiState
from embedder.checkpoints import download
from index.errors import IndexNewer

SIZES = {"80x24": (80, 24), "120x40": (120, 40), "200x60": (200, 60), "60x15": (60, 15)}
THEMES = {"dark": themes.DARK.name, "light": themes.LIGHT.name, "ansi": themes.ANSI.name,
          "plain": themes.PLAIN.name}  # fmt: skip
NOW = 1_760_000_000.0
QUESTION = "cold radiators pressure"
TALK = pdf(
    [
        [(72, 700, 20, "Opening"), (72, 660, 12, "Welcome to the house.")],
        [(72, 700, 20, "Heating"), (72, 660, 12, "Cold radiators want pressure: top up to one bar.")],
        [(72, 700, 20, "Questions")],
    ]
)
NEWER = IndexNewer("It was written by ken 9.", "Install that release, or index again.")
CODE = (
    NOTES["tools/plot.py"]
    + "\n\n"
    + '''class Radiator:
    """Cold ones need pressure."""

    def bleed(self, seconds: int = 10) -> str:
        return f"{seconds} s"  # until water comes
'''
)
Steps = Callable[[Pilot[None]], Awaitable[None]]


@dataclass
class Scene:
    """What a picture shows: a library, what was remembered, and what is done."""

    steps: Steps
    library: DrivenLibrary
    ui_state: UiState = field(default_factory=UiState)
    fails: Exception | None = None
    """Why the library cannot be opened."""
    pends: bool = False
    """Whether opening it takes for ever."""
    older: bool = False
    """Whether the index is an earlier release's."""


def notes(*, model: bool = True, **files: str | bytes) -> DrivenLibrary:
    """Notes that a daemon watches, and figures that are the same on every machine and in every run."""
    lib = driven_library({**NOTES, **files}, model=model, precision="f32")
    folders = tuple(replace(folder, state="watching") for folder in lib.status().folders)
    lib.shown |= {"folders": folders, "engine": "native", "index_bytes": 1_200_000}
    lib.instead["search"] = lambda *given, **named: replace(lib.real.search(*given, **named), took_ms=7.0)
    lib.instead["similar"] = lambda *given, **named: replace(lib.real.similar(*given, **named), took_ms=7.0)
    return lib


def asked(question: str, *keys: str) -> Steps:
    """Ask, wait for the answer with its marked preview, then press keys."""

    async def steps(pilot: Pilot[None]) -> None:
        screen = search_screen(pilot)
        screen.input.set(question)
        await until(pilot, lambda: screen.answer and screen.answer.mode != "words")
        await until(pilot, lambda: not screen.answer.hits or is_marked(screen))
        await pilot.press(*keys)
        await pilot.pause()
        await until(pilot, lambda: len(pilot.app.screen_stack) > 1 or not screen.hit or is_settled(screen))

    return steps


def similar(pilot: Pilot[None]) -> Awaitable[None]:
    async def steps() -> None:
        await asked("boiler pressure", "ctrl+l")(pilot)
        screen = search_screen(pilot)
        await until(pilot, lambda: screen.answer.mode == "meaning" and is_settled(screen))

    return steps()


def previewing(question: str, name: str) -> Steps:
    """Ask, and show a document in the preview, where it has a place of its own or takes the list's."""

    async def steps(pilot: Pilot[None]) -> None:
        await asked(question)(pilot)
        screen = search_screen(pilot)
        index = next(i for i, card in enumerate(screen.results.cards) if card.hit.path.endswith(name))
        screen.results.highlight(index)
        await until(pilot, lambda: screen.preview.page and screen.preview.page.excerpt.path.endswith(name))
        await until(pilot, lambda: is_marked(screen))
        if screen.panes.arrangement == "single":
            await pilot.press("ctrl+o")

    return steps


def pressed(*keys: str) -> Steps:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press(*keys)

    return steps


def search_screen(pilot: Pilot[None]) -> Any:
    return pilot.app.search_screen  # type: ignore[attr-defined]


def is_marked(screen: Any) -> bool:
    """Whether the preview is there, its sentences marked."""
    return screen.preview.page is not None and bool(screen.preview.page.marks)


def is_settled(screen: Any) -> bool:
    """Whether the preview shows the highlighted place, its sentences marked."""
    page, hit = screen.preview.page, screen.hit
    return is_marked(screen) and (page.excerpt.path, page.focus) == (hit.path, (hit.start, hit.end))


# Scenes, by the name of the picture.


def first_run() -> Scene:
    async def steps(pilot: Pilot[None]) -> None:
        screen: Any = pilot.app.screen
        await until(pilot, lambda: screen.choices and all(choice.done for choice in screen.choices))

    return Scene(steps, driven_library({}, model=False))


def fetching() -> Scene:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("f7", "enter")
        bar: Any = pilot.app.screen.query_one("#bar")
        await until(pilot, lambda: "Fetching part 3" in str(bar.content))
        await until(pilot, lambda: not pilot.app.screen.query(".-active"))  # a pressed button's colour

    return Scene(steps, notes(model=False))


def home() -> Scene:
    lib = notes()
    memory = UiState(
        questions=["when was the boiler serviced", "notes on another phone in:notes"],
        pins=[Pin(f"{lib.root}/boiler.md", 7, "Boiler")],
    )
    return Scene(pressed(), lib, memory)


def history() -> Scene:
    async def steps(pilot: Pilot[None]) -> None:
        screen = search_screen(pilot)
        await pilot.press("up")
        await until(pilot, lambda: screen.answer and screen.answer.mode == "hybrid" and is_settled(screen))

    return Scene(steps, notes(), UiState(questions=["boiler pressure", "bread"]))


def folders() -> Scene:
    lib = notes()
    lib.shown["folders"] += (
        Folder(f"{lib.home}/papers", 310, 9204, 3, "paused"),
        Folder("/media/stick", 12, 40, 0, "missing", "It is not there; what was indexed from it is kept."),
    )
    return Scene(pressed("f2"), lib)


def forget() -> Scene:
    lib = notes()
    lib.shown["folders"] = (Folder("/home/ada/notes", 4, 6, 0, "watching"),)  # the question names it in full
    return Scene(pressed("f2", "f"), lib)


def problems() -> Scene:
    lib = notes()
    listed = (
        Problem(f"{lib.root}/scan.pdf", "failed", "The file is encrypted: a password is needed."),
        Problem(f"{lib.root}/big.log", "skipped", "It is larger than 50 MB."),
    )
    lib.instead["problems"] = lambda: listed

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("f3")
        screen: Any = pilot.app.screen
        await until(pilot, lambda: screen.list.cards)

    return Scene(steps, lib)


def standing_questions() -> Scene:
    async def steps(pilot: Pilot[None]) -> None:
        saved_searches.add("anything about the boiler")
        await pilot.press("f4")
        screen: Any = pilot.app.screen
        await until(pilot, lambda: screen.list.cards)

    return Scene(steps, notes())


def at_work(progress: Progress, **shown: object) -> Scene:
    lib = notes()
    lib.shown |= {"progress": progress, **shown}
    return Scene(pressed(), lib)


def nothing_close() -> Scene:
    lib = notes()
    answer = lib.instead["search"]
    lib.instead["search"] = lambda *given, **named: replace(answer(*given, **named), is_close=False)
    return Scene(asked("boilerplate quantum weekend chromodynamics"), lib)


def daemon_lost() -> Scene:
    lib = notes()

    async def steps(pilot: Pilot[None]) -> None:
        await asked(QUESTION)(pilot)
        lib.failure = DaemonError("It is gone.", "Start it.")
        await until(pilot, lambda: pilot.app.session.lost)  # type: ignore[attr-defined]

    return Scene(steps, lib)


def model_missing() -> Scene:
    async def steps(pilot: Pilot[None]) -> None:
        screen = search_screen(pilot)
        screen.input.set(QUESTION)
        await until(pilot, lambda: screen.answer and screen.answer.notice and screen.preview.page)

    return Scene(steps, notes(model=False))


async def migrated(pilot: Pilot[None]) -> None:
    await pilot.press(*"boiler")
    line = search_screen(pilot).line
    await until(pilot, lambda: "Bringing the index" in line.state.plain)


SCENES: dict[str, Callable[[], Scene]] = {
    "first_run": first_run,
    "model": lambda: Scene(pressed("f7"), notes(model=False)),
    "model_here": lambda: Scene(pressed("f7"), notes()),
    "model_fetching": fetching,
    "home": home,
    "home_nothing_asked_yet": lambda: Scene(pressed(), notes()),
    "index_empty": lambda: Scene(pressed("escape"), driven_library({})),
    "history": history,
    "results": lambda: Scene(asked(QUESTION), notes()),
    "places_opened": lambda: Scene(asked(QUESTION, "tab", "right", "down"), notes()),
    "nothing_close": nothing_close,
    "nothing_found": lambda: Scene(asked("boiler type:epub"), notes()),
    "filters_on": lambda: Scene(asked("boiler in:notes type:md since:3m", "ctrl+s"), notes()),
    "completion": lambda: Scene(asked("boiler since:"), notes()),
    "similar": lambda: Scene(similar, notes()),
    "preview_markdown": lambda: Scene(previewing(QUESTION, "boiler.md"), notes()),
    "preview_code": lambda: Scene(previewing(QUESTION, "plot.py"), notes(**{"tools/plot.py": CODE})),
    "preview_pdf": lambda: Scene(previewing(QUESTION, "talk.pdf"), notes(**{"talk.pdf": TALK})),
    "outline": lambda: Scene(asked(QUESTION, "alt+o"), notes()),
    "why": lambda: Scene(asked(QUESTION, "alt+x"), notes()),
    "folders": folders,
    "forget": forget,
    "problems": problems,
    "standing": standing_questions,
    "standing_none": lambda: Scene(pressed("f4"), notes()),
    "help": lambda: Scene(pressed("f1"), notes()),
    "palette": lambda: Scene(pressed("f9"), notes()),
    "indexing": lambda: at_work(Progress("embedding", 12, 40, 310, 1204, 1500.0, 38.0, 95.0, "boiler.md")),
    "paused": lambda: at_work(Progress("paused"), pending=12),
    "daemon_stopped": lambda: at_work(Progress("idle"), daemon=False),
    "daemon_lost": daemon_lost,
    "model_missing": model_missing,
    "opening": lambda: Scene(pressed(), notes(), pends=True),
    "migrating": lambda: Scene(migrated, notes(), pends=True, older=True),
    "index_newer": lambda: Scene(pressed(), notes(), fails=NEWER),
}
WIDE = ("home", "results", "places_opened", "preview_markdown", "preview_pdf", "folders", "help", "outline")
"""Scenes that are laid out differently where there is much room."""
COLOURED = ("results", "preview_markdown", "preview_code", "preview_pdf", "similar", "palette")
"""Scenes whose colours a small screen has no room for."""
PICTURES: dict[tuple[str, str], tuple[str, ...]] = {
    **{(name, "80x24"): ("dark", "light") for name in SCENES},
    **{(name, "120x40"): ("dark",) for name in SCENES},
    **{(name, "120x40"): ("dark", "light") for name in COLOURED},
    **{(name, "200x60"): ("dark",) for name in WIDE},
    **{
        (name, "60x15"): ("dark",)
        for name in ("home", "results", "preview_markdown", "first_run", "help", "index_newer")
    },
    **{(name, "80x24"): ("dark", "light", "ansi") for name in ("home", "results")},
}
"""The themes in which a scene of a size is drawn: each state is set up once."""


def fetch_for_ever(*, observer: download.FetchObserver) -> None:
    observer.progress("Fetching part 3 of 25", 300_000_000, 1_200_000_000)
    threading.Event().wait(60)


class Svg(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT
    _file_extension = "svg"


@pytest.fixture(scope="module", autouse=True)
def frozen() -> Iterator[None]:
    """The clock, the time zone, and what would be told of this machine's folders."""
    kinds, left_out = {"md": 1100, "pdf": 64, "docx": 40}, {"caches": 12, "pictures": 210}
    counted = (1204, 38_000_000, 1_170_000.0, kinds, left_out)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        patch.setattr(formatting, "now", lambda: NOW)
        patch.setattr(time, "time_ns", lambda: int(NOW * 1e9))
        patch.setattr(model, "time", SimpleNamespace(monotonic=lambda: NOW))
        patch.setattr(download, "fetch", fetch_for_ever)
        patch.setattr(
            onboarding, "suggestions", lambda: [str(Path.home() / name) for name in ("Documents", "Notes")]
        )
        patch.setattr(onboarding, "estimate", lambda path, *_: iter([Estimate(path, *counted, whole=True)]))
        yield
    time.tzset()


def drawn(name: str, size: str, wanted: Sequence[str]) -> dict[str, str]:
    """The picture of a scene in each theme."""
    with pytest.MonkeyPatch.context() as patch:
        return asyncio.run(_draw(SCENES[name](), SIZES[size], wanted, patch))


async def _draw(
    scene: Scene, size: tuple[int, int], wanted: Sequence[str], patch: pytest.MonkeyPatch
) -> dict[str, str]:
    def connect() -> Library:
        while scene.pends:
            if scene.library.closed.wait(1):
                raise DaemonError("", "")
        if scene.fails or scene.library.failure:
            raise scene.fails or scene.library.failure
        return scene.library

    patch.setenv("HOME", str(scene.library.home))
    patch.setenv("KEN_MODELS", "/media/models")
    patch.setattr(tui, "index_is_older", lambda: scene.older)
    patch.setattr(Input, "_toggle_cursor", lambda _input: None)  # the cursor of the palette blinks
    app = KenApp(Session(config=Config(), ui_state=scene.ui_state), connect)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: scene.pends or app.session.status is not None or len(app.screen_stack) > 1)
        await pilot.pause()
        await scene.steps(pilot)
        await until(pilot, lambda: "reading the document" not in shown(app))
        pictures = {}
        for theme in wanted:
            await _turn_to(pilot, THEMES[theme])
            pictures[theme] = app.export_screenshot()
    scene.library.close()
    return pictures


async def _turn_to(pilot: Pilot[None], theme: str) -> None:
    """Textual colours an open palette only when it opens."""
    palette = isinstance(pilot.app.screen, CommandPalette)
    if palette:
        await pilot.press("escape")
    pilot.app.theme = theme
    await pilot.pause()
    if palette:
        await pilot.press("f9")
    await pilot.pause()


@pytest.mark.parametrize(("name", "size"), PICTURES, ids=list(map("-".join, PICTURES)))
def test_pictures(snapshot: SnapshotAssertion, name: str, size: str) -> None:
    for theme, picture in drawn(name, size, PICTURES[name, size]).items():
        assert picture == snapshot(name=theme, extension_class=Svg)


@pytest.mark.parametrize("name", ["home", "results"])
def test_pictures_without_colours(
    snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert drawn(name, "80x24", ["plain"])["plain"] == snapshot(extension_class=Svg)


def test_pictures_name_no_path_of_this_machine() -> None:
    for svg in (Path(__file__).parent / "__snapshots__").rglob("*.svg"):
        text = svg.read_text()
        assert str(Path.cwd()) not in text and tempfile.gettempdir() + "/" not in text
