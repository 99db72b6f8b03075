"""Small workbooks of each format, put together by hand so that no writer of them is needed."""

from __future__ import annotations

import struct

from support.documents import zipped

_SECTOR = 512
_FREE, _END, _TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def xlsx() -> bytes:
    """Two sheets, with shared and inline strings, a date, a formula and merged cells."""
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    return zipped(
        {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
            "_rels/.rels": f'<Relationships xmlns="{relations}"><Relationship Id="rId1" Type="{_RELATION}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATION}"><workbookPr date1904="0"/><sheets>'
            '<sheet name="Berths" sheetId="1" r:id="rId1"/><sheet name="Dues" sheetId="2" state="hidden" r:id="rId2"/>'
            '</sheets><definedNames><definedName name="all">Berths!$A$1:$C$3</definedName></definedNames></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{relations}">'
            f'<Relationship Id="rId1" Type="{_RELATION}/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="rId2" Type="{_RELATION}/worksheet" Target="worksheets/sheet2.xml"/>'
            f'<Relationship Id="rId3" Type="{_RELATION}/sharedStrings" Target="sharedStrings.xml"/>'
            f'<Relationship Id="rId4" Type="{_RELATION}/styles" Target="styles.xml"/></Relationships>',
            "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}" count="3" uniqueCount="3"><si><t>name</t></si>'
            '<si><r><t xml:space="preserve">east </t></r><r><t>quay</t></r></si><si><t>harbour</t></si></sst>',
            "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><numFmts count="1"><numFmt numFmtId="170" '
            'formatCode="yyyy\\-mm\\-dd"/></numFmts><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="170"/></cellXfs>'
            "</styleSheet>",
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_MAIN}"><dimension ref="A1:C3"/><sheetData>'
            '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>2</v></c><c r="C1" t="inlineStr"><is><t>since</t>'
            '</is></c></row><row r="2"><c r="A2" t="str"><f>"He"&amp;"ron"</f><v>Heron</v></c><c r="B2" t="s"><v>1</v></c>'
            '<c r="C2" s="1"><v>44621.5</v></c></row><row r="3"><c r="B3" t="b"><v>1</v></c><c r="C3" t="e"><v>#DIV/0!</v>'
            '</c></row></sheetData><mergeCells count="1"><mergeCell ref="A2:A3"/></mergeCells></worksheet>',
            "xl/worksheets/sheet2.xml": f'<worksheet xmlns="{_MAIN}"><sheetData><row><c><v>12.5</v></c></row></sheetData></worksheet>',
        }
    )


def ods() -> bytes:
    """One sheet with a header, repeated cells and a number."""
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )

    def cell(words: str, more: str = 'office:value-type="string"') -> str:
        return f"<table:table-cell {more}><text:p>{words}</text:p></table:table-cell>"

    rows = "".join(
        f"<table:table-row>{cells}</table:table-row>"
        for cells in (
            cell("name") + cell("depth"),
            cell("Heron")
            + cell("2.4", 'office:value-type="float" office:value="2.4" table:number-columns-repeated="2"'),
        )
    )
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
            "content.xml": f"<office:document-content {spaces}><office:body><office:spreadsheet>"
            f'<table:table table:name="Berths">{rows}</table:table></office:spreadsheet></office:body></office:document-content>',
        }
    )


def xls() -> bytes:
    """A workbook of Excel 97: BIFF8 records ([MS-XLS] 2.4) in a compound file ([MS-CFB] 2)."""

    def record(kind: int, body: bytes = b"") -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    def begin(kind: int) -> bytes:
        return record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0, 0, 0, 0))

    def label(row: int, column: int, words: str) -> bytes:
        return record(0x0204, struct.pack("<HHHHB", row, column, 0, len(words), 0) + words.encode("latin-1"))

    name = b"Berths"
    sheet = b"".join(
        [
            begin(0x0010),
            label(0, 0, "name"),
            label(0, 1, "depth"),
            label(1, 0, "Heron"),
            record(0x0203, struct.pack("<HHHd", 1, 1, 0, 2.4)),
            record(0x000A),
        ]
    )
    start = len(begin(5)) + 4 + 8 + len(name) + 4
    bound = record(0x0085, struct.pack("<IBBBB", start, 0, 0, len(name), 0) + name)
    return _compound(b"Workbook", begin(0x0005) + bound + record(0x000A) + sheet)


def _compound(name: bytes, content: bytes) -> bytes:
    """A compound file of one stream, which is padded to the size below which streams are kept elsewhere."""
    content = content.ljust(8 * _SECTOR, b"\0")
    count = len(content) // _SECTOR
    table = [_TABLE, _END, *range(3, 2 + count), _END]
    table += [_FREE] * (_SECTOR // 4 - len(table))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    head += struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, _END, 0, _END, 0)
    head += struct.pack("<109I", 0, *[_FREE] * 108)
    root = _entry(b"Root Entry", 5, child=1, first=_END, size=0)
    folder = root + _entry(name, 2, child=_FREE, first=2, size=len(content)) + _entry(b"", 0, _FREE, 0, 0) * 2
    return head + struct.pack(f"<{len(table)}I", *table) + folder + content


def _entry(name: bytes, kind: int, child: int, first: int, size: int) -> bytes:
    wide = name.decode().encode("utf-16-le")
    length = len(wide) + 2 if wide else 0
    links = struct.pack("<HBBIII", length, kind, 1, _FREE, _FREE, child)
    return wide.ljust(64, b"\0") + links + b"\0" * 36 + struct.pack("<IQ", first, size)
