"""Data inside a text makes no passage, whatever the format; words, numbers and addresses stay."""

from __future__ import annotations

import base64
import json
import random
import zlib

import pytest
from support.sound import by_bytes, check_document, check_passages

from index.errors import FileSkipped
from index.extract import sniff
from index.extract.no_language import is_language
from index.extract.source import from_bytes
from index.passages.chunker import chunk_document
from index.types import Document

CHANCE = random.Random(4)
BYTES = CHANCE.randbytes(30_000)
BASE64 = base64.b64encode(BYTES).decode()
LINES = base64.encodebytes(BYTES).decode()
HEX = BYTES.hex()
BEFORE, AFTER = "The hinge squeaks; oil it.", "The flue is swept in October."


def dump(data: bytes) -> str:
    rows = (data[i : i + 16] for i in range(0, len(data), 16))
    return "\n".join(f"{16 * i:08x}: {row.hex(' ', 2)}  {'.' * len(row)}" for i, row in enumerate(rows))


def minified() -> str:
    return "".join(f"function a{i}(b,c){{return b.d(c)||e[{i}]}}var f{i}=a{i}(g,h);" for i in range(600))


DATA = {
    "address": f"![photo](data:image/png;base64,{BASE64})",
    "reference": f"[1]: <data:image/png;base64,{BASE64}>",
    "lines": LINES,
    "quoted": "\n".join(f"> {line}" for line in LINES.split()),
    "pem": "-----BEGIN CERTIFICATE-----\n" + LINES + "-----END CERTIFICATE-----",
    "hex": HEX,
    "hex lines": "\n".join(HEX[i : i + 64] for i in range(0, 20_000, 64)),
    "dump": dump(BYTES[:6_000]),
    "drawing": "```compressed-json\n"
    + "\n\n".join(BASE64[i : i + 256] for i in range(0, 30_000, 256))
    + "\n```",
    "base64url": base64.urlsafe_b64encode(zlib.compress(BYTES)).decode(),
    "minified": minified(),
    "numbers": "[" + ", ".join(f"{CHANCE.random():.6f}" for _ in range(3_000)) + "]",
    "sequence": "\n".join("".join(CHANCE.choices("ACGT", k=70)) for _ in range(200)),
}


def read(name: str, text: str) -> Document:
    document = sniff.read(from_bytes(text.encode(), name))
    check_document(document)
    check_passages(document, chunk_document(document, "a", by_bytes, size=1_000), by_bytes, 1_000)
    return document


@pytest.mark.parametrize("what", DATA)
@pytest.mark.parametrize("name", ["a.md", "a.txt", "a.org", "a.log"])
def test_data_is_taken_out_and_lines_keep_their_numbers(what: str, name: str) -> None:
    text = f"# Hut\n\n{BEFORE}\n\n{DATA[what]}\n\n{AFTER}\n"
    document = read(name, text)
    assert len(document.text) < 1_500
    assert document.text.index(AFTER) and BEFORE in document.text
    line = document.text[: document.text.index(AFTER)].count("\n")
    assert line == text[: text.index(AFTER)].count("\n")
    assert "left out" in document.note
    assert len(chunk_document(document, "a", by_bytes, size=768)) <= 4


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", "<p>" + BEFORE + "</p><p>" + BASE64 + "</p>"),
        ("a.html", f"<p>{BEFORE} {BASE64} {AFTER}</p>"),
        ("a.json", json.dumps({"a": BEFORE + " " + AFTER, "b": BASE64}, indent=1)),
        ("a.xml", f"<a><b>{BEFORE} {AFTER}</b><c>{LINES}</c></a>"),
        ("a.csv", f"name,picture\n{BEFORE},{BASE64}\n"),
        ("a.py", f'"""{BEFORE}"""\nDATA = "{BASE64}"\n'),
        ("a.css", f"/* {BEFORE} */ a {{ background: url(\"data:image/svg+xml,%3Csvg fill='b'{HEX}%3E\") }}"),
        ("a.js", f"// {BEFORE}\n{minified()}\n"),
        ("a.eml", f"Subject: Hut\n\n{BEFORE}\n\n{LINES}\n"),
        ("a.tex", f"{BEFORE}\n\n{LINES}"),
        ("a.srt", f"1\n00:00:01,000 --> 00:00:02,000\n{BEFORE}\n{BASE64}\n"),
    ],
    ids=range(11),
)
def test_it_is_so_in_every_format(name: str, text: str) -> None:
    document = read(name, text)
    assert BEFORE in " ".join(document.text.split())
    assert len(" ".join(document.text.split())) < 400


LANGUAGE = [
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft " * 4,
    "AbstractSingletonProxyFactoryBeanConfigurationBuilderImplementationWithAVeryLongNameIndeedForATest",
    "https://example.org/blog/2026/how-to-sweep-a-flue-and-oil-a-hinge-without-leaving-the-hut-for-a-whole-week",
    "我们在码头等了很久" * 60,
    "เรือข้ามฟากลำแรกออกจากท่าเรือทางใต้" * 40,
    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 of the image",
    "_" * 300,
    "-" * 200 + "\n" + "=" * 200,
    "| " + " | ".join(f"{i}.5" for i in range(200)) + " |",
    "The value is 3.141592653589793238462643383279502884197169399375105820974944592307816406286208998",
    ("a long paragraph of plain words that goes on and on without an end of line " * 40).strip(),
    "for (int i = 0; i < n; i++) { total += rows[i].value; }\n" * 30,
]


@pytest.mark.parametrize("text", LANGUAGE, ids=range(len(LANGUAGE)))
def test_what_people_write_stays(text: str) -> None:
    document = read("a.txt", f"{BEFORE}\n\n{text}\n")
    assert text.split()[0][:60] in document.text
    assert document.note == ""


def test_a_file_of_nothing_but_data_is_left_out_with_the_reason() -> None:
    with pytest.raises(FileSkipped, match="data"):
        read("a.txt", BASE64)
    assert not is_language(BASE64)


def test_digests_of_a_lock_file_are_taken_out_of_its_lines() -> None:
    digest = base64.b64encode(BYTES[:64]).decode()
    lines = "".join(f'"rope@^{i}.0.0":\n  version "{i}.0.0"\n  integrity sha512-{digest}\n' for i in range(9))
    text = sniff.read(from_bytes(f"The ferryman's packages\n{lines}".encode(), "packages.txt")).text
    assert "integrity …" in text and digest[:40] not in text
    assert "The ferryman's packages" in text
