"""Numbers in words for the user: counts with their noun, sizes and durations.

Knows nothing of the terminal or of screens.
"""

from __future__ import annotations


def count(number: int, noun: str, several: str = "") -> str:
    """`1 file`, `1,204 files`, `2 queries`; `several` is an irregular plural."""
    return f"{number:,} {plural(number, noun, several)}"


def plural(number: int, noun: str, several: str = "") -> str:
    """The noun in the form for this number."""
    if number == 1:
        return noun
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return several or noun[:-1] + "ies"
    return several or noun + "s"


def size(octets: float) -> str:
    """`812 B`, `38 MB`, `1.2 GB`, in powers of ten, as file managers count."""
    for unit in ("B", "kB", "MB"):
        if octets < 1000:
            return f"{octets:.0f} {unit}"
        octets /= 1000
    return f"{octets:.1f} GB"


def duration(seconds: float) -> str:
    """`8 s`, `3 min 5 s`, `1 h 20 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def rough_duration(seconds: float) -> str:
    """`8 s`, `3 min`, `1 h 20 min`, `12 h`, `3 days`: as exact as an estimate deserves."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return count(hours // 24, "day")
    return f"{hours} h {rest} min" if rest and hours < 10 else f"{hours} h"
