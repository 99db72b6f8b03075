"""The entry point of every process: the command `ken`, and `python -P …/ken_search_main.py app.daemon`.

Owns the order of `sys.path`. ken's packages have common names (`app`, `embedder`, `index`); packages of the
same name in the current folder or on PYTHONPATH must not replace them. This module is installed beside the
packages, under a name that no other project has. Knows nothing of commands.
"""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
TOP = _HERE.parent if _HERE.name == "app" else _HERE
"""The folder of the packages: this one when installed, the one above in a source tree."""


def main() -> None:
    """The command `ken`; exits with its code."""
    sys.path.insert(0, str(TOP))
    from app.quick_search import printed, quick_answer

    try:
        answer = quick_answer(sys.argv[1:]) if sys.stdout is not None else None
        if answer is not None:
            printed(answer)
            return
    except BaseException as error:  # noqa: BLE001 -- told as those of all commands
        from app.cli import ended_by

        sys.exit(ended_by(error))
    from app.cli import main as command

    command()


if __name__ == "__main__":
    import runpy  # 10 ms, and the command never needs it

    sys.path.insert(0, str(TOP))
    module = sys.argv.pop(1)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
