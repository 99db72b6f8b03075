"""The map in `assets/docs/architecture.md` agrees with the tree."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
PACKAGES = ("app", "embedder", "index")
NAMED = re.compile(rf"`((?:{'|'.join((*PACKAGES, 'tests'))})/[\w./-]*)`")


def named() -> set[str]:
    return set(NAMED.findall((TOP / "assets/docs/architecture.md").read_text(encoding="utf-8")))


def test_every_folder_and_module_that_the_map_names_exists() -> None:
    missing = [name for name in sorted(named()) if not (TOP / name).exists()]
    assert not missing, f"architecture.md names {missing}"


def test_every_folder_of_modules_is_on_the_map() -> None:
    modules = (module for top in PACKAGES for module in (TOP / top).rglob("*.py"))
    folders = {f"{module.parent.relative_to(TOP)}/" for module in modules}
    assert not folders - named(), f"architecture.md does not name {sorted(folders - named())}"
