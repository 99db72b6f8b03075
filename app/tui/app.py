"""The application: themes and keys, opening the library, a status line that is true, going between screens.

Nothing here blocks: the library is opened and asked in threads, which post messages.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen

from app.errors import TITLED_ERRORS, DaemonError
from app.library import Library, Progress, Status, SyncReport
from app.plain import plain_line
from app.tui import actions, themes
from app.tui.lane import Lane
from app.tui.messages import Connected, Progressed, StatusTold, Synced, tell
from app.tui.screens.search import SearchScreen
from app.tui.session import Finished, Session, background
from app.tui.widgets.status_line import StatusLine, describe, working

if TYPE_CHECKING:
    from app.tui.screens.help import HelpScreen
    from app.tui.screens.listing import ListScreen

BUSY_EVERY = 1.0
"""Seconds between looks at the status while something goes on."""
IDLE_EVERY = 5.0
"""Seconds between looks at the status while nothing does."""
RETRY_EVERY = 1.0
"""Seconds between attempts to reach a library that was lost."""


class Interrupted(Exception):
    """The interface ended while its own sync was running."""


class KenApp(App[None]):
    """Ken's terminal interface."""

    TITLE = "ken"
    CSS_PATH: ClassVar[list[str]] = ["styles/app.tcss", "styles/search.tcss"]  # type: ignore[assignment]
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "f24"
    BINDINGS: ClassVar[list[Binding]] = [  # type: ignore[assignment]
        *actions.bindings("anywhere"),
        Binding("ctrl+c", "quit", show=False),
    ]

    def __init__(self, session: Session, connect: Callable[[], Library]) -> None:
        super().__init__()
        self.session = session
        self._connect = connect
        self._status: Lane[None, Status] = Lane("status", self._ask_status, self._status_done)
        self._ending = False
        self._syncing = False
        self._sync_again: list[str] | None = None
        for theme in themes.OWN:
            self.register_theme(theme)
        wanted = "ansi" if os.environ.get("NO_COLOR") else session.memory.theme or session.config.tui.theme
        chosen = themes.choose(wanted)
        self.theme = chosen if chosen in self.available_themes else themes.DARK.name
        self.set_keymap(actions.keymap(session.config.tui.keymap, session.config.tui.keys))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.FALLBACK

    def get_default_screen(self) -> Screen[None]:
        return SearchScreen(self.session)

    def on_mount(self) -> None:
        self.call_after_refresh(self._open)
        for name in actions.unknown(self.session.config.tui.keys):
            self.notify(f"[tui.keys] names no action {plain_line(name)!r}", severity="warning", markup=False)

    async def on_unmount(self) -> None:
        self._ending = True
        self._status.close()

    def _open(self) -> None:
        self._say(Content.assemble(("◌ ", "$accent"), "Opening the index…"))

        def opened(outcome: object) -> None:
            self.post_message(Connected(outcome))  # type: ignore[arg-type]

        background(self, self._connect, opened)

    def on_finished(self, message: Finished) -> None:
        message.then(message.outcome)

    @property
    def search_screen(self) -> SearchScreen:
        """The screen that is always there."""
        screen = self.screen_stack[0]
        assert isinstance(screen, SearchScreen)
        return screen

    # The library

    def on_connected(self, message: Connected) -> None:
        if isinstance(message.outcome, Exception):
            if self.session.lost:
                self.set_timer(RETRY_EVERY, self._reconnect)
            else:
                self._tell_failure(message.outcome)
            return
        self.session.library = message.outcome
        self.session.lost = False
        self._status.ask(None)
        self.search_screen.asking.again() if self.search_screen.question else None

    def _reconnect(self) -> None:
        background(self, self._connect, lambda outcome: self._connected_again(outcome))

    def _connected_again(self, outcome: object) -> None:
        self.post_message(Connected(outcome))  # type: ignore[arg-type]

    def lose(self) -> None:
        """The daemon does not answer any more: say so, and try until it does."""
        if not self.session.lost:
            self.session.lost = True
            self._say(Content.assemble(("○ ", "$warning"), "The daemon stopped answering; trying again"))
            self._reconnect()

    def _tell_failure(self, error: Exception) -> None:
        from app.tui.screens.dialog import Dialog

        titled = isinstance(error, TITLED_ERRORS)
        title = error.title if isinstance(error, TITLED_ERRORS) else "The index cannot be opened"
        what = f"{error.what}\n\n{error.fix}" if isinstance(error, TITLED_ERRORS) else plain_line(str(error))

        def chosen(name: str | None) -> None:
            if name == "again":
                self._open()
            elif name == "quit":
                self.exit()

        self._say(Content.assemble(("○ ", "$error"), title if titled else "Not open"))
        buttons = (("again", "Try again"), ("quit", "Quit"))
        self.push_screen(Dialog(title, what, buttons, kind="bad"), chosen)

    # Status

    def _ask_status(self, _: None) -> Status:
        library = self.session.library
        assert library is not None
        return library.status()

    def _status_done(self, _: None, outcome: Status | Exception) -> None:
        tell(self, StatusTold(outcome))

    def on_status_told(self, message: StatusTold) -> None:
        if isinstance(message.outcome, DaemonError):
            self.lose()
            return
        if isinstance(message.outcome, Exception):
            self._say(Content.assemble(("○ ", "$error"), plain_line(str(message.outcome))))
            self.set_timer(IDLE_EVERY, self.look)
            return
        first = self.session.status is None
        before, status = self.session.status, message.outcome
        self.session.status = status
        if self.session.progress is None:
            self._say(describe(status))
        busy = status.progress.phase not in ("idle", "paused") or bool(status.pending and status.daemon)
        self.set_timer(BUSY_EVERY if busy or self._syncing else IDLE_EVERY, self.look)
        if before is None or (before.files, before.folders) != (status.files, status.folders):
            self.search_screen.tell_home() if self.search_screen.home.display else None
            self._tell_screen()
        if first:
            self._begin(status)

    def look(self) -> None:
        """Ask how things stand, unless nobody looks."""
        if self.app_focus or self._syncing:
            self._status.ask(None)
        else:
            self.set_timer(IDLE_EVERY, self.look)

    def _begin(self, status: Status) -> None:
        if not status.folders and not status.files:
            self.show_welcome()
        elif not status.daemon and status.folders:
            self.sync_now([])

    def _say(self, text: Content) -> None:
        for screen in self.screen_stack:
            for line in screen.query(StatusLine):
                line.say(text)

    def say_again(self) -> None:
        """Tell a new screen's status line how things stand."""
        if self.session.progress is not None:
            self._say(working(self.session.progress))
        elif self.session.status is not None:
            self._say(describe(self.session.status))

    def _tell_screen(self) -> None:
        for screen in self.screen_stack:
            tell_status = getattr(screen, "tell_status", None)
            if tell_status is not None:
                tell_status()

    # Indexing

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
            raise Interrupted
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
        if isinstance(message.outcome, TITLED_ERRORS):
            error = message.outcome
            self.notify(
                f"{error.what} {error.fix}", title=error.title, severity="error", timeout=8, markup=False
            )
        elif isinstance(message.outcome, SyncReport):
            for notice in message.outcome.notices:
                self.notify(plain_line(notice), severity="warning", timeout=8, markup=False)
            if message.outcome.added or message.outcome.changed or message.outcome.removed:
                self.search_screen.asking.again()
        if self._sync_again is not None:
            paths, self._sync_again = self._sync_again, None
            self.sync_now(paths)
        self._status.ask(None)

    def action_sync_now(self) -> None:
        self.sync_now([])

    def action_pause_or_resume(self) -> None:
        library, status = self.session.library, self.session.status
        if library is None or status is None:
            return
        paused = status.progress.phase == "paused"
        background(self, library.resume if paused else library.pause, lambda outcome: self._status.ask(None))

    # Screens

    def show_welcome(self) -> None:
        """Choose what to index; comes by itself while there is nothing."""
        from app.tui.screens.welcome import WelcomeScreen

        def chosen(folders: list[str] | None) -> None:
            if folders:
                self._read_first(folders)

        self.push_screen(WelcomeScreen(self.session), chosen)

    def _read_first(self, folders: list[str]) -> None:
        """Read folders for the first time, after the model where it is missing."""
        from app.model import LazyModel

        if LazyModel(self.session.config.model).present:
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

    def action_show_standing(self) -> None:
        from app.tui.screens.standing import StandingScreen

        self._push(StandingScreen)

    def action_show_model(self) -> None:
        self.fetch_model([])

    def fetch_model(self, paths: list[str]) -> None:
        """Offer to fetch the model, then read folders."""
        from app.tui.screens.model import ModelScreen

        def done(fetched: bool | None) -> None:
            self.sync_now(paths)

        self.push_screen(ModelScreen(self.session), done)

    def _push(self, kind: type[HelpScreen | ListScreen]) -> None:
        if isinstance(self.screen, kind):
            self.screen.dismiss()
            return
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.push_screen(kind(self.session))

    # Themes and the palette

    def action_next_theme(self) -> None:
        names = [theme.name for theme in themes.OWN]
        here = names.index(self.theme) if self.theme in names else -1
        self.set_theme(names[(here + 1) % len(names)])

    def set_theme(self, name: str) -> None:
        """Use a theme from now on."""
        self.theme = name
        self.session.memory.theme = name
        self.session.memory.save()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action of the registry that can be done here, and every theme."""
        on_search = isinstance(screen, SearchScreen)
        for action in actions.ACTIONS:
            if action.palette and (on_search or action.where == "anywhere"):
                yield SystemCommand(action.title, self._keys(action), self._runner(screen, action.does))
        for name in sorted(self.available_themes):
            yield SystemCommand(f"Theme: {name}", "", lambda name=name: self.set_theme(name))

    def _keys(self, action: actions.Action) -> str:
        changed = actions.keymap(self.session.config.tui.keymap, self.session.config.tui.keys)
        return ", ".join(actions.keys_of(action, changed))

    def _runner(self, screen: Screen[object], does: str) -> Callable[[], object]:
        return lambda: self.call_later(screen.run_action, does)
