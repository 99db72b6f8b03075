"""Office packages as programs other than Microsoft's write them: parts by other names, other separators."""

from __future__ import annotations

import io
import zipfile

import pytest
from support import documents

from index.extract import sniff
from index.extract.source import from_bytes
from index.types import Document

REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
W = 'xmlns:w="urn:w" xmlns:m="urn:mc"'
P = 'xmlns:p="urn:p" xmlns:a="urn:a" xmlns:r="urn:r" xmlns:m="urn:mc"'


def read(name: str, members: dict[str, str]) -> Document:
    return sniff.read(from_bytes(documents.zipped(dict(members)), name))


def links(*targets: tuple[str, str]) -> str:
    rows = (
        f'<Relationship Id="r{i}" Type="{REL}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(targets, 1)
    )
    return f"<Relationships>{''.join(rows)}</Relationships>"


def paragraph(words: str) -> str:
    return f"<w:p><w:r><w:t>{words}</w:t></w:r></w:p>"


def deck(*shapes: str, **names: str) -> dict[str, str]:
    """A presentation that shows slides by these names, one shape each."""
    parts = names or {f"slide{i}.xml": shape for i, shape in enumerate(shapes, 1)}
    order = "".join(f'<p:sldId r:id="r{i}"/>' for i in range(1, len(parts) + 1))
    return {
        "ppt/presentation.xml": f"<p:presentation {P}><p:sldIdLst>{order}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": links(*(("slide", f"slides/{name}") for name in parts)),
        **{f"ppt/slides/{name}": f"<p:sld {P}>{shape}</p:sld>" for name, shape in parts.items()},
    }


def shape(words: str) -> str:
    return f"<p:sp><p:txBody><a:p><a:r><a:t>{words}</a:t></a:r></a:p></p:txBody></p:sp>"


