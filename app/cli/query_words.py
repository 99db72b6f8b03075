"""Query words that begin with a dash, told from options: `-draft` excludes a word, `-n5` is an option."""

from __future__ import annotations

import re

import click

_EXCLUSION = re.compile(r'-(?:[^\W\d_]\S+|["“„«「].*)', re.DOTALL)
_MARK = "\0"
"""Stands before an excluded word while options are taken apart: no argument of a process holds it."""


class QueryCommand(click.Command):
    """A command whose arguments are a query: one dash and a word excludes the word."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        flags, takers = self._letters()
        options = re.compile(rf"-[{flags}]*(?:[{takers}]\d*)?")
        marked = [
            _MARK + arg if _EXCLUSION.fullmatch(arg) and not options.fullmatch(arg) else arg for arg in args
        ]
        rest = super().parse_args(context, marked)
        context.params = {name: _remove_mark(value) for name, value in context.params.items()}
        return rest

    def _letters(self) -> tuple[str, str]:
        """One-letter options without a value, and with one; each never empty."""
        flags, takers = "-", "-"
        for parameter in self.params:
            for name in parameter.opts if isinstance(parameter, click.Option) else ():
                if len(name) == 2:
                    is_flag = isinstance(parameter, click.Option) and parameter.is_flag
                    flags, takers = (flags + name[1], takers) if is_flag else (flags, takers + name[1])
        return flags, takers


def _remove_mark(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(map(_remove_mark, value))
    return value.removeprefix(_MARK) if isinstance(value, str) else value
