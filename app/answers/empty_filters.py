"""Names the filters that nothing in the index passes, where a search found nothing.

Owns those of values that only the index knows: folders and tags. What kinds and languages there are is known
without it, so `app.query` refuses those.
"""

from __future__ import annotations

from app.sanitize import plain_line, plain_path
from index.kinds import did_you_mean
from index.search.searcher import Searcher
from index.types import Filter

MOST = 8
"""Values that are looked up: a filter of thousands was made by a program."""


def empty_filters_note(narrowed: Filter, searcher: Searcher) -> str:
    """A sentence on the first folder or tag that no file has, with the nearest that one has; else nothing."""
    for folder in narrowed.folders[:MOST]:
        if not searcher.newest(limit=1, filter=Filter(folders=(folder,))).hits:
            near = "" if folder.startswith("/") else did_you_mean(folder, searcher.folder_names())
            return _sentence(f"No indexed file is in {plain_path(folder)}", near)
    for name, values in narrowed.fields[:MOST]:
        if name == "tag" and not searcher.newest(limit=1, filter=Filter(fields=((name, values),))).hits:
            near = did_you_mean(values[0], searcher.tags()) if len(values) == 1 else ""
            return _sentence(f"No document has the tag {plain_line(' or '.join(values))}", near)
    return ""


def _sentence(told: str, near: str) -> str:
    return f"{told}{plain_line(near)}" if near else f"{told}."
