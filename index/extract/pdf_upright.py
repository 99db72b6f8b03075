"""Pages of PDF as they are read: where most of the text runs up, down or backwards, the page is turned.

Owns the turning of boxes. PDFium gives them as a page is written, whichever way it is shown (ISO 32000-1,
8.3.2.3), so that a page set sideways has lines that are beside each other.
"""

from __future__ import annotations

import ctypes
import math
from collections import Counter
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as raw

_SAMPLED = 60
"""Characters of a page whose direction is asked for."""
_LEFT, _TOP, _RIGHT, _BOTTOM = (ctypes.c_double() for _ in range(4))
_RECTANGLE = raw.FS_RECTF()
Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in points."""


@dataclass(frozen=True, slots=True)
class Upright:
    """A page turned so that most of its text runs rightwards."""

    angle: int
    """In which direction the text runs as it is written, in degrees with the clock: 0, 90, 180 or 270."""
    written_width: float
    written_height: float

    @property
    def width(self) -> float:
        return self.written_height if self.angle in (90, 270) else self.written_width

    def boxes(self, handle: raw.FPDF_TEXTPAGE, first: int, count: int) -> list[Box]:
        """The boxes of a run of characters, a box where the font or the drawing changes."""
        return [
            self._turn_box(_LEFT.value, _BOTTOM.value, _RIGHT.value, _TOP.value)
            for i in range(raw.FPDFText_CountRects(handle, first, count))
            if raw.FPDFText_GetRect(handle, i, _LEFT, _TOP, _RIGHT, _BOTTOM)
        ]

    def left(self, handle: raw.FPDF_TEXTPAGE, index: int) -> float:
        """The position at which a character begins."""
        raw.FPDFText_GetCharBox(handle, index, _LEFT, _RIGHT, _BOTTOM, _TOP)
        return self._turn_box(_LEFT.value, _BOTTOM.value, _RIGHT.value, _TOP.value)[0]

    def edges(self, handle: raw.FPDF_TEXTPAGE, index: int) -> tuple[float, float]:
        """Where a character begins and ends, its own blank included; twice 0 where PDFium does not know."""
        if not raw.FPDFText_GetLooseCharBox(handle, index, _RECTANGLE):
            return 0.0, 0.0
        box = self._turn_box(_RECTANGLE.left, _RECTANGLE.bottom, _RECTANGLE.right, _RECTANGLE.top)
        return box[0], box[2]

    def height(self, handle: raw.FPDF_TEXTPAGE, index: int) -> float:
        """The height of a character's font on the page; 0 where PDFium does not know."""
        if not raw.FPDFText_GetLooseCharBox(handle, index, _RECTANGLE):
            return 0.0
        if self.angle in (90, 270):
            return float(abs(_RECTANGLE.right - _RECTANGLE.left))
        return float(abs(_RECTANGLE.top - _RECTANGLE.bottom))

    def _turn_box(self, left: float, bottom: float, right: float, top: float) -> Box:
        match self.angle:
            case 270:
                return bottom, self.written_width - right, top, self.written_width - left
            case 180:
                return (
                    self.written_width - right, self.written_height - top,
                    self.written_width - left, self.written_height - bottom,
                )  # fmt: skip
            case 90:
                return self.written_height - top, left, self.written_height - bottom, right
            case _:
                return left, bottom, right, top


def upright_page(handle: raw.FPDF_TEXTPAGE, count: int, page: pdfium.PdfPage) -> Upright:
    """How the page is turned, by the direction of most of its characters."""
    angles: Counter[int] = Counter()
    for index in range(0, count, max(1, count // _SAMPLED)):
        angle = raw.FPDFText_GetCharAngle(handle, index)
        if angle >= 0:
            angles[round(math.degrees(angle) / 90) * 90 % 360] += 1
    width, height = page.get_size()
    if page.get_rotation() in (90, 270):
        width, height = height, width
    return Upright(angles.most_common(1)[0][0] if angles else 0, width, height)
