"""The preview's half of the search screen: reading pages beside the interface, weighing their sentences,
going from place to place."""

from __future__ import annotations

import time

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from app.api import Answer
from app.sanitize import plain_line
from app.tui import formatting, result_rows
from app.tui.latest_only import Lane
from app.tui.messages import PageRead, Weighed, tell
from app.tui.preview_loader import PageWanted, WeighingWanted, passage_page, read_page, weigh, words_of
from app.tui.screens.search_base import AskedScreen
from app.tui.session import Session
from app.tui.toasts import in_words
from app.tui.widgets.preview import Page, Preview, Span3
from index.types import Hit

REST = 0.02
"""Seconds the highlight must rest before a document is read for it."""
TYPING_REST = 0.2
"""Seconds without a keystroke before a document is read: until then the list has the processor."""
LATE = 0.15
"""Seconds after which a document that is still being read is late."""
WEIGHING_REST = 0.15
"""Seconds a preview must rest before its sentences are weighed: the question's own vector comes first."""


class Previewing(AskedScreen):
    """Shows what the highlighted result stands in."""

    WIDE_FROM = 104
    STACKED_FROM = 34

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.preview_head = Static(id="preview-head", markup=False)
        self._typed = 0.0
        self._number = 0
        self._wanted: PageWanted | None = None
        self._hidden = False
        self._late: Timer | None = None
        self._reading: Lane[PageWanted, Page] = Lane("preview", self._read, self._page_done)
        self._weighing: Lane[WeighingWanted, tuple[Span3, ...]] = Lane(
            "sentences", self._weigh, self._weighed
        )

    def hold_preview(self) -> None:
        """A key was typed: what the preview would cost is the list's for a moment."""
        self._typed = time.monotonic()
        self._weighing.drop()

    def stop_previewing(self) -> None:
        self._reading.close()
        self._weighing.close()

    def preview_hit(self, hit: Hit, answer: Answer | None) -> None:
        """Read the document of a hit, around it."""
        words = words_of(answer.hits) if answer else frozenset()
        wanted = PageWanted(self._number + 1, hit.path, (hit.start, hit.end), result_rows.heading(hit), words)
        before = self._wanted
        if before is not None and (before.path, before.focus, before.words) == (
            wanted.path,
            wanted.focus,
            words,
        ):
            if self.preview.page is not None and self.preview.page.excerpt.path == wanted.path:
                self._weigh_page()
            return
        self._number += 1
        self._wanted = wanted
        rest = max(REST, self._typed + TYPING_REST - time.monotonic())
        self._reading.ask(wanted, rest)
        if self._late is not None:
            self._late.stop()
        self._late = self.set_timer(rest + LATE, lambda: self._show_passage(hit, wanted))

    def _show_passage(self, hit: Hit, wanted: PageWanted) -> None:
        """A document that takes long to read: until then, the passage as the index has it."""
        if wanted is self._wanted and not self._shows(wanted):
            self.preview.show(passage_page(hit, wanted))
            self._tell_head("reading the document…")

    def _shows(self, wanted: PageWanted) -> bool:
        page = self.preview.page
        return page is not None and (page.excerpt.path, page.focus) == (wanted.path, wanted.focus)

    def clear_preview(self) -> None:
        """Show nothing."""
        self._number += 1
        self._wanted = None
        self._reading.drop()
        self._weighing.drop()
        self.preview.show(None)
        self.preview_head.update("", layout=False)

    def on_preview_wanted(self, message: Preview.Wanted) -> None:
        """The reader scrolled to an end of what is loaded."""
        if self._wanted is not None:
            self._number += 1
            self._wanted = _at(self._wanted, self._number, message.position, self.preview.top_position)
            self._reading.ask(self._wanted)

    def on_preview_moved(self, message: Preview.Moved) -> None:
        self._tell_head()

    def on_page_read(self, message: PageRead) -> None:
        if message.number != self._number or self._wanted is None:
            return
        if isinstance(message.outcome, Exception):
            self.preview.show(None)
            self.preview_head.update(_failure(message.outcome), layout=False)
            return
        page = message.outcome
        early = self._shows(self._wanted) and self._wanted.position is None
        self.preview.show(page, at=page.focus[0] if early else message.at)
        self._tell_head()
        self._weigh_page()

    def _weigh_page(self) -> None:
        """Weigh the sentences of the page in sight, once meaning has answered."""
        page = self.preview.page
        by_meaning = self.answer is not None and self.answer.mode != "words"
        if page is not None and not page.marks and self.question and by_meaning:
            self._weighing.ask(WeighingWanted(self._number, self.question, page), WEIGHING_REST)

    def on_weighed(self, message: Weighed) -> None:
        if message.number == self._number:
            self.preview.mark(message.marks)

    def action_place(self, direction: int) -> None:
        """To the next or previous passage of the file that answers."""
        row = self.results.card
        if row is None or self._wanted is None:
            return
        file = next(
            (r.hit for r in self.results.cards if r.hit.path == row.hit.path and not r.depth), row.hit
        )
        places = sorted((file, *file.more), key=lambda hit: hit.start)
        starts = [hit.start for hit in places]
        here = starts.index(self._wanted.focus[0]) if self._wanted.focus[0] in starts else 0
        target = here + direction
        if 0 <= target < len(places):
            self.preview_hit(places[target], self.answer)

    def action_outline(self) -> None:
        """Choose a heading or page to go to."""
        page = self.preview.page
        if page is None or not page.excerpt.outline:
            self.app.notify("This document has no headings", timeout=3, markup=False)
            return
        from app.tui.screens.outline import OutlineScreen  # not needed by the first screen

        def chosen(position: int | None) -> None:
            if position is not None:
                self._go_to(position)

        title = page.excerpt.title or (self.hit.title if self.hit else "")
        self.app.push_screen(OutlineScreen(title, page.excerpt.outline, self.preview.top_position), chosen)

    def _go_to(self, position: int) -> None:
        page = self.preview.page
        if page is None or self._wanted is None:
            return
        excerpt = page.excerpt
        if excerpt.start <= position < excerpt.start + len(excerpt.text) - 2000:
            self.preview.go_to(position)
        else:
            self._number += 1
            self._wanted = _at(self._wanted, self._number, position, None)
            self._reading.ask(self._wanted)

    def preview_edge(self, direction: int) -> None:
        """To the beginning or the end of the document."""
        if self.preview.page is not None:
            self._go_to(0 if direction < 0 else max(0, self.preview.page.excerpt.length - 1))

    # Where it stands

    @property
    def preview_shown(self) -> bool:
        """Whether there is a preview to see or go to."""
        return self.query_one("#right").display and self.preview.page is not None

    def action_toggle_preview(self) -> None:
        """Beside or below: show it or not. Where there is room for one only: swap it with the list."""
        self._hidden = not self._hidden
        self.place_panes()
        if self.layout_name == "single" and not self._hidden:
            self.preview.focus()

    def show_only_list(self) -> None:
        """Where there is room for one only, show the list again."""
        if self.layout_name == "single" and not self._hidden:
            self._hidden = True
            self.place_panes()

    @property
    def layout_name(self) -> str:
        """Beside, below, or one at a time."""
        size = self.app.size
        if size.width >= self.WIDE_FROM:
            return "wide"
        return "stacked" if size.height >= self.STACKED_FROM else "single"

    def on_resize(self) -> None:
        self.place_panes()

    def place_panes(self) -> None:
        """Put list and preview where the size of the screen allows."""
        name = self.layout_name
        body = self.query_one("#body")
        if name == "single" and not body.has_class("-single"):
            self._hidden = True
        elif name != "single" and body.has_class("-single"):
            self._hidden = False
        for layout in ("wide", "stacked", "single"):
            body.set_class(layout == name, f"-{layout}")
        body.set_class(self._hidden, "-no-preview")

    def _tell_head(self, instead: str = "") -> None:
        """Title, place and line of what is shown; `instead` of the line where that is not known yet."""
        page = self.preview.page
        if page is None:
            return
        excerpt = page.excerpt
        title = plain_line(excerpt.title or excerpt.path.rsplit("/", 1)[-1])
        where = f"line {self.preview.top_line:,} of {excerpt.lines:,}"
        if excerpt.pages:
            current = sum(start <= self.preview.top_position for start in excerpt.pages)
            where = f"page {max(1, current)} of {len(excerpt.pages)}"
        where = instead or where
        room = max(10, self.preview_head.size.width - len(where) - 2)
        place = formatting.shorten(formatting.place(excerpt.path, self.session.roots), room)
        self.preview_head.update(
            Content.assemble((title, "bold"), "\n", (place, "$ken-dim"), ("  " + where, "$ken-faint")),
            layout=False,
        )

    # In the lanes' threads

    def _read(self, wanted: PageWanted) -> Page:
        library = self.session.library
        assert library is not None
        return read_page(library, wanted)

    def _page_done(self, wanted: PageWanted, outcome: Page | Exception) -> None:
        tell(self, PageRead(wanted.number, outcome, wanted.stay))

    def _weigh(self, wanted: WeighingWanted) -> tuple[Span3, ...]:
        library = self.session.library
        assert library is not None
        return weigh(library, wanted, lambda: self._weighing.overtaken)

    def _weighed(self, wanted: WeighingWanted, outcome: tuple[Span3, ...] | Exception) -> None:
        if not isinstance(outcome, Exception):
            tell(self, Weighed(wanted.number, outcome))


def _at(wanted: PageWanted, number: int, position: int, stay: int | None) -> PageWanted:
    return PageWanted(number, wanted.path, wanted.focus, wanted.heading, wanted.words, position, stay)


def _failure(error: Exception) -> Content:
    told = in_words(error, "This cannot be shown")
    return Content.assemble((told.title, "bold $warning"), "\n", (told.text, "$ken-dim"))
