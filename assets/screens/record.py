"""Draws the README's pictures: indexes the demo with the real model, types questions, keeps what is painted.

    python assets/screens/record.py

Writes four SVG files and `typing.svg`, a recording that moves (CSS keyframes, no script), beside itself.
Needs the model (`ken model fetch`); everything else happens in a throw-away home.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
QUESTION = "why is it cold upstairs"
OTHER = "what to do when someone faints"
FRAME_SECONDS = 0.28
LAST_SECONDS = 4.0


def main() -> None:
    from embedder.checkpoints.models import models_folder

    os.environ["KEN_MODELS"] = str(models_folder())
    with tempfile.TemporaryDirectory() as top:
        os.environ["KEN_HOME"] = f"{top}/home"
        from app.daemon import lifecycle

        lifecycle.start_daemon()
        try:
            asyncio.run(_record(Path(top)))
        finally:
            lifecycle.stop_daemon()


async def _record(top: Path) -> None:
    import shutil

    from app.connect import open_library
    from app.tui.app import KenApp
    from app.tui.session import Session
    from app.tui.ui_state import Memory

    notes = top / "notes"
    shutil.copytree(HERE.parent / "demo", notes)
    with open_library() as library:
        library.add([str(notes)])
        library.sync()

        async def scene(
            name: str, size: tuple[int, int], theme: str, steps: Callable[[KenApp], Awaitable[None]]
        ) -> None:
            app = KenApp(Session(memory=Memory(theme=theme)), lambda: library)
            async with app.run_test(size=size) as pilot:
                while app.session.status is None or app.session.progress is not None:
                    await pilot.pause(0.05)
                await steps(app)
                if name:
                    (HERE / f"{name}.svg").write_text(app.export_screenshot())

        async def asked(app: KenApp, question: str) -> None:
            screen = app.search_screen
            screen.input.set(question)
            await asyncio.sleep(2.0)
            screen.input.set("")
            await asyncio.sleep(0.3)
            screen.input.set(question)
            while screen.answer is None or screen.answer.query != question or screen.answer.mode == "words":
                await asyncio.sleep(0.05)
            while screen.preview.page is None or not screen.preview.page.marks:
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.3)

        async def opened(app: KenApp) -> None:
            await asked(app, OTHER)
            screen = app.search_screen
            screen.action_next_pane()
            screen.action_expand()
            await asyncio.sleep(0.5)

        await scene("search-dark", (120, 34), "dark", lambda app: asked(app, QUESTION))
        await scene("search-light", (120, 34), "light", lambda app: asked(app, OTHER))
        await scene("small", (80, 24), "dark", opened)
        await scene("help", (120, 40), "light", _help)
        frames: list[str] = []

        async def typed(app: KenApp) -> None:
            frames.append(app.export_screenshot())
            for stop in range(3, len(QUESTION), 4):
                app.search_screen.input.set(QUESTION[:stop])
                await asyncio.sleep(0.25)
                frames.append(app.export_screenshot())
            await asked(app, QUESTION)
            frames.append(app.export_screenshot())

        await scene("", (100, 28), "dark", typed)
        (HERE / "typing.svg").write_text(moving(frames))


async def _help(app: object) -> None:
    app.action_show_help()  # type: ignore[attr-defined]
    await asyncio.sleep(0.5)


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
