"""Bytes are read in the encoding they are in, whatever is declared; a wrong one spoils only itself."""

from __future__ import annotations

import random
import unicodedata

import pytest

from index.errors import FileSkipped
from index.extract import sniff
from index.extract.decode import decode_text
from index.extract.source import from_bytes
from index.types import Document

TEXTS = {
    "cp1251 koi8_r mac_cyrillic cp866 iso8859_5": "Расписание паромов на летний сезон. Первый паром от "
    "южной пристани в шесть утра.",
    "cp1253 iso8859_7": "Το πρώτο πλοίο αναχωρεί από τη νότια προβλήτα στις έξι το πρωί.",
    "cp1250 iso8859_2 cp852": "Převozník čeká na řece, žízeň má velkou. Zákazníci přicházejí každé ráno.",
    "cp1254": "İlk feribot sabah saat altıda güney iskelesinden kalkıyor, ağır yükler taşınmaz.",
    "cp1255": "המעבורת הראשונה יוצאת מהרציף הדרומי בשש בבוקר.",
    "cp1256": "تغادر السفينة الأولى من الرصيف الجنوبي في السادسة صباحا.",
    "cp1257": "Pirmasis keltas išplaukia iš pietinės prieplaukos šeštą ryto, žiūrėkite tvarkaraštį.",
    "cp874": "เรือข้ามฟากลำแรกออกจากท่าเรือทางใต้เวลาหกโมงเช้า",
    "cp932 euc_jp": "最初のフェリーは朝六時に南の桟橋から出発します。切符は岸の窓口でのみ販売されます。",
    "gb18030": "第一班渡轮早上六点从南码头出发。船票只在岸边的售票处出售。",
    "big5hkscs": "第一班渡輪早上六點從南碼頭出發。船票只在岸邊的售票處出售。",
    "cp949": "첫 번째 페리는 아침 여섯 시에 남쪽 부두에서 출발합니다.",
    "cp1252 mac_roman cp850": "Der erste Fährmann kommt um acht. Die Müllabfuhr fährt über die Brücke.",
}
CASES = [(codec, text) for codecs, text in TEXTS.items() for codec in codecs.split()]
RUSSIAN = TEXTS["cp1251 koi8_r mac_cyrillic cp866 iso8859_5"]


def read(name: str, data: bytes) -> Document:
    return sniff.read(from_bytes(data, name))


@pytest.mark.parametrize(("codec", "text"), CASES)
def test_an_encoding_that_nothing_declares_is_known_by_its_letters(codec: str, text: str) -> None:
    assert decode_text(text.encode(codec)) == text


@pytest.mark.parametrize(("codec", "text"), CASES)
def test_what_is_declared_wrongly_is_not_believed(codec: str, text: str) -> None:
    for lie in ("utf-8", "us-ascii", "utf-16"):
        assert decode_text(text.encode(codec), lie) == text


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("euc_jp", "漁船は朝の霧の中を静かに進み、灯台の光が見えた。梯子は倉庫にある。" * 3),
        ("hz", "渔船在早晨的雾中慢慢前进，灯塔的光已经看不见了。"),
        ("cp1258", unicodedata.normalize("NFD", "Ánh sáng vàng, người lái đò đợi hành khách.")),
    ],
)
def test_neighbours_of_one_script_are_told_apart(codec: str, text: str) -> None:
    """Kana are in the tables of Chinese; one run of HZ is no chance; marks of their own are Vietnamese."""
    text = text.encode(codec, "ignore").decode(codec)
    assert decode_text(text.encode(codec)) == text


@pytest.mark.parametrize("declared", ["iso-8859-1", "windows-1252"])
def test_western_is_not_believed_of_what_has_no_western_words(declared: str) -> None:
    assert decode_text(RUSSIAN.encode("cp1251"), declared) == RUSSIAN
    assert decode_text("Ça coûte très peu.".encode("cp1252"), declared) == "Ça coûte très peu."


@pytest.mark.parametrize("width", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", TEXTS.values())
def test_wide_characters_need_no_mark(width: str, text: str) -> None:
    assert decode_text(text.encode(width)) == text
    assert decode_text(text[:12].encode(width)) == text[:12]


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("iso2022_jp_ext", "最初のフェリー。\n梯子 ABC ｶﾅ\n"),
        ("iso2022_kr", "첫 번째 페리는 아침 ABC\n여섯"),
        ("hz", "第一班渡轮早上 ABC 六点从南\n码头出发"),
        ("utf-7", "Der Fährmann kommt über die Brücke. Größe"),
    ],
)
def test_seven_bits_are_decoded_with_and_without_a_declaration(codec: str, text: str) -> None:
    assert decode_text(text.encode(codec)) == text
    assert decode_text(text.encode(codec), codec) == text


