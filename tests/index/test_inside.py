"""Files inside files: members of archives, attachments of mail and PDF; each read within bounds, or only named."""

from __future__ import annotations

import base64
import binascii
import gzip

import pytest
from support import containers, documents

from index.errors import FileFailed, FileSkipped
from index.extract import sniff
from index.extract.source import Allowance, from_bytes
from index.types import Document

NOTE = b"# Rigging\n\nThe forestay needs a turnbuckle.\n"
MEMBERS = {"notes/a.md": NOTE, "photos/crane.jpg": b"\xff\xd8\xff", "b.txt": b"High water is at noon."}


def read(name: str, data: bytes | str) -> Document:
    return sniff.read(from_bytes(data.encode() if isinstance(data, str) else data, name))


def places(document: Document, words: str) -> list[str]:
    """The headings above each block that holds these words."""
    return [" › ".join(s.heading) for s in document.sections if words in document.text[s.start : s.end]]


ARCHIVES = {
    "a.zip": documents.zipped(MEMBERS),
    "a.7z": containers.seven_zip(MEMBERS),
    "a.tar": containers.tar(MEMBERS),
    **{f"a.tar{suffix}": pack(containers.tar(MEMBERS)) for suffix, pack in containers.PACKERS.items()},
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_members_are_read_under_their_names(name: str) -> None:
    document = read(name, ARCHIVES[name])
    assert (document.kind, document.title) == ("archive", name)
    assert document.text.split("\n")[:3] == [*MEMBERS]
    assert places(document, "forestay") == ["notes/a.md › Rigging"]
    assert places(document, "High water") == ["b.txt"]


@pytest.mark.parametrize("suffix", containers.PACKERS)
def test_a_single_packed_file_is_read(suffix: str) -> None:
    assert places(
        read(f"tides.txt{suffix}", containers.PACKERS[suffix](b"High water is at noon.")), "High"
    ) == ["tides.txt"]


@pytest.mark.parametrize("codec", ["utf-8", "cp932", "cp437"])
def test_names_in_an_archive_are_as_they_were_written(codec: str) -> None:
    names = (
        ["ノート/船の予定表.txt", "写真の説明.txt"]
        if codec == "cp932"
        else ["Brücke/Fährplan.txt", "Übersicht.txt"]
    )
    plain = [f"{'x' * (len(name.encode(codec)) - 4)}.txt" for name in names]
    data = documents.zipped({name: f"note {i}" for i, name in enumerate(plain)})
    for name, held in zip(names, plain, strict=True):
        data = data.replace(held.encode(), name.encode(codec))
    assert read("a.zip", data).text.split("\n")[:2] == names


def test_archives_are_opened_two_deep() -> None:
    inner = documents.zipped({"a.md": NOTE})
    assert places(read("c.zip", documents.zipped({"b.zip": inner})), "forestay") == ["b.zip › a.md › Rigging"]
    deep = read("d.zip", documents.zipped({"c.zip": documents.zipped({"b.zip": inner})}))
    assert not places(deep, "forestay")
    assert "a.md" in deep.text and "too deep" in deep.note


def test_keys_litter_and_dependencies_in_an_archive_are_only_named() -> None:
    hidden = {
        ".ssh/id_rsa": b"words",
        "x/.env": b"words",
        "__MACOSX/._a.md": b"words",
        "node_modules/a.js": b"words",
    }
    document = read("a.zip", documents.zipped(hidden))
    assert document.text.split() == [*hidden]


def test_a_table_of_passwords_in_an_archive_is_only_named() -> None:
    table = b"name,url,username,password\nMail,https://example.org,ada,k3Xq-91zT-wwPl\n"
    assert "k3Xq" not in read("a.zip", documents.zipped({"x.csv": table, "a.md": NOTE})).text


def test_no_more_members_are_read_than_the_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    source = from_bytes(documents.zipped({f"{i}.txt": f"note {i}" for i in range(9)}), "a.zip")
    source.inside = Allowance(members=4)
    document = sniff.read(source)
    assert document.text.count("note") == 4
    assert "too many" in document.note


def test_an_archive_that_grows_without_end_is_refused() -> None:
    bomb = gzip.compress(containers.tar({"a.txt": bytes(66 << 20)}), 6)
    with pytest.raises(FileFailed, match="grows"):
        read("a.tar.gz", bomb)


def test_a_packed_file_that_grows_without_end_is_only_named() -> None:
    document = read("a.txt.gz", gzip.compress(bytes(50 << 20), 6))
    assert document.text == "a.txt\n" and "too large" in document.note


def test_a_damaged_member_costs_nothing_else() -> None:
    document = read("a.zip", documents.zipped({"a.docx": b"PK\x03\x04broken", "b.md": NOTE}))
    assert places(document, "forestay") == ["b.md › Rigging"]
    assert "a.docx in it is damaged" in document.note


@pytest.mark.parametrize("name", ["a.zip", "a.7z", "a.tar", "a.tar.gz"])
def test_an_archive_cut_short_is_read_as_far_as_it_goes_or_refused(name: str) -> None:
    for size in range(0, len(ARCHIVES[name]), 41):
        try:
            assert read(name, ARCHIVES[name][:size]).text.strip()
        except (FileSkipped, FileFailed) as error:
            assert error.what


def mail(body: str, *, headers: str = "") -> str:
    return f"From: Ada <ada@example.org>\nTo: Ben <ben@example.org>\nSubject: Ferry\nDate: Mon, 02 Mar 2026 09:30:00 +0000\nMIME-Version: 1.0\n{headers}\n{body}"


def parts(kind: str, *contents: str) -> str:
    return mail(
        "".join(f"--x\n{part}\n" for part in contents) + "--x--\n",
        headers=f'Content-Type: multipart/{kind}; boundary="x"\n',
    )


PLAIN, HTML = "Content-Type: text/plain; charset=utf-8\n\n", "Content-Type: text/html; charset=utf-8\n\n"


def test_text_attached_to_mail_is_read_and_pictures_are_named() -> None:
    attached = 'Content-Type: text/csv\nContent-Disposition: attachment; filename="tides.csv"\nContent-Transfer-Encoding: base64\n\n'
    picture = 'Content-Type: image/png\nContent-Disposition: attachment; filename="crane.png"\n\nxx'
    rows = base64.b64encode(b"harbour,height\nEast,3.1\nWest,2.9\n").decode()
    document = read("a.eml", parts("mixed", f"{PLAIN}See below.", attached + rows, picture))
    assert places(document, "harbour: East; height: 3.1") == ["Ferry › tides.csv"]
    assert "Attachments: tides.csv, crane.png" in document.text


def test_an_attached_message_keeps_its_headers() -> None:
    inner = (
        "Content-Type: message/rfc822\n\nFrom: Plumber <p@example.net>\nSubject: Quotation\n\nIt costs 240."
    )
    document = read("a.eml", parts("mixed", f"{PLAIN}Decide.", inner))
    assert places(document, "p@example.net") == places(document, "It costs") == ["Ferry › Quotation"]


def test_of_two_versions_the_one_with_the_words_is_read() -> None:
    stub = f"{PLAIN}Please use a program that shows HTML to read this message."
    page = f"{HTML}<p>Forty metres of hemp rope come by barge on Thursday.</p>"
    assert "hemp" in read("a.eml", parts("alternative", stub, page)).text
    whole = f"{PLAIN}Forty metres of hemp rope come by barge on Thursday. (plain)"
    assert "(plain)" in read("a.eml", parts("alternative", whole, page)).text


def test_lines_that_flow_are_joined_and_quotes_lose_their_marks() -> None:
    body = "The ferry leaves \nat six.\n> It left \n> at five.\n\n-- \nAda\n"
    text = read("a.eml", mail(body, headers="Content-Type: text/plain; format=flowed\n")).text
    assert (
        "The ferry leaves at six." in text
        and "It left at five." in text
        and ">" not in text.partition("Date")[2]
    )


def test_a_uuencoded_file_is_read_and_no_text() -> None:
    lines = b"".join(binascii.b2a_uu(part) for part in (b"High water is at", b" noon."))
    document = read("a.eml", mail(f"See the file.\n\nbegin 644 tides.txt\n{lines.decode()}`\nend\n"))
    assert places(document, "High water is at noon.") == ["Ferry › tides.txt"]
    assert "begin 644" not in document.text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"=?utf-8?B?Q2Fmw6k=?=", "Café"),
        (b"=?utf-8?B?Q2Fmww==?= =?utf-8?B?qQ==?=", "Café"),
        (b"=?utf-8?Q?Caf=C3?= =?utf-8?Q?=A9?=", "Café"),
        ("Café am Hafen".encode(), "Café am Hafen"),
        ("Café und Fähre am Flußufer".encode("cp1252"), "Café und Fähre am Flußufer"),
        (b"=?utf-8?Q?One?= two =?iso-8859-1?Q?caf=E9?=", "One two café"),
        (b"=?nonsense?Q?One?=", "One"),
        (b"=?utf-8?Q?broken", "=?utf-8?Q?broken"),
    ],
)
def test_headers_are_text(raw: bytes, shown: str) -> None:
    assert read("a.eml", b"From: a@b.c\nSubject: " + raw + b"\n\nThe ferry.\n").title == shown


