"""Small documents of every format, made here so that no test needs a file from elsewhere."""

from __future__ import annotations

import io
import json
import zipfile
import zlib

from support.written import MAN, MDOC, RUST, SVG, C

MARKDOWN = """---
title: Field notes
tags: [birds, autumn]
---
# Field notes

Cranes rest on the flooded meadow from October on.

## Counting

| place | cranes |
| --- | --- |
| meadow | 412 |
| weir | 38 |

```python
def total(rows):
    return sum(rows)
```

> [!note] The weir freezes first; see [[Winter|the winter page]].

Setext heading
--------------

- one
- two
"""

LATEX = r"""\documentclass{article}
\title{On \emph{tides}}
\begin{document}
\section{Moon}
The moon pulls the water.
\subsection{Spring tides}
They come with the full moon.
\end{document}
"""

ORG = "#+TITLE: Garden\n* Beds\nBeans grow here.\n** TODO Weeding :work:\nPull the bindweed.\n"
RST = "======\nGarden\n======\n\nBeds\n----\n\nBeans grow here.\n\nPaths\n-----\n\nGravel.\n"
SRT = "1\n00:00:01,000 --> 00:00:02,000\nGood evening.\n\n2\n00:00:03,000 --> 00:00:05,500\n<i>The ferry has left.</i>\n"
VTT = "WEBVTT\n\n00:01.000 --> 00:04.000\nGood evening.\n\n00:05.000 --> 00:09.000 align:start\nThe ferry has left.\n"
HTML = """<!doctype html><html><head><title>Tide tables</title><style>p{}</style></head><body>
<nav>Home About</nav><h1>Tides</h1><p>High water is at <b>noon</b>.</p><script>var x = 1;</script>
<ul><li>Bring boots</li></ul><table><tr><th>day</th><th>metres</th></tr><tr><td>Monday</td><td>3.1</td></tr></table>
<pre>ebb()
flow()</pre><h2>Wind</h2><div>From the west<br>all day</div></body></html>"""
EML = (
    b"From: Ada <ada@example.org>\r\nTo: Ben <ben@example.org>\r\nSubject: =?utf-8?q?Ferry_caf=C3=A9?=\r\n"
    b"Date: Mon, 02 Mar 2026 09:30:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    b"--x\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\nThe ferry leaves from the caf\xe9 at six.\r\n"
    b"--x\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=timetable.pdf\r\n\r\nxx\r\n--x--\r\n"
)
MBOX = b"From a@b Mon Mar  2 09:30:00 2026\n" + EML.replace(b"\r\n", b"\n") + b"\nFrom a@b Mon Mar  2 09:31:00 2026\nFrom: c@d\nSubject: Second\n\nThe second letter.\n"  # fmt: skip
RTF = rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}}{\info{\title Harbour rules}}\pard Moor at the east quay.\par No fires on deck.\par}"
CSV = "name;harbour;depth\nHeron;east quay;2.4\nTern;north basin;3.1\n"
NOTEBOOK = json.dumps(
    {
        "cells": [
            {"cell_type": "markdown", "source": ["# Tide model\n", "Two harmonics are enough."]},
            {
                "cell_type": "code",
                "source": "fit(2)",
                "outputs": [{"output_type": "stream", "text": ["error 0.02\n"]}],
            },
        ],
        "metadata": {"kernelspec": {"language": "python"}},
    }
)
ENEX = (
    "<?xml version='1.0'?>\n<en-export>\n<note><title>Pear</title><tag>garden</tag><content><![CDATA[<en-note>"
    "<h1>Tying</h1><p>Tie it in March.</p></en-note>]]></content><resource><data encoding='base64'>AAAA</data>"
    "</resource></note>\n</en-export>\n"
)
VCARD = (
    "BEGIN:VCARD\nVERSION:2.1\nN:Ferry;Ada\nFN:Ada Ferry\nNOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:B=C3=B6rte=\n"
    " and quay\nTEL;TYPE=cell:+49 30 12\nORG:Pier\\, east;Loft\nEND:VCARD\n"
)
CALENDAR = (
    "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Slip the boat\nDTSTART;TZID=Europe/Berlin:20260302T083000\n"
    'DESCRIPTION:Bring the\\ntrolley\n  and straps\nATTENDEE;CN="Ada":mailto:ada@example.org\nEND:VEVENT\nEND:VCALENDAR\n'
)
LDIF = (
    "dn: cn=Ada Ferry,dc=example\nobjectClass: person\ncn: Ada Ferry\ndescription:: TWVuZHMgc2FpbHMgYXQgdGhlIEbD\n"
    " pGhyZQ==\nmail: ada@example.org\njpegPhoto:: /9j/4AAQ\n\ndn: cn=Ben,dc=example\ncn: Ben\nsn: The long\n  name\n"
)
BIBTEX = '@article{a1,\n  title = {{H}erring in f{\\"o}rden},\n  author = {M{\\"u}ller, J\\o rg},\n}\n@book{b2, title = "Tides"}\n'
CANVAS = '{"nodes": [{"id": "a", "type": "text", "text": "# Refit\\n\\nUnstep the mast"}], "edges": [{"label": "then"}]}'
OPML = "<opml><body><outline text='Rigging'><outline text='Replace the forestay' _note='Order it'/></outline></body></opml>"
PO = r"""msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\n"

#. Shown at the quay
msgid "The ferry\n"
"leaves"
msgstr "Die Fähre\n"
"legt ab"
"""

