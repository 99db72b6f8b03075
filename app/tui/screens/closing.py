"""Screens over another that are closed: once, however often and fast the key for it is pressed."""

from __future__ import annotations

from typing import Any, TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, Screen

R = TypeVar("R")


class _LeftOnce:
    _is_left = False

    def on_mount(self) -> None:
        """A message about the screen below would only be in the way."""
        self.app.clear_notifications()  # type: ignore[attr-defined]

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Leave the screen with this result; a second time changes nothing."""
        if self._is_left:
            done: AwaitComplete = AwaitComplete.nothing()  # type: ignore[no-untyped-call]
            return done
        self._is_left = True
        left: AwaitComplete = super().dismiss(result)  # type: ignore[misc]
        return left


class ClosingScreen(_LeftOnce, Screen[R]):
    """A screen that can be left."""


class ClosingDialog(_LeftOnce, ModalScreen[R]):
    """The same as a box over another screen."""
