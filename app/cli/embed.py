"""`ken embed`: texts on standard input to vectors on standard output, one a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import click

from app.cli import terminal
from app.errors import UsageInvalid
from embedder.config import DIMENSIONS, Precision
from embedder.engines.base import ENGINES, EngineName
from embedder.prompts import TASKS

if TYPE_CHECKING:
    from embedder import Embedder

AT_ONCE = 256
"""Lines embedded together."""
PRECISIONS = ("auto", "f32", "bf16", "int8", "8bit", "4bit")
Line = tuple[str, str | None]
"""A text and its title."""


@click.command()
@click.option(
    "--jsonl", is_flag=True, help='Read JSON lines: {"text": …, "title": …}, the title where there is one.'
)
@click.option(
    "--task",
    type=click.Choice(TASKS),
    default="document",
    show_default=True,
    help="What the vectors are for.",
)
@click.option("--title", help="Title of every text; only for documents.")
@click.option(
    "--dim",
    type=click.Choice([str(d) for d in DIMENSIONS]),
    default="768",
    show_default=True,
    help="Numbers in a vector: cut to these and normalized again.",
)
@click.option("--engine", type=click.Choice(ENGINES), help="What computes.")
@click.option("--precision", type=click.Choice(PRECISIONS), help="How exactly.")
@click.option("--model", metavar="NAME", help="Another model, by name or folder.")
def embed(
    jsonl: bool,
    task: str,
    title: str | None,
    dim: str,
    engine: EngineName | None,
    precision: Precision | None,
    model: str | None,
) -> None:
    """Turn texts into vectors: a line in, a JSON array out."""
    from app import config
    from app.cli.model_offer import ensure_model
    from app.model import engine_of

    ensure_model()
    settings = config.load().model
    lines = _json_lines(sys.stdin.buffer) if jsonl else _plain_lines(sys.stdin.buffer)
    import embedder
    from embedder.engines import choose

    if slow := choose.explain(engine or settings.engine, precision or settings.precision):
        terminal.say(slow)
    with embedder.load(
        model or settings.name or None,
        engine=engine or engine_of(settings),
        precision=precision or settings.precision,
        threads=settings.threads or None,
        memory_mb=settings.memory_mb or None,
        instructions=settings.instructions,
    ) as loaded:
        _embed(loaded, ((text, own or title) for text, own in lines), task, int(dim))


def _embed(model: Embedder, lines: Iterator[Line], task: str, dim: int) -> None:
    done = 0
    while chunk := list(islice(lines, AT_ONCE)):
        titles = [title for _, title in chunk]
        embedded = model.embed(
            [text for text, _ in chunk], task=task, titles=titles if any(titles) else None, dim=dim
        )
        for number, cut in enumerate(embedded.truncated, done + 1):
            if cut:
                terminal.say(f"Line {number} is longer than the model reads; its end was left out.")
        for row in embedded.vectors:
            click.echo("[" + ", ".join(f"{value:.9g}" for value in row.tolist()) + "]")
        done += len(chunk)


def _plain_lines(stream: Iterable[bytes]) -> Iterator[Line]:
    for number, line in enumerate(stream, 1):
        yield _decode_line(line, number).removesuffix("\n").removesuffix("\r"), None


def _json_lines(stream: Iterable[bytes]) -> Iterator[Line]:
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(_decode_line(line, number))
            text, title = entry["text"], entry.get("title")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise _bad_line(number) from None
        if not isinstance(text, str) or not isinstance(title, str | None):
            raise _bad_line(number)
        yield text, title


def _decode_line(line: bytes, number: int) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise UsageInvalid(
            f"Line {number} is not UTF-8.", "Convert the input first, with iconv say."
        ) from None


def _bad_line(number: int) -> UsageInvalid:
    return UsageInvalid(
        f'Line {number} is not a JSON object with a "text".', 'Write one a line: {"text": "…", "title": "…"}'
    )