ASS = "[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\i1}Good, evening{\\i0}\\NAnna\n"
YAML = "greeting: The ferry leaves at six in the evening.\nrules:\n  - No fires on the deck at any time.\n"
JSON = '{\n  "note": "The caf\\u00e9 closes when the last ferry has left.",\n  "n": 3\n}\n'
PYTHON = '''"""Tides."""

import math


class Tide:
    """One tide."""

    def height(self, hour: float) -> float:
        return math.sin(hour)

    @property
    def name(self) -> str:
        return "spring"


def main() -> None:
    print(Tide().height(3))
'''


TYPESCRIPT = """export interface Tide { name: string }

export class Model<T extends Tide> {
  constructor(private tide: T) {}
  async height(hour: number): Promise<number> { return Math.sin(hour); }
}

export const main = () => new Model({ name: `spring ${1}` });
"""
SHELL = '#!/bin/sh\n# Tides.\nheight() {\n  echo "$1" <<END\nspring\nEND\n}\n\nheight 3\n'
SQL = "CREATE TABLE tides (hour INT, height REAL);\n\n-- The highest.\nSELECT max(height) FROM tides;\n"
ASCIIDOC = "= Garden\n\n== Beds\n\nBeans grow here.\n\n=== Paths\n\n----\nGravel.\n----\n"
SBV = "0:00:01.000,0:00:02.000\nGood evening.\n\n0:00:03.000,0:00:05.500\nThe ferry has left.\n"
XML = "<?xml version='1.0'?>\n<rules><!-- old -->\n<rule id='1'>No fires on the deck &amp; no songs.</rule>\n</rules>\n"
TOML = '[harbour]\nrule = "No fires on the deck at any time."\n\n[[berth]]\nname = "east quay"\n'
PASSWORDS = "The door.\n\npassword: k3Xq-91zT-wwPl\n\nThe garden gate is never locked at night.\n"
NESTED = b"""From: =?iso-8859-1?Q?Andr=E9?= <a@example.org>
Subject: Two
 lines
Date: yesterday
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="out"

--out
Content-Type: multipart/alternative; boundary="in"

--in
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

The ferry leaves=20from the caf=C3=A9.
--in
Content-Type: text/html; charset=utf-8

<p>The ferry <b>leaves</b>.</p>
--in--
--out
Content-Type: message/rfc822

From: c@example.org
Subject: Inner

The inner letter.
--out
Content-Type: text/plain; name*=utf-8''caf%C3%A9.txt
Content-Disposition: attachment; filename="=?utf-8?b?Y2Fmw6k=?="
Content-Transfer-Encoding: base64

VGhlIGZlcnJ5
--out--
"""


