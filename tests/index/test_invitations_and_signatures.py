"""Mail as offices send it: invitations, messages signed as a whole; cards and calendars folded anywhere."""

from __future__ import annotations

import base64
import quopri

import pytest
from support import containers

from index.extract import sniff
from index.extract.source import from_bytes
from index.types import Document

HEADERS = (
    "From: ada@example.org\nTo: ben@example.org\nSubject: Probe\nDate: Mon, 2 Mar 2026 08:00:00 +0100\n"
    "MIME-Version: 1.0\n"
)
INVITATION = (
    "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Sliptermin\nLOCATION:Werfthalle 3\nEND:VEVENT\nEND:VCALENDAR\n"
)
ENCRYPTED = bytes.fromhex("06092a864886f70d010703")


def read(name: str, data: bytes | str) -> Document:
    return sniff.read(from_bytes(data.encode() if isinstance(data, str) else data, name))


def parts(*bodies: str, kind: str = "mixed", boundary: str = "q") -> str:
    inner = "".join(f"--{boundary}\n{body}\n" for body in bodies)
    return f"Content-Type: multipart/{kind}; boundary={boundary}\n\n{inner}--{boundary}--\n"


def test_an_invitation_is_read_beside_the_text_and_once() -> None:
    plain = "Content-Type: text/plain\n\nKommst du?"
    rich = "Content-Type: text/html\n\n<p>Kommst du?</p>"
    event = f"Content-Type: text/calendar; method=REQUEST; charset=utf-8\n\n{INVITATION}"
    attached = f'Content-Type: application/ics; name="invite.ics"\n\n{INVITATION}'
    text = read(
        "a.eml", HEADERS + parts(parts(plain, rich, event, kind="alternative", boundary="r"), attached)
    ).text
    assert text.count("Kommst du?") == 1 and text.count("Werfthalle 3") == 1


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
def test_a_message_attached_in_whatever_encoding_is_a_message(encoding: str) -> None:
    inner = (
        HEADERS.replace("Probe", "Innen") + "Content-Type: text/plain; charset=utf-8\n\nDie Kiellinie, schräg"
    ).encode()
    packed = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}.get(encoding, bytes)(
        inner
    )
    body = f"Content-Type: message/rfc822\nContent-Transfer-Encoding: {encoding}\n\n{packed.decode()}"
    document = read("a.eml", HEADERS + parts("Content-Type: text/plain\n\nSiehe unten", body))
    assert "Die Kiellinie, schräg" in document.text and "Subject: Innen" in document.text


def sealed(content: bytes) -> str:
    kind = "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\n"
    return f"{HEADERS}{kind}Content-Transfer-Encoding: base64\n\n{base64.encodebytes(content).decode()}"


@pytest.mark.parametrize("endless", [True, False])
def test_a_message_signed_as_a_whole_is_read(endless: bool) -> None:
    inner = parts("Content-Type: text/plain; charset=utf-8\n\nDie Ankerkette ist geprüft.", "\nNoch ein Teil")
    document = read("a.eml", sealed(containers.signed(inner.encode(), endless=endless)))
    assert "Die Ankerkette ist geprüft." in document.text and "Noch ein Teil" in document.text
    assert not document.note


@pytest.mark.parametrize(
    "content",
    [
        containers.element(
            0x30,
            ENCRYPTED,
            containers.element(
                0xA0, containers.element(0x30, containers.DATA, containers.element(0x30, b"x" * 20))
            ),
        ),
        containers.element(
            0x30, containers.SIGNED, containers.element(0xA0, containers.element(0x30, containers.DATA))
        ),
        containers.element(
            0x30, containers.SIGNED, containers.DATA, b"\xa0\x88" + b"\xff" * 8 + b"\4\x84\xff"
        ),
        containers.SIGNED,
        b"",
    ],
)
def test_what_is_encrypted_or_damaged_is_told(content: bytes) -> None:
    assert "encrypted" in read("a.eml", sealed(content)).note


def test_a_fold_inside_a_letter_leaves_the_letter() -> None:
    for at in range(30, 60):
        line = "SUMMARY:Treffen am Großen Meer, 渡轮, 😀 und zurück".encode()
        data = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" + line[:at] + b"\r\n " + line[at:]
        assert (
            "Treffen am Großen Meer, 渡轮, 😀 und zurück"
            in read("a.ics", data + b"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n").text
        )


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ("=D0=9A=\r\n =D0=B0=D0=BF=\r\n =D1=83=D1=81=D1=82=D0=\r\n =B8=D0=BD", "Капустин"),
        ("=D0=9A=\r\n=D0=B0=D0=BF=D1=83=D1=\r\n=81=D1=82=D0=B8=D0=BD", "Капустин"),
        ("Erste=\r\n Zeile=\r\nund mehr", "Erste Zeileund mehr"),
    ],
)
def test_soft_line_breaks_of_cards_are_folds_or_none(lines: str, name: str) -> None:
    card = (
        f"BEGIN:VCARD\r\nVERSION:2.1\r\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:{lines}\r\nEND:VCARD\r\n"
    )
    assert read("a.vcf", card).text.strip() == f"Name: {name}"


def test_labels_that_people_give_are_read() -> None:
    card = "BEGIN:VCARD\nFN:Ada\nitem1.TEL:110\nitem1.X-ABLabel:Steg C\nX-ABLabel:_$!<Work>!$_\nEND:VCARD\n"
    text = read("a.vcf", card).text
    assert "Label: Steg C" in text and "Work" not in text
