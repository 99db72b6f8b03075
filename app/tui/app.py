"""The application: themes and keys, opening the library, a status line that is true, going between screens.

Nothing here blocks: the library is opened and asked in threads, which post messages.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.content import Content
from textual.driver import Driver
from textual.screen import Screen

from app.api import Library, Progress, Status
from app.connect import index_is_older
from app.errors import DaemonError
from app.sanitize import plain_line
from app.tui import actions, palette, remarks, themes
from app.tui.messages import Connected, Progressed, StatusTold, Synced, tell
from app.tui.saved_matches import SavedMatches
from app.tui.screens.pick import PickScreen
from app.tui.screens.search import SearchScreen
from app.tui.session import Finished, Session, background, shown_content
from app.tui.terminal_input import KenDriver
from app.tui.theme_choice import ThemeChoice
from app.tui.toasts import failure_of, say, say_error, warn
from app.tui.widgets.status_line import StatusLine, describe, working

if TYPE_CHECKING:
    from app.tui.screens.folders import FoldersScreen
    from app.tui.screens.help import HelpScreen
    from app.tui.screens.problems import ProblemsScreen
    from app.tui.screens.saved_searches import SavedSearchesScreen

LONG = 0.5
"""Seconds of opening after which it is said what takes so long."""
RETRY_EVERY = 1.0
"""Seconds between attempts to reach a library that was lost."""


class Unwanted(Exception):
    """What a thread reports is not wanted any more: the interface ended, or has another library."""


class KenApp(App[None]):
    """Ken's terminal interface."""

    TITLE = "ken"
    CSS_PATH: ClassVar[list[str]] = ["styles/app.tcss", "styles/search.tcss"]  # type: ignore[assignment]
    COMMAND_PALETTE_BINDING = "f24"
    BINDINGS: ClassVar[list[Binding]] = [  # type: ignore[assignment]
        *actions.bindings("anywhere"),
        Binding("ctrl+c", "back_or_quit", show=False),
    ]

    def __init__(self, session: Session, connect: Callable[[], Library]) -> None:
        no_color = bool(os.environ.get("NO_COLOR"))
        super().__init__(driver_class=KenDriver, ansi_color=True if no_color else None)
        self.session = session
        self._connect = connect
        self.fault: Exception | None = None
        """The error that ended the interface."""
        self._ending = False
        self._syncing = False
        self._sync_asked = False
        """Whether the user waits for what the sync finds."""
        self._sync_again: list[str] | None = None
        self.themes = ThemeChoice(self, session, plain=no_color)
        self.matches = SavedMatches(self, session)
        self.set_keymap(session.keymap)

    @on(Driver.SignalResume)
    def paint_again(self) -> None:
        """After `fg` the terminal shows an empty screen, and Textual would paint only what changes on it."""
        self.refresh(layout=True)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.FALLBACK

    def get_default_screen(self) -> Screen[None]:
        picking = self.session.picking
        return SearchScreen(self.session) if picking is None else PickScreen(self.session, picking)

    def on_mount(self) -> None:
        self.call_after_refresh(self._open)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._end_on_sigterm)
        for fault in actions.faults(self.session.config.tui.keys):
            warn(self, fault)
        self.themes.check()

    async def on_unmount(self) -> None:
        self._ending = True

    def _handle_exception(self, error: Exception) -> None:
        """A fault of ken's own ends the interface; whoever runs it gets the error afterwards."""
        if self.is_headless:
            super()._handle_exception(error)
            return
        self.fault = self.fault or error
        self.exit(return_code=1)

    def _end_on_sigterm(self) -> None:
        """End as SIGTERM asks, with the terminal given back first."""
        self.search_screen.remember()
        self.exit(return_code=128 + signal.SIGTERM)

    async def action_quit(self) -> None:
        self.search_screen.remember()
        status = self.session.status
        if status is not None and self.session.reading:
            goes_on = "goes on in the background." if status.daemon else "stops here; ken goes on from there."
            self.exit(message=f"Indexing {goes_on}")
        else:
            self.exit()

    def action_back_or_quit(self) -> None:
        """Leave a screen that is over the first one."""
        if len(self.screen_stack) > 1:
            self.call_later(self.screen.dismiss, None)
        else:
            self.call_later(self.run_action, "quit")

    def _open(self) -> None:
        self._say(Content.assemble(("◌ ", "$accent"), "Opening the index…"))
        self._connect_beside()
        self.set_timer(LONG, self._say_why_it_takes_long)

    def _say_why_it_takes_long(self) -> None:
        def checked(older: object) -> None:
            if older is True and self.session.status is None:
                self._say(Content.assemble(("◐ ", "$accent"), "Bringing the index up to this release, once…"))

        if self.session.status is None:
            background(self, index_is_older, checked)

    def _connect_beside(self) -> None:
        def connected(outcome: object) -> None:
            self.post_message(Connected(outcome))  # type: ignore[arg-type]

        background(self, self._connect, connected)

    def on_finished(self, message: Finished) -> None:
        message.then(message.outcome)

    @property
    def search_screen(self) -> SearchScreen:
        """The screen that is always there."""
        screen = self.screen_stack[0]
        assert isinstance(screen, SearchScreen)
        return screen

    def on_connected(self, message: Connected) -> None:
        if not self.screen_stack:
            return  # the interface is being left
        if isinstance(message.outcome, Exception):
            if self.session.lost:
                self.set_timer(RETRY_EVERY, self._connect_beside)
            else:
                self._tell_failure(message.outcome)
            return
        self.session.library = message.outcome
        self.session.lost = False
        self._follow(message.outcome)
        self.search_screen.requests.again()

    def late(self, is_late: bool) -> None:
        """An answer is overdue, or has come after all."""
        if is_late:
            self._say(Content.assemble(("○ ", "$warning"), "The index does not answer; waiting for it"))
        elif not self.session.lost:
            self.say_again()

    def lose(self) -> None:
        """The daemon does not answer any more: say so, and try until it does."""
        if not self.session.lost:
            self.session.lost = True
            self._say(Content.assemble(("○ ", "$warning"), "The daemon stopped answering; trying again"))
            self._connect_beside()

    def _tell_failure(self, error: Exception) -> None:
        from app.tui.screens.dialog import Dialog

        failure = failure_of(error, "The index cannot be opened")

        def chosen(name: str | None) -> None:
            if name == "again":
                self._open()
            elif name == "quit":
                self.exit()

        self._say(Content.assemble(("○ ", "$error"), failure.title))
        buttons = (("again", "Try again"), ("quit", "Quit"))
        self.push_screen(
            Dialog(failure.title, f"{failure.what}\n\n{failure.fix}".strip(), buttons, kind="bad"), chosen
        )

    def _follow(self, library: Library) -> None:
        """Receive the status as long as this is the library."""

        def report(status: Status) -> None:
            if self._ending or self.session.library is not library:
                raise Unwanted
            tell(self, StatusTold(status))

        def ended(outcome: object) -> None:
            daemon = self.session.status is not None and self.session.status.daemon
            if self.session.library is library and (daemon or isinstance(outcome, DaemonError)):
                self.lose()
            elif isinstance(outcome, Exception):
                self.on_status_told(StatusTold(outcome))

        background(self, lambda: library.follow(report), ended)

    def look(self) -> None:
        """Ask for the status: something was done here, or the terminal has the focus again."""
        if (library := self.session.library) is not None:
            background(self, library.status, lambda outcome: self.on_status_told(StatusTold(outcome)))  # type: ignore[arg-type]

    def on_app_focus(self) -> None:
        if self.session.status is not None and not self.session.status.daemon:
            self.look()

    def on_status_told(self, message: StatusTold) -> None:
        outcome, before = message.outcome, self.session.status
        if isinstance(outcome, DaemonError):
            self.lose()
        elif isinstance(outcome, Exception):
            self._say(Content.assemble(("○ ", "$error"), plain_line(str(outcome))))
        else:
            self.session.status = outcome
            self.matches.look(outcome)
            if self.session.progress is None:
                self._say(describe(outcome))
            if before is None or shown_content(before) != shown_content(outcome):
                self._tell_screens()
            if before is None:
                self._begin(outcome)

    def _begin(self, status: Status) -> None:
        if not status.folders and not status.files:
            self.show_welcome()
        elif not status.daemon and status.folders and status.progress.phase != "paused":
            self.sync_now([])

    def _say(self, text: Content) -> None:
        for screen in self.screen_stack:
            for line in screen.query(StatusLine):
                line.say(text)

    def say_again(self) -> None:
        """Show the status in the status line of a new screen."""
        if self.session.progress is not None:
            self._say(working(self.session.progress))
        elif self.session.status is not None:
            self._say(describe(self.session.status))

    def _tell_screens(self) -> None:
        for screen in self.screen_stack:
            if (tell_status := getattr(screen, "tell_status", None)) is not None:
                tell_status()

    def sync_now(self, paths: list[str]) -> None:
        """Bring folders level with the disk; what is asked meanwhile is done afterwards."""
        library = self.session.library
        if library is None:
            return
        if self._syncing:
            self._sync_again = [*(self._sync_again or []), *paths]
            return
        self._syncing = True
        self.session.progress = Progress("scanning")
        self._say(working(self.session.progress))
        background(self, lambda: library.sync(paths or None, self._progress), self._sync_done)

    def _progress(self, progress: Progress) -> None:
        if self._ending:
            raise Unwanted
        tell(self, Progressed(progress))

    def on_progressed(self, message: Progressed) -> None:
        if self._syncing:
            self.session.progress = message.progress
            self._say(working(message.progress))

    def _sync_done(self, outcome: object) -> None:
        self._syncing = False
        self.session.progress = None
        self.post_message(Synced(outcome))  # type: ignore[arg-type]

    def on_synced(self, message: Synced) -> None:
        if isinstance(message.outcome, Exception):
            self.lose() if isinstance(message.outcome, DaemonError) else say_error(self, message.outcome)
        else:
            shown_already = self.session.status.notices if self.session.status else ()
            for notice in message.outcome.notices:
                if notice not in shown_already:
                    warn(self, notice)
            if self._sync_asked:
                say(self, remarks.synced(message.outcome))
            self.search_screen.refresh_answer()
        self._sync_asked = False
        if self._sync_again is not None:
            paths, self._sync_again = self._sync_again, None
            self.sync_now(paths)
        self.look()

    def action_sync_now(self) -> None:
        self._sync_asked = True
        self.sync_now([])

    def action_pause_or_resume(self) -> None:
        library, status = self.session.library, self.session.status
        if library is None or status is None:
            return
        paused = status.progress.phase == "paused"

        def done(outcome: object) -> None:
            if isinstance(outcome, Exception):
                say_error(self, outcome)
            elif paused and not status.daemon:
                self.sync_now([])
            self.look()

        background(self, library.resume if paused else library.pause, done)

    def show_welcome(self) -> None:
        """Choose what to index; comes by itself while there is nothing."""
        from app.tui.screens.welcome import WelcomeScreen

        def chosen(folders: list[str] | None) -> None:
            if folders:
                self._read_first(folders)

        self.push_screen(WelcomeScreen(self.session), chosen)

    def _read_first(self, folders: list[str]) -> None:
        """Read folders for the first time, after the model where it is missing."""
        from app.model import Model

        if Model(self.session.config.model).present:
            self.sync_now(folders)
        else:
            self.fetch_model(folders)

    def action_show_help(self) -> None:
        from app.tui.screens.help import HelpScreen

        self._push(HelpScreen)

    def action_show_folders(self) -> None:
        from app.tui.screens.folders import FoldersScreen

        self._push(FoldersScreen)

    def action_show_problems(self) -> None:
        from app.tui.screens.problems import ProblemsScreen

        self._push(ProblemsScreen)

    def action_show_menu(self) -> None:
        from app.tui.screens.menu import show_menu

        show_menu(self, self.session, on_search=isinstance(self.screen, SearchScreen))

    def action_show_saved_searches(self) -> None:
        from app.tui.screens.saved_searches import SavedSearchesScreen

        self._push(SavedSearchesScreen)

    def action_show_model(self) -> None:
        self.fetch_model([])

    def fetch_model(self, paths: list[str]) -> None:
        """Offer to fetch the model, then read folders."""
        from app.tui.screens.model import ModelScreen

        self.push_screen(ModelScreen(self.session), lambda _fetched: self.sync_now(paths))

    def _push(self, kind: type[HelpScreen | FoldersScreen | ProblemsScreen | SavedSearchesScreen]) -> None:
        if isinstance(self.screen, kind):
            self.screen.dismiss()
            return
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.push_screen(kind(self.session))

    def action_next_theme(self) -> None:
        self.themes.next()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        here = isinstance(screen, SearchScreen)
        return palette.commands(self, screen, self.session, self.themes.set, on_search=here)
