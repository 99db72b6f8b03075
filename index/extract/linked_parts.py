"""Which parts of an Office document another part refers to (Open Packaging Conventions)."""

from __future__ import annotations

import posixpath
from typing import NamedTuple
from urllib.parse import unquote

from index.errors import FileFailed
from index.extract.archive import Archive


class Link(NamedTuple):
    """A reference: `kind` is the last word of its type (`comments`, `slide`), `part` a member's name."""

    id: str
    kind: str
    part: str


def linked_parts(archive: Archive, part: str) -> list[Link]:
    """The parts in the archive that `part` refers to, in order; none where the references are damaged.

    Those of the package itself for no part. Case makes no difference to names of parts.
    """
    folder, name = posixpath.split(part)
    try:
        root = archive.tree(posixpath.join(folder, "_rels", f"{name}.rels"))
    except FileFailed:
        return []
    names = {name.lower(): name for name in archive.names}
    found: list[Link] = []
    for link in root.iter("Relationship"):
        target = link.get("Target") or ""
        whole = (
            target.lstrip("/")
            if target.startswith("/")
            else posixpath.normpath(posixpath.join(folder, target))
        )
        whole = names.get(whole.lower()) or names.get(unquote(whole).lower(), "")
        if whole:
            found.append(Link(link.get("Id") or "", _kind(link.get("Type") or "", whole), whole))
    return found


def main_part(archive: Archive) -> str:
    """The part that a package says is its document; empty where it does not say."""
    return next((link.part for link in linked_parts(archive, "") if link.kind == "officeDocument"), "")


def _kind(type_: str, part: str) -> str:
    """The last word of the type; where there is none, what the part's name says."""
    return type_.rpartition("/")[2] or posixpath.basename(part).rstrip("lmx").rstrip(".0123456789")
