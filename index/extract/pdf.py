"""PDF to text: PDFium's lines, put in reading order and joined to paragraphs.

Owns the talk with PDFium; the layout of lines is in `pdf_layout`.
"""

from __future__ import annotations

import ctypes
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from index.errors import FileFailed, FileSkipped
from index.extract.document_builder import DocumentBuilder, collapse_blanks
from index.extract.pdf_beside import add_beside, attached_to_page, beside_page, prepare_forms, stands_in
from index.extract.pdf_layout import Bookmark, assemble_document
from index.extract.pdf_reading_order import TextLine
from index.extract.pdf_spacing import join_letters
from index.extract.pdf_trailer import TRAILER, add_trailer
from index.extract.pdf_upright import Box, Upright, upright_page
from index.extract.recognizer import MOST_PAGES
from index.extract.source import MEBIBYTE, Source
from index.types import Document

_IN_MEMORY = 32 * MEBIBYTE
_WIDE = 2.0
_NARROWEST = 12.0
"""A blank divides a line where it is wider than two heights of its font and this many points."""
_MOST_CHARACTERS = 400_000
_MOST_BROKEN = 50
_MOST_BOOKMARKS = 5_000
_BREAK = re.compile("\r\n|\ufffe|\x02\r?\n?")
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
"""Letters that a font draws as one: no one types them so (U+FB00 to U+FB06)."""
_NO_TITLE = re.compile(
    r"untitled|microsoft (word|powerpoint|excel)"
    r"|\.(docx?|dvi|tex|pdf|pptx?|qxd|indd|rtf|odt|ps|eps|html?|xlsx?)\b"
    r"|^[\W\d_]*$|^(document|paper|slide|title|print|layout|presentation)\s*\d*$|^\S{1,3}$|https?:",
    re.IGNORECASE,
)


def read(source: Source) -> Document:
    """The text of a PDF with its pages, its outline as headings, and its title where that is one."""
    pdf = open_pdf(source)
    try:
        prepare_forms(pdf)
        pages: list[list[TextLine]] = []
        beside: dict[int, list[str]] = {}
        files: list[tuple[str, bytes]] = []
        notes: list[str] = []
        broken, total = 0, len(pdf)
        if source.size <= _IN_MEMORY and TRAILER.search(source.content()) is None:
            notes.append("It is cut off: only the pages that are there are read.")
        for number in range(total):
            if source.past_deadline or broken > _MOST_BROKEN:
                notes.append(f"Pages {number + 1} to {total} are not read: the file takes too long.")
                break
            try:
                pages.append([])
                pages[-1] += _lines(pdf, number, beside, files)
                broken = 0
            except pdfium.PdfiumError:
                pages[number:] = [[]]
                broken += 1
        title = _title(pdf)
        document = _with_parts(
            assemble_document(pages, _outline(pdf), title, notes, beside), pdf, source, files
        )
    finally:
        pdf.close()
    scans = tuple(number for number, lines in enumerate(pages, 1) if not lines)[:MOST_PAGES]
    if not total:
        raise FileSkipped("It has no pages.")
    return replace(document, scans=scans, lines=())


def _with_parts(
    document: Document, pdf: pdfium.PdfDocument, source: Source, files: list[tuple[str, bytes]]
) -> Document:
    """The document and behind its pages what belongs to none of them."""
    parts = DocumentBuilder()
    add_beside(parts, pdf, source, files)
    if parts.empty:
        return document
    if stands_in(pdf, document.text):
        document = replace(document, text="", sections=(), pages=())
    inner = parts.document("pdf")
    shift = len(document.text)
    sections = (s._replace(start=s.start + shift, end=s.end + shift) for s in inner.sections)
    return replace(
        document,
        text=document.text + inner.text,
        sections=(*document.sections, *sections),
        note=f"{document.note} {inner.note}".strip(),
    )


def open_pdf(source: Source) -> pdfium.PdfDocument:
    """The PDF in a source. Raises FileSkipped or FileFailed."""
    data = source.content() if source.size <= _IN_MEMORY else b""
    try:
        return pdfium.PdfDocument(io.BytesIO(data) if data else source.stream)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            raise FileSkipped("It is locked with a password.", "Save a copy without a password.") from None
        if "security" in str(error).lower():
            raise FileSkipped("It is locked in a way that is not supported.") from None
    try:
        return pdfium.PdfDocument(io.BytesIO(add_trailer(data)))
    except pdfium.PdfiumError:
        raise FileFailed("It is damaged or no PDF: its pages cannot be found.") from None


