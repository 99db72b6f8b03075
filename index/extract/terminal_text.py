"""Text as it came from a terminal, without colours, moves of the cursor and letters struck over.

Owns the escape sequences (ECMA-48, and what xterm adds) and backspaces, as logs and manual pages hold them.
"""

from __future__ import annotations

import re

_CODES = re.compile(
    r"\x1b\[[0-?]*+[ -/]*+[@-~]|\x1b[\]PX^_][^\x07\x1b\n]{0,2000}+(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*+[0-~]|\x9b[0-?]*+[ -/]*+[@-~]|\x1b"
)
_STRUCK_OVER = re.compile(r"[^\n\x08]\x08(?=[^\n])")


def without_codes(text: str) -> str:
    """The text that is seen."""
    if "\x1b" in text or "\x9b" in text:
        text = _CODES.sub("", text)
    if "\b" in text:
        text = _STRUCK_OVER.sub("", text).replace("\b", "")
    return text
