"""Values assigned to the name of a password or key: `password: …`, `**Passwort** = …`, `"token": "…"`.

Owns the text that is allowed between a name and its value, and the conditions under which the value is a
credential. Knows no names (`labels`) and does not judge values (`values`).

In prose, a name at the beginning of its line or a value with a digit is enough, even for a weak value. In
code, and for names with several meanings (`token`, `secret`), only a value that looks random counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from index.credentials.labels import Label
from index.credentials.published import beside_sample
from index.credentials.values import (
    has_digit,
    is_password,
    is_placeholder,
    is_program_name,
    is_strong,
    strip_quotes,
)

_BLANK = r"[ \t\r\f\v\xa0\xad\u1680\u2000-\u200f\u202f\u205f\u2060\u3000\ufeff]{0,4}"
"""Blanks of a line, and characters without width, which pages leave in what is copied from them."""
_AFTER = re.compile(
    rf"""
    (?P<more>(?:(?![\u2e80-\uffef])[\w-]){{0,24}}+
        (?:{_BLANK}\([^()\n]{{0,40}}\)|[^\S\n](?!(?:is|are|was|ist|lautet|est|es)\b)[^\s:=：＝|;,{{}}<>$"(]{{1,24}}+){{0,8}}?)
    (?:["'`*_\])»”\\]{{0,5}}+|</\w{{1,8}}>){_BLANK}
    (?P<by>(?!:\w{{1,20}}:`)(?::=|=>|->|→|[:=：＝|]|[–—-](?=[^\S\n])
        |(?<=\s)(?:is|was|are|ist|war|lautet|est|es|é|è|era|это|är|er|jest|je)(?=[\s:])
        |是|为|為|は|が|는|은))
    {_BLANK}:?(?:["'`*_\])»”]{{1,3}}+(?=[^\S\n])|</\w{{1,8}}>)?{_BLANK}
    (?:[*_(\[\\]{{0,3}}|<\w{{1,8}}>)(?P<quote>["'`“„«‘]?)[*_]{{0,3}}
    (?P<value>\S{{1,120}})
    """,
    re.VERBOSE,
)
"""From the end of a name to its value: more words (`for the router`), closed emphasis, a sign or a verb.
The colon of a role of reStructuredText is no sign."""
_IN_CODE = re.compile(
    rf"[\w-]{{0,24}}+[\"'`]?\]?{_BLANK}(?::=|=>|[:=]){_BLANK}(?P<quote>[\"'`]?)(?P<value>[^\s\"'`<>{{}}()$,;]{{8,200}})"
)
_NEXT_LINE = re.compile(
    rf"[:：*_`]{{0,4}}{_BLANK}\n(?:[^\S\n]*\n)?[\s>*#`_-]{{0,6}}(?P<value>\S{{6,100}})[^\S\n]{{0,4}}(?:\n|\Z)"
)
_ELEMENT = re.compile(r">\s{0,8}(?P<value>[^\s<>]{6,100})\s{0,8}</")
_BESIDE = re.compile(
    r"</key>\s{0,20}<string>(?P<plist>[^<>\s]{6,100})</string>"
    r"|[\"']\s{1,4}value\s{0,2}=\s{0,2}[\"'](?P<attribute>[^\"'\s]{6,100})[\"']"
    r"|[\"']\s{0,2},\s{0,3}[\"'](?P<constant>[^\"'\s]{6,100})[\"']\s{0,2}\)"
)
"""After a name in a list of properties, in an attribute, in `define('NAME', 'value')`."""
_GROUPS = re.compile(r"[A-Za-z0-9]{4,6}(?:[ -][A-Za-z0-9]{4,6}){3,11}(?![\w-])")
"""A key in groups, as it is printed to be typed."""
_LOGIN = re.compile(r"\b(?:login|account|user(?:name)?)[ \t]{1,4}\S{1,80}\s{1,8}\Z")
"""The text before the password in a line of `.netrc`."""
_WORD = re.compile(r"[ \t]{1,4}(\S{3,100})")
_OPTION = re.compile(r"[ =][\"']?(?P<value>[^\s\"']{6,100})")
_DIGITS = re.compile(
    rf"[^\S\n]?(?:\([^()\n]{{0,20}}\))?[\"'`*_\])]{{0,4}}{_BLANK}(?P<by>[:=：|#是는은は]|(?:is|ist|lautet|est|es|är)\b)?"
    rf"{_BLANK}[*_`\"'(:]{{0,4}}{_BLANK}(?P<value>\d{{4,8}}|\d\d(?:[ -]\d\d){{1,3}})(?![\w-]|[.,:/]\d)"
)
_ENDS = {"“": "”“", "„": "“”", "«": "»", "‘": "’"}
_CUT = re.compile(r"[;<]|[&,][\w-]+=|[\u2e80-\uffef]")
"""The end of a value, other than a blank: a separator of values, a tag, a script without blanks."""
_STOCK = re.compile(r"p[a@4][s5$]{2}w[o0]rd|secret|test|token", re.IGNORECASE)
"""Values in programs that only stand in for a password."""
_EXPRESSION = re.compile(r"[A-Za-z_][\w.]*[\[(+].*")
_NETWORKS = ("wifi", "wi-fi", "wlan", "router", "hotspot", "fritzbox")
_NO_WORD = re.compile(
    r"(?:un|in)?(?:required|optional|known|protected|correct|changed|encrypted|limited|available|defined|specified"
    r"|necessary|needed|supported|secured?|valid)|disabled|enabled|forgotten|missing|benötigt|erforderlich"
    r"|unbekannt|string|password|passwort|forgot|default|settings|manager",
    re.IGNORECASE,
)
"""Single words that describe the password of a network."""
_SHORTEST_WORD = 8
_VERDICTS = re.compile(
    r"^(?:X?FAIL|XPASS|SKIP|ERROR|UNSUPPORTED|UNTESTED): |^# of expected passes", re.MULTILINE
)
"""Lines of the log of a test suite, in which `PASS:` is a result (Automake, DejaGnu)."""
_ENDED = re.compile(r"\w{4,}[.!?]\s")
_SENTENCE = re.compile(r"[.!?]\s")
_LEAD = 60
"""Characters before a name on its line: with more, the name is part of a sentence."""
_LEAD_WORDS = 6
"""Words before a name on its line: with more, the name is part of a sentence."""
_LONGEST_QUOTED = 100
"""Characters of a quoted value: longer quotes hold prose."""


def assignments(text: str, labels: Sequence[Label], *, code: bool) -> Iterator[tuple[int, int]]:
    """The spans of names with their values in `text`."""
    done = -1
    is_test_log = False
    for label in labels:
        if label.start < done:
            continue
        if text.startswith("PASS:", label.start):
            is_test_log = is_test_log or _VERDICTS.search(text) is not None
            if is_test_log:
                continue
        end = _in_code(text, label) if code else _in_text(text, label)
        if end and not beside_sample(text, label.start, end):
            yield label.start, end
            done = end


def _in_code(text: str, label: Label) -> int:
    if label.kind not in ("password", "key"):
        return 0
    if (constant := _BESIDE.match(text, label.end)) and constant["constant"] and _is_defined(text, label):
        return constant.end() if is_strong(constant["constant"]) else 0
    found = _IN_CODE.match(text, label.end)
    if not found or _EXPRESSION.fullmatch(found["value"]):
        return 0
    if _STOCK.search(found["value"]) or (is_program_name(found["value"]) and not found["quote"]):
        return 0
    return found.end("value") if is_strong(strip_quotes(found["value"])) else 0


def _in_text(text: str, label: Label) -> int:
    """The end of the value of a name; 0 where it has none."""
    if label.kind == "pin":
        return _digits(text, label)
    if text[label.start - 1 : label.start] == "<":
        element = _ELEMENT.match(text, label.end)
        return element.end("value") if element and is_password(element["value"]) else 0
    if label.kind in ("password", "short") and _LOGIN.search(text, max(0, label.start - 100), label.start):
        word = _WORD.match(text, label.end)
        named = "machine" in text[max(0, label.start - 200) : label.start]
        weak = (
            named or (is_password(word[1]) and (label.kind == "password" or has_digit(word[1])))
            if word
            else False
        )
        if word and weak and not is_placeholder(word[1]):
            return word.end()
    lead = _lead(text, label.start)
    if lead is not None and lead.endswith("--") and label.kind == "password":
        option = _OPTION.match(text, label.end)
        return option.end() if option and is_password(strip_quotes(option["value"])) else 0
    if end := _beside(text, label):
        return end
    found = _AFTER.match(text, label.end)
    if found and not _is_about_something_else(text, label, found):
        if label.kind == "key" and (groups := _in_groups(text, found.start("value"))):
            return groups
        value, end = _value(text, found)
        if _counts(label, lead is not None, found["by"], value):
            return end
        if lead is not None and found["by"] in _SIGNS and _is_network_word(text, label, value, end):
            return end
    if lead is not None and label.kind == "password" and len(lead.split()) <= 3:
        below = _NEXT_LINE.match(text, label.end)
        value = strip_quotes(below["value"]) if below else ""
        if below and is_password(value) and has_digit(value) and not value.isdecimal():
            return below.end("value")
    return 0


def _is_about_something_else(text: str, label: Label, found: re.Match[str]) -> bool:
    """Whether a sentence ends between name and value, or the value is an option's: `pass CFLAGS="-O2"`."""
    if _ENDED.search(found["more"]):
        return True
    attached = found["by"] == "=" and not text[found.start("by") - 1].isspace()
    return label.kind == "short" and attached and len(found["more"].split()) > 0


def _is_network_word(text: str, label: Label, value: str, end: int) -> bool:
    """Whether a network's password is one word, with which its line ends."""
    if label.kind != "password" or not value.isalpha() or len(value) < _SHORTEST_WORD:
        return False
    near = text[max(0, label.start - 24) : label.end + 24].lower()
    ends = not text[end : end + 2].strip(" \r|*`").strip("\n")
    return ends and any(name in near for name in _NETWORKS) and not _NO_WORD.fullmatch(value)


def _beside(text: str, label: Label) -> int:
    """The end of a value that follows its name without a sign such as a colon."""
    found = _BESIDE.match(text, label.end) if label.kind == "password" else None
    if not found or (found["constant"] and not _is_defined(text, label)):
        return 0
    return found.end() if is_password(found[found.lastgroup or 0]) else 0


def _is_defined(text: str, label: Label) -> bool:
    return "define(" in text[max(0, label.start - 40) : label.start].replace(" ", "").lower()


def _in_groups(text: str, start: int) -> int:
    found = _GROUPS.match(text, start)
    digits = found and sum(map(str.isdigit, found.group()))
    return found.end() if found and digits and digits >= len(found.group()) // 16 else 0


def _counts(label: Label, leads: bool, by: str, value: str) -> bool:
    """Whether a value that a sign or a verb assigns to a name is a credential."""
    if label.kind == "key":
        return (
            by in _SIGNS and not {" ", "["} & set(value) and is_strong(value) and not is_program_name(value)
        )
    if label.kind == "short":
        return by in _SIGNS and leads and is_password(value)
    if by not in _SIGNS:
        return is_password(value) and has_digit(value)
    return is_strong(value) or (is_password(value) and (leads or has_digit(value)))


_SIGNS = (":", "=", ":=", "=>", "：", "＝", "|", "->", "→")


def _value(text: str, found: re.Match[str]) -> tuple[str, int]:
    """The value without quotes, and its end."""
    start, end = found.span("value")
    quote = found["quote"]
    if quote:
        closers = _ENDS.get(quote, quote)
        line = text[start : start + _LONGEST_QUOTED].split("\n", 1)[0]
        length = min((at for at in map(line.find, closers) if at > 0), default=0)
        if length:
            return text[start : start + length], start + length + 1
    value = found["value"]
    if found["by"] in ("|",):
        value = value.split("|", 1)[0]
    cut = _CUT.search(value)
    if cut:
        value = value[: cut.start()]
    return strip_quotes(value), end


def _digits(text: str, label: Label) -> int:
    found = _DIGITS.match(text, label.end)
    if not found:
        return 0
    named = found["by"] or text[label.start : label.end].isupper()
    return found.end() if named and len(set(found["value"])) > 1 else 0


def _lead(text: str, start: int) -> str | None:
    """The text before a name on its line; None where that text is a sentence, not a list mark or a topic."""
    line = text.rfind("\n", max(0, start - _LEAD), start) + 1
    if not line and start > _LEAD:
        return None
    lead = text[line:start]
    return lead if len(lead.split()) <= _LEAD_WORDS and not _SENTENCE.search(lead) else None
