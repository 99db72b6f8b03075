"""JSON, XML and their like: what in them is language is read, as a person wrote it, at its line."""

from __future__ import annotations

import base64
import json
import plistlib
import zlib
from urllib.parse import quote

import pytest
from support.documents import PO

from index.errors import FileFailed, FileSkipped
from index.extract import sniff
from index.extract.json_text import unescaped
from index.extract.source import from_bytes
from index.extract.xml_text import xml_text
from index.types import Document

SENTENCES = {
    "hi": "मछुआरे ने सुबह जाल डाला और शाम तक इंतज़ार किया।",
    "th": "เรือข้ามฟากลำแรกออกจากท่าเรือทางใต้เวลาหกโมงเช้า",
    "bn": "জেলেরা সকালে জাল ফেলে সন্ধ্যা পর্যন্ত অপেক্ষা করল।",
    "ta": "மீனவர்கள் காலையில் வலை வீசி மாலை வரை காத்திருந்தனர்.",
    "he": "הַמַּעְבֹּרֶת הָרִאשׁוֹנָה יוֹצֵאת מֵהָרָצִיף",
    "ar": "تُغَادِرُ السَّفِينَةُ الأُولَى مِنَ الرَّصِيفِ",
    "zh": "船晾干，填缝，刷油。",
    "en": "who has the key to the boathouse please",
}


def read(name: str, data: str | bytes) -> Document:
    return sniff.read(from_bytes(data.encode() if isinstance(data, str) else data, name))


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize("name", ["a.json", "a.yaml", "a.xml"])
def test_prose_is_prose_in_any_script(language: str, name: str) -> None:
    said = SENTENCES[language]
    if name == "a.json":
        text = json.dumps([{"id": i, "t": f"{said} ({i})"} for i in range(600)], ensure_ascii=False, indent=1)
    elif name == "a.yaml":
        text = "".join(f"- id: {i}\n  t: {said} ({i})\n" for i in range(600))
    else:
        text = "<a>" + "".join(f"<b><i>{i}</i><t>{said} ({i})</t></b>\n" for i in range(600)) + "</a>"
    document = read(name, text)
    assert document.text.count(said) == 600


def chat(count: int) -> str:
    """A chat as programs export it: hardly a character of it was typed by a person."""
    messages = [
        {
            "id": f"{10**17 + i}", "type": "Default", "timestamp": "2026-03-02T08:00:00.000+00:00",
            "isPinned": False, "content": f"we left number {i} under the blue bucket",
            "author": {"id": f"{2 * 10**17 + i % 7}", "name": f"Anna {'ABCDEFG'[i % 7]}", "color": "#E91E63",
                       "avatarUrl": f"https://cdn.example.org/avatars/{i:032x}.png?size=512"},
        }
        for i in range(count)
    ]  # fmt: skip
    return json.dumps({"guild": {"name": "Rowing club"}, "messages": messages}, indent=2)


def test_a_chat_is_read_without_what_programs_wrote() -> None:
    text = chat(300)
    document = read("chat.json", text)
    assert document.text.count("under the blue bucket") == 300
    assert "Rowing club" in document.text and "name: Anna A" in document.text
    assert "avatars" not in document.text and "E91E63" not in document.text
    at = document.text.index("number 250 ")
    assert document.lines is not None
    line = next(line for start, line in reversed(document.lines) if start <= at)
    assert "number 250 " in text.splitlines()[line - 1]


def test_json_of_one_line_is_read() -> None:
    document = read("chat.json", json.dumps(json.loads(chat(200))))
    assert document.text.count("under the blue bucket") == 200
    assert {line for _, line in document.lines or ()} == {1}


@pytest.mark.parametrize("depth", range(5))
def test_escapes_are_resolved_until_none_is_left(depth: int) -> None:
    text = 'Kettle descaled.\nTurnbuckle replaced.\tWindlass "greased".'
    for _ in range(depth):
        text = json.dumps({"name": "shell", "output": text})
    found = " ".join(read("a.jsonl", json.dumps({"payload": text}) + "\n").text.split())
    assert "descaled. Turnbuckle replaced. Windlass" in found
    assert "\\" not in found


@pytest.mark.parametrize(
    "text", ["C:\\new\\table", "\\frac{a}{b} and \\nabla", 'a "quoted" word', "é ☃ 👍", "a/b"]
)
def test_a_backslash_that_was_meant_stays(text: str) -> None:
    assert unescaped(json.dumps(text)[1:-1]) == text


def test_a_canvas_gives_the_text_of_its_cards() -> None:
    card = {"id": "a1", "type": "text", "text": "# Refit\n\nFlicken\nPersenning", "x": -200}
    edge = {"id": "e1", "fromNode": "a1", "label": "before frost"}
    text = read("a.canvas", json.dumps({"nodes": [card], "edges": [edge]}, indent="\t")).text
    assert "Flicken\nPersenning" in text and "before frost" in text
    assert '"' not in text and "\\n" not in text and "a1" not in text


def test_broken_json_is_read_as_far_as_it_goes() -> None:
    assert "under the blue bucket" in read("a.json", chat(300)[:20_000]).text


