"""Text beside the body of office documents and PDF: margins, comments, descriptions, fields, other formats."""

from __future__ import annotations

import pytest
from support import containers, documents

from index.errors import FileSkipped
from index.extract import sniff
from index.extract.shown_value import formatted
from index.extract.source import from_bytes
from index.types import Document

W = 'xmlns:w="urn:w" xmlns:r="urn:r" xmlns:wp="urn:wp"'
OFFICE = 'xmlns:o="urn:office" xmlns:t="urn:text" xmlns:d="urn:draw" xmlns:s="urn:svg" xmlns:b="urn:table" xmlns:c="urn:dc"'
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def read(name: str, data: bytes | str) -> Document:
    return sniff.read(from_bytes(data.encode() if isinstance(data, str) else data, name))


def blocks(document: Document) -> list[str]:
    return [document.text[s.start : s.end] for s in document.sections]


def links(**parts: str) -> str:
    """References to parts: the last word of the type, its id, the target."""
    rows = (
        f'<Relationship Id="{part.split("|")[0]}" Type="{REL}/{kind.rstrip("_")}" Target="{part.split("|")[1]}"/>'
        for kind, part in parts.items()
    )
    return f"<Relationships>{''.join(rows)}</Relationships>"


def word(body: str, **parts: str) -> bytes:
    """A Word document of this body with these parts, named by their reference's type."""
    named = {"header": "word/header1.xml", "footer": "word/footer1.xml", "aFChunk": "word/chunk1.html"}
    return documents.zipped(
        {
            "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": links(**{kind: f"r{kind}|{named[kind][5:]}" for kind in parts}),
            **{named[kind]: content for kind, content in parts.items()},
        }
    )


def test_word_headers_and_footers_are_read_once() -> None:
    data = word(
        "<w:p><w:r><w:t>Dear members</w:t></w:r></w:p>",
        header=f"<w:hdr {W}><w:p><w:r><w:t>Reference 0417</w:t></w:r></w:p></w:hdr>",
        footer=f"<w:ftr {W}><w:p><w:r><w:t>For members only</w:t></w:r></w:p></w:ftr>",
    )
    assert blocks(read("a.docx", data)) == ["Reference 0417", "Dear members", "For members only"]


def test_a_part_in_another_format_stands_where_it_is() -> None:
    data = word(
        '<w:p><w:r><w:t>Cover</w:t></w:r></w:p><w:altChunk r:id="raFChunk"/><w:p><w:r><w:t>End</w:t></w:r></w:p>',
        aFChunk="<html><body><h1>Report</h1><p>The keel is sound.</p></body></html>",
    )
    assert blocks(read("a.docx", data)) == ["Cover", "Report", "The keel is sound.", "End"]


def test_what_is_said_of_a_picture_in_word_is_read() -> None:
    data = word(
        '<w:p><w:r><w:drawing><wp:docPr descr="A crane over the dock" title="Crane"/></w:drawing></w:r></w:p>'
    )
    assert read("a.docx", data).text.split("\n")[:2] == ["Crane", "A crane over the dock"]


def test_a_row_that_lays_out_a_page_keeps_its_headings() -> None:
    style = '<w:pPr><w:pStyle w:val="Heading1"/></w:pPr>'
    cell = f"<w:tc><w:p>{style}<w:r><w:t>Languages</w:t></w:r></w:p><w:p><w:r><w:t>Danish</w:t></w:r></w:p></w:tc>"
    document = read("a.docx", word(f"<w:tbl><w:tr>{cell}</w:tr></w:tbl>"))
    assert [(s.kind, s.heading) for s in document.sections] == [
        ("heading", ("Languages",)),
        ("prose", ("Languages",)),
    ]


def test_words_own_xml_is_read_packed_flat_or_of_2003() -> None:
    body = "<w:body><w:p><w:r><w:t>Boats moor here.</w:t></w:r></w:p></w:body>"
    space = 'xmlns:w="http://schemas.microsoft.com/office/word/2003/wordml"'
    assert (
        read("a.xml", f"<?xml version='1.0'?><w:wordDocument {space}>{body}</w:wordDocument>").kind == "docx"
    )
    part = f'<p:part p:name="/word/document.xml"><p:xmlData><w:document {W}>{body}</w:document></p:xmlData></p:part>'
    flat = f'<p:package xmlns:p="http://schemas.microsoft.com/office/2006/xmlPackage">{part}</p:package>'
    assert blocks(read("a.doc", flat)) == ["Boats moor here."]


