"""`ken eval`: how good the answers are, on a folder of questions with known answers."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from app.cli import terminal

if TYPE_CHECKING:
    from app.evaluation.abstention import AbstentionRates
    from app.evaluation.mixed import MixedRates
    from app.evaluation.retrieval import Evaluation, OnProgress
    from embedder import Embedder
    from embedder.prompts import QueryTask
    from index.types import Mode

EVERY = 5.0
"""Seconds between two lines of progress."""


@click.command("eval")
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...", type=click.Path(path_type=Path))
@click.option("--mode", type=click.Choice(["hybrid", "meaning", "words"]), help="Measure this mode only.")
@click.option(
    "--task",
    help="One task for the prompt of every question, such as `code retrieval`; otherwise code and prose have "
    "each its own, as in a search.",
)
@click.option("--size", type=click.IntRange(64, 2000), help="Tokens of the largest passage.")
@click.option("--overlap", type=click.IntRange(0, 500), help="Tokens repeated where a paragraph is cut.")
@click.option(
    "--against",
    "others",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Count instead how often the answer is that nothing is close: asked of the set's own index, of "
    "that without the documents that answer, and of the index of this other set. May be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as `assets/docs/json.md` documents it.")
def evaluate(
    folders: tuple[Path, ...],
    mode: str | None,
    task: str | None,
    size: int | None,
    overlap: int | None,
    others: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Measure search on the BEIR-style set in FOLDER.

    FOLDER holds corpus.jsonl, queries.jsonl and qrels.tsv. Its documents are indexed by the ordinary
    path, apart from your own; the index is kept, so that measuring again is quick.

    Of several folders one index is made, and counted is how often the answer is that nothing is close: with
    all sets in it, without the documents that answer, and without the set that asks.
    """
    import embedder
    from app import config
    from app.errors import UsageInvalid
    from app.evaluation import retrieval
    from app.model import engine_of
    from embedder.prompts import QUERY_TASKS
    from index.passages.chunker import MAX_TOKENS, OVERLAP_TOKENS

    if task is not None and task not in QUERY_TASKS:
        raise UsageInvalid(f"There is no task {task!r}.", f"Tasks are: {', '.join(QUERY_TASKS)}.")
    if others and len(folders) > 1:
        raise UsageInvalid("--against takes one folder.", "Name one folder, or leave --against out.")
    model, prompt, progress = config.load().model, cast("QueryTask | None", task), _progress()
    with embedder.load(model.name or None, engine=engine_of(model), precision=model.precision) as loaded:
        if others or len(folders) > 1:
            way = cast("Mode", mode or "hybrid")
            terminal.result(_abstention(folders, others, loaded, way, prompt, progress, as_json=as_json))
            return
        found = retrieval.evaluate(
            folders[0],
            loaded,
            mode=cast("Mode | None", mode),
            task=prompt,
            size=size or MAX_TOKENS,
            overlap=OVERLAP_TOKENS if overlap is None else overlap,
            progress=progress,
        )
    terminal.result(json.dumps(found.as_json()) if as_json else _table(found))


def _abstention(
    folders: Sequence[Path],
    others: Sequence[Path],
    loaded: Embedder,
    mode: Mode,
    prompt: QueryTask | None,
    progress: OnProgress,
    *,
    as_json: bool,
) -> str:
    """How often nothing is close: in one index of the folders, or in the indexes of others."""
    from app.evaluation import abstention, mixed

    if others:
        refused = abstention.measure(folders[0], others, loaded, mode=mode, task=prompt, progress=progress)
        return json.dumps(refused.as_json()) if as_json else _format_abstention(refused)
    rates = mixed.measure(folders, loaded, mode=mode, task=prompt, progress=progress)
    return json.dumps(rates.as_json()) if as_json else _format_mixed(rates)


def _progress() -> OnProgress:
    """Progress, speed and time left on standard error, now and then."""
    began: dict[str, float] = {}
    last = 0.0

    def report(what: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        start = began.setdefault(what, now)
        if now - max(last, start) < EVERY or not done:
            return
        last = now
        rate = done / max(now - start, 1e-9)
        terminal.say(
            f"{what}: {done:,} of {total:,}, {rate:,.0f} a second, {(total - done) / rate:,.0f} s left"
        )
        sys.stderr.flush()

    return report


def _table(found: Evaluation) -> str:
    lines = [
        f"{found.name}: {found.documents:,} documents ({found.code:,} of code) in "
        f"{found.passages:,} passages, {found.queries:,} questions, {found.seconds:,.0f} s",
        f"{'mode':<10}{'dimensions':>10}{'nDCG@10':>10}{'recall@10':>11}{'recall@100':>12}{'MRR@10':>9}",
    ]
    for one in found.results:
        shown = [100 * value for value in (one.ndcg, one.recall_10, one.recall_100, one.mrr)]
        lines.append(
            f"{one.mode:<10}{one.dimension or '':>10}"
            f"{shown[0]:>10.1f}{shown[1]:>11.1f}{shown[2]:>12.1f}{shown[3]:>9.1f}"
        )
    return "\n".join(lines)


def _format_abstention(found: AbstentionRates) -> str:
    shares = {
        "its own index": found.own,
        "its own index without what answers": found.removed,
        **{f"the index of {name}": share for name, share in found.others.items()},
    }
    return "\n".join(
        [
            f"{found.name}: of {found.questions:,} questions, nothing close",
            *(f"{100 * share:>6.1f}% in {where}" for where, share in shares.items()),
        ]
    )


def _format_mixed(found: MixedRates) -> str:
    def line(name: str, questions: int, own: float, removed: float, foreign: float) -> str:
        shares = (f"{100 * share:.1f}%" for share in (own, removed, foreign))
        return f"{name:<20}{questions:>10,}" + "".join(f"{share:>10}" for share in shares)

    return "\n".join(
        [
            f"{found.documents:,} documents of {len(found.sets)} sets in {found.passages:,} passages: "
            "nothing close",
            f"{'set':<20}{'questions':>10}{'own':>10}{'removed':>10}{'foreign':>10}",
            *(line(one.name, one.questions, one.own, one.removed, one.foreign) for one in found.sets),
            line(
                "mean",
                sum(one.questions for one in found.sets),
                *(found.mean(of) for of in ("own", "removed", "foreign")),
            ),
        ]
    )
