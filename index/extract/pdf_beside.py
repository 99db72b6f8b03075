"""What a PDF holds beside the text of its pages: notes, comments, fields of forms, XFA, attached files.

Owns asking PDFium for them; reading order and headings are `pdf_layout`'s.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from xml.etree.ElementTree import Element

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from index.errors import FileFailed
from index.extract.archive import nearest_elements, parse_xml
from index.extract.document_builder import DocumentBuilder, one_line
from index.extract.inside import Inside
from index.extract.source import MEBIBYTE, Source

_MOST_ANNOTATIONS = 2_000
_MOST_VALUE = 1 << 17
_MOST_ATTACHED = 200
_MOST_XFA = 16 * MEBIBYTE
_XFA = (raw.FORMTYPE_XFA_FULL, raw.FORMTYPE_XFA_FOREGROUND)
_UNSAID = frozenset({raw.FPDF_ANNOT_POPUP, raw.FPDF_ANNOT_LINK})
_BUTTON = raw.FPDF_FORMFIELD_PUSHBUTTON
_CHECKED = frozenset({raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON})
_OFF = frozenset({"", "Off"})
_INDEX = re.compile(r"\[\d+\]|#subform|#area")
_RICH = re.compile(r"<[^<>]{0,2000}>")
_PLEASE_WAIT = re.compile(r"please wait|adobe reader", re.IGNORECASE)
_LONGEST_STAND_IN = 2_500
"""Characters: the page that a form (XFA) shows in programs that cannot show the form is short."""


def prepare_forms(pdf: pdfium.PdfDocument) -> None:
    """Let the values of forms be asked for; before any page is opened."""
    try:
        if pdf.get_formtype() != raw.FORMTYPE_NONE:
            pdf.init_forms()
    except pdfium.PdfiumError:
        return


def beside_page(pdf: pdfium.PdfDocument, page: pdfium.PdfPage) -> list[str]:
    """The notes, comments and filled fields of a page, each once, in the order they are stored."""
    found: list[str] = []
    for number in range(min(raw.FPDFPage_GetAnnotCount(page.raw), _MOST_ANNOTATIONS)):
        annotation = raw.FPDFPage_GetAnnot(page.raw, number)
        if not annotation:
            continue
        try:
            found.append(_annotation_text(pdf, annotation))
        finally:
            raw.FPDFPage_CloseAnnot(annotation)
    return [words for words in dict.fromkeys(found) if words]


def _annotation_text(pdf: pdfium.PdfDocument, annotation: Any) -> str:
    kind = raw.FPDFAnnot_GetSubtype(annotation)
    if kind in _UNSAID:
        return ""
    if kind == raw.FPDF_ANNOT_WIDGET:
        return _form_field_text(pdf, annotation)
    words = _value(annotation, b"Contents") or _RICH.sub(" ", _value(annotation, b"RC"))
    subject = one_line(_value(annotation, b"Subj"))
    author = one_line(_value(annotation, b"T"))
    if not words.strip():
        return subject if kind == raw.FPDF_ANNOT_STAMP else ""
    named = author and kind != raw.FPDF_ANNOT_FREETEXT and author not in words
    return f"{author}: {words.strip()}" if named else words.strip()


def _form_field_text(pdf: pdfium.PdfDocument, annotation: Any) -> str:
    """A field of a form with what is filled in; empty where nothing is."""
    form = pdf.formenv.raw if pdf.formenv else None
    if form is None:
        return one_line(_value(annotation, b"V"))
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind == _BUTTON:
        return ""
    value = _words(partial(raw.FPDFAnnot_GetFormFieldValue, form, annotation)).strip()
    if kind in _CHECKED:
        if not raw.FPDFAnnot_IsChecked(form, annotation):
            return ""
        value = "" if value in ("On", "Yes", *_OFF) else value
    elif not value:
        return ""
    name = one_line(_words(partial(raw.FPDFAnnot_GetFormFieldAlternateName, form, annotation)))
    name = name or one_line(_words(partial(raw.FPDFAnnot_GetFormFieldName, form, annotation)))
    name = _INDEX.sub("", name.rpartition(".")[2] or name)
    return f"{name}: {value}" if name and value else name or value


def _value(annotation: Any, key: bytes) -> str:
    return _words(partial(raw.FPDFAnnot_GetStringValue, annotation, key))


def _words(ask: Callable[..., int]) -> str:
    """The text that a function of PDFium writes: called once for its bytes, once for the text."""
    size = min(ask(None, 0), _MOST_VALUE)
    if size <= 2:
        return ""
    buffer = (ctypes.c_ushort * ((size + 1) // 2))()
    ask(buffer, size)
    return (
        bytes(buffer)
        .decode("utf-16-le", "replace")
        .partition("\0")[0]
        .replace("\r\n", "\n")
        .replace("\r", "\n")
    )


def attached_to_page(page: pdfium.PdfPage) -> list[tuple[str, bytes]]:
    """The files that notes on a page hold."""
    found: list[tuple[str, bytes]] = []
    for number in range(min(raw.FPDFPage_GetAnnotCount(page.raw), _MOST_ANNOTATIONS)):
        annotation = raw.FPDFPage_GetAnnot(page.raw, number)
        if not annotation:
            continue
        try:
            held = raw.FPDFAnnot_GetFileAttachment(annotation)
            if held and len(found) < _MOST_ATTACHED:
                found.append(_content(pdfium.PdfAttachment(held, page.pdf)))
        except pdfium.PdfiumError:
            continue
        finally:
            raw.FPDFPage_CloseAnnot(annotation)
    return found


def _content(attachment: pdfium.PdfAttachment) -> tuple[str, bytes]:
    return attachment.get_name(), bytes(attachment.get_data())


def stands_in(pdf: pdfium.PdfDocument, text: str) -> bool:
    """Whether the pages only say that another program shows the form."""
    is_form = pdf.get_formtype() in _XFA and len(text) < _LONGEST_STAND_IN
    return is_form and len(_PLEASE_WAIT.findall(text)) > 1


def add_beside(
    builder: DocumentBuilder, pdf: pdfium.PdfDocument, source: Source, files: list[tuple[str, bytes]]
) -> None:
    """Put what belongs to no page into `builder`: the data of a form, attached files, `files` of notes."""
    if pdf.get_formtype() in _XFA:
        _add_form(builder, pdf)
    inside = Inside(source, builder, 1)
    attached: dict[tuple[str, bytes], None] = {}
    for number in range(min(pdf.count_attachments(), _MOST_ATTACHED)):
        try:
            attached[_content(pdf.get_attachment(number))] = None
        except pdfium.PdfiumError:
            continue
    for name, data in attached | dict.fromkeys(files):
        inside.add(name, len(data), partial(bytes, data))
    inside.close()


def _add_form(builder: DocumentBuilder, pdf: pdfium.PdfDocument) -> None:
    """The texts of a form of Adobe's (XFA) and what is filled in."""
    packets = dict(_packets(pdf))
    for name in ("template", "datasets"):
        try:
            root = parse_xml(packets[name]) if name in packets else None
        except FileFailed:
            builder.notes.append("A part of its form is damaged and not read.")
            continue
        if root is not None:
            for words in dict.fromkeys(_captions(root) if name == "template" else _filled_fields(root)):
                builder.add(words)


