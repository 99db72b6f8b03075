"""The child process that finds what each token of source code is, by Pygments: some lexers never end.

Owns the child's side: a line of JSON in (a language and a text), a line out (position, length and style of
each token). Imports nothing of the interface.
"""

from __future__ import annotations

import json
import select
import signal
import sys
import time
from collections.abc import Iterator

from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.token import Comment, Keyword, Name, Number, String, _TokenType  # type: ignore[import-untyped]
from pygments.util import ClassNotFound  # type: ignore[import-untyped]

SECONDS = 0.25
"""Processor time for one text. Some lexers need one that grows with the square of what they are given (blank
lines in C: 9 s for 16,000 characters); what is not reached stays without colours."""
MOST_SECONDS = 1.0
"""Processor time after which the kernel ends this process: one token's expression may take for ever, and
Python does not interrupt it."""
IDLE_SECONDS = 60.0
"""A process without work for this long ends."""
_STYLES: tuple[tuple[_TokenType, str], ...] = (
    (Comment, "comment"),
    (Keyword, "keyword"),
    (String, "string"),
    (Number, "number"),
    (Name.Function, "name"),
    (Name.Class, "name"),
    (Name.Tag, "name"),
    (Name.Decorator, "name"),
    (Name.Builtin, "keyword"),
)
Token = tuple[int, int, str]


def main() -> None:
    """Answer each line of standard input until it ends or falls silent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while select.select([sys.stdin], [], [], IDLE_SECONDS)[0]:
        if not (line := sys.stdin.buffer.readline()):
            return
        signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
        found = list(styled_tokens(**json.loads(line)))
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(json.dumps(found, separators=(",", ":")) + "\n")
        sys.stdout.flush()


def styled_tokens(language: str, text: str) -> Iterator[Token]:
    """The tokens and their styles, as far as the time goes; none in a language that is not known."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return
    deadline = time.process_time() + SECONDS
    for position, token, value in lexer.get_tokens_unprocessed(text):
        if time.process_time() > deadline:
            return
        yield position, len(value), next((name for kind, name in _STYLES if token in kind), "")
