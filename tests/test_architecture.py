"""The map in `architecture.md` and the recipes in `CONTRIBUTING.md` agree with the tree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
PACKAGES = ("app", "embedder", "index")
NAMED = re.compile(rf"`((?:{'|'.join((*PACKAGES, 'tests'))})/[\w./-]*)`")


MAP = "assets/docs/architecture.md"


def named(document: str) -> set[str]:
    return set(NAMED.findall((TOP / document).read_text(encoding="utf-8")))


@pytest.mark.parametrize("document", [MAP, ".github/CONTRIBUTING.md"])
def test_every_folder_and_module_that_is_named_exists(document: str) -> None:
    missing = [name for name in sorted(named(document)) if not (TOP / name).exists()]
    assert not missing, f"{document} names {missing}"


def test_every_folder_of_modules_is_on_the_map() -> None:
    modules = (module for top in PACKAGES for module in (TOP / top).rglob("*.py"))
    folders = {f"{module.parent.relative_to(TOP)}/" for module in modules}
    missing = sorted(folders - named(MAP))
    assert not missing, f"{MAP} does not name {missing}"
