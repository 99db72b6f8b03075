"""Choosing a filter from a list: the values there are, and putting the chosen one into the query's text.

Filters live in the text of the query and nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from app import amounts
from app.sanitize import plain_path
from app.tui import completion
from app.tui.session import Session
from app.tui.widgets.query import QueryInput

if TYPE_CHECKING:
    from app.tui.screens.picker import FilterValue

TITLES = {"type": "Kind of file", "since": "Changed since", "in": "Folder", "tag": "Tag"}
TIMES = {
    "today": "today",
    "yesterday": "yesterday",
    "1w": "a week",
    "2w": "two weeks",
    "1m": "a month",
    "3m": "three months",
    "6m": "half a year",
    "1y": "a year",
    "2y": "two years",
}
MOST_SUBFOLDERS = 300
"""Folders offered below the roots: as many as are looked through at a glance while typing."""


class FilterActions:
    """Filters of the query on one line."""

    def __init__(self, line: QueryInput, session: Session) -> None:
        self._line = line
        self._session = session

    def choose(self, key: str) -> None:
        """Offer the values of a filter, and set the one that is chosen."""
        from app.tui.screens.picker import FilterValue, PickerScreen  # not needed by the first screen

        line = self._line

        def chosen(value: str | None) -> None:
            if value is not None:
                line.set(completion.with_filter(line.value, key, value))

        choices = [FilterValue("", completion.ANY[key]), *self._choices(key)]
        current = completion.value_of(line.value, key)
        load, lacking = self._indexed(key)
        line.app.push_screen(PickerScreen(TITLES[key], choices, current, load, lacking), chosen)

    def _indexed(self, key: str) -> tuple[Callable[[], list[FilterValue]] | None, str]:
        """What gives the values that the index has, and what is said where it has none."""
        from app.tui.screens.picker import FilterValue

        library = self._session.library
        if library is None:
            return None, ""

        def tags() -> list[FilterValue]:
            return [FilterValue(tag, f"#{tag}") for tag in library.tags()]

        def kinds() -> list[FilterValue]:
            counted = library.kinds().items()
            return [FilterValue(word, word, amounts.count(files, "file")) for word, files in counted]

        if key == "tag":
            return tags, "No document has a tag"
        return (kinds, "Nothing is indexed yet") if key == "type" else (None, "")

    def _choices(self, key: str) -> list[FilterValue]:
        from app.tui.screens.picker import FilterValue

        if key in ("type", "tag"):
            return []  # those of the index
        if key == "since":
            return [FilterValue(value, said, value) for value, said in TIMES.items()]
        roots = self._session.status.folders if self._session.status else ()
        names = completion.folder_names([folder.path for folder in roots])
        noted = [
            FilterValue(name, plain_path(name), amounts.count(folder.files, "file"))
            for name, folder in zip(names, roots, strict=False)
        ]
        return [
            *noted,
            *(FilterValue(path, plain_path(name)) for path, name in subfolders([f.path for f in roots])),
        ]


def subfolders(roots: list[str]) -> list[tuple[str, str]]:
    """Folders just below the roots: the path, and the name from the root's on."""
    found: list[tuple[str, str]] = []
    for root in roots:
        try:
            with os.scandir(root) as entries:
                below = sorted(
                    entry.name
                    for entry in entries
                    if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
                )
        except OSError:
            continue
        top = os.path.basename(root.rstrip(os.sep))  # noqa: PTH119
        found += [(os.path.join(root, name), f"{top}/{name}") for name in below]  # noqa: PTH118
        if len(found) > MOST_SUBFOLDERS:
            break
    return found[:MOST_SUBFOLDERS]
