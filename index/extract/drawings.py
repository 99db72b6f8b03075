"""Drawings of draw.io that are compressed inside their file: percent-encoded XML, deflated, in base64.

Owns taking them out of their packing. Source: https://www.drawio.com/doc/faq/decompress.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from urllib.parse import unquote

_PACKED = re.compile(r"(<diagram\b[^<>]{0,2000}>)\s*([A-Za-z0-9+/]{20,}={0,2})\s*(?=</diagram>)")
_MOST_BYTES = 8 << 20
"""Bytes that are unpacked of one drawing; the rest is left out."""
_MOST_DRAWINGS = 50


def with_drawings(text: str) -> str:
    """The XML with each compressed drawing in place of its packing; one that is damaged stays."""
    return _PACKED.sub(_unpack_diagram, text, count=_MOST_DRAWINGS) if "<diagram" in text else text


def _unpack_diagram(found: re.Match[str]) -> str:
    try:
        packed = base64.b64decode(found[2])
        xml = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, _MOST_BYTES)
    except (binascii.Error, zlib.error):
        return found.group()
    return found[1] + " ".join(unquote(xml.decode("utf-8", "replace")).splitlines())
