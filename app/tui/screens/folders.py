"""The roots and the state of each; adding, reading again, forgetting."""

from __future__ import annotations

from textual.binding import Binding
from textual.content import Content

from app import amounts, paths
from app.api import Folder
from app.sanitize import plain_line, plain_path
from app.tui import completion, formatting
from app.tui.screens.dialog import Dialog, PathPrompt
from app.tui.screens.list_screen import ListScreen
from app.tui.session import Session, background
from app.tui.widgets.list_view import CardList
from app.tui.widgets.results import spread

STATES = {
    "watching": ("● watched", "good"),
    "polling": ("◐ looked at now and then", "good"),
    "paused": ("◌ paused", "warn"),
    "missing": ("○ not there", "warn"),
    "unwatched": ("● read when ken starts", "good"),
}


class FolderList(CardList[Folder]):
    """A folder a card."""

    COMPONENT_CLASSES = CardList.COMPONENT_CLASSES | {"list--title", "list--dim", "list--good", "list--warn"}

    def __init__(self) -> None:
        super().__init__(key=lambda folder: folder.path, height=lambda folder: 3, paint=self.paint)

    def paint(self, card: Folder, width: int) -> list[Content]:
        shown, tone = STATES[card.state]
        state = Content.assemble((shown, self.part(f"list--{tone}")))
        name = plain_path(paths.short(card.path))
        left = Content.assemble(
            (" " + formatting.shorten(name, width - len(shown) - 2), self.part("list--title"))
        )
        facts = [amounts.count(card.files, "file"), amounts.count(card.passages, "passage")]
        if card.problems:
            facts.append(amounts.count(card.problems, "problem"))
        if card.note:
            facts.append(plain_line(card.note))
        second = Content.assemble((" " + " · ".join(facts), self.part("list--dim")))
        return [spread(left, state, width), second.truncate(width, ellipsis=True)]


class FoldersScreen(ListScreen[Folder]):
    """The folders."""

    HEADING = "Folders"
    HINTS = (("a", "add"), ("f", "forget"), ("s", "read again"), ("p", "pause"), ("enter", "search here"))
    BINDINGS = [
        Binding("a,plus", "add", "Add a folder", show=False),
        Binding("f,delete,d", "forget", "Forget it", show=False),
        Binding("s", "sync", "Read it again now", show=False),
        Binding("p", "app.pause_or_resume", "Pause indexing, or go on", show=False),
        Binding("enter,o", "search", "Search in it", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session, FolderList())

    def tell_status(self) -> None:
        status = self.session.status
        if status is None:
            return
        self.list.show(status.folders)
        if not status.folders:
            self._note("No folder is kept yet. Press a to add one.", status.notices)
            return
        facts = [
            amounts.count(status.files, "file"),
            amounts.count(status.passages, "passage"),
            f"index of {amounts.size(status.index_bytes)}",
            f"{status.model} on {status.engine}" if status.model else "no model",
            "the daemon keeps it current" if status.daemon else "no daemon: read when ken starts",
        ]
        self._note(plain_line("  ·  ".join(facts)), status.notices)

    def _note(self, text: str, notices: tuple[str, ...]) -> None:
        """Say something below the title, and below it what keeps the index from being kept."""
        lines = [Content.styled(f"\n! {plain_line(notice)}", "$warning") for notice in notices]
        self.note(Content.assemble(text, *lines))

    @property
    def folder(self) -> Folder | None:
        return self.list.card

    def action_add(self) -> None:
        def given(path: str | None) -> None:
            library = self.session.library
            if path and library is not None:
                background(self, lambda: library.add([path]), lambda outcome: self._sync_added(outcome, path))

        self.app.push_screen(PathPrompt("Add a folder or a file"), given)

    def _sync_added(self, outcome: object, path: str) -> None:
        self.say_outcome(outcome, f"{path} is being read")
        if not isinstance(outcome, Exception):
            self.app.sync_now([path])  # type: ignore[attr-defined]

    def action_forget(self) -> None:
        folder, library = self.folder, self.session.library
        if folder is None or library is None:
            return

        def chosen(name: str | None) -> None:
            if name == "forget":
                background(self, lambda: library.forget(folder.path), self._forgotten)

        files = amounts.count(folder.files, "file")
        body = f"{plain_path(folder.path)}\n\nIts {files} leave the index. The files stay."
        buttons = (("keep", "Keep it"), ("forget", "Forget it"))
        self.app.push_screen(Dialog("Forget this folder?", body, buttons), chosen)

    def _forgotten(self, outcome: object) -> None:
        self.say_outcome(outcome, f"{outcome} files are forgotten")
        self.app.look()  # type: ignore[attr-defined]

    def action_sync(self) -> None:
        if self.folder is not None:
            self.app.sync_now([self.folder.path])  # type: ignore[attr-defined]

    def action_search(self) -> None:
        if self.folder is not None:
            name = completion.folder_names([self.folder.path])[0]
            screen = self.app.search_screen  # type: ignore[attr-defined]
            self.dismiss()
            screen.input.set(completion.with_filter(screen.input.value, "in", name).rstrip() + " ")

    def on_card_list_chosen(self) -> None:
        self.action_search()
