"""The preview with its title: documents are read and their sentences weighed beside the interface.

Owns two workers, one that reads documents and one that weighs sentences, and which page is wanted. Knows
nothing of queries and lists: it is handed a hit, the words to light and the query to weigh against.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from app.api import Excerpt
from app.sanitize import plain_line
from app.tui import formatting, result_rows
from app.tui.latest_only import LatestOnly
from app.tui.messages import PageRead, Weighed, tell
from app.tui.preview_lines import Page, Span3
from app.tui.preview_loader import PageWanted, WeighingWanted, load_page, passage_page, weigh
from app.tui.session import Session
from app.tui.toasts import failure_of
from app.tui.widgets.preview import Preview
from index.types import Hit

REST = 0.02
"""Seconds the highlight must rest before a document is read for it."""
TYPING_REST = 0.2
"""Seconds without a keystroke before a document is read: until then the list has the processor."""
LATE = 0.15
"""Seconds after which a document that is still being read is late."""
WEIGHING_REST = 0.15
"""Seconds a preview must rest before its sentences are weighed: the query's own vector comes first."""


class PreviewPane(Vertical):
    """Shows the document of a hit."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.session = session
        self.preview = Preview(id="preview")
        self._head = Static(id="preview-head", markup=False)
        self._query = ""
        """What sentences are weighed against; empty while meaning has not answered."""
        self._typed = 0.0
        self._number = 0
        self._wanted: PageWanted | None = None
        self._is_read = True
        """Whether the wanted document, if there is one, has been read."""
        self._once_read: Callable[[], None] | None = None
        self._late: Timer | None = None
        self._reading: LatestOnly[PageWanted, Page] = LatestOnly("preview", self._read, self._page_done)
        self._weighing: LatestOnly[WeighingWanted, tuple[Span3, ...]] = LatestOnly(
            "sentences", self._weigh, self._show_weights
        )

    def compose(self) -> ComposeResult:
        yield self._head
        yield self.preview

    def on_unmount(self) -> None:
        self._reading.close()
        self._weighing.close()

    # What is shown

    def hold(self) -> None:
        """A key was typed: what the preview would cost is the list's for a moment."""
        self._typed = time.monotonic()
        self._weighing.drop()

    def show_hit(self, hit: Hit, words: frozenset[str], query: str) -> None:
        """Read the document of a hit, around it; light `words`, and weigh its sentences against `query`."""
        self._query = query
        wanted = PageWanted(
            self._number + 1,
            hit.path,
            (hit.start, hit.end),
            result_rows.heading(hit),
            words,
            modified_ns=hit.modified_ns,
        )
        if self._wanted is not None and replace(self._wanted, number=0, position=None, stay=None) == replace(
            wanted, number=0
        ):
            if self.preview.page is not None and self.preview.page.excerpt.path == wanted.path:
                self._weigh_page()
            return
        self._number += 1
        self._wanted, self._is_read, self._once_read = wanted, False, None
        rest = max(REST, self._typed + TYPING_REST - time.monotonic())
        self._reading.ask(wanted, rest)
        if self._late is not None:
            self._late.stop()
        self._late = self.set_timer(rest + LATE, lambda: self._show_passage(hit, wanted))

    def clear(self) -> None:
        """Show nothing."""
        self._number += 1
        self._wanted, self._is_read, self._once_read = None, True, None
        self._reading.drop()
        self._weighing.drop()
        self.preview.show(None)
        self._head.update("", layout=False)

    def once_read(self, action: Callable[[], None]) -> None:
        """Do this as soon as the wanted document is read; never where another one is wanted before."""
        if self._is_read:
            action()
        else:
            self._once_read = action

    def step(self, hit: Hit, direction: int) -> None:
        """To the next or previous passage of the file among those that answer; `hit` holds them all."""
        if self._wanted is None:
            return
        places = sorted((hit, *hit.more), key=lambda place: place.start)
        starts = [place.start for place in places]
        here = starts.index(self._wanted.focus[0]) if self._wanted.focus[0] in starts else 0
        if 0 <= here + direction < len(places):
            self.show_hit(places[here + direction], self._wanted.words, self._query)

    def edge(self, direction: int) -> None:
        """To the beginning or the end of the document."""
        if self.preview.page is not None:
            self.go_to(0 if direction < 0 else max(0, self.preview.page.excerpt.length - 1))

    def scroll(self, rows: int) -> None:
        self.preview.scroll_relative(y=rows, animate=False)

    def page(self, pages: int) -> None:
        self.scroll(pages * (self.preview.size.height - 2))

    def go_to(self, position: int) -> None:
        """Bring a position of the document into sight, loaded or not."""
        page = self.preview.page
        if page is None or self._wanted is None:
            return
        excerpt = page.excerpt
        if excerpt.start <= position < excerpt.start + len(excerpt.text) - 2000:
            self.preview.go_to(position)
        else:
            self._want_stretch(position, None)

    # Messages

    def on_preview_wanted(self, message: Preview.Wanted) -> None:
        """The reader scrolled to an end of what is loaded."""
        message.stop()
        if self._wanted is not None:
            self._want_stretch(message.position, self.preview.top_position)

    def on_preview_moved(self, message: Preview.Moved) -> None:
        message.stop()
        self._tell_head()

    def on_page_read(self, message: PageRead) -> None:
        message.stop()
        if message.number != self._number or self._wanted is None:
            return
        if self._late is not None:
            self._late.stop()
        self._is_read, then, self._once_read = True, self._once_read, None
        if isinstance(message.outcome, Exception):
            failure = failure_of(message.outcome, "This cannot be shown")
            self.preview.show(None)
            self._head.update(
                Content.assemble((failure.title, "bold $warning"), "\n", (failure.text, "$ken-dim")),
                layout=False,
            )
            return
        page = message.outcome
        early = self._shows(self._wanted) and self._wanted.position is None
        self.preview.show(page, at=page.focus[0] if early else message.at)
        self._tell_head()
        self._weigh_page()
        if then is not None:
            then()

    def on_weighed(self, message: Weighed) -> None:
        message.stop()
        if message.number == self._number:
            self.preview.mark(message.marks)

    # Parts

    def _want_stretch(self, position: int, stay: int | None) -> None:
        assert self._wanted is not None
        self._number += 1
        self._wanted = replace(self._wanted, number=self._number, position=position, stay=stay)
        self._reading.ask(self._wanted)

    def _show_passage(self, hit: Hit, wanted: PageWanted) -> None:
        """A document that takes long to read: until then, the passage as the index has it."""
        if wanted is self._wanted and not self._shows(wanted):
            self.preview.show(passage_page(hit, wanted))
            self._tell_head("reading the document…")

    def _shows(self, wanted: PageWanted) -> bool:
        page = self.preview.page
        return page is not None and (page.excerpt.path, page.focus) == (wanted.path, wanted.focus)

    def _weigh_page(self) -> None:
        """Weigh the sentences of the page in sight, once meaning has answered."""
        page = self.preview.page
        if page is not None and not page.marks and self._query:
            self._weighing.ask(WeighingWanted(self._number, self._query, page), WEIGHING_REST)

    def _tell_head(self, instead: str = "") -> None:
        """Title, place and line of what is shown; `instead` of the line where that is not known yet."""
        page = self.preview.page
        if page is None:
            return
        excerpt = page.excerpt
        title = plain_line(excerpt.title or excerpt.path.rsplit("/", 1)[-1])
        where = f"{100 * self.preview.top_position // max(1, excerpt.length)} %"
        if excerpt.numbered:
            where = f"line {self.preview.top_line:,} of {excerpt.lines:,}"
        if excerpt.pages:
            current = sum(start <= self.preview.top_position for start in excerpt.pages)
            where = f"page {max(1, current)} of {len(excerpt.pages)}"
        where = instead or where
        room = max(10, self._head.size.width - len(where) - 2)
        place = formatting.shorten(formatting.short_path(excerpt.path, self.session.roots), room)
        self._head.update(
            Content.assemble(
                (title, "bold"),
                (_format_links(excerpt, self._head.size.width - len(title)), "$ken-dim"),
                "\n",
                (place, "$ken-dim"),
                ("  " + where, "$ken-faint"),
            ),
            layout=False,
        )

    # In the workers' threads

    def _read(self, wanted: PageWanted) -> Page:
        library = self.session.library
        assert library is not None
        return load_page(library, wanted)

    def _page_done(self, wanted: PageWanted, outcome: Page | Exception) -> None:
        tell(self, PageRead(wanted.number, outcome, wanted.stay))

    def _weigh(self, wanted: WeighingWanted) -> tuple[Span3, ...]:
        library = self.session.library
        assert library is not None
        return weigh(library, wanted, lambda: self._weighing.overtaken)

    def _show_weights(self, wanted: WeighingWanted, outcome: tuple[Span3, ...] | Exception) -> None:
        if not isinstance(outcome, Exception):
            tell(self, Weighed(wanted.number, outcome))


def _format_links(excerpt: Excerpt, room: int) -> str:
    """The names of the files that a note links to and that link to it, as far as there is room."""
    names_of_files = ""
    for arrow, paths in (("→", excerpt.links), ("←", excerpt.backlinks)):
        names = [plain_line(PurePath(path).stem) for path in paths]
        names_of_files += f"  {arrow} {', '.join(names[:3])}{' …' * (len(names) > 3)}" if names else ""
    return formatting.shorten(names_of_files, room) if room > 10 else ""
