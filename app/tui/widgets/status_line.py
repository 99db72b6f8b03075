"""The one status line: how fresh the index is and what it is doing on the left, keys on the right."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from app import amounts
from app.api import Progress, Status
from app.sanitize import plain_line
from app.tui import formatting

BAR = 12


class StatusLine(Widget):
    """Renders the last state and hints it was given."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.state: Content = Content("")
        self.hints: tuple[tuple[str, str], ...] = ()

    def say(self, state: Content) -> None:
        if state != self.state:
            self.state = state
            self.refresh()

    def hint(self, hints: tuple[tuple[str, str], ...]) -> None:
        """Keys and what they do, the most useful first: what does not fit is left out from the end."""
        if hints != self.hints:
            self.hints = hints
            self.refresh()

    def render(self) -> Content:
        width = self.size.width
        left = self.state.truncate(max(8, width - 12), ellipsis=True)
        room = width - left.cell_length - 3
        right = Content("")
        for key, does in self.hints:
            piece = Content.assemble(
                ("   " if len(right) else "", ""), (key, "$foreground"), (" " + does, "$ken-faint")
            )
            if right.cell_length + piece.cell_length > room:
                break
            right = right + piece
        return left + Content(" " * max(1, width - left.cell_length - right.cell_length)) + right

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1

    async def on_click(self, event: events.Click) -> None:
        if event.x < self.state.cell_length:
            await self.run_action("app.show_folders")


class NoticeLine(Widget):
    """What keeps the index from being kept, on one line; takes no room while there is nothing."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.notices: tuple[str, ...] = ()
        self.display = False

    def tell(self, notices: tuple[str, ...]) -> None:
        """Show the first of these, and that there are more."""
        if notices != self.notices:
            self.notices = notices
            self.display = bool(notices)
            self.refresh()

    def render(self) -> Content:
        if not self.notices:
            return Content("")
        width = self.size.width
        text = Content.assemble(("! ", "bold $warning"), (plain_line(self.notices[0]), "$warning"))
        others = len(self.notices) - 1
        if not others and text.cell_length <= width:
            return text
        where = Content.styled(f" · F2: {others} more" if others else " · F2", "$ken-dim")
        return text.truncate(max(8, width - where.cell_length), ellipsis=True) + where

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1

    async def on_click(self) -> None:
        await self.run_action("app.show_folders")


def describe(status: Status) -> Content:
    """The state of the index, in a few words."""
    progress = status.progress
    if progress.phase in ("scanning", "reading", "embedding"):
        return working(progress)
    tail = Content(f" · {amounts.count(status.files, 'file')}")
    if problems := status.problems - status.left_out:
        tail += Content.assemble((f" · {amounts.count(problems, 'problem')}", "$warning"))
    if progress.phase == "paused":
        waiting = f", {amounts.count(status.pending, 'passage')} wait" if status.pending else ""
        return Content.assemble(("◌ ", "$warning"), f"Paused{waiting}") + tail + Content(" · F6 goes on")
    if not status.folders:
        return Content.assemble(("○ ", "$accent"), "No folder is indexed · F2 adds one")
    if status.pending and not status.model:
        return Content.assemble(("● ", "$success"), "Current, by words only") + tail + Content(" · F7")
    if status.pending:
        return Content.assemble(("◐ ", "$accent"), f"{status.pending:,} waiting") + tail
    for folder in status.folders:
        if folder.state == "missing":
            return (
                Content.assemble(("○ ", "$warning"), f"{formatting.short_path(folder.path, ())} is not there")
                + tail
            )
    if not status.daemon and status.folders:
        return (
            Content.assemble(("● ", "$success"), "Indexed when ken started") + tail + Content(" · no daemon")
        )
    return Content.assemble(("● ", "$success"), "All current") + tail


def working(progress: Progress) -> Content:
    """What indexing does now, how far it is, how fast and how long still."""
    if progress.phase == "scanning" or not (progress.files_total or progress.passages_total):
        found = f" · {amounts.count(progress.files_total, 'file')}" if progress.files_total else ""
        return Content.assemble(("◐ ", "$accent"), "Looking for changes", (found, "$ken-dim"))
    by_passages = progress.phase == "embedding" and progress.passages_total
    done, total, noun = (
        (progress.passages_done, progress.passages_total, "passage")
        if by_passages
        else (progress.files_done, progress.files_total, "file")
    )
    bar = formatting.bar(done / total if total else 0.0, BAR)
    facts = [f"{done:,} of {amounts.count(total, noun)}"]
    if progress.seconds_left is not None:
        facts.append(f"{amounts.rough_duration(progress.seconds_left)} left")
    if progress.passages_per_second and progress.passages_per_second >= 1:
        facts.append(f"{progress.passages_per_second:,.0f} a second")
    if progress.path and not by_passages:
        facts.append(plain_line(formatting.shorten(progress.path.rsplit("/", 1)[-1], 30)))
    verb = "Learning " if by_passages else "Reading "
    return Content.assemble(
        ("◐ ", "$accent"), verb, (bar, "$accent"), ("─" * (BAR - len(bar)), "$ken-rule"),
        ("  " + " · ".join(facts), "$ken-dim"),
    )  # fmt: skip