def test_deleted_text_is_left_out_and_inserted_text_is_read() -> None:
    data = word(
        "<w:p><w:ins><w:r><w:t>new</w:t></w:r></w:ins><w:del><w:r><w:delText>old</w:delText></w:r></w:del></w:p>"
    )
    assert blocks(read("a.docx", data)) == ["new"]


def sheet(rows: str, *, styles: str = "", beside: str = "", **parts: str) -> bytes:
    """A workbook with one sheet of this XML; `parts` are its comments and drawings."""
    paths = {
        "comments": "xl/comments1.xml",
        "threadedComment": "xl/threadedComments/t1.xml",
        "drawing": "xl/drawings/d1.xml",
    }
    return documents.zipped(
        {
            "xl/workbook.xml": '<workbook xmlns:r="urn:r"><sheets><sheet name="Log" sheetId="1" state="hidden" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": links(worksheet="r1|worksheets/sheet1.xml", styles="r2|styles.xml"),
            "xl/styles.xml": f"<styleSheet>{styles}</styleSheet>",
            "xl/worksheets/sheet1.xml": f"<worksheet><sheetData>{rows}</sheetData>{beside}</worksheet>",
            "xl/worksheets/_rels/sheet1.xml.rels": links(**{k: f"x{k}|/{paths[k]}" for k in parts}),
            **{paths[k]: content for k, content in parts.items()},
        }
    )


def test_numbers_and_dates_are_as_the_sheet_shows_them() -> None:
    styles = (
        '<numFmts><numFmt numFmtId="164" formatCode="dd\\.mm\\.yyyy"/><numFmt numFmtId="165" formatCode="0.00E+00"/></numFmts>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="10"/></cellXfs>'
    )
    cells = '<c r="A1"><v>9783000000014</v></c><c r="B1" s="1"><v>46083</v></c><c r="C1" s="2"><v>9783000000014</v></c><c r="D1" s="3"><v>0.075</v></c>'
    text = read("a.xlsx", sheet(f'<row r="1">{cells}</row>', styles=styles)).text
    assert "| 9783000000014 | 02.03.2026 | 9.78E+12 (9783000000014) | 7.50% |" in text


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (1234.5, '#,##0.00 "€"', "1,234.50 €"),
        (-1234.5, "#,##0.00_);(#,##0.00)", "(1,234.50)"),
        (7, "00000", "00007"),
        (123456789, "000-00-0000", "123-45-6789"),
        (46083, "d mmmm yyyy", "2 March 2026"),
        (46083, "dd/mm/yy", "02/03/26 (2026-03-02)"),
        (46083.75, "yyyy-mm-dd hh:mm", "2026-03-02 18:00"),
        (0.5, "h:mm AM/PM", "12:00 PM"),
        (1.5, "[h]:mm", "36:00"),
        (1500000, '0.0,,"M"', "1.5M"),
        (0.1 + 0.2, "General", "0.3"),
        (1e20, "General", "100000000000000000000"),
        (-1, "yyyy", "-1"),
        (1, "0" * 5000, "1".rjust(500, "0")),
        (1e300, "yyyy-mm-dd", "1e+300"),
    ],
)
def test_a_number_format(value: float, code: str, shown: str) -> None:
    assert formatted(value, code) == shown


def test_a_cell_far_away_costs_nothing() -> None:
    rows = '<row r="1"><c r="A1" t="inlineStr"><is><t>near</t></is></c></row><row r="1048576"><c r="XFD1048576"><v>7</v></c></row>'
    assert blocks(read("a.xlsx", sheet(rows))) == ["Log", "| near |", "| 7 |"]


