"""Draws the README's pictures: indexes the demo with the real model, types queries, keeps what is painted.

    python assets/screens/record.py

Writes four SVG files and `typing.svg`, a recording that moves (CSS keyframes, no script), beside itself.
Needs the model (`ken model fetch`); everything else happens in a throw-away home.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from app.api import Library
from app.connect import open_library
from app.daemon import lifecycle
from app.tui.app import KenApp
from app.tui.session import Session
from app.tui.ui_state import UiState
from embedder.checkpoints.models import list_models, models_folder

HERE = Path(__file__).resolve().parent
QUERY = "why is it cold upstairs"
OTHER = "what to do when someone faints"
FRAME_SECONDS = 0.28
LAST_SECONDS = 4.0
Steps = Callable[[KenApp, Pilot[None]], Awaitable[None]]


def main() -> None:
    if not list_models():
        raise SystemExit("There is no model. `ken model fetch` fetches it.")
    os.environ["KEN_MODELS"] = str(models_folder())
    with tempfile.TemporaryDirectory() as top:
        os.environ["KEN_HOME"] = f"{top}/home"
        lifecycle.start_daemon()
        try:
            asyncio.run(_record(Path(top)))
        finally:
            lifecycle.stop_daemon()


async def _record(top: Path) -> None:
    notes = top / "notes"
    shutil.copytree(HERE.parent / "demo", notes)
    with open_library() as library:
        library.add([str(notes)])
        library.sync()
    await _draw("search-dark", (120, 34), "dark", lambda app, pilot: _ask(app, pilot, QUERY))
    await _draw("search-light", (120, 34), "light", lambda app, pilot: _ask(app, pilot, OTHER))
    await _draw("small", (80, 24), "dark", _expand)
    await _draw("help", (120, 40), "light", lambda app, pilot: pilot.press("f1"))
    frames: list[str] = []

    async def type_slowly(app: KenApp, pilot: Pilot[None]) -> None:
        frames.append(app.export_screenshot())
        for start in range(0, len(QUERY), 4):
            await pilot.press(*_keys(QUERY[start : start + 4]))
            await pilot.pause(0.25)
            frames.append(app.export_screenshot())
        await _answered(app, pilot, QUERY)
        frames.append(app.export_screenshot())

    await _draw("", (100, 28), "dark", type_slowly)
    (HERE / "typing.svg").write_text(moving(frames))


async def _draw(name: str, size: tuple[int, int], theme: str, steps: Steps) -> None:
    app = KenApp(Session(ui_state=UiState(theme=theme)), _open)
    async with app.run_test(size=size) as pilot:
        while app.session.status is None or app.session.progress is not None:
            await pilot.pause(0.05)
        await steps(app, pilot)
        await pilot.pause(0.5)
        if name:
            (HERE / f"{name}.svg").write_text(app.export_screenshot())


def _open() -> Library:
    return open_library()


async def _ask(app: KenApp, pilot: Pilot[None], query: str) -> None:
    await pilot.press(*_keys(query))
    await _answered(app, pilot, query)


def _keys(text: str) -> list[str]:
    return ["space" if sign == " " else sign for sign in text]


async def _answered(app: KenApp, pilot: Pilot[None], query: str) -> None:
    screen = app.search_screen
    while screen.answer is None or screen.answer.query != query or screen.answer.mode == "words":
        await pilot.pause(0.05)
    while screen.preview.page is None or not screen.preview.page.marks:
        await pilot.pause(0.05)


async def _expand(app: KenApp, pilot: Pilot[None]) -> None:
    await _ask(app, pilot, OTHER)
    await pilot.press("tab", "right")


def moving(frames: list[str]) -> str:
    """One SVG that shows the frames in turn, for ever."""
    total = FRAME_SECONDS * (len(frames) - 1) + LAST_SECONDS
    head = re.match(r"<svg[^>]*>", frames[0])
    assert head is not None
    parts, rules = [], []
    for number, frame in enumerate(frames):
        begin = 100 * number * FRAME_SECONDS / total
        end = 100.0 if number == len(frames) - 1 else 100 * (number + 1) * FRAME_SECONDS / total
        before = "0%{visibility:hidden}" if number else ""
        after = f"{end:.2f}%,100%{{visibility:hidden}}" if end < 100 else "100%{visibility:visible}"
        rules.append(f"@keyframes f{number}{{{before}{begin:.2f}%{{visibility:visible}}{after}}}")
        rules.append(f"#f{number}{{animation:f{number} {total:.2f}s step-end infinite}}")
        body = frame[frame.index(">") + 1 : frame.rindex("</svg>")]
        parts.append(f'<g id="f{number}">{re.sub(r"terminal-[0-9]+", f"terminal-f{number}", body)}</g>')
    return f"{head[0]}<style>{''.join(rules)}</style>{''.join(parts)}</svg>\n"


if __name__ == "__main__":
    main()