def sheet(cells: str, strings: str = "") -> dict[str, str]:
    return {
        "xl/workbook.xml": '<workbook xmlns:r="urn:r"><sheet name="S" r:id="r1"/></workbook>',
        "xl/_rels/workbook.xml.rels": links(
            ("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "s.xml")
        ),
        "xl/worksheets/sheet1.xml": f"<worksheet><sheetData>{cells}</sheetData></worksheet>",
        "xl/s.xml": f"<sst>{strings}</sst>",
    }


@pytest.mark.parametrize("main", ["word/mainDocument.xml", "document.xml", "text/körper.xml"])
def test_the_main_part_is_the_one_that_the_package_names(main: str) -> None:
    folder = main.rpartition("/")[0]
    members = {
        "_rels/.rels": links(("officeDocument", main)),
        main: f"<w:document {W}><w:body>{paragraph('Der Kiel ist fest')}</w:body></w:document>",
        f"{folder}/_rels/{main.rpartition('/')[2]}.rels".lstrip("/"): links(("footnotes", "/notes/f.xml")),
        "notes/f.xml": f"<w:footnotes {W}><w:footnote>{paragraph('Siehe Bl. 4')}</w:footnote></w:footnotes>",
    }
    text = read("a.docx", members).text
    assert "Der Kiel ist fest" in text and "Siehe Bl. 4" in text


@pytest.mark.parametrize(
    ("name", "members", "words"),
    [
        (
            "a.docx",
            {"word/document.xml": f"<w:document {W}><w:body>{paragraph('Großsegel')}</w:body></w:document>"},
            "Großsegel",
        ),
        ("a.pptx", deck(shape("Großsegel")), "Großsegel"),
        ("a.xlsx", sheet('<row><c t="str"><v>Großsegel</v></c></row>'), "Großsegel"),
        ("a.zip", {"notes/a.md": "Großsegel"}, "notes/a.md"),
    ],
)
def test_members_with_backslashes_are_in_folders(name: str, members: dict[str, str], words: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for member, content in members.items():
            info = zipfile.ZipInfo(member)
            info.filename = member.replace("/", "\\")
            archive.writestr(info, content)
    assert b"\\" in packed.getvalue()
    assert words in sniff.read(from_bytes(packed.getvalue(), name)).text


def test_slides_are_those_that_the_presentation_shows_by_whatever_names() -> None:
    members = deck(**{"Schluss.xml": shape("Zum Schluss"), "intro.xml": shape("Der Anfang")})
    members["ppt/slides/slide1.xml"] = f"<p:sld {P}>{shape('Gelöscht')}</p:sld>"
    document = read("a.pptx", members)
    assert document.text.split() == ["Zum", "Schluss", "Der", "Anfang"]
    assert len(document.pages) == 2


def test_slides_that_no_list_names_are_read_by_their_numbers() -> None:
    members = deck(shape("eins"), shape("zwei"))
    del members["ppt/presentation.xml"]
    assert read("a.pptx", members).text.split() == ["eins", "zwei"]


def test_of_alternatives_the_one_with_words_is_read() -> None:
    def either(choice: str, fallback: str) -> str:
        return (
            f"<m:AlternateContent><m:Choice>{choice}</m:Choice>"
            f"<m:Fallback>{fallback}</m:Fallback></m:AlternateContent>"
        )

    slides = deck(either("<p:pic/>", shape("Alte Mole")), either(shape("Neue Mole"), shape("Neue Mole")))
    assert read("a.pptx", slides).text.split() == ["Alte", "Mole", "Neue", "Mole"]
    body = either("<w:drawing/>", paragraph("Nur hier"))
    members = {"word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>"}
    assert read("a.docx", members).text.split() == ["Nur", "hier"]


def test_alternatives_within_alternatives_take_no_time_with_their_square() -> None:
    deep = "<m:AlternateContent><m:Choice>" * 3_000 + "</m:Choice><m:Fallback/></m:AlternateContent>" * 3_000
    assert read("a.pptx", deck(deep + shape("Ende"))).text.split() == ["Ende"]


def test_characters_that_xml_cannot_hold_are_as_typed() -> None:
    cells = '<row><c t="s"><v>0</v></c><c t="str"><v>Feld_x005F_x000D_</v></c><c t="s"><v>1</v></c></row>'
    strings = "<si><t>Erste_x000D_\nZeile</t></si><si><t>_xD83D__xDE00_ _xDE00_</t></si>"
    text = read("a.xlsx", sheet(cells, strings)).text
    assert "Erste Zeile" in text and "Feld_x000D_" in text and "😀 \ufffd" in text


def test_a_formula_without_a_value_gives_the_texts_in_it() -> None:
    cells = (
        '<row><c r="A1"><f>HYPERLINK("https://example.org/t","Fahrplan ""Fähre""")</f></c>'
        '<c r="B1"><f>SUM("9")</f><v>12</v></c><c r="C1"><f>A1+B1</f></c></row>'
    )
    text = read("a.xlsx", sheet(cells)).text
    assert 'https://example.org/t Fahrplan "Fähre" | 12' in text and "9 " not in text


def test_a_sheet_of_formatted_rows_is_read_to_its_last_row() -> None:
    rows = "".join(f'<row r="{i}"><c r="A{i}" s="1"/></row>' for i in range(150_000))
    cells = f'{rows}<row r="1048576"><c r="XFD1048576" t="str"><v>Letzte Pütz</v></c></row>'
    document = read("a.xlsx", sheet(cells))
    assert "Letzte Pütz" in document.text and not document.note


def test_case_and_escapes_make_no_difference_to_names_of_parts() -> None:
    members = sheet('<row><c t="s"><v>0</v></c></row>', "<si><t>Wantenspanner</t></si>")
    members["xl/S.XML"] = members.pop("xl/s.xml")
    members["xl/worksheets/sheet 1.xml"] = members.pop("xl/worksheets/sheet1.xml")
    rels = "xl/_rels/workbook.xml.rels"
    members[rels] = members[rels].replace("sheet1.xml", "sheet%201.xml")
    assert "Wantenspanner" in read("a.xlsx", members).text


def test_new_kinds_of_charts_are_rows_of_their_values() -> None:
    points = "<lvl><pt>Schleppkosten</pt><pt>Liegegeld</pt></lvl>"
    members = deck(shape("x"))
    members["ppt/slides/_rels/slide1.xml.rels"] = links(("chartEx", "../charts/chartEx1.xml"))
    members["ppt/charts/chartEx1.xml"] = (
        f"<chartSpace><chartData><data><strDim>{points}</strDim><numDim><lvl><pt>12</pt><pt>34</pt></lvl></numDim>"
        "</data></chartData><chart><title><tx><t>Wasserfall</t></tx></title></chart></chartSpace>"
    )
    text = read("a.pptx", members).text
    assert "Wasserfall" in text and "Schleppkosten: 12; Liegegeld: 34" in text


def test_what_cells_say_when_they_are_selected_is_read_once() -> None:
    members = sheet('<row><c t="str"><v>x</v></c></row>')
    rule = '<dataValidation promptTitle="Bootstyp" prompt="Jolle oder&#10;Kutter"/>'
    part = "xl/worksheets/sheet1.xml"
    members[part] = members[part].replace("</worksheet>", f"{rule * 2}</worksheet>")
    assert read("a.xlsx", members).text.count("Bootstyp: Jolle oder Kutter") == 1
