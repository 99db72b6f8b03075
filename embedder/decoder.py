"""Token ids back to text, from the tables of `bpe`.

Owns the inverse of the encoding, which only a server that takes text needs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from embedder.bpe import ID_BITS, ID_MASK, SPACE, Tables


class Decoder:
    """Built in a fraction of a second; takes about 30 MB."""

    def __init__(self, tables: Tables) -> None:
        words = json.loads(tables["words"].tobytes())
        self._pieces: dict[int, bytes] = {number: bytes([byte]) for byte, number in enumerate(words["bytes"])}
        for character, number in zip(tables["characters"], tables["character_ids"], strict=True):
            self._pieces[number] = chr(character).encode("utf-8", "replace")
        self._pieces |= {number: token.encode() for token, number in words["added"].items() if number >= 0}
        self._pairs = {
            result & ID_MASK: pair for result, pair in zip(tables["results"], tables["pairs"], strict=True)
        }

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; bytes at its ends that are no whole character are left out.

        `▁` becomes a space, which has the same ids.
        """
        joined = b"".join(map(self._piece, ids))
        return joined.decode(errors="ignore").replace(SPACE, " ")

    def _piece(self, number: int) -> bytes:
        """The bytes of a token: its own, or those of the two that were merged into it."""
        if (known := self._pieces.get(number)) is not None:
            return known
        pair = self._pairs.get(number)
        piece = b"" if pair is None else self._piece(pair >> ID_BITS) + self._piece(pair & ID_MASK)
        self._pieces[number] = piece
        return piece
