"""What can be done with a result: open, reveal, copy, pin, keep as a question, say why."""

from __future__ import annotations

from textual.content import Content

from app import open_file
from app.api import Answer
from app.errors import TITLED_ERRORS
from app.sanitize import plain_line
from app.tui import formatting, result_rows
from app.tui.screens.dialog import Dialog
from app.tui.screens.search_base import AskedScreen
from app.tui.session import background
from app.tui.toasts import say, say_error
from app.tui.ui_state import Pin
from index.types import Hit


class HitActions(AskedScreen):
    """Actions on the highlighted result."""

    def open_place(self, path: str, line: int, page: int | None, kind: str) -> None:
        """Open a file at its place; an editor of the terminal takes the screen over until it ends."""
        try:
            launch = open_file.launch_for(path, line, page, kind=kind, editor=self.session.config.tui.editor)
            if launch.terminal and not self.app.is_headless:
                with self.app.suspend():
                    open_file.run(launch)
                self.app.refresh(layout=True)
            else:
                open_file.run(launch)
        except TITLED_ERRORS as error:
            say_error(self.app, error)
            return
        if not launch.terminal:
            say(self.app, f"Opened with {launch.command[0].rsplit('/', 1)[-1]}")

    def action_reveal(self) -> None:
        if self.hit is None:
            return
        try:
            open_file.run(open_file.reveal_launch(self.hit.path))
        except TITLED_ERRORS as error:
            say_error(self.app, error)

    def action_copy_path(self) -> None:
        if self.hit is not None:
            self._copy(self.hit.path, "The path")

    def action_copy_passage(self) -> None:
        if self.hit is not None:
            self._copy(self.hit.text, "The passage")

    def action_copy_citation(self) -> None:
        if self.hit is not None:
            self._copy(citation(self.hit), "A Markdown citation")

    def _copy(self, text: str, what: str) -> None:
        self.session.remember(self.input.value)
        self.app.copy_to_clipboard(text.encode("utf-8", "replace").decode())
        background(self, lambda: open_file.copy(text), lambda outcome: None)
        say(self.app, f"{what} is on the clipboard")

    def action_pin(self) -> None:
        hit = self.hit
        if hit is None:
            return
        pin = Pin(hit.path, hit.line, hit.title, hit.page, hit.start, hit.end)
        pinned = self.session.memory.toggle(pin)
        self.session.memory.save()
        self.show_rows()
        say(self.app, "Pinned: it stands on the first screen now" if pinned else "The pin is out")

    def action_watch(self) -> None:
        question = self.question
        if not question:
            say(self.app, "Type the question first, then keep it")
            return
        from app import (
            saved_searches,  # brings subprocess and locks with it, which the first screen does not need
        )

        def told(outcome: object) -> None:
            if isinstance(outcome, Exception):
                say_error(self.app, outcome)
            else:
                say(self.app, "Kept: you are told when something new answers it", title=plain_line(question))

        background(self, lambda: saved_searches.add(question), told)

    def action_explain(self) -> None:
        hit = self.hit
        library = self.session.library
        if hit is None or library is None or not self.question:
            return
        query = self.parsed

        def told(outcome: object) -> None:
            if isinstance(outcome, Exception):
                say_error(self.app, outcome)
            elif isinstance(outcome, Answer):
                same = [found for found in outcome.hits if found.path == hit.path]
                self.app.push_screen(
                    Dialog("Why this is here", explanation(same[0] if same else hit, outcome))
                )

        background(
            self, lambda: library.search(query.text, limit=50, filter=query.filter, explain=True), told
        )


def citation(hit: Hit) -> str:
    """The passage as a Markdown quotation with a link to its place."""
    from pathlib import Path  # only here

    quoted = "\n".join("> " + line for line in hit.text.strip().splitlines())
    place = f", p. {hit.page}" if hit.page else f", line {hit.line}"
    heading = result_rows.heading(hit)
    title = plain_line(hit.title) + (f" › {plain_line(heading)}" if heading else "")
    name = title.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return f"{quoted}\n>\n> — [{name}]({Path(hit.path).as_uri()}){place}\n"


def explanation(hit: Hit, answer: Answer) -> Content:
    """Why a hit is where it is, in words and with the numbers behind them."""
    reason = result_rows.reason(hit)
    facts = [f"Found by {reason}; {round(100 * result_rows.sureness(hit, answer))}% sure."]
    if hit.similarity is not None:
        facts.append(f"Nearness of meaning: {hit.similarity:.3f} (cosine of question and passage)")
    if hit.words is not None:
        words = sorted({hit.snippet[start:end].lower() for start, end in hit.matched})
        facts.append(f"Words: {hit.words:.3f}" + (f" ({', '.join(map(plain_line, words))})" if words else ""))
    facts.append(f"Score: {hit.score:.3f}; answer as a whole: {answer.confidence:.3f}")
    facts += [f"{name.replace('_', ' ')}: {value:.4g}" for name, value in hit.explain.items()]
    facts.append(f"Changed {formatting.when(hit.modified_ns)}, {formatting.size(hit.size)}")
    return Content("\n".join(facts))
