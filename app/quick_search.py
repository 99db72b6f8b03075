"""`ken search --json` by a daemon that runs, without what any other command needs.

Most of the time of such a search is the start of Python and its imports, so this imports little. Owns which
command lines are so plain that the daemon can answer them as they are; all others, and all that goes wrong
but a daemon that does not answer, are left to `app.cli`, which says the same at more length.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_LIMIT = ("-n", "--limit")
_MOST = 10_000


def quick_answer(arguments: Sequence[str]) -> str | None:
    """What a command line prints; None where it is for `app.cli`. Raises `DaemonSilent`."""
    asked = _plain(arguments)
    if asked is None or os.environ.get("KEN_NO_DAEMON") or "_KEN_COMPLETE" in os.environ:
        return None
    from app.daemon.connection import DaemonSilent, exchange
    from app.errors import TITLED_ERRORS

    try:
        found = exchange(None, "search_json", {**asked, "folder": os.getcwd()})  # noqa: PTH109 -- see above
    except DaemonSilent:
        raise  # it would be waited for again
    except (*TITLED_ERRORS, OSError):
        return None
    return found if isinstance(found, str) else None


def _plain(arguments: Sequence[str]) -> dict[str, Any] | None:
    """The query and the limit, where there is nothing but these, `search` and `--json`."""
    command, *rest = arguments or [""]
    if command != "search" or "--json" not in rest:
        return None
    words: list[str] = []
    limit = None
    while rest:
        argument = rest.pop(0)
        if argument in _LIMIT and rest and rest[0].isascii() and rest[0].isdigit():
            limit = int(rest.pop(0)[:9])
        elif argument.startswith("-"):
            if argument != "--json":
                return None
        else:
            words.append(argument)
    if not words or (limit is not None and not 1 <= limit <= _MOST):
        return None
    return {"typed": " ".join(words), "limit": limit}


def printed(text: str) -> None:
    """Write a line to standard output; whatever cannot be encoded there is replaced."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    sys.stdout.flush()