def _lines(
    pdf: pdfium.PdfDocument, number: int, beside: dict[int, list[str]], files: list[tuple[str, bytes]]
) -> Iterator[TextLine]:
    """The lines of a page as PDFium finds them, with their boxes in points from the lower left.

    Text beside the body (notes, forms) goes into `beside`, attached files into `files`.
    """
    page = pdf[number]
    try:
        if said := beside_page(pdf, page):
            beside[number] = said
        files += attached_to_page(page)
        text_page = page.get_textpage()
        try:
            yield from _page_lines(text_page, page)
        finally:
            text_page.close()
    finally:
        page.close()


def _page_lines(text_page: pdfium.PdfTextPage, page: pdfium.PdfPage) -> Iterator[TextLine]:
    handle = text_page.raw
    count = min(raw.FPDFText_CountChars(handle), _MOST_CHARACTERS)
    if count <= 0:
        return
    buffer = (ctypes.c_ushort * (count + 1))()
    upright = upright_page(handle, count, page)
    written = raw.FPDFText_GetText(handle, 0, count, buffer)
    text = bytes(buffer)[: 2 * max(0, written - 1)].decode("utf-16-le", "replace")
    at = 0
    for ending in [*_BREAK.finditer(text), None]:
        stop = ending.start() if ending else len(text)
        words = text[at:stop]
        bare = words.strip()
        if bare:
            first = raw.FPDFText_GetCharIndexFromTextIndex(handle, at + words.index(bare[0]))
            hyphen = ending is not None and ending.group() != "\r\n"
            yield from _runs(handle, first, bare, hyphen, upright)
        at = ending.end() if ending else stop


def _runs(
    handle: raw.FPDF_TEXTPAGE, first: int, words: str, hyphen: bool, upright: Upright
) -> Iterator[TextLine]:
    """A line as PDFium gives it, divided where a wide blank says that two columns or cells meet."""
    boxes = upright.boxes(handle, first, len(words))
    if not boxes:
        return
    height = upright.height(handle, first)
    at = 0
    for gap in [*_gaps(boxes, max(_WIDE * height, _NARROWEST)), None]:
        stop = len(words) if gap is None else _first_beyond(upright, handle, first, at, len(words), gap)
        part = join_letters(handle, upright, first + at, words[at:stop], height).strip()
        near = [box for box in boxes if gap is None or box[0] < gap]
        boxes = [box for box in boxes if gap is not None and box[0] >= gap]
        if part and near:
            edges = (
                min(b[0] for b in near),
                min(b[1] for b in near),
                max(b[2] for b in near),
                max(b[3] for b in near),
            )
            yield TextLine(
                collapse_blanks(part).translate(_LIGATURES),
                *edges,
                height,
                hyphen and gap is None,
                upright.width,
            )
        at = stop


def _gaps(boxes: list[Box], wide: float) -> list[float]:
    """The positions of gaps wider than `wide` between boxes; only in a line that runs to the right."""
    if any(b[0] < a[0] for a, b in pairwise(boxes)):
        return []
    return [b[0] - 1 for a, b in pairwise(boxes) if b[0] - a[2] > wide]


def _first_beyond(
    upright: Upright, handle: raw.FPDF_TEXTPAGE, first: int, low: int, high: int, x: float
) -> int:
    """The first of a line's characters that is to the right of `x`, by bisection."""
    while low < high:
        middle = (low + high) // 2
        if upright.left(handle, first + middle) < x:
            low = middle + 1
        else:
            high = middle
    return low


def _outline(pdf: pdfium.PdfDocument) -> list[Bookmark]:
    found: list[Bookmark] = []
    for bookmark in pdf.get_toc(max_depth=6):
        if len(found) >= _MOST_BOOKMARKS:
            break
        try:
            target = bookmark.get_dest()
            page = target.get_index() if target else None
            found.append(Bookmark(bookmark.level + 1, bookmark.get_title(), page))
        except (pdfium.PdfiumError, ValueError, UnicodeDecodeError):
            continue
    return found


def _title(pdf: pdfium.PdfDocument) -> str:
    """The title in the metadata, unless it is a file's name or a program's."""
    try:
        title = " ".join(pdf.get_metadata_value("Title").split())
    except (pdfium.PdfiumError, UnicodeDecodeError):
        return ""
    return "" if _NO_TITLE.search(title) else title