def test_japanese_mail_has_the_characters_that_makers_of_computers_added() -> None:
    assert decode_text(b"\x1b$B-!\x1b(B one", "iso-2022-jp") == "① one"


@pytest.mark.parametrize("text", ["let x = a~{b}~ c", "1+1=2 and C++ a+b-c +x-", "a+AGE-b", "~{!"])
def test_ascii_that_only_looks_like_seven_bits_stays(text: str) -> None:
    assert decode_text(text.encode()) == text


def test_what_a_terminal_printed_is_no_japanese() -> None:
    assert decode_text(b"\x1b[32mINFO\x1b(B\x1b[m ok") == "INFO ok"


@pytest.mark.parametrize("at", [0, 100, 40_000, 190_000])
@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.csv", "a.py"])
def test_one_bad_byte_costs_one_character_and_is_noted(at: int, name: str) -> None:
    data = ("Билеты продаются только у кассы. " * 3 + "\n").encode() * 1_100
    document = read(name, data[:at] + b"\xff" + data[at:])
    assert document.text.count("\ufffd") <= 3
    assert document.text.count("Билеты продаются") >= 3_299
    assert "U+FFFD" in document.note


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_text_cut_inside_a_character_is_utf_8(cut: int) -> None:
    data = ("Das Zitat „so“ über 👍" * 3).encode()
    assert decode_text(data[:-cut]).startswith("Das Zitat „so“ über 👍")
    assert decode_text(data[1 + len("Das Zitat ") :]).endswith("über 👍")
    assert decode_text(b"Cut at a quote \xe2\x80") == "Cut at a quote \ufffd"


def test_a_latin_letter_in_utf_8_is_read_as_what_was_meant() -> None:
    text = "The note says “oil the hinge”. "
    assert decode_text(text.encode() * 5 + b"na\xefve") == text * 5 + "naïve"
    assert decode_text(text.encode() * 5 + b"\n na\xefve caf\xe9\n") == text * 5 + "\n naïve café\n"


@pytest.mark.parametrize("share", [1, 5, 20])
def test_a_file_joined_from_two_encodings_is_read_by_lines(share: int) -> None:
    one, other = "Müller fährt über die Brücke", "Größe der Fähre; früh am Tag"
    lines = [one.encode(), *[other.encode("cp1252")] * share, one.encode()]
    assert decode_text(b"\n".join(lines)) == "\n".join([one, *[other] * share, one])


def test_halves_of_an_emoji_are_joined_and_a_lone_one_is_replaced() -> None:
    assert decode_text(b"x \xed\xa0\xbd\xed\xb1\x8d y") == "x 👍 y"
    assert decode_text(b"x \xed\xa0\xbd y") == "x \ufffd y"


def test_random_bytes_are_no_text() -> None:
    chance = random.Random(1)
    for size in (400, 4_000):
        with pytest.raises(FileSkipped):
            read(
                "a.txt",
                bytes(chance.choices([*range(32, 127), *range(128, 256)], [1] * 95 + [3] * 128, k=size)),
            )


@pytest.mark.parametrize("hole", [b"\0" * 8, b"\0" * 5_000])
@pytest.mark.parametrize("words", ["Die Bilgepumpe läuft", "Трюмный насос работает", "the bilge pump runs"])
def test_a_hole_in_a_file_changes_nothing_around_it(words: str, hole: bytes) -> None:
    line = f"2026-03-02 {words}\n".encode()
    for data in (hole + line * 3, line * 3 + hole, line + hole + line * 2, hole + line * 3 + hole):
        assert decode_text(data) == line.decode() * 3


def test_a_file_that_is_filled_up_is_text() -> None:
    assert decode_text("Größe\n".encode() + b"\0\0\0") == "Größe\n"
    text = b"Seite eins steht hier\nSeite zwei, und die letzte ist es auch\n" * 2
    assert decode_text(text + b"\0\0\0\n").startswith(text.decode())
    assert decode_text(text * 9 + b"\0\x80\xc2l\7\0\0\0" + text).endswith(text.decode())


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize("words", ["木船在渡口。\n" * 9, "The ferry left.\n" * 9, "Паром отходит.\n" * 9])
def test_wide_text_is_no_text_with_holes(words: str, encoding: str) -> None:
    assert decode_text(words.encode(encoding)) == words
