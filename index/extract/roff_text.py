"""The escapes of roff resolved: `\\fB\\-a\\fR` is `-a`, `Pok\\['e]mon` is Pokémon.

Owns characters and what sets type without being text. Names: groff_char(7), groff(7).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

_NAMES = """
em — en – hy - mi − bu • lq “ rq ” oq ‘ cq ’ aq ' dq " ga ` ha ^ ti ~ rs \\ co © rg ® tm ™ -> → <- ← <> ↔ <= ≤
>= ≥ != ≠ == ≡ ~~ ≈ +- ± mu × di ÷ de ° sc § ps ¶ ct ¢ Eu € eu € Po £ Ye ¥ 12 ½ 14 ¼ 34 ¾ ss ß ae æ AE Æ oe œ
OE Œ o/ ø O/ Ø /l ł /L Ł -D Ð Sd ð Tp þ TP Þ .i ı ul _ sl / ba | or | br | at @ sh # Do $ lB [ rB ] lC { rC }
la ⟨ ra ⟩ fm ′ sd ″ OK ✓ ci ○ sq □ dg † dd ‡ %0 ‰ Fo « Fc » fo ‹ fc › r! ¡ r? ¿ pc · md ⋅ if ∞ mo ∈ sr √
bv | no ¬ ff ff fi fi fl fl Fi ffi Fl ffl S1 ¹ S2 ² S3 ³ Of ª Om º Bq „ bq ‚
"""
"""Names of characters, each before its character."""
_GREEK = zip("abgdezyhiklmncoprstufxqw", "αβγδεζηθικλμνξοπρστυφχψω", strict=True)
_CHARACTERS = dict(zip(_NAMES.split()[::2], _NAMES.split()[1::2], strict=True))
_CHARACTERS |= {f"*{name}": letter for name, letter in _GREEK}
_ACCENTS = {
    "'": "\u0301", "`": "\u0300", "^": "\u0302", ":": "\u0308", "~": "\u0303", ",": "\u0327", "v": "\u030c",
    "o": "\u030a",
}  # fmt: skip
_ACCENT_NAMES = {"aa": "'", "ga": "`", "ah": "v", "ao": "o", "ac": ",", "a^": "^", "ad": ":", "a~": "~"}
_NAME = r"(?:\[(?P<{0}long>[^\]\n]{{0,200}})\]|\((?P<{0}two>..)|(?P<{0}one>[^\[(]))"
_ESCAPE = re.compile(
    r"\\(?:"
    r"[\"#].*"  # a comment
    r"|[*]" + _NAME.format("string_")
    + r"|[fFmMgkOVY]" + _NAME.format("set_") + r"|n[+-]?" + _NAME.format("number_")
    + r"|s(?:[+-]?(?:\[[^\]\n]*\]|\(..|'[^'\n]*')|[+-]?[1-3]\d|[+-]?\d)"
    r"|o(?P<over>['\"])(?P<struck>.{0,100}?)(?P=over)"
    r"|N'(?P<code>\d{1,7})'"
    r"|[hvwbDlLSRXZAHBC](?P<quote>['\"^|]).{0,500}?(?P=quote)"
    r"|(?P<character>\[[^\]\n]{1,200}\]|\(..)"
    r"|(?P<one>.|$))"
)  # fmt: skip
_INVISIBLE = frozenset("&%:/,|^!cadurpz{})")
_SIGNS = {"e": "\\", "E": "\\", "~": " ", "0": " ", "t": "\t", "'": "'", "`": "`"}
_UNICODE = re.compile(r"u([0-9A-Fa-f]{4,6})(?:_[0-9A-Fa-f_]*)?")


def resolved(text: str, strings: Mapping[str, str]) -> str:
    """A line of text without escapes. `strings` holds those that the page defines, resolved already."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: _meaning(found, strings), text)


def _meaning(found: re.Match[str], strings: Mapping[str, str]) -> str:
    if name := found["string_long"] or found["string_two"] or found["string_one"]:
        return strings.get(name, "")
    if found["character"]:
        return _character(found["character"].strip("[").removeprefix("(").removesuffix("]"))
    if found["struck"]:
        return found["struck"]
    if found["code"]:
        return _of_code(int(found["code"]))
    one = found["one"] or ""
    return "" if one in _INVISIBLE else _SIGNS.get(one, one)


def _character(name: str) -> str:
    """The character of that name; the name itself where it is none."""
    if name in _CHARACTERS:
        return _CHARACTERS[name]
    if number := _UNICODE.fullmatch(name):
        return _of_code(int(number[1], 16))
    letter, _, accent = name.partition(" ")
    accent, letter = (accent, letter) if accent else (name[:1], name[1:])
    accent = (
        accent.replace("aa", "'").replace("ga", "`").replace("ah", "v").replace("ao", "o").replace("ac", ",")
    )
    if accent in _ACCENTS and len(letter) == 1:
        return unicodedata.normalize("NFC", letter + _ACCENTS[accent])
    return name


def _of_code(number: int) -> str:
    return chr(number) if 0x20 <= number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
