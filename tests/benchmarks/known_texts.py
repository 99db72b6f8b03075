"""Writes documents of known text, by the libraries that people's programs use: FILE and FILE.words.

`python known_texts.py FOLDER COUNT`, in a Python that has python-docx, openpyxl, python-pptx, odfpy and
reportlab. Each place of a document (body, table, header, note, comment, ...) gets a word of its own; the
words of a file, with their places, are in the file beside it as JSON. Needs nothing of ken.
"""

from __future__ import annotations

import base64
import io
import json
import random
import sys
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
"""A PNG of one pixel."""
SYLLABLES = ("ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "wo", "zu")


class Words:
    """Words that no language has, one for each place of a file."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.places: dict[str, str] = {}

    def at(self, place: str) -> str:
        """A new word for that place."""
        word = "".join(self._random.choice(SYLLABLES) for _ in range(6))
        self.places[place] = word
        return word


def docx(words: Words, path: Path) -> None:
    import docx
    from docx.oxml.ns import qn

    document = docx.Document()
    section = document.sections[0]
    section.header.paragraphs[0].text = words.at("header")
    section.footer.paragraphs[0].text = words.at("footer")
    document.add_heading(words.at("heading"), 1)
    paragraph = document.add_paragraph(f"Boats moor at {words.at('body')} in the evening.")
    run = paragraph.add_run(" and wait")
    document.add_comment(runs=run, text=words.at("comment"), author="Ada")
    document.add_paragraph(words.at("list"), style="List Bullet")
    table = document.add_table(2, 2)
    table.cell(0, 0).text, table.cell(1, 1).text = words.at("table"), words.at("second row")
    table.cell(1, 0).add_table(1, 1).cell(0, 0).text = words.at("table in a cell")
    document.add_picture(io.BytesIO(PICTURE))
    document.element.body.findall(f".//{qn('wp:docPr')}")[-1].set(
        "descr", words.at("description of a picture")
    )
    document.save(str(path))


def xlsx(words: Words, path: Path) -> None:
    import openpyxl
    from openpyxl.comments import Comment

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = words.at("name of a sheet")[:30]
    sheet.append([words.at("column"), "ISBN", "Share"])
    number = words._random.randrange(10**12, 10**13)
    sheet.append([words.at("cell"), number, 0.075])
    words.places["long number"] = str(number)
    sheet["C2"].number_format = "0.0%"
    words.places["percentage"] = "7.5%"
    sheet["A2"].comment = Comment(words.at("comment"), "Ada")
    sheet.oddHeader.center.text = words.at("header")
    hidden = book.create_sheet("Hidden")
    hidden.sheet_state = "hidden"
    hidden["B2"] = words.at("hidden sheet")
    book.save(str(path))


def pptx(words: Words, path: Path) -> None:
    from pptx import Presentation
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    box = (Inches(1), Inches(1), Inches(3), Inches(1))
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = words.at("title")
    slide.placeholders[1].text = words.at("body")
    slide.notes_slide.notes_text_frame.text = words.at("speaker's notes")
    slide.shapes.add_table(2, 2, *box).table.cell(1, 1).text = words.at("table")
    slide.shapes.add_group_shape().shapes.add_textbox(*box).text_frame.text = words.at("group")
    picture = slide.shapes.add_picture(io.BytesIO(PICTURE), box[0], box[1])
    picture._element.nvPicPr.cNvPr.set("descr", words.at("description of a picture"))
    data = CategoryChartData()
    data.categories = [words.at("chart"), "west"]
    data.add_series("height", (1.5, 2))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *box, data)
    last = deck.slides.add_slide(deck.slide_layouts[5])
    last.shapes.title.text = words.at("hidden slide")
    last._element.set("show", "0")
    deck.save(str(path))


def pdf(words: Words, path: Path) -> None:
    from reportlab.pdfgen import canvas

    page = canvas.Canvas(str(path))
    page.drawString(72, 700, f"Boats moor at {words.at('body')} in the evening.")
    page.acroForm.textfield(
        name="vessel", value=words.at("field of a form"), x=72, y=600, width=200, height=20
    )
    page.textAnnotation(words.at("note"), Rect=[72, 400, 100, 420])
    page.showPage()
    page.rotate(90)
    page.drawString(100, -200, f"A page set sideways tells of {words.at('sideways page')} as well.")
    page.save()


def odt(words: Words, path: Path) -> None:
    from odf import dc, office, style, svg
    from odf import draw as drawing
    from odf import table as tables
    from odf import text as texts
    from odf.opendocument import OpenDocumentText

    document = OpenDocumentText()
    document.automaticstyles.addElement(style.PageLayout(name="layout"))
    page = style.MasterPage(name="Standard", pagelayoutname="layout")
    header = style.Header()
    header.addElement(texts.P(text=words.at("header")))
    page.addElement(header)
    document.masterstyles.addElement(page)
    document.text.addElement(texts.H(outlinelevel=1, text=words.at("heading")))
    paragraph = texts.P(text=f"Boats moor at {words.at('body')} ")
    remark = office.Annotation()
    remark.addElement(dc.Creator(text="Ada"))
    remark.addElement(texts.P(text=words.at("comment")))
    paragraph.addElement(remark)
    frame = drawing.Frame(width="1cm", height="1cm")
    frame.addElement(svg.Desc(text=words.at("description of a picture")))
    paragraph.addElement(frame)
    note = texts.Note(noteclass="footnote")
    note.addElement(texts.NoteCitation(text="1"))
    body = texts.NoteBody()
    body.addElement(texts.P(text=words.at("footnote")))
    note.addElement(body)
    paragraph.addElement(note)
    document.text.addElement(paragraph)
    grid, row, cell = tables.Table(), tables.TableRow(), tables.TableCell()
    cell.addElement(texts.P(text=words.at("table")))
    row.addElement(cell)
    grid.addElement(row)
    document.text.addElement(grid)
    document.save(str(path))


def eml(words: Words, path: Path) -> None:
    inner = EmailMessage()
    inner["From"], inner["Subject"] = "plumber@example.net", words.at("subject of an attached message")
    inner.set_content(words.at("attached message"))
    message = EmailMessage()
    message["From"], message["To"] = "Ada <ada@example.org>", "ben@example.org"
    message["Subject"] = f"Überfahrt {words.at('subject')}"
    message.set_content("Please use a program that shows HTML.")
    message.add_alternative(
        f"<p>The ferry leaves from {words.at('body')} at six in the evening.</p>", subtype="html"
    )
    message.add_attachment(f"High water at {words.at('attached text')}.", filename="tides.txt")
    message.add_attachment(inner)
    path.write_bytes(bytes(message))


def epub(words: Words, path: Path) -> None:
    chapter = f"<html><body><p>The ferry came to {words.at('body')}.</p></body></html>"
    nav = (
        '<html xmlns:epub="http://www.idpf.org/2007/ops"><body><nav epub:type="toc"><ol><li>'
        f'<a href="a.xhtml">{words.at("table of contents")}</a></li></ol></nav></body></html>'
    )
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{words.at('title')}</dc:title></metadata><manifest>"
        "<item id='a' href='a.xhtml' media-type='application/xhtml+xml'/>"
        "<item id='n' href='n.xhtml' properties='nav'/></manifest>"
        "<spine><itemref idref='a'/></spine></package>"
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="p.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr("META-INF/container.xml", container)
        book.writestr("p.opf", package)
        book.writestr("a.xhtml", chapter)
        book.writestr("n.xhtml", nav)


def rtf(words: Words, path: Path) -> None:
    path.write_text(
        rf"{{\rtf1\ansi{{\header {words.at('header')}\par}}Boats moor at {words.at('body')}"
        rf"{{\footnote {words.at('footnote')}}}.\par {{\trowd\cellx1 {words.at('table')}\cell\row}}}}"
    )


def packed(words: Words, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("notes/a.md", f"# Rigging\n\nThe forestay is at {words.at('text in an archive')}.\n")
        archive.writestr(f"{words.at('name of a member')}.txt", "High water.\n")


def html(words: Words, path: Path) -> None:
    page = (
        f"<html><head><title>{words.at('title')}</title></head><body><h1>{words.at('heading')}</h1>"
        f"<p>Boats moor at {words.at('body')}.</p><table><tr><td>{words.at('table')}</td></tr></table>"
        f'<img src="a.png" alt="{words.at("description of a picture")}">'
        f'<input value="{words.at("field of a form")}">'
        f'<iframe srcdoc="&lt;p&gt;{words.at("embedded page")}&lt;/p&gt;"></iframe>'
        f"<p>{''.join(f'&#{ord(c)};' for c in words.at('characters by their numbers'))}</p></body></html>"
    )
    path.write_text(page)


def ipynb(words: Words, path: Path) -> None:
    shown = {"data": {"text/html": f"<table><tr><td>{words.at('table that is shown')}</td></tr></table>"}}
    cells = [
        {"cell_type": "markdown", "source": [f"# Tides\n\n{words.at('text')}"]},
        {"cell_type": "markdown", "source": f"## Neap\n\n{words.at('text after a heading')}"},
        {
            "cell_type": "code",
            "source": f"{words.at('code')} = 1",
            "outputs": [
                {"output_type": "stream", "text": [words.at("output")]},
                {"output_type": "display_data", **shown},
            ],
        },
    ]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))


def ics(words: Words, path: Path) -> None:
    description = f"DESCRIPTION:Bring the trolley to {words.at('folded description')}"
    path.write_bytes(
        f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:{words.at('summary')}\r\n"
        f"{description[:45]}\r\n {description[45:]}\r\n"
        f'LOCATION:{words.at("place")}\r\nATTENDEE;CN="{words.at("person")}":mailto:a@example.org\r\nEND:VEVENT\r\n'
        "END:VCALENDAR\r\n".encode()
    )


def svg(words: Words, path: Path) -> None:
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg"><title>{words.at("title")}</title><desc>{words.at("description")}'
        f"</desc><text>{words.at('text')}</text></svg>"
    )


def po(words: Words, path: Path) -> None:
    path.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
        f'msgid "The ferry {words.at("message")}"\n'
        f'msgstr "Die "\n"{words.at("translation")}"\n'
    )


def man(words: Words, path: Path) -> None:
    path.write_text(
        f".TH TIDE 1\n.SH NAME\ntide \\- {words.at('name')}\n.SH OPTIONS\n"
        f".TP\n.B \\-n\nCounts {words.at('option')}.\n"
    )


def chat(words: Words, path: Path) -> None:
    in_pieces, misread = words.at("word in two pieces"), f"ä{words.at('letters written as bytes')}"
    text = ["The buoy is ", {"type": "bold", "text": in_pieces[:4]}, f"{in_pieces[4:]} and lies here."]
    messages = [{"id": number, "type": "message", "from": "Ada", "text": text} for number in range(300)]
    messages.append(
        {"id": 300, "type": "message", "from": "Ben", "text": f"Meet at {words.at('body')} at eight."}
    )
    messages.append({"id": 301, "text": f"I see {misread.encode().decode('latin-1')} from the quay."})
    words.places["letters written as bytes"] = misread
    path.write_text(json.dumps({"name": words.at("name of the chat"), "messages": messages}))


def csv(words: Words, path: Path) -> None:
    path.write_text(f'sep=;\n{words.at("column")};berth\n"{words.at("cell")};\nand more";4\n')


FORMATS: dict[str, Callable[[Words, Path], None]] = {
    "docx": docx, "xlsx": xlsx, "pptx": pptx, "pdf": pdf, "odt": odt, "eml": eml, "epub": epub, "rtf": rtf,
    "zip": packed, "html": html, "ipynb": ipynb, "ics": ics, "svg": svg, "po": po, "1": man, "json": chat,
    "csv": csv,
}  # fmt: skip


def main(folder: str, count: int) -> None:
    """Write so many files into the folder, the formats in turn."""
    for number in range(count):
        suffix, write = list(FORMATS.items())[number % len(FORMATS)]
        words, path = Words(number), Path(folder) / f"{number:03}.{suffix}"
        write(words, path)
        path.with_name(f"{path.name}.words").write_text(json.dumps(words.places))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