def test_comments_margins_and_drawings_of_a_sheet_are_read() -> None:
    data = sheet(
        '<row r="1"><c r="A1"><v>3</v></c></row>',
        beside="<headerFooter><oddHeader>&amp;L&amp;\"Arial,Bold\"Tide office &amp;P</oddHeader></headerFooter>",
        comments='<comments><authors><author>Ada</author></authors><commentList><comment ref="A1" authorId="0"><text><t>Measured twice</t></text></comment></commentList></comments>',
        threadedComment='<ThreadedComments><threadedComment ref="A1"><text>Asked again</text></threadedComment></ThreadedComments>',
        drawing='<wsDr><sp><nvSpPr><cNvPr descr="Arrow"/></nvSpPr><txBody><p><r><t>Look here</t></r></p></txBody></sp></wsDr>',
    )  # fmt: skip
    text = read("a.xlsx", data).text
    for words in ("Tide office", "A1: Ada: Measured twice", "A1: Asked again", "Arrow\nLook here"):
        assert words in text


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        ("Plan of 2026\n\nTask,Who,Due\nGrease,Ada,May\nPaint,Ben,June", "Task: Grease; Who: Ada; Due: May"),
        ("Item,2024,2025\nFee,410,430\nDues,900,950", "Item: Fee; 2024: 410; 2025: 430"),
        (
            "Account,DE12\nDay,From,Amount\n02.03.,Ada,12.00\n05.03.,Ben,8.00",
            "Day: 02.03.; From: Ada; Amount: 12.00",
        ),
        ("1,2,3\n4,5,6", "| 4 | 5 | 6 |"),
        ("2024,2025\n1,2", "2024: 1; 2025: 2"),
    ],
)
def test_the_row_that_names_the_columns_is_found(rows: str, shown: str) -> None:
    assert shown in blocks(read("a.csv", rows))


def test_excels_xml_of_2003_is_read_under_any_name() -> None:
    cell = '<Cell><Data ss:Type="{}">{}</Data></Cell>'
    rows = f"<Row>{cell.format('String', 'Part')}{cell.format('String', 'Code')}</Row>"
    rows += f"<Row>{cell.format('String', 'Shackle')}{cell.format('Number', '9783000000014')}</Row>"
    xml = f'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="Stock"><Table>{rows}</Table></Worksheet></Workbook>'
    for name in ("a.xls", "a.xml"):
        assert blocks(read(name, xml))[-1] == "Part: Shackle; Code: 9783000000014"


def slide(inner: str) -> str:
    return f'<p:sld xmlns:p="urn:p" xmlns:a="urn:a">{inner}</p:sld>'


def test_comments_descriptions_and_footers_of_slides_are_read() -> None:
    place = '<p:sp><p:nvSpPr><p:nvPr><p:ph type="{}"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>{}</a:t></a:r></a:p></p:txBody></p:sp>'
    bare = "<p:sp><p:txBody><a:p><a:r><a:t>Harbour office</a:t></a:r></a:p></p:txBody></p:sp>"
    data = documents.zipped(
        {
            "ppt/presentation.xml": "<p/>",
            "ppt/slides/slide1.xml": slide(
                place.format("title", "Plan") + place.format("ftr", "Draft 3") + place.format("sldNum", "1")
                + '<p:pic><p:nvPicPr><p:cNvPr descr="A crane"/></p:nvPicPr></p:pic>'
            ),
            "ppt/slides/_rels/slide1.xml.rels": links(comments="r1|../comments/comment1.xml"),
            "ppt/comments/comment1.xml": "<p:cmLst xmlns:p='urn:p'><p:cm><p:text>Too long</p:text></p:cm></p:cmLst>",
            "ppt/slides/slide2.xml": slide(place.format("title", "End") + place.format("ftr", "Draft 3")),
            "ppt/slideMasters/slideMaster1.xml": slide(bare + place.format("title", "Click to edit")),
        }
    )  # fmt: skip
    assert blocks(read("a.pptx", data)) == ["Plan", "Draft 3", "A crane", "Too long", "End", "Harbour office"]


def odt(body: str, styles: str = "") -> dict[str, str | bytes]:
    return {
        "content.xml": f"<o:document-content {OFFICE}><o:body><o:text>{body}</o:text></o:body></o:document-content>",
        "styles.xml": f"<o:document-styles {OFFICE}><o:master-styles>{styles}</o:master-styles></o:document-styles>",
    }


