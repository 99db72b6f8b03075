"""The pattern of the end of a sentence, for showing single sentences of a text.

The chunker has a pattern of its own (`segments`): it must not change, since it decides where passages begin.
"""

from __future__ import annotations

SENTENCE_END = r"(?<=[.!?。！？…])[\"'”’)\]]*\s+|(?<=[。！？])"
"""White space after a full stop, with closing marks between them; a full-width stop needs no white space."""