def zipped(members: dict[str, str | bytes]) -> bytes:
    """An archive of these members, the same bytes whenever it is made."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return held.getvalue()


_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def _paragraph(words: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{words}</w:t></w:r></w:p>"


def docx(body: str = "") -> bytes:
    """A Word document with a heading, a table, a text box and a footnote."""
    row = "<w:tr>" + "".join(f"<w:tc>{_paragraph(w)}</w:tc>" for w in ("meadow", "412")) + "</w:tr>"
    box = (
        f"<w:p><w:r><w:pict><w:txbxContent>{_paragraph('Inside a box')}</w:txbxContent></w:pict></w:r></w:p>"
    )
    inner = body or (
        _paragraph("Harbour", "Heading1")
        + _paragraph("Boats moor at the east quay.")
        + f"<w:tbl>{row}</w:tbl>"
        + box
    )
    notes = (
        f'<w:footnotes {_W}><w:footnote w:id="2">{_paragraph("Except in June.")}</w:footnote></w:footnotes>'
    )
    return zipped(
        {
            "word/document.xml": f"<w:document {_W}><w:body>{inner}</w:body></w:document>",
            "word/footnotes.xml": notes,
            "docProps/core.xml": '<c xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Harbour rules</dc:title></c>',
        }
    )


def pptx() -> bytes:
    """Two slides stored out of order, the first with speaker's notes."""
    spaces = (
        'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    )

    def shape(words: str, place: str) -> str:
        return (
            f'<p:sp><p:nvSpPr><p:nvPr><p:ph type="{place}"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>{words}'
            "</a:t></a:r></a:p></p:txBody></p:sp>"
        )

    def links(*pairs: tuple[str, str]) -> str:
        return "<R>" + "".join(f'<Relationship Id="{i}" Target="{t}"/>' for i, t in pairs) + "</R>"

    return zipped(
        {
            "ppt/presentation.xml": f'<p:presentation {spaces}><p:sldIdLst><p:sldId id="256" r:id="r2"/>'
            '<p:sldId id="257" r:id="r1"/></p:sldIdLst></p:presentation>',
            "ppt/_rels/presentation.xml.rels": links(
                ("r1", "slides/slide1.xml"), ("r2", "slides/slide2.xml")
            ),
            "ppt/slides/slide1.xml": f"<p:sld {spaces}>{shape('Ending', 'title')}{shape('Thanks', 'body')}</p:sld>",
            "ppt/slides/slide2.xml": f"<p:sld {spaces}>{shape('Opening', 'title')}{shape('Welcome', 'body')}</p:sld>",
            "ppt/slides/_rels/slide2.xml.rels": links(("n1", "../notesSlides/notesSlide1.xml")),
            "ppt/notesSlides/notesSlide1.xml": f"<p:notes {spaces}>{shape('Speak slowly', 'body')}</p:notes>",
        }
    )


def odt() -> bytes:
    """An OpenDocument text with a heading, a list and a table."""
    spaces = (
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    )
    cells = "".join(f"<table:table-cell><text:p>{w}</text:p></table:table-cell>" for w in ("weir", "38"))
    return zipped(
        {
            "content.xml": f'<office:document-content {spaces}><office:body><office:text><text:h text:outline-level="1">'
            "Harbour</text:h><text:p>Boats<text:s/>moor <text:span>here</text:span> now.</text:p><text:list>"
            "<text:list-item><text:p>ropes</text:p></text:list-item></text:list><table:table><table:table-row>"
            f"{cells}</table:table-row></table:table></office:text></office:body></office:document-content>"
        }
    )


def odp() -> bytes:
    """Two OpenDocument slides, one with notes."""
    names = ("office", "text", "drawing", "presentation")
    spaces = " ".join(f'xmlns:{n[:4]}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in names)
    box = "<draw:frame><draw:text-box><text:p>Welcome</text:p></draw:text-box></draw:frame>"
    notes = "<pres:notes><draw:frame><draw:text-box><text:p>Slowly</text:p></draw:text-box></draw:frame></pres:notes>"
    return zipped(
        {
            "content.xml": f"<offi:document-content {spaces}><offi:body><offi:presentation>"
            f'<draw:page draw:name="1">{box}{notes}</draw:page><draw:page>{box}</draw:page>'
            "</offi:presentation></offi:body></offi:document-content>",
            "meta.xml": "<meta><title>Opening night</title></meta>",
        }
    )


def epub() -> bytes:
    """A book of two chapters, named in the package in the other order than stored."""
    return zipped(
        {
            "META-INF/container.xml": '<container><rootfile full-path="b/p.opf"/></container>',
            "b/p.opf": "<package><metadata><title>The ferry</title></metadata><manifest>"
            '<item id="x" href="2.xhtml"/><item id="y" href="1.xhtml"/></manifest>'
            '<spine><itemref idref="y"/><itemref idref="x"/></spine></package>',
            "b/2.xhtml": "<html><body><h1>Evening</h1><p>It left.</p></body></html>",
            "b/1.xhtml": "<html><body><h1>Morning</h1><p>It came.</p></body></html>",
        }
    )


def pdf(pages: list[list[tuple[int, int, int, str]]], title: str = "") -> bytes:
    """A PDF whose pages hold lines given as x, y, size and words."""
    count = len(pages)
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(count))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for i, lines in enumerate(pages):
        drawn = "".join(f"BT /F1 {size} Tf {x} {y} Td ({words}) Tj ET\n" for x, y, size, words in lines)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * i} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}endstream")
    objects.append(f"<< /Title ({title}) >>")
    return numbered(objects)


