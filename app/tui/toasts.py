"""Short messages that go away by themselves, and errors in words. Nothing in them is markup."""

from __future__ import annotations

from typing import Any, NamedTuple

from textual.app import App

from app.errors import TITLED_ERRORS
from app.sanitize import plain_line

SECONDS = 3.0
BAD_SECONDS = 8.0
"""Seconds a message stays: one that has to be read and thought about stays longer."""


class Failure(NamedTuple):
    """An error as the user reads it."""

    title: str
    what: str
    fix: str

    @property
    def text(self) -> str:
        return f"{self.what} {self.fix}".strip()


def failure_of(error: Exception, title: str = "Something went wrong") -> Failure:
    """The text for an error; `title` is used if the error has none."""
    if isinstance(error, TITLED_ERRORS):
        return Failure(error.title, plain_line(error.what), plain_line(error.fix))
    return Failure(title, plain_line(f"{type(error).__name__}: {error}"), "")


def say(app: App[Any], text: str, *, title: str = "") -> None:
    """Something that was done."""
    app.notify(plain_line(text), title=title, timeout=SECONDS, markup=False)


def say_news(app: App[Any], text: str) -> None:
    """Something that happened by itself, which the user may not be looking for."""
    title = "New answers to a saved search"
    app.notify(plain_line(text), title=title, timeout=BAD_SECONDS, markup=False)


def warn(app: App[Any], text: str) -> None:
    """Something the user should know of."""
    app.notify(plain_line(text), severity="warning", timeout=BAD_SECONDS, markup=False)


def say_error(app: App[Any], error: Exception) -> None:
    """Something that could not be done, and what to do about it."""
    failure = failure_of(error)
    app.notify(failure.text, title=failure.title, severity="error", timeout=BAD_SECONDS, markup=False)
