"""The terminal interface: ken alone on the command line.

Owns screens, widgets, keys and colours. Talks to `app.api` and to nothing below it.
"""

from __future__ import annotations

import gc
import os
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.api import Library
    from app.tui.session import Place, Session

os.environ.setdefault("TEXTUAL_FPS", "120")
"""How often Textual paints what has changed, as it reads when imported: a letter waits half as long."""


def run(library: Library | None = None) -> int:
    """Show the interface until it is left; returns the exit status.

    With a library, that one is used and left open; without, ken's own is opened (the daemon's where one
    answers) after the first screen is painted, and closed at the end.
    """
    return _show(_session(), library)


def pick(query: str) -> tuple[int, list[Place]]:
    """Show the interface as a chooser; returns the exit status and the places chosen, as files and lines.

    The status is 1 where it was left without a choice, 130 where it was interrupted.
    """
    from app.tui.session import Picking

    session = _session()
    session.picking = Picking(query)
    status = _show(session)
    return status or int(not session.picking.chosen), session.picking.chosen


def _session() -> Session:
    from app.config import load as load_config
    from app.tui.session import Session
    from app.tui.ui_state import load as load_ui_state

    return Session(config=load_config(), ui_state=load_ui_state())


def _show(session: Session, library: Library | None = None) -> int:
    # What is made until the first screen is painted lasts until the end: collecting it takes 30 ms in vain.
    gc.disable()
    try:
        from app.tui.app import KenApp

        app = KenApp(session, partial(_connect, library))
        app.run()
    finally:
        gc.enable()
    if library is None and session.library is not None:
        session.library.close()
    if app.fault is not None:
        raise app.fault
    return app.return_code or 0


def _connect(library: Library | None) -> Library:
    """The library, opened after the first screen is painted; from then on garbage is collected."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    if library is not None:
        return library
    from app.connect import open_library

    return open_library()
