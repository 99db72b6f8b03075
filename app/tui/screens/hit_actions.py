"""What can be done with a result: open, reveal, copy, pin, keep its query, say why it is here.

Owns what each action does and says. Knows no list: it is handed the hit and the query.
"""

from __future__ import annotations

from textual.content import Content
from textual.screen import Screen

from app import amounts
from app.answers import open_file
from app.api import UNTIL_READ, Answer
from app.errors import TITLED_ERRORS
from app.query import Query
from app.sanitize import plain_line, visible
from app.tui import formatting, result_rows
from app.tui.screens.dialog import Dialog
from app.tui.session import Session, background
from app.tui.toasts import say, say_error
from app.tui.ui_state import Pin
from index.types import Hit


class HitActions:
    """Actions on a hit, for the screen that shows it."""

    def __init__(self, screen: Screen[None], session: Session) -> None:
        self._screen = screen
        self._session = session
        self._by_name = {
            "reveal": self._reveal,
            "copy_path": lambda hit, query: self.copy(pasteable(hit.path), "The path"),
            "copy_passage": lambda hit, query: self.copy(visible(hit.text), "The passage"),
            "copy_citation": lambda hit, query: self.copy(citation(hit), "A Markdown citation"),
            "pin": self._pin,
            "explain": self._explain,
        }

    def run(self, name: str, hit: Hit | None, query: Query) -> None:
        """Do what `name` says with the hit; nothing where there is none and one is needed."""
        if name == "watch":
            self._watch(query.text.strip())
        elif hit is not None:
            self._by_name[name](hit, query)

    def open_place(self, path: str, line: int, page: int | None, kind: str) -> None:
        """Open a file at its place; an editor of the terminal takes the screen over until it ends."""
        try:
            launch = open_file.launch_for(path, line, page, kind=kind, editor=self._session.config.tui.editor)
            if launch.terminal and not self._screen.app.is_headless:
                self._in_terminal(launch)
            else:
                open_file.run(launch)
        except TITLED_ERRORS as error:
            say_error(self._screen.app, error)
            return
        if not launch.terminal:
            say(self._screen.app, f"Opened with {launch.command[0].rsplit('/', 1)[-1]}")

    def _in_terminal(self, launch: open_file.Launch) -> None:
        """Textual does not take the terminal back where the block raises: errors wait until it has."""
        failure: Exception | None = None
        with self._screen.app.suspend():
            try:
                open_file.run(launch)
            except TITLED_ERRORS as error:
                failure = error
        self._screen.app.refresh(layout=True)
        if failure is not None:
            raise failure

    def _reveal(self, hit: Hit, query: Query) -> None:
        try:
            open_file.run(open_file.reveal_launch(hit.path))
        except TITLED_ERRORS as error:
            say_error(self._screen.app, error)

    def copy(self, text: str, what: str) -> None:
        """Put a text on the clipboard, through the terminal and through the system."""
        app = self._screen.app
        app.copy_to_clipboard(text.encode("utf-8", "replace").decode())
        background(self._screen, lambda: open_file.copy_to_clipboard(text), lambda outcome: None)
        say(app, f"{what} is on the clipboard")

    def unpin(self, pin: Pin) -> None:
        """Take out a pin that is highlighted itself."""
        self._session.ui_state.update(lambda state: state.remove(pin))
        say(self._screen.app, "The pin is out")

    def _pin(self, hit: Hit, query: Query) -> None:
        pin = Pin(hit.path, hit.line, hit.title, hit.page, hit.start, hit.end)
        ui_state = self._session.ui_state
        if ui_state.pinned(pin.path, pin.start):
            self.unpin(pin)
        else:
            ui_state.update(lambda state: state.add(pin))
            say(self._screen.app, "Pinned: it is on the first screen now")

    def _watch(self, text: str) -> None:
        app = self._screen.app
        if not text:
            say(app, "Type a query first, then save it")
            return
        from app.answers import (
            saved_searches,  # brings subprocess and locks, which the first screen does not need
        )

        def done(outcome: object) -> None:
            if isinstance(outcome, Exception):
                say_error(app, outcome)
            else:
                say(app, "Saved: you are told when something new answers it", title=plain_line(text))

        background(self._screen, lambda: saved_searches.add(text), done)

    def _explain(self, hit: Hit, query: Query) -> None:
        library = self._session.library
        if library is None or not query.text.strip():
            return

        def answered(outcome: object) -> None:
            if isinstance(outcome, Exception):
                say_error(self._screen.app, outcome)
            elif isinstance(outcome, Answer):
                same = next((found for found in outcome.hits if found.path == hit.path), hit)
                self._screen.app.push_screen(Dialog("Why this is here", explanation(same, outcome)))

        def ask() -> Answer:
            return library.search(query.text, limit=50, filter=query.filter, explain=True)

        background(self._screen, ask, answered)


def pasteable(path: str) -> str:
    """The path, quoted as bash and zsh read it where pasting it as it is could run or hide something."""
    if visible(path) == path and not set(path) & {"\n", "\t"}:
        return path
    safe = "".join(c if c.isprintable() and c not in "'\\" else _octal(c) for c in path)
    return f"$'{safe}'"


def _octal(character: str) -> str:
    """https://www.gnu.org/software/bash/manual/html_node/ANSI_002dC-Quoting.html"""
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))


def citation(hit: Hit) -> str:
    """The passage as a Markdown quotation with a link to its place."""
    from pathlib import Path  # only here

    quoted = "\n".join("> " + line for line in visible(hit.text).strip().splitlines())
    place = f", p. {hit.page}" if hit.page else f", line {hit.line}" if hit.line else ""
    heading = result_rows.heading(hit)
    title = plain_line(hit.title) + (f" › {plain_line(heading)}" if heading else "")
    name = title.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return f"{quoted}\n>\n> — [{name}]({Path(hit.path).as_uri()}){place}\n"


def explanation(hit: Hit, answer: Answer) -> Content:
    """Why a hit is where it is, in words and with the numbers behind them."""
    reason = result_rows.reason(hit)
    facts = [f"Found by {reason}; {round(100 * result_rows.sureness(hit, answer))}% sure."]
    if hit.similarity is not None:
        how = UNTIL_READ if hit.approximate else "cosine of question and passage"
        facts.append(f"Nearness of meaning: {hit.similarity:.3f} ({how})")
    if hit.words is not None:
        words = sorted({hit.snippet[start:end].lower() for start, end in hit.matched})
        facts.append(f"Words: {hit.words:.3f}" + (f" ({', '.join(map(plain_line, words))})" if words else ""))
    if date := hit.explain.get("date"):
        facts.append(f"Time of the file: {date:.3f} of the score")
    facts.append(f"Score: {hit.score:.3f}; sure of the subject: {answer.confidence:.3f}")
    facts.append(f"Changed {formatting.when(hit.modified_ns)}, {amounts.size(hit.size)}")
    return Content("\n".join(facts))
