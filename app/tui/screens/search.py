"""The first screen: a question, its results and a preview.

Owns which answer is shown: questions are numbered, words answer at once and meaning a moment later, and
no answer ever replaces that of a later question.
"""

from __future__ import annotations

from dataclasses import replace

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from app.api import Answer
from app.errors import TITLED_ERRORS, NothingIndexed
from app.sanitize import plain_line
from app.tui import actions, completion, formatting
from app.tui.messages import Answered
from app.tui.screens.filter_actions import Narrowing
from app.tui.screens.hit_actions import HitActions
from app.tui.screens.preview_actions import Previewing
from app.tui.screens.search_requests import Asking, Question
from app.tui.session import Finished, Session
from app.tui.toasts import Told, in_words, say
from app.tui.widgets.list_view import CardList
from app.tui.widgets.query import QueryInput

ROOM_FOR_TIME = 72
"""Columns from which the time that an answer took is shown beside the filters."""
NEAR_END = 5
"""Rows before the last one at which the rest of the answer is asked for."""


class SearchScreen(Previewing, Narrowing, HitActions):
    """Question, results, preview."""

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (56, "-narrow"), (104, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]
    BINDINGS = [
        *actions.bindings("search"),
        Binding("question_mark", "app.show_help", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.asking = Asking(self, session)
        self._banner = Static(id="banner", markup=False)
        self._body = Horizontal(id="body")
        self._recalled: int | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="top"):
            yield Static("❯", id="prompt")
            yield self.input
            yield Static("ken", id="name")
        yield self.filters
        with self._body:
            with Vertical(id="left"):
                yield self._banner
                yield self.home
                yield self.results
            with Vertical(id="right"):
                yield self.preview_head
                yield self.preview
        yield self.line

    def on_mount(self) -> None:
        self.place_panes()
        self.input.focus()
        self.show_home()
        self.tell_filters()

    def on_unmount(self) -> None:
        self.asking.close()
        self.stop_previewing()

    # Asking

    def on_input_changed(self, event: Input.Changed) -> None:
        self.like = None
        self.results.touched = False
        self.hold_preview()
        self.tell_filters()
        self.ask()

    def ask(self) -> None:
        """Ask what stands in the line now; an empty line shows the home list."""
        query = self.parsed
        if not query.text.strip():
            self.asking.give_up()
            self.show_home()
        else:
            self.asking.ask(Question(query.text, query.filter, query.mode))
            if query.problems:
                self.filters.summarise(Content.styled(plain_line(query.problems[0]), "$warning"))

    def on_answered(self, message: Answered) -> None:
        if not self.asking.accept(message):
            return
        if isinstance(message.outcome, Exception):
            self._show_failure(message.outcome)
        elif message.outcome.hits or message.final:
            answer = message.outcome
            self.answer = answer if message.final else self._carry(answer)
            self.show_answer(self.answer, final=message.final)

    def _carry(self, answer: Answer) -> Answer:
        """Words alone have answered: what meaning found so far stays below until it answers."""
        if self.answer is None or self.answer.mode == "words":
            return answer
        there = {hit.path for hit in answer.hits}
        below = [hit for hit in self.answer.hits if hit.path not in there and hit.similarity is not None]
        return replace(answer, hits=(*answer.hits, *below))

    def show_answer(self, answer: Answer, *, final: bool) -> None:
        if final or not self.results.cards:
            self._remark_is(self._remark(answer) if final else Content(""))
        self.show_rows()
        self._swap("results")
        self._summarise(answer, final)

    def _remark(self, answer: Answer) -> Content:
        if self.like is not None:
            return Content.assemble(("More like ", "$ken-dim"), (plain_line(self.like.title), "bold"))
        if not answer.hits:
            narrowed = " with these filters" if self.parsed.filter != type(self.parsed.filter)() else ""
            return Content.assemble(
                (f"Nothing found{narrowed}.", "bold"), ("  " + self._advice(), "$ken-dim")
            )
        if not answer.close:
            there = "read so far" if self.session.reading else "here"
            far = f"Nothing {there} answers this."
            return Content.assemble((far, "bold $warning"), ("  The nearest there is:", "$ken-dim"))
        if self.session.reading:
            return Content.styled("Still reading: what is not read yet is not found yet.", "$ken-dim")
        return Content.styled(plain_line(answer.notice), "$warning") if answer.notice else Content("")

    def _advice(self) -> str:
        if self.parsed.filter != type(self.parsed.filter)():
            return f"{self._key('unfilter')} removes the filters."
        if self.session.reading:
            return "Indexing still goes on; ask again in a moment."
        return "Say it in other words, or look at the folders with F2."

    def _key(self, name: str) -> str:
        changed = actions.keymap(self.session.config.tui.keymap, self.session.config.tui.keys)
        return next(actions.keys_of(actions.BY_NAME[name], changed), "")

    def _summarise(self, answer: Answer, final: bool) -> None:
        if not final:
            self.filters.summarise(
                Content.styled(f"{formatting.count(len(answer.hits), 'file')} · …", "$ken-faint")
            )
        elif not self.parsed.problems:
            took = f" · {answer.took_ms:,.0f} ms" if self.app.size.width >= ROOM_FOR_TIME else ""
            self.filters.summarise(
                Content.styled(formatting.count(len(answer.hits), "file") + took, "$ken-faint")
            )

    def _show_failure(self, error: Exception) -> None:
        told = in_words(error)
        if isinstance(error, NothingIndexed):
            told = Told("Nothing is read yet", "What ken reads is found from then on.", self._how_to_begin())
        self._remark_is(Content.assemble((told.title + ".", "bold $warning"), ("  " + told.text, "$ken-dim")))
        self.filters.summarise("")
        if not isinstance(error, TITLED_ERRORS) or self.answer is None:
            self.answer = None
            self.results.show(())
        self._swap("results")

    def _how_to_begin(self) -> str:
        return "" if self.session.roots else f"{self._key('folders')} adds a folder."

    def _remark_is(self, text: Content) -> None:
        if self._banner.content != text:
            self._banner.update(text)
            self._banner.set_class(bool(text), "-said")

    # Home

    def show_home(self) -> None:
        """No question: pins, earlier questions, what to try."""
        self.answer = None
        self.like = None
        self._recalled = None
        self._remark_is(Content(""))
        self.filters.summarise("")
        self.tell_home()
        self._swap("home")
        self.clear_preview()

    def tell_status(self) -> None:
        """Files or folders are others now: a question that nothing could answer is asked again."""
        if self.home.display:
            self.tell_home()
        elif self.answer is None and self.question:
            self.asking.again()

    def tell_home(self) -> None:
        self.home.tell(self.session.memory, self.session.roots, self._about())

    def _about(self) -> str:
        status = self.session.status
        if status is None:
            return ""
        if not status.folders:
            return "Nothing is indexed yet. F2 adds a folder."
        names = ", ".join(completion.folder_names(self.session.roots)[:4])
        return f"{formatting.count(status.files, 'file')} in {plain_line(names)}"

    def _swap(self, shown: str) -> None:
        self.results.display = shown == "results"
        self.home.display = shown == "home"
        self._body.set_class(shown == "home", "-home")
        if shown == "home" and self.focused in (self.results, self.preview):
            self.input.focus()
        self._hint()

    def on_screen_resume(self) -> None:
        if self.home.display:
            self.tell_home()

    # What is highlighted

    def on_card_list_highlighted(self, message: CardList.Highlighted) -> None:
        if message.cards is self.results and self.results.display and self.hit is not None:
            self.preview_hit(self.hit, self.answer)
            self._ask_for_more()
        elif message.cards is self.results:
            self.clear_preview()

    def _ask_for_more(self) -> None:
        """Once somebody comes near the last result, ask for those that a first screen does not need."""
        cards, cursor = self.results, self.results.cursor
        if cards.touched and cursor is not None and cursor + NEAR_END >= len(cards.cards) and self.answer:
            self.asking.more(len(self.answer.hits))

    async def on_card_list_chosen(self, message: CardList.Chosen) -> None:
        self.action_open_hit()

    def on_finished(self, message: Finished) -> None:
        message.then(message.outcome)

    # Moving

    def action_move(self, steps: int) -> None:
        if self.focused is self.preview:
            self.preview.scroll_relative(y=steps, animate=False)
        elif self.current is self.home and not self.home.touched and steps > 0:
            self.home.highlight(self.home.cursor)
            self.home.refresh()
        elif not self.current.move(steps) and steps < 0 and self.focused is self.input:
            self._recall()

    def _recall(self) -> None:
        """The question asked before the present one."""
        questions = self.session.memory.questions
        following = 0 if self._recalled is None else self._recalled + 1
        if self._recalled is None and questions and questions[0] == self.input.value.strip():
            following = 1
        if following < len(questions):
            self.input.set(questions[following])
            self._recalled = following

    def action_page(self, pages: int) -> None:
        if self.focused is self.preview:
            self.preview.scroll_relative(y=pages * (self.preview.size.height - 2), animate=False)
        else:
            self.current.page(pages)

    def action_edge(self, direction: int) -> None:
        if self.focused is self.preview:
            self.preview_edge(direction)
        else:
            self.current.edge(direction)

    def action_expand(self) -> None:
        if self.hit is not None:
            self.expanded |= {self.hit.path}
            self.results.touched = True
            self.show_rows()

    def action_collapse(self) -> None:
        if self.hit is not None:
            self.expanded -= {self.hit.path}
            self.results.touched = True
            self.show_rows()

    def action_focus_query(self) -> None:
        self.input.focus()

    def action_back(self) -> None:
        """From a pane to the question; in the question, up to where it was and then to nothing."""
        if self.focused is not self.input:
            self.show_only_list()
            self.input.focus()
        elif self.like is not None:
            self.like = None
            self.ask()
        else:
            self.session.remember(self.input.value if self.answer is not None else "")
            self.input.set("")

    def action_next_pane(self) -> None:
        candidates = completion.candidates(self.input.value, self.session.roots)
        if self.focused is self.input and self.input.completion and (candidates or self.answer is None):
            self.input.set(self.input.completion)
        else:
            self._go(1)

    def action_previous_pane(self) -> None:
        self._go(-1)

    def _go(self, direction: int) -> None:
        panes = [self.input, self.current, *([self.preview] if self.preview_shown else [])]
        here = panes.index(self.focused) if self.focused in panes else 0
        panes[(here + direction) % len(panes)].focus()

    def on_descendant_focus(self) -> None:
        self._hint()
        self.tell_filters()

    def _hint(self) -> None:
        if not self.is_mounted:
            return
        if self.focused is self.input:
            names = [("↵", "open"), ("tab", "list"), (self._key("preview"), "preview")]
            earlier = [("↓", "earlier questions")] if self.session.memory.questions else []
            names = names if self.results.display else earlier
        else:
            names = [("↵", "open"), ("y", "copy"), ("s", "similar"), ("p", "pin"), ("esc", "question")]
        self.line.hint((*names, (self._key("palette"), "actions"), ("F1", "help")))

    # Opening

    def on_input_submitted(self) -> None:
        self.action_open_hit()

    def on_query_input_cut(self, message: QueryInput.Cut) -> None:
        say(self.app, f"The question is cut at {message.kept:,} characters")

    def action_open_hit(self) -> None:
        entry = self.home.card if self.home.display else None
        if entry is not None and self.home.touched:
            if entry.pin is not None:
                self.open_place(
                    entry.pin.path, entry.pin.line, entry.pin.page, "pdf" if entry.pin.page else "text"
                )
            else:
                self.input.set(entry.text)
                self.input.focus()
        elif self.hit is not None:
            self.session.remember(self.input.value)
            self.open_place(self.hit.path, self.hit.line, self.hit.page, self.hit.kind)

    def action_similar(self) -> None:
        if self.hit is not None:
            self.session.remember(self.input.value)
            self.like = self.hit
            self.asking.ask_similar(self.hit)
