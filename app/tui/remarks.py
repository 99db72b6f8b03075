"""The texts around the results: nothing found, nothing close, how many there are, which keys act.

Pure functions to styled text; knows no widget.
"""

from __future__ import annotations

from typing import Literal

from textual.content import Content

from app import amounts, query
from app.api import Answer, SyncReport
from app.errors import NothingIndexed
from app.sanitize import plain_line
from app.tui import completion
from app.tui.session import Session
from app.tui.toasts import Failure, failure_of
from index.types import Hit

ROOM_FOR_TIME = 72
"""Columns from which the time that an answer took is shown."""
Where = Literal["home", "query", "list"]
Hints = tuple[tuple[str, str], ...]


def similar_to(hit: Hit) -> Content:
    """Above the results that are like a passage."""
    return Content.assemble(("More like ", "$ken-dim"), (plain_line(hit.title), "bold"))


def on_query(text: str, session: Session) -> Content:
    """What of a query was not understood; empty where it was, or is still being typed."""
    problems = query.parse(text).problems
    if not problems or completion.candidates(text, session.roots):
        return Content("")
    return Content.styled(plain_line(problems[0]), "$warning")


def on_answer(answer: Answer, session: Session, *, filtered: bool, like: Hit | None = None) -> Content:
    """Above the results of a query; empty where they need no word, or where a notice below has it."""
    if like is not None:
        return similar_to(like)
    notices = session.status.notices if session.status else ()
    if not answer.hits:
        narrowed = " with these filters" if filtered else ""
        advice = _advice(session, filtered=filtered)
        if filtered and answer.notice:
            advice = f"{plain_line(answer.notice)}  {advice}"
        elif not (filtered or answer.complete or answer.listed):
            advice = plain_line(answer.notice)
        return Content.assemble((f"Nothing found{narrowed}.", "bold"), ("  " + advice, "$ken-dim"))
    if answer.listed or (answer.mode == "words" and notices and not answer.complete):
        return Content("")
    if answer.abstains:
        there = "read so far" if session.reading else "here"
        far = f"Nothing {there} answers this."
        told = f"  {plain_line(answer.notice)}" if answer.notice else ""
        return Content.assemble((far, "bold $warning"), (f"{told}  The nearest there is:", "$ken-dim"))
    if answer.notice and not answer.complete:
        return Content.styled(plain_line(answer.notice), "$warning")
    if session.reading:
        return Content.styled("Indexing: a file is found as soon as it is read.", "$ken-dim")
    return Content.styled(plain_line(answer.notice), "$warning") if answer.notice else Content("")


def _advice(session: Session, *, filtered: bool) -> str:
    if filtered:
        return f"{session.key('unfilter')} removes the filters."
    if session.reading:
        return "Indexing is not finished; ask again in a moment."
    return f"Say it in other words, or look at the folders with {session.key('folders')}."


def on_failure(error: Exception, session: Session) -> Content:
    """In the place of results, where there is no answer."""
    failure = failure_of(error)
    if isinstance(error, NothingIndexed):
        add = "" if session.roots else f"{session.key('folders')} adds a folder."
        failure = Failure("Nothing is indexed yet", "A file is found as soon as ken has read it.", add)
    return Content.assemble((failure.title + ".", "bold $warning"), ("  " + failure.text, "$ken-dim"))


def summary(answer: Answer, *, final: bool, width: int) -> Content:
    """How many results there are, and how fast they came."""
    if answer.listed:
        number = len(answer.hits) if answer.total is None else answer.total
        return Content.styled(f"{amounts.count(number, 'file')}, newest first", "$ken-faint")
    took = f" · {answer.took_ms:,.0f} ms" if width >= ROOM_FOR_TIME else ""
    return Content.styled(amounts.count(len(answer.hits), "file") + (took if final else " · …"), "$ken-faint")


def synced(report: SyncReport) -> str:
    """What a sync found, in a few words."""
    found = {"new": report.added, "changed": report.changed, "moved": report.moved, "gone": report.removed}
    said = ", ".join(f"{number:,} {what}" for what, number in found.items() if number)
    return f"Files: {said}" if said else "No file has changed"


def hints(where: Where, session: Session) -> Hints:
    """Keys that act where the focus is, the most useful first."""
    key, ui_state = session.key, session.ui_state
    everywhere = (key("help"), "help"), (key("menu"), "actions")
    if session.picking is not None and where != "home":
        marked = len(session.picking.marked)
        choose = f"choose {marked}" if marked else "choose"
        return ("enter", choose), ("tab", "mark"), ("^c", "leave"), *everywhere
    if where == "home":
        pins = ((key("pin"), "take a pin out"),) if ui_state.pins else ()
        return *((("↓", "earlier queries"),) if ui_state.questions or pins else ()), *pins, *everywhere
    if where == "query":
        return ("enter", "open"), ("tab", "list"), *everywhere, (key("preview"), "preview")
    acts = (key("copy_path"), "copy"), (key("similar"), "similar")
    return ("enter", "open"), ("esc", "query"), acts[0], everywhere[0], acts[1], everywhere[1]
