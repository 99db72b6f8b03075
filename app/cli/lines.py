"""Hits as programs read them: `path:line:text`, one hit a line, as grep has it; paths alone; JSON lines.

Owns the forms for pipes. Names go out byte for byte, so that what reads them finds the file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass

import click

from app.api import Answer, Library
from app.cli.context import Context, context_of
from app.sanitize import plain_line, plain_path

SEPARATOR = b"--"
"""Between hits with lines of context, as grep has it."""


@dataclass(frozen=True, slots=True)
class Form:
    """How hits are printed."""

    as_json: bool = False
    jsonl: bool = False
    files_only: bool = False
    null: bool = False
    relative: bool = False
    explain: bool = False
    before: int = 0
    after: int = 0

    @property
    def for_programs(self) -> bool:
        return self.as_json or self.jsonl or self.files_only or self.null


def print_files(answer: Answer, form: Form) -> None:
    """Each path once, ended by a newline, or by NUL for `xargs -0`."""
    print_places([(hit.path, hit.line) for hit in answer.hits], form)


def print_places(places: Iterable[tuple[str, int]], form: Form, *, with_line: bool = False) -> None:
    """Each path once, or `with_line` each `path:line`, the line where the format has one."""
    end = b"\0" if form.null else b"\n"
    for path, line in dict.fromkeys((path, line if with_line else 0) for path, line in places):
        # Between NULs any name is exact; on a line of its own it may hold no line break.
        named = os.fsencode(_format_path(path, form)) if form.null else path_bytes(_format_path(path, form))
        click.echo(named + (b":%d" % line if line else b"") + end, nl=False)


def print_json_lines(answer: Answer) -> None:
    from app import json_output

    for hit in answer.hits:
        click.echo(json_output.dumps(json_output.hit(hit, answer.stale)))


def print_lines(library: Library, answer: Answer, form: Form) -> None:
    """`path:line:text` for each hit; where there are no lines, 0, and the text says the page."""
    with_context = form.before or form.after
    for number, hit in enumerate(answer.hits):
        path = path_bytes(_format_path(hit.path, form))
        if with_context and number:
            click.echo(SEPARATOR)
        context = context_of(library, hit, form.before, form.after) if with_context else Context()
        _echo(path, context.before, b"-")
        page = f"Page {hit.page}: " if hit.page and not hit.line else ""
        _echo(path, [(hit.line, page + (plain_line(hit.snippet) or hit.title))], b":")
        _echo(path, context.after, b"-")


def path_bytes(path: str) -> bytes:
    """A path for a line of output: as it is, but for characters that would end the line or hide something."""
    shown = plain_path(path)
    printable = path.encode("utf-8", "replace").decode()
    return os.fsencode(path) if plain_path(printable) == printable else shown.encode("utf-8", "replace")


def _format_path(path: str, form: Form) -> str:
    return os.path.relpath(path) if form.relative else path


def _echo(path: bytes, lines: Iterable[tuple[int, str]], mark: bytes) -> None:
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    for number, text in lines:
        click.echo(path + mark + str(number).encode() + mark + text.encode(encoding, "replace"))