FROM = "From keeper@example.org Mon Mar  2 09:00:00 2026\n"


def test_a_mailbox_is_told_by_its_first_line_and_divided_at_such_lines() -> None:
    second = mail("From now on bring a flask.\n\nFrom: the office\n\n>From the yard\n").replace(
        "Ferry", "Second"
    )
    for name in ("Inbox", "mbox", "Sent.txt", "a.mbox"):
        document = read(
            name, FROM + mail("First.\n\nFrom the north we come.\nNote: soon.\n") + "\n" + FROM + second
        )
        assert document.kind == "mbox"
        assert places(document, "north we come") == ["Ferry"]
        assert places(document, "the yard") == ["Second"]


@pytest.mark.parametrize("name", ["1772442000.M1P2.host:2,S", "1772442000.M1P2.host", "message", "a.txt"])
def test_a_message_without_a_suffix_is_mail(name: str) -> None:
    assert (read(name, mail("The ferry leaves.")).kind, read(name, mail("The ferry leaves.")).title) == (
        "mail",
        "Ferry",
    )


@pytest.mark.parametrize(
    "text", ["From: here\nto: there\n", "Note: one\n\nText.", "From here on Monday, 10:00\nwe sail.\n"]
)
def test_text_that_only_looks_like_mail_is_text(text: str) -> None:
    assert read("notes", text).kind == "text"


