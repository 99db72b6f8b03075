"""Tesseract's library, for scripts that RapidOCR does not know: Greek, Cyrillic, Hebrew, Thai and others.

Owns the calls of its C interface (capi.h) and which of its languages are in which script. Its data is read
when the class is made, before a process is confined. https://tesseract-ocr.github.io/tessdoc/APIExample.html
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from typing import Any

_SCRIPTS = {
    "Greek": "ell grc", "Cyrillic": "rus ukr bul srp bel mkd kaz kir mon tgk uzb_cyrl",
    "Armenian": "hye", "Hebrew": "heb yid", "Arabic": "ara fas urd pus snd uig", "Tamil": "tam",
    "Devanagari": "hin mar nep san", "Bengali": "ben asm", "Gujarati": "guj", "Gurmukhi": "pan",
    "Oriya": "ori", "Telugu": "tel",
    "Kannada": "kan", "Malayalam": "mal", "Sinhala": "sin", "Thai": "tha", "Lao": "lao", "Khmer": "khm",
    "Myanmar": "mya", "Tibetan": "bod dzo", "Ethiopic": "amh tir", "Hangul": "kor", "Korean": "kor",
    "Cherokee": "chr", "Syriac": "syr", "Thaana": "div",
}  # fmt: skip
"""The scripts as Tesseract names them that RapidOCR's models lack, and the languages of its data in each."""
_MOST_LANGUAGES = 8
"""Each takes some 30 MB."""
_ONLY_SCRIPT, _AUTOMATIC = 0, 3
"""Modes of looking at a page (PageSegMode)."""
_LINE = 2
"""Level of a line of text (PageIteratorLevel)."""
_SURE_SCRIPT = 1.0
"""Tesseract's own measure of how sure it is of a script; below it is a guess."""
_SURE = 60.0
"""Of 100: below it a line is more often noise than text."""
_DPI = 170
_SMALL = 800
"""Pixels of the longer side: below it letters are too small for the script to be told."""
_MICRO, _MU = "\u00b5", "\u03bc"
"""Tesseract takes the Greek letter for the sign of a millionth."""
_LIBRARIES = ("libtesseract.so.5", "libtesseract.so.4", "libtesseract.5.dylib")


Line = tuple[str, float, float, float, float]
"""Text, and its box in pixels: left, top, right and bottom, from the upper left."""


