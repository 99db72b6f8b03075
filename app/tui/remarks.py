"""What is said above the results: nothing found, nothing close, still reading.

Pure functions from an answer to styled text; knows no widget.
"""

from __future__ import annotations

from textual.content import Content

from app.api import Answer
from app.sanitize import plain_line
from index.types import Hit


def similar_to(hit: Hit) -> Content:
    """Above the results that are like a passage."""
    return Content.assemble(("More like ", "$ken-dim"), (plain_line(hit.title), "bold"))


def on_answer(answer: Answer, *, filtered: bool, indexing: bool, unfilter_key: str) -> Content:
    """Above the results of a query; empty where they need no word."""
    if not answer.hits:
        narrowed = " with these filters" if filtered else ""
        advice = _advice(filtered=filtered, indexing=indexing, unfilter_key=unfilter_key)
        if not (filtered or answer.complete):
            advice = plain_line(answer.notice)
        return Content.assemble((f"Nothing found{narrowed}.", "bold"), ("  " + advice, "$ken-dim"))
    if answer.abstains:
        there = "read so far" if indexing else "here"
        far = f"Nothing {there} answers this."
        return Content.assemble((far, "bold $warning"), ("  The nearest there is:", "$ken-dim"))
    if answer.notice and not answer.complete:
        return Content.styled(plain_line(answer.notice), "$warning")
    if indexing:
        return Content.styled("Still reading: what is not read yet is not found yet.", "$ken-dim")
    return Content.styled(plain_line(answer.notice), "$warning") if answer.notice else Content("")


def _advice(*, filtered: bool, indexing: bool, unfilter_key: str) -> str:
    if filtered:
        return f"{unfilter_key} removes the filters."
    if indexing:
        return "Indexing still goes on; ask again in a moment."
    return "Say it in other words, or look at the folders with F2."