def outlined_pdf() -> bytes:
    """A PDF with a compressed page, an outline, an embedded encoding to Unicode, and a page inherited."""
    drawn = zlib.compress(
        b"BT /F1 12 Tf 14 TL 72 700 Td (Boats moor at the east) ' (quay-) ' [(A) -3000 (B)] TJ ET"
    )
    unicode = "1 beginbfchar <41> <00410042> endbfchar 1 beginbfrange <42> <44> <0062> endbfrange"
    return numbered(
        [
            "<< /Type /Catalog /Pages 2 0 R /Outlines 6 0 R >>",
            "<< /Type /Pages /Kids [4 0 R 4 0 R] /Count 2 /MediaBox [0 0 612 792] >>",
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 8 0 R "
            "/Encoding << /Differences [65 /alpha /beta] >> >>",
            "<< /Type /Page /Parent 2 0 R /Contents [5 0 R] /Rotate 90 /Resources << /Font << /F1 3 0 R >> >> >>",
            f"<< /Length {len(drawn)} /Filter /FlateDecode >>\nstream\n{drawn.decode('latin-1')}\nendstream",
            "<< /Type /Outlines /First 7 0 R /Last 7 0 R /Count 1 >>",
            "<< /Title <FEFF004D006F006F007200690067> /Parent 6 0 R /Dest [4 0 R /XYZ 0 700 0] >>",
            f"<< /Length {len(unicode)} >>\nstream\n{unicode}\nendstream",
            "<< /Title (Harbour guide) >>",
        ]
    )


def numbered(objects: list[str]) -> bytes:
    """The objects as a file: the first is the catalog, the last the information."""
    body, offsets = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    end = f"trailer << /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R >>\nstartxref\n{len(body)}\n%%EOF"
    return f"{body}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{end}".encode("latin-1")


def every() -> dict[str, bytes]:
    """A readable file of each kind, by name."""
    from support import containers, workbooks, zotero

    return {
        "a.md": MARKDOWN.encode(), "a.txt": "One paragraph.\n\nAnother one.".encode("utf-16"), "a.py": PYTHON.encode(),
        "a.rs": RUST.encode(), "a.c": C.encode(), "a.ts": TYPESCRIPT.encode(), "a.sh": SHELL.encode(), "a.sql": SQL.encode(),
        "a.tex": LATEX.encode(), "a.org": ORG.encode(), "a.rst": RST.encode(), "a.adoc": ASCIIDOC.encode(),
        "a.srt": SRT.encode(), "a.vtt": VTT.encode(), "a.sbv": SBV.encode(), "a.html": HTML.encode(),
        "a.eml": EML, "nested.eml": NESTED, "a.mbox": MBOX, "a.rtf": RTF, "b.txt": PASSWORDS.encode(),
        "a.csv": CSV.encode(), "a.tsv": CSV.replace(";", "\t").encode(), "a.ipynb": NOTEBOOK.encode(),
        "a.yaml": YAML.encode(), "a.json": JSON.encode(), "a.xml": XML.encode(), "a.toml": TOML.encode(),
        "a.docx": docx(), "a.pptx": pptx(), "a.odt": odt(), "a.odp": odp(), "a.epub": epub(),
        "a.xlsx": workbooks.xlsx(), "a.xls": workbooks.xls(), "a.ods": workbooks.ods(),
        "a.zip": zipped({"tax/2025.pdf": b"%PDF", "photos/cranes.jpg": b"x"}),
        "b.zip": zipped({"notes/a.md": MARKDOWN, "mail.eml": EML}), "a.7z": containers.seven_zip({"notes/a.md": MARKDOWN.encode(), "b.txt": b"cranes"}),
        "a.tar.gz": containers.PACKERS[".gz"](containers.tar({"notes/a.md": MARKDOWN.encode()})), "a.tar": containers.tar({"a.csv": CSV.encode()}),
        "a.mhtml": containers.MHTML, "a.msg": containers.msg(), "winmail.dat": containers.tnef(), "a.doc": containers.doc(),
        "a.ppt": containers.ppt(), "a.odg": containers.odg(), "a.pages": containers.pages(),
        "a.pdf": pdf([[(72, 700, 24, "A harbour guide"), (72, 650, 11, "Boats moor at the east quay.")]]),
        "b.pdf": outlined_pdf(), "a.enex": ENEX.encode(), "a.vcf": VCARD.encode(), "a.ics": CALENDAR.encode(),
        "a.bib": BIBTEX.encode(), "a.canvas": CANVAS.encode(), "a.opml": OPML.encode(), "a.ass": ASS.encode(), "a.po": PO.encode(),
        "a.ldif": LDIF.encode(), "a.txt.p7m": containers.signed(b"Boats moor at the east quay."),
        "a.svg": SVG.encode(), "tide.1": MAN.encode(), "ebb.8": MDOC.encode(),
        "tide.1.gz": containers.PACKERS[".gz"](MAN.encode()),
        "zotero.sqlite": zotero.content({"ABCD1234/tides.pdf": zotero.TIDES}),
    }  # fmt: skip
