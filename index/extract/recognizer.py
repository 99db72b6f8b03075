"""The program that reads text in pictures: which one this machine has, loaded and tried before it is used.

Apple's Vision on macOS; elsewhere, and where Vision does not work in a confined process, RapidOCR with the
models inside its package (PP-OCR, Apache 2.0), and Tesseract for scripts that RapidOCR does not know. The
first two come with `pip install 'ken-search[ocr]'`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, NamedTuple

from index.extract.tesseract import Tesseract

INSTALL = "install ken-search[ocr]"
MOST_PAGES = 2_000
"""Pages of one file that are read as pictures."""
LONGEST_SIDE = 2_000
"""Pixels of a page's longer side: an A4 page at 170 dots an inch. More costs time and finds little."""
SURE = 0.6
"""Confidence, of 1, below which a line is more often noise than text."""
_SAMPLE = "Harbour 42"


class RecognizedLine(NamedTuple):
    """A line of text in a picture; positions in pixels from the upper left."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


Recognizer = Callable[[Any], Sequence[RecognizedLine]]
"""An RGB picture (of Pillow) to its lines, in any order."""


@lru_cache(maxsize=1)
def is_installed() -> bool:
    """Whether pictures can be read here. Imports nothing."""
    vision = sys.platform == "darwin" and find_spec("Vision") is not None
    return find_spec("PIL") is not None and (vision or find_spec("rapidocr") is not None)


@lru_cache(maxsize=1)
def recognizer() -> Recognizer:
    """The first that reads a sample. Raises RuntimeError where none does."""
    for load in (_vision, _rapidocr):
        try:
            found = load()
            if "42" in " ".join(line.text for line in found(_sample())):
                return found
        except Exception:  # noqa: BLE001 (whatever a library raises where it cannot work)
            continue
    raise RuntimeError("no recognizer works")


@lru_cache(maxsize=1)
def other_scripts() -> Tesseract | None:
    """Tesseract, where it is installed with a language in a script that RapidOCR does not know.

    Called before a process is confined: it opens files.
    """
    try:
        return Tesseract()
    except (OSError, AttributeError):  # not installed, without such a language, or another library
        return None


def in_reading_order(lines: Sequence[RecognizedLine]) -> str:
    """The text of a page: boxes side by side are one line, and a wide gap between lines is a blank line."""
    rows: list[list[RecognizedLine]] = []
    for line in sorted(lines, key=lambda line: (line.top + line.bottom) / 2):
        middle = (line.top + line.bottom) / 2
        if rows and rows[-1][0].top < middle < rows[-1][0].bottom:
            rows[-1].append(line)
        else:
            rows.append([line])
    parts: list[str] = []
    end = 0.0
    for row in rows:
        height = row[0].bottom - row[0].top
        gap = "\n\n" if row[0].top - end > height else "\n"
        words = " ".join(line.text for line in sorted(row, key=lambda line: line.left))
        parts += [gap if parts else "", words]
        end = max(line.bottom for line in row)
    return "".join(parts)


def _sample() -> Any:
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", (400, 100), "white")
    ImageDraw.Draw(picture).text((20, 20), _SAMPLE, fill="black", font=ImageFont.load_default(size=48))
    return picture


def _rapidocr() -> Recognizer:
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    import cv2
    import numpy as np
    from rapidocr import RapidOCR

    cv2.setNumThreads(1)
    threads = {f"EngineConfig.onnxruntime.{which}_op_num_threads": 1 for which in ("intra", "inter")}
    settings = {"Global.log_level": "critical", "Global.max_side_len": LONGEST_SIDE, **threads}
    engine: Any = RapidOCR(params=settings)

    other = other_scripts()

    def read(picture: Any) -> Sequence[RecognizedLine]:
        if other is not None and (lines := other.read(picture)):
            return [RecognizedLine(*line) for line in lines]
        found = engine(np.ascontiguousarray(np.asarray(picture)[:, :, ::-1]))
        if not found.txts:
            return []
        boxes = ((min(x), min(y), max(x), max(y)) for x, y in (box.T.tolist() for box in found.boxes))
        seen = zip(found.txts, found.scores, boxes, strict=True)
        return [RecognizedLine(text, *box) for text, score, box in seen if score >= SURE]

    return read


def _vision() -> Recognizer:
    import io

    import Vision

    def read(picture: Any) -> Sequence[RecognizedLine]:
        data = io.BytesIO()
        picture.save(data, "PNG")
        request = Vision.VNRecognizeTextRequest.alloc().init()
        request.setAutomaticallyDetectsLanguage_(True)
        handler = Vision.VNImageRequestHandler.alloc().initWithData_options_(data.getvalue(), None)
        done, error = handler.performRequests_error_([request], None)
        if not done:
            raise RuntimeError(str(error))
        width, height = picture.size
        lines = []
        for observation in request.results() or ():
            best = observation.topCandidates_(1)[0]
            box = observation.boundingBox()  # of 1, from the lower left
            left, bottom = box.origin.x * width, (1 - box.origin.y) * height
            right, top = left + box.size.width * width, bottom - box.size.height * height
            if best.confidence() >= SURE / 2:  # Vision gives 0.3, 0.5 or 1
                lines.append(RecognizedLine(str(best.string()), left, top, right, bottom))
        return lines

    return read