XML = [
    ("<a><b>Žízeň</b><c>Převozník čeká</c></a>", "Žízeň Převozník čeká"),
    ("<a><b><![CDATA[<p>Oil the&nbsp;hinge</p><p>twice</p>]]></b></a>", "Oil the hinge twice"),
    (
        "<a><b>&lt;p&gt;Oil the &amp;amp; hinge&lt;/p&gt;&lt;p&gt;twice&lt;/p&gt;</b></a>",
        "Oil the & hinge twice",
    ),
    (
        "<a><sms body='The dinghy &quot;Moth&quot; is gone' type='1' date='17'/></a>",
        'The dinghy "Moth" is gone',
    ),
    (
        '<opml><body><outline text="Rigging"><outline text="Plumbing"/></outline></body></opml>',
        "Rigging Plumbing",
    ),
    ('<map><node TEXT="Oil" ID="ID_1"><node TEXT="Hinge"/></node></map>', "Oil Hinge"),
    ("<a><!-- <b>no</b> --><b>yes sir</b></a>", "yes sir"),
    ("<a><b>if a &lt; b and c &gt; d then</b></a>", "if a < b and c > d then"),
    ("<gpx><wpt lat='1'><name>Weir</name><desc>Portage left</desc></wpt></gpx>", "Weir Portage left"),
]


@pytest.mark.parametrize(("xml", "text"), XML, ids=range(len(XML)))
@pytest.mark.parametrize("name", ["a.xml", "a.opml", "a.mm", "a.gpx", "a.rss"])
def test_xml_gives_its_text_with_blanks_for_tags(xml: str, text: str, name: str) -> None:
    assert " ".join(read(name, f'<?xml version="1.0"?>{xml}').text.split()) == text
    assert " ".join(read(name, f"<?xml version='1.0'?>\n{xml}".encode("utf-16")).text.split()) == text


def test_xml_keeps_its_lines() -> None:
    lines = [f"<a>\n<!-- one\ntwo --><b\n  c='d'>word{i}</b>\n" for i in range(50)]
    text = "<r>" + "".join(lines) + "</r>"
    read_text = read("a.xml", text).text
    for i in (0, 20, 49):
        assert read_text[: read_text.index(f"word{i}")].count("\n") == text[: text.index(f"word{i}")].count(
            "\n"
        )


def test_numbers_alone_are_left_out_with_the_reason() -> None:
    numbers = json.dumps([{"id": i, "value": i * 7, "hash": f"{i:040x}"} for i in range(4_000)])
    with pytest.raises(FileSkipped, match="hardly any prose"):
        read("a.json", numbers)


def test_a_property_list_in_binary_form_is_read() -> None:
    held = {"URL": "https://harbour.example/ferry", "Note": "the ferryman waits", "Blob": b"\0\1" * 50}
    text = read("a.webloc", plistlib.dumps(held, fmt=plistlib.FMT_BINARY)).text
    assert "https://harbour.example/ferry" in text and "the ferryman waits" in text
    with pytest.raises(FileFailed, match="cannot be decoded"):
        read("a.plist", b"bplist00" + b"\xff" * 40)


def drawn(xml: str) -> str:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = deflate.compress(quote(xml).encode()) + deflate.flush()
    return f"<mxfile><diagram name='Plan'>{base64.b64encode(packed).decode()}</diagram></mxfile>"


def test_a_compressed_drawing_gives_its_words() -> None:
    xml = "<mxGraphModel><root><mxCell value='Lighthouse &lt;b&gt;keeper&lt;/b&gt;'/></root></mxGraphModel>"
    text = read("plan.drawio", drawn(xml)).text
    assert "Lighthouse keeper" in " ".join(text.split()) and "<" not in text
    damaged = drawn(xml).replace("</diagram>", "AAAA</diagram>")
    assert "Plan" in read("plan.drawio", damaged.replace(">7", ">/", 1)).text


def test_a_catalog_of_translations_gives_its_messages_at_their_lines() -> None:
    document = read("de.po", PO)
    assert document.text.split("\n\n")[1] == "Shown at the quay\nThe ferry leaves\nDie Fähre legt ab"
    at = document.text.index("Die Fähre")
    assert max(line for position, line in document.lines if position <= at) == 7


def test_entities_that_xml_declares_itself_are_their_words() -> None:
    xml = (
        '<?xml version="1.0"?>\n<!DOCTYPE book SYSTEM "b.dtd" [\n<!ENTITY firma "Nordwerft">\n'
        "<!ENTITY more '&firma; twice'>\n<!ENTITY % p 'x'>\n]>\n<book><para>"
        "Die &firma; baut &more; &amp; &other;.</para></book>"
    )
    document = sniff.read(from_bytes(xml.encode(), "a.xml"))
    assert "Die Nordwerft baut &more; & &other;." in document.text
    assert "DOCTYPE" not in document.text and "twice" not in document.text
    assert document.text.split("\n").index("  Die Nordwerft baut &more; & &other;.  ") == 6


def test_entities_that_grow_without_end_stay_as_they_are() -> None:
    xml = f'<!DOCTYPE a [<!ENTITY b "{"word " * 90}">]><a>{"&b; " * 100_000}</a>'
    assert len(xml_text(xml)) < 1_000_000