class Tesseract:
    """The library with the installed languages of those scripts. Raises OSError where there is none."""

    def __init__(self) -> None:
        self._library = _library()
        self._of_script = self._open("osd")
        self._readers = dict(self._languages())
        if not self._readers:
            raise OSError("no language of another script is installed")

    @property
    def scripts(self) -> frozenset[str]:
        """The scripts that are read."""
        return frozenset(self._readers)

    def read(self, picture: Any) -> list[Line] | None:
        """The lines of an RGB picture (of Pillow); None where its script is none of those."""
        if max(picture.size) < _SMALL:
            lines = self.read(picture.resize((2 * picture.width, 2 * picture.height)))
            return lines and [(text, a / 2, b / 2, c / 2, d / 2) for text, a, b, c, d in lines]
        reader = self._readers.get(self._script(picture))
        return None if reader is None else list(self._lines(reader, picture))

    def _open(self, languages: str) -> Any:
        handle = self._library.TessBaseAPICreate()
        if self._library.TessBaseAPIInit3(handle, None, languages.encode()):
            raise OSError(f"Tesseract has no data for {languages}")
        return handle

    def _languages(self) -> Iterator[tuple[str, Any]]:
        """The scripts of the installed languages, each with what reads them."""
        listed = self._library.TessBaseAPIGetAvailableLanguagesAsVector(self._of_script)
        installed: set[str] = set()
        while listed[len(installed)]:
            installed.add(listed[len(installed)].decode())
        left = _MOST_LANGUAGES
        for script, languages in _SCRIPTS.items():
            chosen = [one for one in languages.split() if one in installed][:left]
            left -= len(chosen)
            if chosen:
                yield script, self._open("+".join(chosen))

    def _set(self, handle: Any, picture: Any, mode: int) -> None:
        width, height = picture.size
        self._library.TessBaseAPISetPageSegMode(handle, mode)
        self._library.TessBaseAPISetImage(handle, picture.tobytes(), width, height, 3, 3 * width)
        self._library.TessBaseAPISetSourceResolution(handle, _DPI)

    def _script(self, picture: Any) -> str:
        """The script of a page; empty where it has too little text, or is none that is known."""
        self._set(self._of_script, picture, _ONLY_SCRIPT)
        turned, sure_turned = ctypes.c_int(), ctypes.c_float()
        script, sure = ctypes.c_char_p(), ctypes.c_float()
        places = (ctypes.byref(one) for one in (turned, sure_turned, script, sure))
        known = self._library.TessBaseAPIDetectOrientationScript(self._of_script, *places)
        return (script.value or b"").decode() if known and sure.value >= _SURE_SCRIPT else ""

    def _lines(self, handle: Any, picture: Any) -> Iterator[Line]:
        self._set(handle, picture, _AUTOMATIC)
        if self._library.TessBaseAPIRecognize(handle, None):
            return
        results = self._library.TessBaseAPIGetIterator(handle)
        if not results:
            return
        box = [ctypes.c_int() for _ in range(4)]
        more = True
        while more:
            text = self._library.TessResultIteratorGetUTF8Text(results, _LINE)
            words = (ctypes.string_at(text).decode("utf-8", "replace") if text else "").strip()
            self._library.TessDeleteText(text)
            if words and self._library.TessResultIteratorConfidence(results, _LINE) >= _SURE:
                self._library.TessPageIteratorBoundingBox(results, _LINE, *map(ctypes.byref, box))
                left, top, right, bottom = (float(one.value) for one in box)
                yield words.replace(_MICRO, _MU), left, top, right, bottom
            more = self._library.TessResultIteratorNext(results, _LINE)
        self._library.TessResultIteratorDelete(results)
        self._library.TessBaseAPIClear(handle)


def _load_library(name: str) -> Any:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


def _library() -> Any:
    """The shared library with its functions declared; raises OSError where it is not installed."""
    os.environ["OMP_THREAD_LIMIT"] = "1"  # a confined process can start no thread
    library = next(filter(None, map(_load_library, _LIBRARIES)), None)
    if library is None:
        raise OSError("Tesseract is not installed")
    pointer, whole, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    declared: dict[str, tuple[Any, list[Any]]] = {
        "TessBaseAPICreate": (pointer, []),
        "TessBaseAPIInit3": (whole, [pointer, text, text]),
        "TessBaseAPIGetAvailableLanguagesAsVector": (ctypes.POINTER(text), [pointer]),
        "TessBaseAPISetPageSegMode": (None, [pointer, whole]),
        "TessBaseAPISetImage": (None, [pointer, text, whole, whole, whole, whole]),
        "TessBaseAPISetSourceResolution": (None, [pointer, whole]),
        "TessBaseAPIDetectOrientationScript": (ctypes.c_bool, [pointer, pointer, pointer, pointer, pointer]),
        "TessBaseAPIRecognize": (whole, [pointer, pointer]),
        "TessBaseAPIGetIterator": (pointer, [pointer]),
        "TessBaseAPIClear": (None, [pointer]),
        "TessResultIteratorNext": (ctypes.c_bool, [pointer, whole]),
        "TessResultIteratorGetUTF8Text": (pointer, [pointer, whole]),
        "TessResultIteratorConfidence": (ctypes.c_float, [pointer, whole]),
        "TessResultIteratorDelete": (None, [pointer]),
        "TessPageIteratorBoundingBox": (ctypes.c_bool, [pointer, whole, pointer, pointer, pointer, pointer]),
        "TessDeleteText": (None, [pointer]),
    }
    for function, (result, arguments) in declared.items():
        getattr(library, function).restype = result
        getattr(library, function).argtypes = arguments
    return library
