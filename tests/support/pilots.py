"""Driving the terminal interface in tests: an application over a real library, and waiting for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from support.driven_library import DrivenLibrary, driven_library
from textual.pilot import Pilot

from app.config import Config
from app.tui.app import KenApp
from app.tui.session import Session
from app.tui.ui_state import UiState

NOTES = {
    "phone.md": "# Moving to a new phone\n\nGetting the notes across took an evening.\n\n## Transfer\n\n"
    "Transfer the vault with a cable. The phone shows it at once.\n",
    "boiler.md": "# Boiler\n\n## Pressure\n\nWhen radiators stay cold, look at the pressure first. "
    "Top up to one bar.\n\n## Service\n\nEvery September; the boiler man comes early. He looks at the flame, "
    "the flue and the valve, sweeps what has fallen, and writes the pressure of the boiler on the card.\n",
    "bread.md": "# Sourdough\n\nA loaf for the weekend. The oven must be hot, the boiler need not.\n",
    "tools/plot.py": "import math\n\n\n"
    "def boiler(pressure):\n    # pressure of the boiler\n    return math.sqrt(pressure)\n",
}


def library(**more: str | bytes) -> DrivenLibrary:
    """Four notes, and more files by name."""
    return driven_library({**NOTES, **more})


def application(
    lib: DrivenLibrary, *, config: Config | None = None, ui_state: UiState | None = None
) -> KenApp:
    return KenApp(Session(config=config or Config(), ui_state=ui_state or UiState()), lambda: lib)


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Wait until something is so, and what follows from it is laid out; fails after thirty seconds.

    A widget has its new text before the screen is laid out again.
    """
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        await pilot.pause(0.01)
    await pilot.pause()


def drive(
    app: KenApp, steps: Callable[[Pilot[None], KenApp], Awaitable[None]], size: tuple[int, int] = (120, 40)
) -> None:
    """Run the application headless and do `steps` once its library is open."""

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await until(
                pilot,
                lambda: app.session.library is not None or app.session.lost or len(app.screen_stack) > 1,
            )
            await steps(pilot, app)
        if app.session.library is not None:
            app.session.library.close()

    asyncio.run(run())


async def ask(pilot: Pilot[None], app: KenApp, question: str) -> None:
    """Type a question and wait for the final answer in the list, and its preview."""
    screen = app.search_screen
    screen.input.set(question)
    await until(pilot, lambda: screen.answer is not None and screen.answer.query == screen.parsed.text
                and screen.answer.mode != "words")  # fmt: skip
    await pilot.pause()


def shown(app: KenApp) -> str:
    """The text of the screen."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)
