"""A ken home with a few indexed notes and no model, for interfaces that run in a terminal."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.tiny_home import ken, notes

BOILER = """# Boiler and radiators

When radiators stay cold, look at the pressure of the boiler first.

## Pressure

Top up to one bar with the lever below the boiler. The boiler stands in the cellar.

| valve | turns | note |
|---|---:|---|
| flow | 2 | by hand |
| return | 10 | with the long key |

## Service

Every September the boiler man comes early.
"""
FILES = {
    "boiler__md": BOILER,
    "bread__md": "# Sourdough\n\nThe oven must be hot, the boiler need not. #baking\n",
    "harbour__txt": "\n".join(f"Line {n}: the boiler of the ferry in the harbour." for n in range(1, 200)),
    "plot__py": "def boiler(pressure):\n    return pressure * 2\n",
}


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `notes`, and beside it a ken home `home` in which it is indexed, by its words only."""
    top = tmp_path_factory.mktemp("indexed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEN_HOME", str(top / "home"))
        ken("index", notes(top / "notes", **FILES))
    return top


@pytest.fixture
def terminal_home(indexed: Path, home: Path) -> Path:
    """The test's own copy of that home; returns the folder of notes, which tests leave as it is."""
    shutil.copytree(indexed / "home", home)
    return indexed / "notes"
