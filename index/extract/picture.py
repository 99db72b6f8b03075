"""One page of pictures to text: a picture with its date and caption, or a page of a PDF without a text layer.

Owns decoding within limits and what counts as text. The recognizer is loaded before a process is confined.
"""

from __future__ import annotations

import io
import os
import re
import warnings
from typing import Any

from index.errors import FileFailed, FileSkipped
from index.extract.document_builder import DocumentBuilder
from index.extract.recognizer import INSTALL, LONGEST_SIDE, in_reading_order, recognizer
from index.extract.source import Source
from index.types import Document

_HEIF = (".heic", ".heif")
"""What iPhones write; Pillow reads it with a library of its own (pi_heif)."""
SUFFIXES = frozenset([".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".avif", *_HEIF])
"""How the names of the pictures end that are read."""
_MOST_PIXELS = 100_000_000
"""Pixels of the largest picture: 300 MB once decoded. Cameras give 12 to 60 million."""
_LEAST_SIDE = 32
"""Pixels: below it a picture is an icon."""
_POINTS = 72
_DPI = 200
_WORD = re.compile(r"[^\W\d_]{3,}|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]{2,}")
_DATE, _TAKEN, _CAPTION, _TITLE, _COMMENT = 0x0132, 0x9003, 0x010E, 0x9C9B, 0x9C9C
_EXIF = 0x8769


SCANNED = "Its pages are pictures without text."


def pages_of(path: str) -> tuple[int, ...]:
    """The pages of a file that is not read as text, by its name: one where it is a picture."""
    return (1,) if os.path.splitext(path)[1].lower() in SUFFIXES else ()  # noqa: PTH122


def read_page(source: Source, page: int) -> Document:
    """The text in page `page` (from 1) of a PDF or a picture. Empty where there is none to speak of."""
    if source.head(1024).lstrip().startswith(b"%PDF-"):
        return _document(source, _pdf_page(source, page), "pdf", [], [])
    picture, captions, fields = _decode(source)
    return _document(source, picture, "picture", captions, fields)


def _document(
    source: Source, picture: Any, kind: str, captions: list[str], fields: list[tuple[str, str]]
) -> Document:
    text = in_reading_order(recognizer()(picture)) if min(picture.size) >= _LEAST_SIDE else ""
    builder = DocumentBuilder()
    for caption in captions:
        builder.add(caption)
    if len(_WORD.findall(text)) >= 2:
        for paragraph in text.split("\n\n"):
            builder.add(paragraph)
    document = builder.document(kind, source.name if kind == "picture" else "")
    return Document(
        document.text,
        kind,
        document.title,
        sections=document.sections,
        fields=tuple(fields),
        note=document.note,
        lines=(),
    )


def _decode(source: Source) -> tuple[Any, list[str], list[tuple[str, str]]]:
    """The picture upright and no larger than is read, its captions, and its date as a field."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    if source.name.lower().endswith(_HEIF):
        _open_heif()
    Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        with Image.open(io.BytesIO(source.content())) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise FileSkipped(f"It has {opened.width * opened.height:,} pixels, more than are read.")
            captions, fields = _captions_and_fields(opened)
            opened.draft("RGB", (2 * LONGEST_SIDE, 2 * LONGEST_SIDE))
            opened.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            return _on_white(ImageOps.exif_transpose(opened)), captions, fields
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise FileSkipped("It has more pixels than are read.") from None
    except (UnidentifiedImageError, SyntaxError, ValueError, EOFError, OSError):
        raise FileFailed("It is damaged or no picture.") from None


def _open_heif() -> None:
    """Have Pillow open HEIF. Raises FileSkipped where the library for it is missing."""
    try:
        import pi_heif
    except ImportError:
        raise FileSkipped(f"A picture in HEIF: {INSTALL} again.") from None
    pi_heif.options.DECODE_THREADS = 1
    pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False
    pi_heif.register_heif_opener()


def _on_white(picture: Any) -> Any:
    """Without transparency: what is behind text on a screenshot is taken for white."""
    from PIL import Image

    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        paper = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(paper, layer).convert("RGB")
    return picture.convert("RGB")


def _captions_and_fields(picture: Any) -> tuple[list[str], list[tuple[str, str]]]:
    """What a picture says of itself: title, caption and comment, and when it was taken."""
    exif = picture.getexif()
    taken = str(exif.get_ifd(_EXIF).get(_TAKEN) or exif.get(_DATE) or "")
    fields = [("date", taken[:10].replace(":", "-"))] if re.match(r"\d{4}:\d\d:\d\d", taken) else []
    words = (exif.get(_TITLE), exif.get(_CAPTION), exif.get(_COMMENT), picture.info.get("Description"))
    captions = (_plain(one) for one in words)
    return list(dict.fromkeys(one for one in captions if one and not one.isdigit())), fields


def _plain(value: object) -> str:
    """A value of EXIF as text; Windows writes its own in UTF-16."""
    if isinstance(value, (bytes, tuple)):
        try:
            return bytes(value).decode("utf-16-le", "replace").rstrip("\0").strip()
        except (TypeError, ValueError):
            return ""
    return value.strip("\0 ") if isinstance(value, str) else ""


def _pdf_page(source: Source, number: int) -> Any:
    import pypdfium2 as pdfium

    from index.extract.pdf import open_pdf

    pdf = open_pdf(source)
    try:
        if not 1 <= number <= len(pdf):
            raise FileFailed("It has no such page.")
        page = pdf[number - 1]
        width, height = page.get_size()
        scale = min(_DPI / _POINTS, LONGEST_SIDE / max(width, height, 1))
        return page.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
    except pdfium.PdfiumError:
        raise FileFailed("The page is damaged.") from None
    finally:
        pdf.close()