def _packets(pdf: pdfium.PdfDocument) -> Iterator[tuple[str, bytes]]:
    for number in range(min(max(0, raw.FPDF_GetXFAPacketCount(pdf.raw)), 50)):
        size = raw.FPDF_GetXFAPacketName(pdf.raw, number, None, 0)
        name = ctypes.create_string_buffer(max(1, min(size, 200)))
        raw.FPDF_GetXFAPacketName(pdf.raw, number, name, len(name))
        length = ctypes.c_ulong()
        raw.FPDF_GetXFAPacketContent(pdf.raw, number, None, 0, length)
        if 0 < length.value <= _MOST_XFA:
            content = ctypes.create_string_buffer(length.value)
            raw.FPDF_GetXFAPacketContent(pdf.raw, number, content, length.value, length)
            yield name.value.decode("ascii", "replace"), content.raw[: length.value]


def _captions(root: Element) -> Iterator[str]:
    """What a form says of its fields, and the texts between them."""
    for value in nearest_elements(root, ("value", "items", "toolTip")):
        words = one_line(" ".join(value.itertext()))
        if words and not words.isdecimal():
            yield words


def _filled_fields(root: Element) -> Iterator[str]:
    """Each field that holds something, with its name."""
    data = next(nearest_elements(root, ("data",)), root)
    for node in data.iter():
        words = one_line("".join(node.itertext())) if not len(node) else ""
        if words:
            yield f"{node.tag}: {words}"
