"""Command lines of ken's own processes, with ken's packages first on `sys.path`.

Owns how a process starts. Knows nothing of what it does.
"""

from __future__ import annotations

import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_TOP = _PACKAGE.parent
_STARTS = (_TOP / "ken_search_main.py", _PACKAGE / "ken_search_main.py")
"""The folder of `ken_search_main.py`: beside the packages when installed, in `app` in a source tree."""


def module_command(module: str) -> list[str]:
    """The command line that runs a module of ken as `python -m` does."""
    start = next(path for path in _STARTS if path.is_file())
    return [sys.executable, "-P", str(start), module]


def code_command(code: str) -> list[str]:
    """The command line that runs Python code that imports ken's modules."""
    return [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(_TOP)!r}); {code}"]