BESIDE = (
    "<t:p>Boats<o:annotation><c:creator>Ada</c:creator><t:p>Which boats?</t:p></o:annotation> moor here."
    "<d:frame><s:title>Photo</s:title><s:desc>A crane</s:desc></d:frame></t:p>"
)


def test_comments_margins_and_descriptions_of_opendocument_are_read() -> None:
    page = "<s:master-page><s:header><t:p>Reference 0417</t:p></s:header><s:footer><t:p>Page foot</t:p></s:footer></s:master-page>"
    text = blocks(read("a.odt", documents.zipped(odt(BESIDE, page))))
    assert text == ["Reference 0417", "Boats moor here.", "Ada: Which boats?", "Photo\nA crane", "Page foot"]


def test_flat_opendocument_is_read_like_the_packed() -> None:
    flat = f'<?xml version="1.0"?><o:document {OFFICE.replace("urn:office", "urn:oasis:names:tc:opendocument:xmlns:office:1.0")} o:mimetype="application/vnd.oasis.opendocument.text"><o:body><o:text>{BESIDE}</o:text></o:body></o:document>'
    assert blocks(read("a.fodt", flat)) == ["Boats moor here.", "Ada: Which boats?", "Photo\nA crane"]


def test_a_sheet_of_opendocument_shows_what_is_on_the_screen() -> None:
    cell = "<b:table-cell{}><t:p>{}</t:p></b:table-cell>"
    row = cell.format("", "Book") + cell.format(' o:value="9783000000014"', "9.78E+12")
    row += '<b:table-cell b:number-columns-repeated="16000"/>' + cell.format("", "far")
    xml = f"<o:document-content {OFFICE}><o:body><o:spreadsheet><b:table b:name='Stock'><b:table-row>{row}</b:table-row></b:table></o:spreadsheet></o:body></o:document-content>"
    assert blocks(read("a.ods", documents.zipped({"content.xml": xml}))) == [
        "Stock",
        "| Book | 9.78E+12 (9783000000014) | far |",
    ]


def annotated(*annotations: str, rotate: int = 0, drawn: str = "(Gauge) Tj") -> bytes:
    """A PDF of one page with these annotations."""
    content = f"BT /F1 12 Tf 72 700 Td {drawn} ET"
    first = 6
    kids = " ".join(f"{first + i} 0 R" for i in range(len(annotations)))
    return documents.numbered(
        [
            f"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [{kids}] >> >>",
            "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Rotate {rotate} /Contents 5 0 R "
            f"/Resources << /Font << /F1 3 0 R >> >> /Annots [{kids}] >>",
            f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
            *annotations,
            "<< /Title (Harbour) >>",
        ]
    )


def test_notes_and_filled_fields_of_a_pdf_are_read_on_their_page() -> None:
    box = "/Rect [72 600 200 620]"
    data = annotated(
        f"<< /Type /Annot /Subtype /Text {box} /T (Ada) /Contents (Compare with the barograph) >>",
        f"<< /Type /Annot /Subtype /FreeText {box} /DA (/F1 9 Tf) /Contents (Recalibrate) >>",
        f"<< /Type /Annot /Subtype /Widget /FT /Tx {box} /T (vessel) /TU (Name of vessel) /V (Heron) >>",
        f"<< /Type /Annot /Subtype /Widget /FT /Tx {box} /T (remarks) >>",
        f"<< /Type /Annot /Subtype /Link {box} /Contents (unsaid) >>",
    )
    assert blocks(read("a.pdf", data)) == [
        "Gauge",
        "Ada: Compare with the barograph",
        "Recalibrate",
        "Name of vessel: Heron",
    ]


@pytest.mark.parametrize(
    ("matrix", "rotate"), [("0 1 -1 0 300 72", 90), ("0 -1 1 0 300 700", 270), ("-1 0 0 -1 500 400", 0)]
)
def test_a_page_set_sideways_is_read_as_when_upright(matrix: str, rotate: int) -> None:
    lines = [
        "1 Sluice gates",
        *(f"The gate is opened at dawn by the keeper, {word}." for word in ("one", "two", "three")),
    ]
    drawn = f"1 0 0 1 0 0 Tm {matrix} Tm 14 TL " + " ".join(f"({line}) Tj T*" for line in lines)
    document = read("a.pdf", annotated(rotate=rotate, drawn=drawn))
    assert [s.heading for s in document.sections if s.kind == "heading"] == [("1 Sluice gates",)]
    assert blocks(document)[1].count("keeper") == 3


