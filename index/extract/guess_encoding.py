"""The encoding of bytes that declare none and are no UTF-8, by the letters that languages use.

Owns the encodings that are tried (those of https://encoding.spec.whatwg.org, and what DOS and the old Mac
wrote) and the letters that tell them apart. In the right encoding nearly every byte above 127 is a letter of
one language, the usual ones most often, and no capital is inside a word; in a wrong one they are not.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

_SAMPLE = 4_096
"""Bytes of lines that tell something: a paragraph of any language."""
_LINES = re.compile(rb"[^\n]{0,400}[\x80-\xff][^\n]{0,400}")
_WESTERN = "cp1252 mac_roman cp850 iso8859_15"
_CENTRAL = "cp1250 iso8859_2 cp852"
_CYRILLIC = "cp1251 koi8_u koi8_r cp866 iso8859_5 mac_cyrillic"

_ALPHABETS: tuple[tuple[str, str], ...] = (
    (_WESTERN, "éèàêçùâîôûëïœæ"),  # French
    (_WESTERN, "äöüß"),  # German
    (_WESTERN, "óíáéñúü¿¡ºª"),  # Spanish
    (_WESTERN, "ãáéçíóõúâêôàºª"),  # Portuguese
    (_WESTERN, "èàòùìé"),  # Italian
    (_WESTERN, "åäöé"),  # Swedish, Finnish
    (_WESTERN, "øåæéôò"),  # Danish, Norwegian
    (_WESTERN, "áíðóúýþæöé"),  # Icelandic
    (_WESTERN, "ëéïüöè"),  # Dutch
    (_WESTERN, "àéèíòóúüïç·"),  # Catalan
    (_CENTRAL, "łęąóśżćźń"),  # Polish
    (_CENTRAL, "íáéžýčřěšůúťďňó"),  # Czech
    (_CENTRAL, "áíéčžšýúľťôňäďóŕĺ"),  # Slovak
    (_CENTRAL, "áéőöíűüóú"),  # Hungarian
    (_CENTRAL, "čšžćđ"),  # Croatian, Slovenian
    (_CENTRAL, "ăîşţâșț"),  # Romanian
    ("cp1254 iso8859_9", "ışüğçöîâ"),  # Turkish
    ("cp1257 iso8859_13", "ėšžųįąūęč"),  # Lithuanian
    ("cp1257 iso8859_13", "āīēšņļūčķģž"),  # Latvian
    ("cp1257 iso8859_13", "äõüöšž"),  # Estonian
    (_CYRILLIC, "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё№"),  # Russian, Bulgarian
    (_CYRILLIC, "оаиніветрслкмдупяьзгйбчхцїжєюшщґф"),  # Ukrainian
    (_CYRILLIC, "аіненыратоллсякудмпўчгзбьйшэюжхцфё"),  # Belarusian
    ("cp1251 iso8859_5", "аоиејнтрсвукдмпљлзгбцчшњжћхђфџ"),  # Serbian
    ("cp1258", "\u0323\u0301\u0300\u0309\u0303đâêôươăáàíìúùóòéèủ"),  # Vietnamese
    ("cp1253 iso8859_7", "αοιετσνηυρπκμλςωδγχθφβξζψάέήίόύώϊϋΐΰ"),
    ("cp1255 iso8859_8", "יוהלאמרתבשנכדםחפקעטזגסצןךףץ"),
    ("cp1256 iso8859_6", "اليمنرتوبةعدسفكهقحجشطصخذأضىغزثءئؤإآظچپگژکی"),
    ("cp874", "านรอกเงมยลวดทสตะปบคหแจพชขใไโผถซณศธภษฐญฉฟฝฏฎฮฆฬๆ่้็๊๋ิีึืุูั์ำๅ"),
)  # fmt: skip
_SINGLE = tuple(dict.fromkeys(codec for codecs, _ in _ALPHABETS for codec in codecs.split()))
_RARER = dict.fromkeys(("mac_roman", "cp850", "cp852"), -0.3)
"""What speaks against an encoding beforehand: the web never used it."""
_SIGNS = frozenset("“”„‘’–—…«»°§€£\u00a0•©®™¿¡·‚×±½´‹›")
_LETTER, _SIGN, _FOREIGN, _NO_TEXT, _MIXED = 1.0, 0.4, -2.0, -3.0, -2.0
"""What a character says: of the language (and more where usual), of any, a letter of another, of none; and a
capital behind a small letter, or two scripts in one word."""
_NONE = 0.0
"""Below it a sample reads like no language: random bytes have -0.2 under their best codec, texts 0.9."""
_TELLING = 40
"""Bytes; fewer random ones can look like anything. With more ASCII than other bytes it is text anyway."""
_PLAIN = bytes(range(0x20, 0x7F)) + b"\t\n\r"
_WIDE: tuple[tuple[str, str], ...] = (
    ("gb18030", "gb2312"), ("big5hkscs", "big5"), ("cp932", "shift_jis"), ("euc_jp", "euc_jp"),
    ("cp949", "euc_kr"),
)  # fmt: skip
"""Encodings of two bytes a character, and the narrower set whose characters are the usual ones."""
_JAPANESE = ("shift_jis", "euc_jp")
_MOST_BROKEN = 0.02
_INSIDE = re.compile(r"(?<=[A-Za-z])[^\x00-\x7f](?=[A-Za-z ])")


def guess(data: bytes) -> str:
    """The codec under which `data` reads most like a language; Windows-1252 where none does better.

    Empty where it reads like none under any: the bytes are no text.
    """
    sample = b"\n".join(_sample_lines(data))
    marks = {codec: _single(sample, codec) + _RARER.get(codec, 0.0) for codec in _SINGLE}
    marks |= {codec: _wide(sample, codec, usual) for codec, usual in _WIDE}
    best = max(marks, key=lambda codec: (marks[codec], codec == "cp1252"))
    if (
        marks[best] < _NONE
        and len(data) >= _TELLING
        and len(sample.translate(None, _PLAIN)) > len(sample) // 2
    ):
        return ""
    return best if marks[best] > marks["cp1252"] + 0.05 else "cp1252"


def _sample_lines(data: bytes) -> list[bytes]:
    found: list[bytes] = []
    size = 0
    for line in _LINES.finditer(data):
        found.append(line.group())
        size += len(line.group())
        if size > _SAMPLE:
            break
    return found


def _single(sample: bytes, codec: str) -> float:
    """What a character above 127 says on average under a codec of one byte, in its best language."""
    text = sample.decode(codec, "replace")
    high = Counter(c for c in text if c > "\x7f")
    if not high:
        return 0.0
    of_any = sum(n * _alone(c) for c, n in high.items()) + _MIXED * _count_mixtures(text)
    best = max(sum(n * w.get(c, 0.0) for c, n in high.items()) for w in _weights(codec))
    return (of_any + best) / high.total() + _stray(text, high)


def _stray(text: str, high: Counter[str]) -> float:
    """What speaks against a few letters of another script among Latin ones: they are misread accents."""
    latin = sum(c <= "\x7f" and c.isalpha() for c in text)
    other = sum(n for c, n in high.items() if c.isalpha() and _script(c))
    return _FOREIGN / 2 if 0 < 4 * other < latin else 0.0


def _alone(character: str) -> float:
    if character in _SIGNS:
        return _SIGN
    return _FOREIGN if character.isalpha() or "\u0300" <= character < "\u0370" else _NO_TEXT


@lru_cache(maxsize=64)
def _weights(codec: str) -> tuple[dict[str, float], ...]:
    """For each language written in the codec, what its letters say beyond what a foreign letter would."""
    found = []
    for codecs, letters in _ALPHABETS:
        if codec in codecs.split():
            said = {c: _LETTER + 1 - i / len(letters) - _alone(c) for i, c in enumerate(letters)}
            found.append(
                said | {c.upper(): w - 0.2 for c, w in said.items() if len(c.upper()) == 1 and c.upper() != c}
            )
    return tuple(found)


def _count_mixtures(text: str) -> int:
    """Capitals behind small letters, letters of two scripts side by side, signs inside words."""
    count = 0
    for before, here, after in zip(text, text[1:], text[2:], strict=False):
        if here <= "\x7f" and before <= "\x7f":
            continue
        if before.isalpha() and here.isalpha():
            count += (here.isupper() and before.islower()) or _script(before) != _script(here)
        elif (
            here > "\x7f"
            and here not in "’·‘\u00a0"
            and not here.isalpha()
            and before.isalpha()
            and after.isalpha()
        ):
            count += not "\u0300" <= here < "\u0370" and not "\u0e00" <= here < "\u0e80"
    return count


def _script(letter: str) -> int:
    code = ord(letter)
    return 0 if code < 0x370 else code >> 8 if code < 0x600 else 6


def _wide(sample: bytes, codec: str, usual: str) -> float:
    """The same for a codec of two bytes: common characters, kana and syllables speak for it."""
    text = sample.decode(codec, "replace")
    high = Counter(c for c in text if c > "\x7f")
    total = high.total()
    if not total or high["\ufffd"] > max(1, _MOST_BROKEN * total):
        return _NO_TEXT
    return (sum(n * _common(c, usual) for c, n in high.items()) + _MIXED * _inside_words(text)) / total


def _inside_words(text: str) -> int:
    """Characters of two bytes between Latin letters: in a text of one byte a letter, with the next one."""
    return len(_INSIDE.findall(text))


@lru_cache(maxsize=20_000)
def _common(character: str, usual: str) -> float:
    if "\u3041" <= character <= "\u30fa":
        return 1.6 if usual in _JAPANESE else _FOREIGN  # the tables of Chinese and Korean hold kana too
    if character in "。、，！？：；「」（）“”《》・ー　":
        return 1.6
    if "\uff61" <= character <= "\uff9f":
        return _FOREIGN  # half-width kana: any byte from A1 to DF is one in Shift_JIS
    try:
        first = character.encode(usual)[0]
    except UnicodeEncodeError:
        return _FOREIGN
    level_one = {
        "gb2312": 0xB0 <= first <= 0xD7, "big5": 0xA4 <= first <= 0xC6, "euc_jp": 0xB0 <= first <= 0xCF,
        "shift_jis": 0x88 <= first <= 0x98, "euc_kr": 0xB0 <= first <= 0xC8,
    }[usual]  # fmt: skip
    if not level_one:
        return -0.6
    return 1.8 if "\uac00" <= character <= "\ud7a3" else 1.7  # hanzi fall outside this part of Korean's table
