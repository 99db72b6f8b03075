"""Files that are not in the index, each with the reason, and what can be done."""

from __future__ import annotations

from collections import Counter

from textual.binding import Binding
from textual.content import Content

from app.answers import open_file
from app.api import Problem, Why
from app.errors import TITLED_ERRORS
from app.sanitize import plain_line, plain_path
from app.tui import formatting
from app.tui.screens.dialog import Dialog
from app.tui.screens.list_screen import ListScreen
from app.tui.session import Session, background
from app.tui.widgets.list_view import CardList

SHOWN_AT_MOST = 5000
WORDS = {"failed": "could not be read", "skipped": "left out", "partial": "read in part"}


class ProblemList(CardList[Problem]):
    """A file a card: its path and the reason."""

    COMPONENT_CLASSES = CardList.COMPONENT_CLASSES | {"list--title", "list--dim", "list--bad", "list--warn"}

    def __init__(self, roots: tuple[str, ...]) -> None:
        super().__init__(key=lambda problem: problem.path, height=lambda problem: 3, paint=self.paint)
        self._roots = roots

    def paint(self, card: Problem, width: int) -> list[Content]:
        mark, tone = ("✗", "bad") if card.state == "failed" else ("–", "warn")
        name = formatting.shorten(formatting.short_path(card.path, self._roots), width - 4)
        first = Content.assemble((f" {mark} ", self.part(f"list--{tone}")), (name, self.part("list--title")))
        second = Content.assemble(("   " + plain_line(card.reason), self.part("list--dim")))
        return [first, second.truncate(width, ellipsis=True)]


class ProblemsScreen(ListScreen[Problem]):
    """The problems."""

    HEADING = "Not in the index, or only in part"
    HINTS = (("enter", "why"), ("y", "copy path"), ("r", "show file"), ("s", "try again"))
    BINDINGS = [
        Binding("enter,w,x", "why", "Say why", show=False),
        Binding("y", "copy", "Copy the path", show=False),
        Binding("r", "reveal", "Show in the file manager", show=False),
        Binding("s", "again", "Try it again now", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session, ProblemList(session.roots))

    def tell_status(self) -> None:
        if self.session.library is not None:
            background(self, self.session.library.problems, self._show_problems)

    def _show_problems(self, outcome: object) -> None:
        if not isinstance(outcome, tuple | list):
            self.say_outcome(outcome, "")
            return
        problems = sorted(outcome, key=lambda problem: (problem.state != "failed", problem.path))
        self.list.show(problems[:SHOWN_AT_MOST])
        counts = Counter(WORDS[problem.state] for problem in problems)
        if not problems:
            self.note("Every file that ken looks at is in the index, whole.")
        else:
            self.note(" · ".join(f"{number:,} {what}" for what, number in counts.most_common()))

    @property
    def problem(self) -> Problem | None:
        return self.list.card

    def action_why(self) -> None:
        problem, library = self.problem, self.session.library
        if problem is not None and library is not None:
            background(self, lambda: library.why(problem.path), self._show_why)

    def _show_why(self, outcome: object) -> None:
        if not isinstance(outcome, Why):
            self.say_outcome(outcome, "")
            return
        rows = [plain_path(outcome.path), "", plain_line(outcome.reason or "No reason is known.")]
        rows += ["", f"Decided by: {plain_line(outcome.rule)}"] if outcome.rule else []
        rows += ["", "When the cause is mended, s tries the file again."]
        self.app.push_screen(Dialog("Why it is not in the index", Content("\n".join(rows))))

    def action_copy(self) -> None:
        if self.problem is not None:
            self.app.copy_to_clipboard(self.problem.path.encode("utf-8", "replace").decode())
            self.say_outcome(None, "The path is on the clipboard")

    def action_reveal(self) -> None:
        if self.problem is not None:
            try:
                open_file.run(open_file.reveal_launch(self.problem.path))
            except TITLED_ERRORS as error:
                self.say_outcome(error, "")

    def action_again(self) -> None:
        if self.problem is not None:
            self.app.sync_now([self.problem.path])  # type: ignore[attr-defined]

    def on_card_list_chosen(self) -> None:
        self.action_why()