def test_a_saved_page_is_its_page() -> None:
    for name in ("a.mhtml", "a.mht", "a.doc", "page"):
        document = read(name, containers.MHTML)
        assert (document.kind, document.title) == ("mhtml", "Moss über harbour roofs")
        assert "iVBOR" not in document.text and "=3D" not in document.text


def test_html_and_tables_under_office_names_are_what_they_are() -> None:
    page = "<html><body><table><tr><td>Möwe</td><td>240</td></tr></table></body></html>"
    assert read("a.xls", page.encode("cp1252")).text == "| Möwe | 240 |\n"
    assert read("a.doc", page).kind == "html"
    assert "Part: Shackle; Shelf: north" in read("a.xls", "Part\tShelf\nShackle\tnorth\n").text
    assert read("a.docx", documents.RTF).kind == "rtf"


def test_outlooks_messages_are_read_with_what_is_attached() -> None:
    document = read("a.msg", containers.msg())
    assert (
        places(document, "From: Ada <ada@example.org>")
        == places(document, "The ferry leaves")
        == ["Ferry café"]
    )
    assert places(document, "High water") == ["Ferry café › tides.txt"]
    assert places(document, "Inner words.") == ["Ferry café › Inner subject"]


def test_what_outlook_attaches_for_others_is_read() -> None:
    attached = 'Content-Type: application/ms-tnef; name="winmail.dat"\nContent-Transfer-Encoding: base64\n\n'
    data = parts("mixed", f"{PLAIN}See the file.", attached + base64.b64encode(containers.tnef()).decode())
    assert places(read("a.eml", data), "High water") == ["Ferry › winmail.dat › Tender › tides.txt"]


def test_an_encrypted_message_says_so() -> None:
    locked = "Content-Type: application/pkcs7-mime; name=smime.p7m\n\nxx"
    assert "encrypted" in read("a.eml", parts("mixed", f"{PLAIN}See.", locked)).note
