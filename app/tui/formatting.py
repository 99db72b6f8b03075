"""How numbers, times and places are said on screen. Knows nothing of widgets or of the library."""

from __future__ import annotations

import os
import time
from datetime import datetime

from app import paths
from app.sanitize import plain_path

_DAY = 86_400


def now() -> float:
    """Seconds since the epoch; the one clock of the interface."""
    return time.time()


def bar(share: float, width: int) -> str:
    """A bar of at most `width` columns, to half a column; `share` is 0..1."""
    halves = round(share * width * 2)
    return "━" * (halves // 2) + ("╸" if halves % 2 else "")


def when(modified_ns: int) -> str:
    """`today`, `yesterday`, `Tue`, `3 Mar`, `Mar 2023`: shorter the longer ago."""
    moment = datetime.fromtimestamp(modified_ns / 1e9)
    today = datetime.fromtimestamp(now())
    days = (today.date() - moment.date()).days
    if days <= 0:
        return "today"
    if days == 1:
        return "yesterday"
    if days < 7:
        return moment.strftime("%a")
    if moment.year == today.year or days < 180:
        return f"{moment.day} {moment:%b}"
    return moment.strftime("%b %Y")


def short_path(path: str, roots: tuple[str, ...]) -> str:
    """A path in its short form: from its folder's name on, or from `~`."""
    for root in roots:
        if path == root or path.startswith(root.rstrip(os.sep) + os.sep):
            return plain_path(os.path.relpath(path, os.path.dirname(root) or os.sep))  # noqa: PTH120
    return plain_path(paths.short(path))


def within(page: int | None, line: int) -> str:
    """The place of a passage in its file, shown after the file's; nothing where it has neither."""
    return f"  p. {page}" if page else f"  line {line}" if line else ""


def shorten(text: str, width: int) -> str:
    """A path without its first folders, or cut within its name, so that it fits."""
    if len(text) <= width:
        return text
    parts = text.split("/")
    while len(parts) > 1:
        parts.pop(0)
        shown = "…/" + "/".join(parts)
        if len(shown) <= width:
            return shown
    name = parts[0]
    kept = max(1, width - 1)
    tail = kept // 2
    return name[: kept - tail] + "…" + name[len(name) - tail :] if tail else name[:kept] + "…"
