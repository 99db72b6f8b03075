"""`ken demo`: ken on its own forty documents, in a minute."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from app.cli import terminal

if TYPE_CHECKING:
    from index.types import Hit


@click.command()
@click.argument("question", required=False)
def demo(question: str | None) -> int:
    """Ask the documents that ken ships with three questions.

    Indexes them into a throw-away index. Fetches the model first where it is missing. With QUESTION, asks
    that instead.
    """
    from app import config
    from app import demo as shown_demo
    from app.answers.best_sentence import best_sentences
    from app.cli.model_offer import fetch
    from app.cli.progress import progress_shown
    from app.model import Model

    if not Model(config.load().model).present:
        fetch()
    with shown_demo.library() as library:
        with progress_shown() as progress:
            report = library.sync(None, progress)
        if report.interrupted:
            terminal.say("Stopped.")
            return 130
        terminal.say(
            f"{report.added} documents in {report.passages} passages, embedded in {report.seconds:.1f} s."
        )
        for asked in [question] if question else shown_demo.QUESTIONS:
            answer = library.search(asked, limit=1)
            best = answer.hits[0] if answer.hits else None
            sentences = best_sentences(library, asked, best.text) if best else ""
            _show(asked, best, sentences, answer.took_ms)
    if not question:
        terminal.say("\nThe last note is in German: a question finds its answer in another language too.")
    terminal.say('\nYour own: ken index ~/notes    then: ken search "…"    or: ken')
    return 0


def _show(question: str, hit: Hit | None, sentences: str, took_ms: float) -> None:
    from app import demo as shown_demo
    from app.cli import hits

    terminal.result("\n" + terminal.styled(f"? {question}", bold=True))
    if hit is None:
        terminal.result("  nothing found")
        return
    path = os.path.relpath(hit.path, shown_demo.demo_folder())
    where = terminal.styled(f"{path}{hits.place_in_file(hit)}", fg="green")
    terminal.result(f"  {where}  {terminal.styled(f'{took_ms:.0f} ms', dim=True)}")
    for line in hits.snippet_lines(sentences, ()):
        terminal.result(line)
