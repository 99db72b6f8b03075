"""The names that a disk has for its files.

Many disks ignore case and Unicode form (APFS, exFAT, SMB): there several spellings of a path lead to one
file. The index has the one that the folder lists. Owns that spelling; knows nothing of the index.
"""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator


class DiskNames:
    """Spells paths as their folders list them. Remembers what it saw: make one for each look at the disk."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}
        self._listings: dict[str, dict[str, list[str]]] = {}

    def spelled(self, path: str, below: str = os.sep) -> str:
        """An absolute path with the disk's spelling of each name below the folder `below`.

        A name that is not there is kept, unless the folder has it in another Unicode form.
        """
        spelled = below
        for name in filter(None, path[len(below) :].split("/")):
            key = (spelled, name)
            if key not in self._names:
                self._names[key] = self._name(*key)
            spelled = os.path.join(spelled, self._names[key])  # noqa: PTH118
        return spelled

    def _name(self, folder: str, name: str) -> str:
        found = _identity(folder, name)
        if found is None and name.isascii():
            return name
        if found is not None and all(_identity(folder, other) != found for other in _other_spellings(name)):
            return name
        alike = self._names_by_folded_form(folder).get(folded(name), [])
        if name in alike:
            return name
        form = unicodedata.normalize("NFC", name)
        for other in alike:
            if _identity(folder, other) == found if found else unicodedata.normalize("NFC", other) == form:
                return other
        return name

    def _names_by_folded_form(self, folder: str) -> dict[str, list[str]]:
        """The names in a folder by their folded form; none where it cannot be listed."""
        if folder not in self._listings:
            names: dict[str, list[str]] = defaultdict(list)
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        names[folded(entry.name)].append(entry.name)
            except OSError:
                pass
            self._listings[folder] = names
        return self._listings[folder]


def spelled(path: str) -> str:
    """An absolute path as the disk spells it, seen now."""
    return DiskNames().spelled(path)


def folded(name: str) -> str:
    """Equal for two names that a disk may take for one: case and Unicode form left out (Unicode 15, D145)."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def _other_spellings(name: str) -> Iterator[str]:
    """Spellings of which one leads to the same file where a disk ignores case or Unicode form."""
    for other in (name.swapcase(), unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)):
        if other != name:
            yield other


def _identity(folder: str, name: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(os.path.join(folder, name))  # noqa: PTH118
    except (OSError, ValueError):  # ValueError: no file can have such a name
        return None
    return found.st_dev, found.st_ino
