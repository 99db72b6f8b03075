"""Numbers and dates of sheets in words: as the sheet shows them, and whole where the sheet hides digits.

Owns number formats (ECMA-376, part 1, 18.8.31). A person looks for what is on the screen, and for the whole
number behind `9.78E+12`. Knows no file format.
"""

from __future__ import annotations

import datetime
import re
from functools import lru_cache

_SHORTENED = re.compile(r"[-+]?\d+(?:[.,]\d+)?E[-+]?\d+|#+", re.IGNORECASE)
_YEAR = re.compile(r"\d{4}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DIGITS = 15
"""Digits that a sheet keeps of a number."""
_LITERAL = re.compile(
    r"\[\$(?P<currency>[^\]-]*)(?:-[^\]]*)?\]|\[(?P<elapsed>h+|m+|s+)\]|\[[^\]]*\]|\"(?P<quoted>[^\"]*)\"|\\(?P<escaped>.)"
    r"|_.|\*.|(?P<general>General)|(?P<power>E[+-]0+)|(?P<date>A/P|AM/PM|[ymdhsagb]+)|(?P<digits>[0#?]+(?:[,0#?]*[0#?])?(?:\.[0#?]*)?,*"
    r"|\.[0#?]+)|(?P<text>@)|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_Piece = dict[str, str]
"""What a piece of a format is (`digits`, `date`, `quoted`, ...) and how it is written there."""
_EPOCH, _EPOCH_1904 = datetime.datetime(1899, 12, 30), datetime.datetime(1904, 1, 1)
_LAST_DAY = 2_958_465
"""31 December 9999."""
_BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 14: "yyyy-mm-dd",
    15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm",
    21: "h:mm:ss",
    22: "yyyy-mm-dd h:mm", 37: "#,##0;-#,##0", 38: "#,##0;-#,##0", 39: "#,##0.00;-#,##0.00",
    40: "#,##0.00;-#,##0.00", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
}  # fmt: skip
"""Formats that workbooks name by number (18.8.30); days that each country writes in its way as ISO 8601."""


def built_in(number: int) -> str:
    """The format of that number among those that every workbook knows; empty for General."""
    return _BUILT_IN.get(number, "")


def plain_number(value: float) -> str:
    """A number in full: no power of ten, no digits that are only the rounding of a binary fraction."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    return f"{value:.{_DIGITS}g}"


def in_full(shown: str, value: str) -> str:
    """The shown text, followed by the full value if it shortens a number or omits the year of a day."""
    if _SHORTENED.fullmatch(shown):
        try:
            whole = plain_number(float(value))
        except ValueError:
            return shown
        return shown if whole == shown else f"{shown} ({whole})"
    if _DAY.match(value) and not _YEAR.search(shown):
        return f"{shown} ({value[:10]})"
    return shown


def formatted(value: float, code: str, *, from_1904: bool = False) -> str:
    """A number as a sheet with this format shows it; in full where the format is General or unknown."""
    if not code or code.lower() == "general":
        return plain_number(value)
    sections = _parse_format(code)
    part = sections[0] if value > 0 or len(sections) < 2 else sections[1] if value < 0 else sections[-1]
    if value == 0:
        part = sections[2] if len(sections) > 2 else sections[0]
    if any(piece["date"] or piece["elapsed"] for piece in part):
        return _moment(value, part, from_1904)
    sign = "-" if value < 0 and len(sections) < 2 else ""
    return in_full(sign + _number(abs(value), part), str(value))


@lru_cache(maxsize=512)
def _parse_format(code: str) -> list[list[_Piece]]:
    """The pieces of each section of a format; a workbook has few formats and many cells."""
    return [[found.groupdict("") for found in _LITERAL.finditer(part)] for part in _sections(code)]


def _sections(code: str) -> list[str]:
    """The formats for positive numbers, negative ones, and zero."""
    found, quoted, last = [""], False, ""
    for character in code[:500]:
        quoted ^= character == '"'
        if character == ";" and not quoted and last != "\\":
            found.append("")
        else:
            found[-1] += character
        last = character
    return found


def _number(value: float, pieces: list[_Piece]) -> str:
    percent = sum(piece["other"] == "%" for piece in pieces)
    digits = [piece for piece in pieces if piece["digits"]]
    if any(piece["power"] for piece in pieces):
        places = len(digits[0]["digits"].partition(".")[2]) if digits else 0
        return f"{value:.{places}E}"
    divided = len(digits) > 1 and any("." in piece["digits"] for piece in digits)
    if divided or any(piece["other"] == "/" for piece in pieces):  # a fraction, or digits around words
        return plain_number(value)
    value *= 100**percent
    scale = len(digits[-1]["digits"]) - len(digits[-1]["digits"].rstrip(",")) if digits else 0
    value /= 1000**scale
    masks = _fill_masks(value, [piece["digits"].rstrip(",") for piece in digits])
    shown = "".join(_piece(piece, value, masks) for piece in pieces)
    return shown.strip() if digits or "@" in shown or shown.strip() else plain_number(value)


def _piece(piece: _Piece, value: float, masks: list[str]) -> str:
    if piece["digits"]:
        return masks.pop(0)
    if piece["general"] or piece["text"]:
        return plain_number(value)
    return piece["currency"] or piece["quoted"] or piece["escaped"] or piece["other"]


def _fill_masks(value: float, masks: list[str]) -> list[str]:
    """The digits of a number dealt out to the places of its format, from the right."""
    if len(masks) <= 1:
        return [_in_mask(value, masks[0])] if masks else []
    whole = str(int(value + 0.5))
    found: list[str] = []
    for mask in reversed(masks[1:]):
        size = len(mask)
        found.append(whole[-size:].rjust(size, "0"))
        whole = whole[:-size]
    return [whole.rjust(masks[0].count("0"), "0"), *reversed(found)]


def _in_mask(value: float, mask: str) -> str:
    whole, _, fraction = mask.partition(".")
    places = min(len(fraction), _DIGITS)
    shown = f"{value:,.{places}f}" if "," in whole else f"{value:.{places}f}"
    kept = places - (len(fraction) - len(fraction.rstrip("#?")))
    while places > kept and shown.endswith("0"):
        shown, places = shown[:-1], places - 1
    shown = shown.rstrip(".") if not places else shown
    ahead, dot, behind = shown.partition(".")
    if ahead == "0" and not behind and "0" not in whole:
        return ""
    return ahead.rjust(whole.count("0"), "0") + dot + behind


def _moment(value: float, pieces: list[_Piece], from_1904: bool) -> str:
    if not 0 <= value <= _LAST_DAY:
        return plain_number(value)
    epoch = _EPOCH_1904 if from_1904 else _EPOCH
    try:
        moment = epoch + datetime.timedelta(milliseconds=round(value * 86_400_000))
    except OverflowError:
        return plain_number(value)
    half = any(piece["date"].upper() in ("AM/PM", "A/P") for piece in pieces)
    shown: list[str] = []
    before = ""
    for place, piece in enumerate(pieces):
        if piece["elapsed"]:
            unit = {"h": 24, "m": 1440, "s": 86_400}[piece["elapsed"][0].lower()]
            shown.append(str(int(value * unit + 1e-9)))
            before = piece["elapsed"].lower()
        elif piece["date"]:
            code = piece["date"].lower()
            shown.append(_date_part(moment, code, half, before, _following(pieces, place)))
            before = code
        elif piece["digits"]:
            shown.append(f"{moment.microsecond // 1000:03d}" if "." not in piece["digits"] else "")
        else:
            shown.append(piece["currency"] or piece["quoted"] or piece["escaped"] or piece["other"])
    day = value >= 1 and not any(piece["elapsed"] for piece in pieces)
    return in_full("".join(shown).strip(" ,;"), moment.date().isoformat() if day else "")


def _following(pieces: list[_Piece], place: int) -> str:
    return next((p["date"].lower() for p in pieces[place + 1 :] if p["date"]), "")


def _date_part(moment: datetime.datetime, code: str, half: bool, before: str, after: str) -> str:
    """`m` is a minute beside hours or seconds, else a month."""
    size = len(code)
    match code[0]:
        case "y":
            return f"{moment.year:04d}" if size > 2 else f"{moment.year % 100:02d}"
        case "m" if before.startswith("h") or after.startswith("s"):
            return f"{moment.minute:0{min(size, 2)}d}"
        case "m" if size > 2:
            return moment.strftime("%b" if size == 3 else "%B")[: 1 if size == 5 else 20]
        case "m":
            return f"{moment.month:0{size}d}"
        case "d" if size > 2:
            return moment.strftime("%a" if size == 3 else "%A")
        case "d":
            return f"{moment.day:0{size}d}"
        case "h":
            return f"{(moment.hour % 12 or 12) if half else moment.hour:0{min(size, 2)}d}"
        case "s":
            return f"{moment.second:0{min(size, 2)}d}"
        case "a" if "/" in code:
            return "AM" if moment.hour < 12 else "PM"
        case "a":
            return moment.strftime("%a" if size == 3 else "%A")
        case _:
            return ""
