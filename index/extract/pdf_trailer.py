"""A PDF that is cut off before the list of its objects, with a list of the pages that are there.

Owns finding pages among the objects of a file. PDFium finds the objects themselves, but only with a trailer.
"""

from __future__ import annotations

import re

_OBJECT = re.compile(rb"(?<!\d)(\d{1,9})\s+(\d{1,5})\s+obj\b")
_PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
_END = re.compile(rb"\bendobj\b|\bstream\b")
TRAILER = re.compile(rb"\bstartxref\b|\btrailer\b")
"""What only a whole file has; one made for the web has it at its beginning too."""
_LONGEST = 20_000
"""Bytes of an object in which it says that it is a page."""
_MOST_PAGES = 20_000


def add_trailer(data: bytes) -> bytes:
    """The file with a trailer behind it that leads to its pages in their order; as it is without pages."""
    pages: dict[int, bytes] = {}
    last = 0
    for found in _OBJECT.finditer(data):
        last = max(last, int(found[1]))
        end = _END.search(data, found.end(), found.end() + _LONGEST)
        if end and _PAGE.search(data, found.end(), end.start()) and len(pages) < _MOST_PAGES:
            pages[int(found[1])] = b"%d %d R" % (int(found[1]), int(found[2]))
    if not pages:
        return data
    tree, catalog = last + 1, last + 2
    return data + (
        b"\nendstream endobj\n%d 0 obj\n<< /Type /Pages /Kids [%b] /Count %d >>\nendobj\n"
        b"%d 0 obj\n<< /Type /Catalog /Pages %d 0 R >>\nendobj\n"
        b"trailer\n<< /Root %d 0 R /Size %d >>\nstartxref\n0\n%%%%EOF\n"
        % (tree, b" ".join(pages.values()), len(pages), catalog, tree, catalog, catalog + 1)
    )