CHAPTER = "<html><body><p>The ferry came.</p><p id='late'>It left.</p></body></html>"


def book(**more: str | bytes) -> bytes:
    return documents.zipped(
        {
            "META-INF/container.xml": '<container><rootfile full-path="p.opf"/></container>',
            "p.opf": '<package><manifest><item id="a" href="a.xhtml"/><item id="n" href="n.xhtml" properties="nav"/>'
            '<item id="x" href="x.ncx" media-type="application/x-dtbncx+xml"/></manifest><spine><itemref idref="a"/></spine></package>',
            "a.xhtml": CHAPTER,
            **{name.replace("__", "/").replace("_", "."): content for name, content in more.items()},
        }
    )


NAV = "<html xmlns:e='urn:e'><body><nav e:type='toc'><ol><li><a href='a.xhtml'>Morning</a><ol><li><a href='a.xhtml#late'>Evening</a></li></ol></li></ol></nav></body></html>"
NCX = "<ncx><navMap><navPoint><navLabel><text>Morning</text></navLabel><content src='a.xhtml'/><navPoint><navLabel><text>Evening</text></navLabel><content src='a.xhtml#late'/></navPoint></navPoint></navMap></ncx>"


@pytest.mark.parametrize("contents", [{"n_xhtml": NAV}, {"x_ncx": NCX}])
def test_chapters_have_the_names_of_the_table_of_contents(contents: dict[str, str]) -> None:
    document = read("a.epub", book(**contents))
    assert [(document.text[s.start : s.end], s.heading) for s in document.sections if s.kind == "prose"] == [
        ("The ferry came.", ("Morning",)),
        ("It left.", ("Morning", "Evening")),
    ]


def test_a_book_that_is_locked_says_so() -> None:
    algorithm = "<encryption><EncryptedData><EncryptionMethod Algorithm='{}'/></EncryptedData></encryption>"
    with pytest.raises(FileSkipped, match="DRM"):
        read(
            "a.epub",
            book(
                **{
                    "META-INF__encryption_xml": algorithm.format(
                        "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
                    )
                }
            ),
        )
    fonts = algorithm.format("http://www.idpf.org/2008/embedding")
    assert "ferry" in read("a.epub", book(**{"META-INF__encryption_xml": fonts})).text


def test_old_office_gives_its_text() -> None:
    assert blocks(read("a.doc", containers.doc())) == [
        "Boats moor at the east quay.",
        "| name | depth |",
        "| Heron | 2.4 |",
    ]
    document = read("a.ppt", containers.ppt())
    assert (document.kind, blocks(document), len(document.pages)) == (
        "pptx",
        ["Harbour plan", "Welcome to the café"],
        1,
    )


def test_the_texts_of_pages_are_read() -> None:
    long = "The ferry leaves at six. " * 30
    assert blocks(read("a.pages", containers.pages("Timetable\nBoats", long))) == [
        "Timetable",
        "Boats",
        long.strip(),
    ]


RTF = (
    rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset128 MS Gothic;}}{\stylesheet{\s0 Normal;}}"
    rb"{\header\pard Reference 0417\par}{\info{\title Ha\'e9fen}}\pard Boats\~moor{\footnote\pard Except in June.} here.\par "
    rb"{\field{\*\fldinst HYPERLINK \"https://example.org\"}{\fldrslt tide tables}}\par \f1\'91\'44\f0  gauge \u8364?\par "
    rb"{\trowd\cellx1 name\cell depth\cell\row}{\*\annotation Which boats?}{\pict 89504e47}{\deleted gone}\par}"
)


def test_rtf_gives_notes_margins_tables_and_two_byte_characters() -> None:
    document = read("a.rtf", RTF.replace(b'\\"', b'"'))
    assert document.title == "Haéfen"
    text = blocks(document)
    assert text[:4] == [
        "Boats moor here.",
        "tide tables (https://example.org)",
        "船 gauge €",
        "| name | depth |",
    ]
    assert {"Reference 0417", "Except in June.", "Which boats?"} <= {*text[4:]}
    assert "gone" not in document.text
